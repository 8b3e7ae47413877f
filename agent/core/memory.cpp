#include "agent/core/memory.hpp"

#include "common/base/limits.hpp"

namespace kilter::agent {

namespace {

void write_row(ByteWriter& out, const model::Schedules& row) {
    out.u32(static_cast<std::uint32_t>(row.cols()));
    for (Eigen::Index t = 0; t < row.cols(); ++t)
        out.f64(row(0, t));
}

model::Schedules read_row(ByteReader& in) {
    const std::uint32_t count = in.u32();
    if (count > limits::horizon_max || in.left() < 8 * std::size_t{count}) {
        in.raw(in.left() + 1);  // fails the reader
        return {};
    }
    model::Schedules row(1, count);
    for (Eigen::Index t = 0; t < row.cols(); ++t)
        row(0, t) = in.f64();
    return row;
}

std::optional<IntervalIndex> decode_certified(ByteView bytes) {
    ByteReader in(bytes);
    const IntervalIndex interval = in.i64();
    return in.complete() ? std::optional(interval) : std::nullopt;
}

std::optional<Joined> decode_joined(ByteView bytes) {
    ByteReader in(bytes);
    Joined out;
    while (in.left() > 0 && !in.failed()) {
        const auto chair = in.fixed<crypto::PublicKey>();
        const IntervalIndex interval = in.i64();
        out[chair] = {interval, in.u32()};
    }
    return in.failed() ? std::nullopt : std::optional(std::move(out));
}

std::optional<Warm> decode_warm(ByteView bytes, Eigen::Index horizon) {
    ByteReader in(bytes);
    Warm out;
    out.interval = in.i64();
    out.state.rho_eur_per_kw2 = in.f64();
    out.state.z_kw = read_row(in);
    out.state.y_eur_per_kw = read_row(in);
    const bool whole = in.complete() && out.state.z_kw.cols() == horizon &&
                       out.state.y_eur_per_kw.cols() == horizon;
    return whole ? std::optional(std::move(out)) : std::nullopt;
}

Error damaged(const char* key) {
    return {std::string("the remembered '") + key +
            "' does not decode: the state directory is damaged or another version's; restore it or "
            "start with an empty one"};
}

Result<Place> recall_place(const Charter& charter, ByteView bytes) {
    auto receipt = consensus::decode_receipt(bytes);
    if (!receipt || charter.fault(*receipt)) return damaged(roster_key);
    auto roster = settlement::decode_roster(receipt->entry.body);
    if (!roster) return roster.error();
    return Place::on(std::move(*roster), charter.identity);
}

}  // namespace

Bytes encode_certified(IntervalIndex interval) {
    return ByteWriter{}.i64(interval).bytes();
}

Bytes encode(const Joined& joined) {
    ByteWriter out;
    for (const auto& [chair, session] : joined)
        out.raw(chair.view()).i64(session.interval).u32(session.opening);
    return std::move(out).bytes();
}

Bytes encode(const Warm& warm) {
    ByteWriter out;
    out.i64(warm.interval).f64(warm.state.rho_eur_per_kw2);
    write_row(out, warm.state.z_kw);
    write_row(out, warm.state.y_eur_per_kw);
    return std::move(out).bytes();
}

Result<Remembered> recall(const Charter& charter, const Memory& memory) {
    Remembered out;
    const auto find = [&](const char* key) -> const Bytes* {
        const auto found = memory.find(key);
        return found == memory.end() || found->second.empty() ? nullptr : &found->second;
    };
    if (const Bytes* bytes = find(roster_key)) {
        auto place = recall_place(charter, *bytes);
        if (!place) return place.error();
        out.place = std::move(*place);
    }
    if (const Bytes* bytes = find(certified_key)) {
        out.certified = decode_certified(*bytes);
        if (!out.certified) return damaged(certified_key);
    }
    if (const Bytes* bytes = find(pending_key)) {
        auto agreed = Agreements::decode(*bytes);
        if (!agreed) return damaged(pending_key);
        out.agreed = std::move(*agreed);
    }
    if (const Bytes* bytes = find(joined_key)) {
        auto joined = decode_joined(*bytes);
        if (!joined) return damaged(joined_key);
        out.joined = std::move(*joined);
    }
    if (const Bytes* bytes = find(warm_key)) {
        out.warm = decode_warm(*bytes, charter.parameters.horizon);
        if (!out.warm) return damaged(warm_key);
    }
    return out;
}

}  // namespace kilter::agent
