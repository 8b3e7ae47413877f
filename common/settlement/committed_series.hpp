/// Energies of consecutive intervals as the log holds them: as commitments, and as what the members of a set reveal so that
/// only their sum can be read.
#pragma once

#include <vector>

#include "common/crypto/pedersen.hpp"
#include "common/crypto/sum_mask.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::settlement {

struct CommittedInterval {
    crypto::Point commitment;       ///< to net consumption in Wh, positive = import
    crypto::MaskedOpening opening;  ///< masked for the sum over the net
    bool operator==(const CommittedInterval&) const = default;
};

struct CommittedSeries {
    IntervalIndex first = 0;
    NetId net;
    std::uint64_t roster_epoch = 0;
    std::vector<CommittedInterval> intervals;  ///< first, first + 1, ...; at least one
    bool operator==(const CommittedSeries&) const = default;

    [[nodiscard]] IntervalIndex end() const {
        return first + static_cast<IntervalIndex>(intervals.size());
    }
};

/// At most 96: a day of quarter hours.
inline constexpr std::size_t series_intervals_max = 96;

void write(ByteWriter& out, const CommittedSeries& series);
/// Total; `in` has failed or the series is empty when it is cut short or too long.
CommittedSeries read_series(ByteReader& in);
/// Whether a series' commitments and scalars still have to be looked at (4.5 µs each), or come from a log that was verified.
enum class Elements : std::uint8_t { unknown, verified };

/// Whether every commitment is an element of the group and every blinding a scalar. Error: which interval is not.
Result<void> check(const CommittedSeries& series);

/// H("positions", the commitments one after the other): what a home signs in place of its schedule's hash when the session
/// is its day-ahead session.
Digest digest_of_commitments(const CommittedSeries& series);

/// What masks of a series are made for (crypto::SumMasks' context): no two openings share one.
enum class MaskedFor : std::uint8_t { reads = 1, positions = 2 };
Bytes mask_context(const ChainId& chain, MaskedFor what, NetId net, IntervalIndex interval);

/// The sum of a set smaller than this says too much of its members: nothing of it is revealed.
inline constexpr std::size_t sum_members_min = 2;

/// What goes on the log for one interval. `keys`: those whose sum may be read, ascending, the masks' owner among them.
/// Error: a key that no secret can be shared with.
Result<CommittedInterval> committed(std::int64_t energy_wh,
                                    const crypto::Scalar& blinding,
                                    crypto::SumMasks& masks,
                                    std::span<const PublicKey> keys,
                                    ByteView context);

}  // namespace kilter::settlement
