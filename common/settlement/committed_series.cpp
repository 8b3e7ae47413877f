#include "common/settlement/committed_series.hpp"

namespace kilter::settlement {

void write(ByteWriter& out, const CommittedSeries& series) {
    out.i64(series.first).u32(series.net.value).u64(series.roster_epoch);
    out.u16(static_cast<std::uint16_t>(series.intervals.size()));
    for (const CommittedInterval& one : series.intervals)
        out.raw(one.commitment.view()).u64(one.opening.energy).raw(one.opening.blinding.view());
}

CommittedSeries read_series(ByteReader& in) {
    CommittedSeries series;
    series.first = in.i64();
    series.net.value = in.u32();
    series.roster_epoch = in.u64();
    const std::size_t count = in.u16();
    if (count > series_intervals_max) return series;
    for (std::size_t t = 0; t < count && !in.failed(); ++t) {
        CommittedInterval one;
        one.commitment = in.fixed<crypto::Point>();
        one.opening.energy = in.u64();
        one.opening.blinding = in.fixed<crypto::Scalar>();
        series.intervals.push_back(one);
    }
    return series;
}

Result<void> check(const CommittedSeries& series) {
    if (series.intervals.empty())
        return Error{"there are no intervals, or more than " +
                     std::to_string(series_intervals_max)};
    for (std::size_t t = 0; t < series.intervals.size(); ++t) {
        const CommittedInterval& one = series.intervals[t];
        if (!crypto::is_point(one.commitment) || !crypto::is_scalar(one.opening.blinding))
            return Error{"the commitment of interval " +
                         std::to_string(series.first + static_cast<IntervalIndex>(t)) +
                         " is no element of the group"};
    }
    return {};
}

Digest digest_of_commitments(const CommittedSeries& series) {
    ByteWriter out;
    for (const CommittedInterval& one : series.intervals)
        out.raw(one.commitment.view());
    return crypto::digest("positions", out.bytes());
}

Result<CommittedInterval> committed(std::int64_t energy_wh,
                                    const crypto::Scalar& blinding,
                                    crypto::SumMasks& masks,
                                    std::span<const PublicKey> keys,
                                    ByteView context) {
    CommittedInterval out;
    out.commitment = crypto::commit(energy_wh, blinding);
    if (keys.size() < sum_members_min) return out;
    auto opening = masks.mask(energy_wh, blinding, keys, context);
    if (!opening) return opening.error();
    out.opening = *opening;
    return out;
}

Bytes mask_context(const ChainId& chain, MaskedFor what, NetId net, IntervalIndex interval) {
    return ByteWriter{}
        .raw(chain.view())
        .u8(static_cast<std::uint8_t>(what))
        .u32(net.value)
        .i64(interval)
        .bytes();
}

}  // namespace kilter::settlement
