#include "coordinator/ksuite/cycles.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace kilter::ksuite {

/// Tarjan: in a depth-first search the tree line into v is a bridge iff no line from v's subtree reaches above v.
std::vector<bool> on_cycle(std::size_t nets,
                           const std::vector<std::uint32_t>& from,
                           const std::vector<std::uint32_t>& to,
                           const std::vector<bool>& included) {
    constexpr std::uint32_t unseen = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::uint32_t> begin(nets + 1, 0);
    for (std::size_t i = 0; i < from.size(); ++i)
        if (included[i]) {
            ++begin[from[i] + 1];
            ++begin[to[i] + 1];
        }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::uint32_t> line(begin.back());
    std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
    for (std::uint32_t i = 0; i < from.size(); ++i)
        if (included[i]) {
            line[next[from[i]]++] = i;
            line[next[to[i]]++] = i;
        }
    std::copy(begin.begin(), begin.end() - 1, next.begin());

    std::vector<std::uint32_t> order(nets, unseen);
    std::vector<std::uint32_t> lowest(nets, unseen);
    std::vector<bool> result(included);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> path;  // net, the line it was reached by
    std::uint32_t count = 0;
    for (std::uint32_t root = 0; root < nets; ++root) {
        if (order[root] != unseen) continue;
        path.emplace_back(root, unseen);
        order[root] = lowest[root] = count++;
        while (!path.empty()) {
            const auto [net, reached_by] = path.back();
            if (next[net] < begin[net + 1]) {
                const std::uint32_t i = line[next[net]++];
                if (i == reached_by) continue;
                const std::uint32_t other = from[i] == net ? to[i] : from[i];
                if (order[other] == unseen) {
                    order[other] = lowest[other] = count++;
                    path.emplace_back(other, i);
                } else {
                    lowest[net] = std::min(lowest[net], order[other]);
                }
                continue;
            }
            path.pop_back();
            if (path.empty()) continue;
            const std::uint32_t above = path.back().first;
            lowest[above] = std::min(lowest[above], lowest[net]);
            if (lowest[net] > order[above]) result[reached_by] = false;
        }
    }
    return result;
}

}  // namespace kilter::ksuite
