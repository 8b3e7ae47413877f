#include "common/settlement/meter_reads.hpp"

namespace kilter::settlement {

const char* name_of(Quality quality) {
    switch (quality) {
        case Quality::measured:
            return "measured";
        case Quality::substituted:
            return "substituted";
        case Quality::estimated:
            return "estimated";
    }
    return "unknown";
}

Bytes encode(const MeterReads& reads) {
    ByteWriter out;
    write(out, reads.series);
    out.u8(reads.begins ? 1 : 0);
    for (const Quality quality : reads.qualities)
        out.u8(static_cast<std::uint8_t>(quality));
    return out.raw(reads.raw.view()).bytes();
}

Result<MeterReads> decode_meter_reads(ByteView bytes, Elements elements) {
    ByteReader in(bytes);
    MeterReads reads;
    reads.series = read_series(in);
    const std::uint8_t begins = in.u8();
    if (begins > 1) return Error{"meter reads: they begin or they do not"};
    reads.begins = begins == 1;
    for (std::size_t t = 0; t < reads.series.intervals.size(); ++t) {
        const std::uint8_t quality = in.u8();
        if (!in.failed() && (quality < 1 || quality > 3))
            return Error{"meter reads: unknown quality"};
        reads.qualities.push_back(static_cast<Quality>(quality));
    }
    reads.raw = in.fixed<Digest>();
    if (!in.complete()) return Error{"meter reads: cut short or followed by other bytes"};
    if (elements == Elements::verified) return reads;
    if (auto sound = check(reads.series); !sound)
        return Error{"meter reads: " + sound.error().message};
    return reads;
}

Bytes meter_reads_key(const PublicKey& meter, IntervalIndex first) {
    return ByteWriter{}.text("reads|").raw(meter.view()).i64(first).bytes();
}

consensus::EntryPtr make_entry(const MeterReads& reads,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& meter) {
    return make_entry(meter_reads_entry, meter_reads_key(meter.public_key(), reads.series.first),
                      encode(reads), chain, seq, expires_ms, meter);
}

}  // namespace kilter::settlement
