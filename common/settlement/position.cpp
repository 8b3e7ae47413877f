#include "common/settlement/position.hpp"

#include <algorithm>

namespace kilter::settlement {

IntervalIndex day_end(IntervalIndex interval, std::int64_t interval_s) {
    const IntervalIndex per_day = std::max<std::int64_t>(1, 86'400 / interval_s);
    return (interval / per_day + 1) * per_day;
}

Bytes encode(const Position& position) {
    ByteWriter out;
    out.u32(position.opening);
    write(out, position.series);
    return std::move(out).bytes();
}

Result<Position> decode_position(ByteView bytes, Elements elements) {
    ByteReader in(bytes);
    Position position;
    position.opening = in.u32();
    position.series = read_series(in);
    if (!in.complete()) return Error{"position: cut short or followed by other bytes"};
    if (elements == Elements::verified) return position;
    if (auto sound = check(position.series); !sound)
        return Error{"position: " + sound.error().message};
    return position;
}

Bytes position_key(const PublicKey& home, IntervalIndex first, std::uint32_t opening) {
    return ByteWriter{}.text("position|").raw(home.view()).i64(first).u32(opening).bytes();
}

consensus::EntryPtr make_entry(const Position& position,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home) {
    return make_entry(position_entry,
                      position_key(home.public_key(), position.series.first, position.opening),
                      encode(position), chain, seq, expires_ms, home);
}

}  // namespace kilter::settlement
