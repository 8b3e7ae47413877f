#include "agent/core/agreements.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/crypto/commitment.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

Bytes encode_one(const Agreement& one) {
    ByteWriter out;
    out.i64(one.session.interval)
        .u32(one.session.opening)
        .u32(one.net.value)
        .raw(one.chair.view())
        .u32(one.iteration);
    out.u32(static_cast<std::uint32_t>(one.prices_micro.size()));
    for (const std::int64_t price : one.prices_micro)
        out.i64(price);
    out.raw(one.commitment.view()).f64(one.consumption_kw);
    out.u32(static_cast<std::uint32_t>(one.positions_wh.size()));
    for (const std::int64_t energy : one.positions_wh)
        out.i64(energy);
    return std::move(out).bytes();
}

std::optional<Agreement> decode_one(ByteView bytes) {
    ByteReader in(bytes);
    Agreement out;
    out.session = {in.i64(), in.u32()};
    out.net = NetId{in.u32()};
    out.chair = in.fixed<crypto::PublicKey>();
    out.iteration = in.u32();
    const std::uint32_t count = in.u32();
    if (count > limits::horizon_max) return std::nullopt;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i)
        out.prices_micro.push_back(in.i64());
    out.commitment = in.fixed<crypto::Digest>();
    out.consumption_kw = in.f64();
    const std::uint32_t positions = in.u32();
    if (positions > settlement::series_intervals_max) return std::nullopt;
    for (std::uint32_t i = 0; i < positions && !in.failed(); ++i)
        out.positions_wh.push_back(in.i64());
    return in.complete() ? std::optional(out) : std::nullopt;
}

}  // namespace

Agreement agreement_on(const Charter& charter,
                       const market::SessionId& session,
                       NetId net,
                       const crypto::PublicKey& chair,
                       const market::Cleared& cleared,
                       bool day_ahead) {
    const model::Series x = market::terminal_values(cleared.x_kw, 0, charter.parameters);
    const model::Series y = market::terminal_values(cleared.y_eur_per_kw, 0, charter.parameters);
    const Bytes name = market::session_bytes(charter.chain.view(), session);
    Agreement out;
    out.session = session;
    out.net = net;
    out.chair = chair;
    out.iteration = cleared.iteration;
    out.prices_micro = market::prices_micro_eur_per_kwh(y, charter.interval_h());
    const std::vector<std::int64_t> energies = market::energies_wh(x, charter.interval_h());
    out.consumption_kw = x(0);
    if (day_ahead) {
        const auto today = static_cast<std::size_t>(
            settlement::day_end(session.interval, charter.parameters.interval_s) -
            session.interval);
        const std::size_t count =
            std::min({today, energies.size(), settlement::series_intervals_max});
        out.positions_wh.assign(energies.begin(),
                                energies.begin() + static_cast<std::ptrdiff_t>(count));
        out.commitment = settlement::digest_of_commitments(positions_of(charter, out).series);
    } else {
        out.commitment = crypto::commit(crypto::salt_for(charter.identity, name), energies);
    }
    return out;
}

crypto::Scalar position_blinding(const Charter& charter,
                                 const market::SessionId& session,
                                 std::size_t k) {
    const Bytes place =
        ByteWriter{}.raw(market::session_bytes(charter.chain.view(), session)).u64(k).bytes();
    return crypto::blinding_for(charter.identity, "kilter position", place);
}

settlement::Position positions_of(const Charter& charter, const Agreement& agreement) {
    settlement::Position out;
    out.opening = agreement.session.opening;
    out.series.first = agreement.session.interval;
    out.series.net = agreement.net;
    for (std::size_t k = 0; k < agreement.positions_wh.size(); ++k)
        out.series.intervals.push_back(
            {crypto::commit(agreement.positions_wh[k],
                            position_blinding(charter, agreement.session, k)),
             {}});
    return out;
}

wire::ClearingShare clearing_share(const Charter& charter, const Agreement& agreement) {
    const Bytes statement = settlement::clearing_statement(
        charter.genesis.chain_id(), agreement.session.interval, agreement.session.opening,
        agreement.net, agreement.iteration, agreement.prices_micro, agreement.commitment);
    return {agreement.session, agreement.net, agreement.iteration, agreement.commitment,
            charter.identity.sign(statement)};
}

void Agreements::add(Agreement agreement) {
    by_age_.push_back(std::move(agreement));
    if (by_age_.size() > kept_max) by_age_.erase(by_age_.begin());
}

const Agreement* Agreements::matching(const settlement::ClearedNet& record,
                                      const crypto::Digest& commitment) const {
    const auto found = std::find_if(by_age_.begin(), by_age_.end(), [&](const Agreement& one) {
        return one.session == market::SessionId{record.interval, record.opening} &&
               one.iteration == record.iteration &&
               one.prices_micro == record.prices_micro_eur_per_kwh && one.commitment == commitment;
    });
    return found == by_age_.end() ? nullptr : &*found;
}

bool Agreements::settle(IntervalIndex interval) {
    return std::erase_if(
               by_age_, [&](const Agreement& one) { return one.session.interval <= interval; }) > 0;
}

Bytes Agreements::encode() const {
    if (by_age_.empty()) return {};
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(by_age_.size()));
    for (const Agreement& one : by_age_) {
        const Bytes bytes = encode_one(one);
        out.u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
    }
    return std::move(out).bytes();
}

std::optional<Agreements> Agreements::decode(ByteView bytes) {
    Agreements out;
    ByteReader in(bytes);
    const std::uint32_t count = in.u32();
    if (count > kept_max) return std::nullopt;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto one = decode_one(in.raw(in.u32()));
        if (!one) return std::nullopt;
        out.by_age_.push_back(std::move(*one));
    }
    return in.complete() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace kilter::agent
