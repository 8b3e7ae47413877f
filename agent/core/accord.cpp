#include "agent/core/accord.hpp"

#include <algorithm>
#include <cmath>

#include "agent/core/interim.hpp"
#include "common/crypto/commitment.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

bool is_signed(const Charter& charter,
               const settlement::ClearedNet& record,
               const settlement::ClearedMember& member) {
    return crypto::verify(
        member.key, settlement::statement_of(charter.genesis.chain_id(), record, member.commitment),
        member.signature);
}

bool is_missing(const settlement::ClearedMember& member) {
    return member.signature == consensus::Signature{};
}

}  // namespace

Accord::Accord(const Charter& charter,
               const market::SessionId& session,
               NetId net,
               std::uint64_t roster_epoch,
               IntervalIndex base,
               const market::Cleared& cleared,
               const model::Schedules& base_kw,
               std::vector<crypto::PublicKey> members) {
    const model::Schedules x_kw = cleared.x_kw + base_kw;
    record_.interval = session.interval;
    record_.opening = session.opening;
    record_.net = net;
    record_.roster_epoch = roster_epoch;
    record_.outcome = settlement::Outcome::interim;
    record_.iteration = cleared.iteration;
    record_.residual_milliwatt = std::llround(cleared.primal_residual_kw * 1e6);
    record_.prices_micro_eur_per_kwh = market::prices_micro_eur_per_kwh(
        market::terminal_values(cleared.y_eur_per_kw, 0, charter.parameters), charter.interval_h());
    record_.base = base;
    std::sort(members.begin(), members.end());
    for (const crypto::PublicKey& key : members)
        record_.members.push_back({key, {}, {}});
    consumption_kw_ = x_kw(0, 0);
    for (settlement::ClearedMember& member : record_.members) {
        if (member.key != charter.identity.public_key()) continue;
        member.commitment =
            crypto::commit(crypto::salt_for(charter.identity, interim_bytes(charter, session)),
                           market::energies_wh(market::terminal_values(x_kw, 0, charter.parameters),
                                               charter.interval_h()));
        member.signature = charter.identity.sign(
            settlement::statement_of(charter.genesis.chain_id(), record_, member.commitment));
    }
}

wire::ClearingShare Accord::own_share(const Charter& charter) const {
    for (const settlement::ClearedMember& member : record_.members)
        if (member.key == charter.identity.public_key())
            return {session(), record_.net, record_.iteration, member.commitment, member.signature};
    KILTER_CHECK(false, "an accord is one of this home's");
    return {};
}

std::vector<crypto::PublicKey> Accord::missing() const {
    std::vector<crypto::PublicKey> out;
    for (const settlement::ClearedMember& member : record_.members)
        if (is_missing(member)) out.push_back(member.key);
    return out;
}

std::vector<crypto::PublicKey> Accord::others(const Charter& charter) const {
    std::vector<crypto::PublicKey> out;
    for (const settlement::ClearedMember& member : record_.members)
        if (member.key != charter.identity.public_key()) out.push_back(member.key);
    return out;
}

bool Accord::take(const Charter& charter,
                  const crypto::PublicKey& from,
                  const wire::ClearingShare& share) {
    if (share.session != session() || share.net != record_.net ||
        share.iteration != record_.iteration)
        return false;
    for (settlement::ClearedMember& member : record_.members) {
        if (member.key != from) continue;
        if (!is_missing(member)) return true;
        const settlement::ClearedMember theirs{from, share.commitment, share.signature};
        if (!is_signed(charter, record_, theirs)) return false;
        member = theirs;
        return true;
    }
    return false;
}

bool Accord::take(const Charter& charter, const settlement::ClearedNet& record) {
    settlement::ClearedNet blank = record;
    settlement::ClearedNet mine = record_;
    for (settlement::ClearedNet* each : {&blank, &mine})
        for (settlement::ClearedMember& member : each->members)
            member = {member.key, {}, {}};
    if (blank != mine || !all_signed(charter, record)) return false;
    record_ = record;
    return true;
}

bool all_signed(const Charter& charter, const settlement::ClearedNet& record) {
    return std::all_of(record.members.begin(), record.members.end(),
                       [&](const auto& member) { return is_signed(charter, record, member); });
}

Bytes Accord::encode() const {
    return ByteWriter{}.f64(consumption_kw_).raw(settlement::encode(record_)).bytes();
}

std::optional<Accord> Accord::decode(ByteView bytes) {
    ByteReader in(bytes);
    Accord out;
    out.consumption_kw_ = in.f64();
    auto record = settlement::decode_cleared_net(in.raw(in.left()));
    if (in.failed() || !record || record->outcome != settlement::Outcome::interim ||
        !std::isfinite(out.consumption_kw_))
        return std::nullopt;
    out.record_ = *std::move(record);
    return out;
}

}  // namespace kilter::agent
