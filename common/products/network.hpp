/// Network charge by actual use, rule "network" version 1: what one interval of the grid costs is shared out to who made it
/// flow. On a radial feeder every line carries what the nets below it exchange with the rest, so each line's cost of the
/// interval is shared among the homes below it whose flow goes the line's way; who flows against it relieves the line and
/// pays nothing.
///
/// The cost of line l in an interval: rate_l * |flow_l| (per kWh carried), flow_l = sum of the reads below l.
/// Home i below l with read e_i of the flow's sign has the weight |e_i|.
///
/// Trades within one net use no line and pay none: neighbours who exchange at home keep what they save the grid.
#pragma once

#include "common/base/result.hpp"
#include "common/products/transfer.hpp"

namespace kilter::products {

struct ChargedLine {
    std::size_t below = 0;                    ///< the net at its far end
    std::size_t above = 0;                    ///< the net (or the root) it hangs from
    std::int64_t rate_micro_eur_per_kwh = 0;  ///< of what it carries
};

struct ConnectedHome {
    Account account;
    std::size_t net = 0;
    Wh read_wh = 0;  ///< positive = consumption
};

struct NetworkInterval {
    Account grid_operator;
    std::size_t nets = 0;
    std::size_t root = 0;            ///< where the feeder begins
    std::vector<ChargedLine> lines;  ///< a tree: one for every net but the root
    std::vector<ConnectedHome> homes;
};

struct NetworkUse {
    std::vector<Wh> flow_wh;  ///< per line, positive = away from the root
    Transfers transfers;      ///< homes to the grid operator; per line exactly its cost
};

/// Error: the lines are no tree over the nets, or a home is on none of them.
Result<NetworkUse> charge_network(const NetworkInterval& interval);

}  // namespace kilter::products
