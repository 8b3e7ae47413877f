/// What becomes of the bills of a feeder and period: who owes what, so that exactly what the grid above is owed is paid.
///
/// Homes are charged at their net's prices, the grid above is paid at the tie's; where limits bind, prices differ, and
/// something is left over, or missing. The rule: each home's charge is rounded down to micro-EUR, and so is what is owed
/// upstream; the difference is returned to (or collected from) all homes with a bill in equal parts that differ by at most
/// one micro-EUR, the larger ones to the lower keys. A part does not depend on what a home consumed, so no price is blurred.
///
/// What was traded with a neighbouring feeder is owed to it at the trade's prices, and not to the grid above at the tie's: what
/// the trade saves is part of the surplus. Where feeders share a log, that is the one with number 0.
#pragma once

#include <vector>

#include "common/settlement/bill.hpp"
#include "common/settlement/price_book.hpp"
#include "common/settlement/tie_trade.hpp"

namespace kilter::settlement {

struct HomeDue {
    PublicKey home;
    std::int64_t charge_micro_eur = 0;
    std::int64_t surplus_micro_eur = 0;  ///< its part
    std::int64_t due_micro_eur = 0;      ///< charge − part; positive = the home pays
    bool operator==(const HomeDue&) const = default;
};

/// What a trade over a tie comes to in a period; positive: the feeder buys, or owes.
struct NeighbourDue {
    ChainId log;  ///< the other feeder's
    std::int64_t energy_wh = 0;
    std::int64_t owed_micro_eur =
        0;  ///< to the nearest, half away from zero: both logs have the same number
    std::int64_t at_tie_nano_eur = 0;  ///< what the grid above would have been owed for it
    bool operator==(const NeighbourDue&) const = default;
};

/// The part of a trade that lies in the period of the prices; nothing: none does.
/// Error: the log has no price at the tie for an interval of it, or the amount is out of range.
Result<std::optional<NeighbourDue>> due_of(const TieDeal& deal, const PriceBook& prices);

struct Settlement {
    std::vector<HomeDue> homes;            ///< ascending by key
    std::int64_t upstream_micro_eur = 0;   ///< owed to the grid above
    std::vector<NeighbourDue> neighbours;  ///< and to these; upstream + Σ owed = Σ due
    std::int64_t surplus_micro_eur = 0;
    std::int64_t energy_wh = 0;
};

/// REQUIRES: keys distinct. Error: a sum is out of range.
Result<Settlement> settle(std::vector<std::pair<PublicKey, Bill>> bills,
                          std::vector<NeighbourDue> neighbours = {});

}  // namespace kilter::settlement
