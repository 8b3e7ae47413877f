#include "common/products/network.hpp"

#include <cstdlib>

namespace kilter::products {

Result<NetworkUse> charge_network(const NetworkInterval& interval) {
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::vector<std::size_t> line_above(interval.nets, none);
    for (std::size_t l = 0; l < interval.lines.size(); ++l) {
        const ChargedLine& line = interval.lines[l];
        if (line.below >= interval.nets || line.above >= interval.nets ||
            line.below == interval.root || line_above[line.below] != none)
            return Error{"network: line " + std::to_string(l) + " makes no tree of the feeder"};
        line_above[line.below] = l;
    }
    if (interval.root >= interval.nets || interval.lines.size() + 1 != interval.nets)
        return Error{"network: a feeder has one line for every net but its root"};
    NetworkUse out;
    out.flow_wh.assign(interval.lines.size(), 0);
    std::vector<std::vector<std::size_t>> users(interval.lines.size());
    for (std::size_t i = 0; i < interval.homes.size(); ++i) {
        const ConnectedHome& home = interval.homes[i];
        if (home.net >= interval.nets)
            return Error{"network: home " + home.account + " is on a net the feeder has not"};
        std::size_t steps = 0;
        for (std::size_t net = home.net; net != interval.root;) {
            if (++steps > interval.nets) return Error{"network: the lines make a ring"};
            const std::size_t l = line_above[net];
            out.flow_wh[l] += home.read_wh;
            users[l].push_back(i);
            net = interval.lines[l].above;
        }
    }
    std::vector<MicroEur> owed(interval.homes.size(), 0);
    for (std::size_t l = 0; l < interval.lines.size(); ++l) {
        const Wh flow = out.flow_wh[l];
        std::vector<std::int64_t> weights;
        for (const std::size_t i : users[l]) {
            const Wh read = interval.homes[i].read_wh;
            weights.push_back((read < 0) == (flow < 0) ? std::abs(read) : 0);
        }
        const auto parts =
            share_out(charge(std::abs(flow), interval.lines[l].rate_micro_eur_per_kwh), weights);
        for (std::size_t k = 0; k < users[l].size(); ++k)
            owed[users[l][k]] += parts[k];
    }
    for (std::size_t i = 0; i < interval.homes.size(); ++i)
        pay(out.transfers, interval.homes[i].account, interval.grid_operator, owed[i], "network");
    return out;
}

}  // namespace kilter::products
