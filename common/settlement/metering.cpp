#include "common/settlement/metering.hpp"

namespace kilter::settlement {

namespace {

struct Counted {
    std::int64_t wh = 0;
    bool rolled_over = false;
};

// What a register counted between two reads; nothing: it cannot have.
std::optional<Counted> counted(std::int64_t before,
                               std::int64_t now,
                               std::int64_t most,
                               const MeterLimits& limits) {
    Counted out{now - before, now < before};
    if (out.rolled_over) out.wh += limits.register_wh;
    return out.wh <= most ? std::optional(out) : std::nullopt;
}

bool shown(std::int64_t wh, const MeterLimits& limits) {
    return wh >= 0 && wh < limits.register_wh;
}

std::vector<MeteredInterval> spread(IntervalIndex first,
                                    std::size_t count,
                                    std::int64_t import_wh,
                                    std::int64_t export_wh,
                                    Quality quality) {
    const auto imports = even_parts(import_wh, count);
    const auto exports = even_parts(export_wh, count);
    std::vector<MeteredInterval> out;
    for (std::size_t t = 0; t < count; ++t)
        out.push_back({first + static_cast<IntervalIndex>(t), imports[t], exports[t], quality});
    return out;
}

}  // namespace

const char* name_of(ReadOutcome outcome) {
    switch (outcome) {
        case ReadOutcome::baseline:
            return "baseline";
        case ReadOutcome::measured:
            return "measured";
        case ReadOutcome::rolled_over:
            return "rolled over";
        case ReadOutcome::filled_gap:
            return "filled a gap";
        case ReadOutcome::duplicate:
            return "duplicate";
        case ReadOutcome::out_of_order:
            return "out of order";
        case ReadOutcome::contradicts:
            return "contradicts";
        case ReadOutcome::impossible:
            return "impossible";
    }
    return "unknown";
}

ReadResult follow(const std::optional<RegisterRead>& before,
                  const RegisterRead& read,
                  const MeterLimits& limits) {
    const bool possible = shown(read.import_wh, limits) && shown(read.export_wh, limits);
    if (!before) return {possible ? ReadOutcome::baseline : ReadOutcome::impossible, {}};
    if (read == *before) return {ReadOutcome::duplicate, {}};
    if (read.interval == before->interval) return {ReadOutcome::contradicts, {}};
    if (read.interval < before->interval) return {ReadOutcome::out_of_order, {}};
    const auto count = static_cast<std::size_t>(read.interval - before->interval);
    if (count > limits.gap_intervals_max)
        return {possible ? ReadOutcome::baseline : ReadOutcome::impossible, {}};
    const std::int64_t most = limits.interval_wh_max * static_cast<std::int64_t>(count);
    const IntervalIndex first = before->interval + 1;
    const auto import = counted(before->import_wh, read.import_wh, most, limits);
    const auto exported = counted(before->export_wh, read.export_wh, most, limits);
    if (!possible || !import || !exported)
        return {ReadOutcome::impossible, spread(first, count, 0, 0, Quality::estimated)};
    if (count > 1)
        return {ReadOutcome::filled_gap,
                spread(first, count, import->wh, exported->wh, Quality::substituted)};
    return {import->rolled_over || exported->rolled_over ? ReadOutcome::rolled_over
                                                         : ReadOutcome::measured,
            spread(first, count, import->wh, exported->wh, Quality::measured)};
}

bool counts(ReadOutcome outcome) {
    return outcome != ReadOutcome::duplicate && outcome != ReadOutcome::out_of_order &&
           outcome != ReadOutcome::contradicts;
}

std::vector<std::int64_t> even_parts(std::int64_t total, std::size_t parts) {
    KILTER_CHECK(parts > 0, "something is divided among nobody");
    const auto count = static_cast<std::int64_t>(parts);
    std::int64_t each = total / count;
    std::int64_t left = total % count;
    if (left < 0) {
        --each;
        left += count;
    }
    std::vector<std::int64_t> out(parts, each);
    for (std::size_t i = 0; i < static_cast<std::size_t>(left); ++i)
        ++out[i];
    return out;
}

Digest raw_reads_digest(ByteView salt, const std::vector<RegisterRead>& reads) {
    ByteWriter out;
    for (const RegisterRead& read : reads)
        out.i64(read.interval).i64(read.import_wh).i64(read.export_wh);
    return crypto::keyed_digest("raw reads", salt, out.bytes());
}

}  // namespace kilter::settlement
