#include "coordinator/ksuite/topology.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "coordinator/ksuite/cycles.hpp"

namespace kilter::ksuite::topology_test {
namespace {

/// Components of the network without line `without`.
std::size_t components(std::size_t nets, const std::vector<NetPair>& lines, std::size_t without) {
    std::vector<std::uint32_t> root(nets);
    std::iota(root.begin(), root.end(), 0U);
    std::size_t count = nets;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i == without) continue;
        std::uint32_t a = lines[i].first, b = lines[i].second;
        while (root[a] != a)
            a = root[a];
        while (root[b] != b)
            b = root[b];
        if (a == b) continue;
        root[std::max(a, b)] = std::min(a, b);
        --count;
    }
    return count;
}

TEST(Topology, is_connected_and_names_every_pair_once) {
    for (const std::size_t nets : {2U, 3U, 10U, 57U, 1000U}) {
        Prng random(nets);
        const Topology drawn = draw_topology(nets, random);
        EXPECT_EQ(drawn.nets, nets);
        EXPECT_EQ(components(nets, drawn.lines, drawn.lines.size()), 1U);
        EXPECT_TRUE(std::is_sorted(drawn.lines.begin(), drawn.lines.end()));
        EXPECT_EQ(std::adjacent_find(drawn.lines.begin(), drawn.lines.end()), drawn.lines.end());
        for (const auto& [i, j] : drawn.lines) {
            EXPECT_LT(i, j);
            EXPECT_LT(j, nets);
        }
    }
}

TEST(Topology, depends_on_the_seed_and_on_nothing_else) {
    const auto drawn = [](std::uint64_t seed) {
        Prng random(seed);
        return draw_topology(500, random).lines;
    };
    EXPECT_EQ(drawn(1), drawn(1));
    EXPECT_NE(drawn(1), drawn(2));
}

TEST(Topology, degree_and_cycles_are_those_of_the_recipe) {
    // joining components adds no cycle, and close triples are rare: the network is little more than a tree
    std::size_t nets = 0, lines = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Prng random(seed);
        const Topology drawn = draw_topology(3000, random);
        nets += drawn.nets;
        lines += drawn.lines.size();
    }
    const double degree = 2 * static_cast<double>(lines) / static_cast<double>(nets);
    EXPECT_GT(degree, 1.999);
    EXPECT_LT(degree, 2.02);
}

TEST(Cycles, are_the_lines_whose_loss_cuts_nothing_off) {
    Prng random(3);
    for (int round = 0; round < 200; ++round) {
        constexpr std::size_t nets = 12;
        std::vector<NetPair> lines;
        std::vector<std::uint32_t> from, to;
        std::vector<bool> included;
        for (std::size_t i = 0; i < 14; ++i) {
            const auto a = static_cast<std::uint32_t>(random.below(nets));
            const auto b = static_cast<std::uint32_t>(random.below(nets));
            if (a == b) continue;
            from.push_back(a);
            to.push_back(b);
            included.push_back(random.chance(0.8));
            if (included.back()) lines.emplace_back(a, b);
        }
        const std::vector<bool> found = on_cycle(nets, from, to, included);
        const std::size_t whole = components(nets, lines, lines.size());
        std::size_t line = 0;
        for (std::size_t i = 0; i < from.size(); ++i) {
            if (!included[i]) {
                EXPECT_FALSE(found[i]);
                continue;
            }
            EXPECT_EQ(found[i], components(nets, lines, line) == whole);
            ++line;
        }
    }
}

}  // namespace
}  // namespace kilter::ksuite::topology_test
