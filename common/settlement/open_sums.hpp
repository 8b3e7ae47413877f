/// Sums over the members of a net that open when the last member has shown its masked part: for every interval of a period
///
///     Σₕ Cₕₜ = (Σₕ eₕₜ)·B + (Σₕ rₕₜ)·H.
///
/// All intervals are checked at once with random weights σₜ: Σₜ σₜ·(Σₕ Cₕₜ) against Σₜ σₜ·Eₜ and Σₜ σₜ·Rₜ; one wrong interval
/// survives with probability 2^-252. Only when that fails are they looked at one by one.
#pragma once

#include <vector>

#include "common/settlement/committed_series.hpp"

namespace kilter::settlement {

class OpenSums {
  public:
    OpenSums(IntervalIndex first, IntervalIndex end);

    /// One member's part. Intervals outside the period change nothing.
    void add(IntervalIndex interval, const CommittedInterval& part);
    /// The set of this interval is contradictory: it never opens.
    void spoil(IntervalIndex interval);

    [[nodiscard]] std::size_t parts(IntervalIndex interval) const;

    struct Result {
        std::size_t opened = 0;            ///< intervals whose sum is known and proven
        std::size_t closed = 0;            ///< intervals whose parts are not all there
        std::vector<IntervalIndex> wrong;  ///< all parts are there and do not open the commitments
        std::int64_t energy_wh = 0;        ///< over the opened intervals
        std::vector<std::size_t> members;  ///< behind each interval's sum; 0 where not opened
        std::vector<std::int64_t> energies_wh;  ///< per interval; 0 where not opened
    };

    /// `expected[t]`: how many parts interval first + t has; 0: it is not to open. `challenge`: unknown to who made the parts.
    [[nodiscard]] Result open(const std::vector<std::size_t>& expected, ByteView challenge) const;

  private:
    struct Sum {
        crypto::Point commitment;
        crypto::MaskedOpening opening;
        std::uint32_t parts = 0;
        bool spoiled = false;
    };

    [[nodiscard]] Sum* at(IntervalIndex interval);

    IntervalIndex first_;
    std::vector<Sum> sums_;
};

}  // namespace kilter::settlement
