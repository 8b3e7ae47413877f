/// What becomes of the bills of a feeder and period: who owes what, so that exactly what the grid above is owed is paid.
///
/// Homes are charged at their net's prices, the grid above is paid at the tie's; where limits bind, prices differ, and
/// something is left over, or missing. The rule: each home's charge is rounded down to micro-EUR, and so is what is owed
/// upstream; the difference is returned to (or collected from) all homes with a bill in equal parts that differ by at most
/// one micro-EUR, the larger ones to the lower keys. A part does not depend on what a home consumed, so no price is blurred.
#pragma once

#include <vector>

#include "common/settlement/bill.hpp"

namespace kilter::settlement {

struct HomeDue {
    PublicKey home;
    std::int64_t charge_micro_eur = 0;
    std::int64_t surplus_micro_eur = 0;  ///< its part
    std::int64_t due_micro_eur = 0;      ///< charge − part; positive = the home pays
    bool operator==(const HomeDue&) const = default;
};

struct Settlement {
    std::vector<HomeDue> homes;           ///< ascending by key
    std::int64_t upstream_micro_eur = 0;  ///< owed to the grid above; = Σ due
    std::int64_t surplus_micro_eur = 0;
    std::int64_t energy_wh = 0;
};

/// REQUIRES: keys distinct. Error: a sum is out of range.
Result<Settlement> settle(std::vector<std::pair<PublicKey, Bill>> bills);

}  // namespace kilter::settlement
