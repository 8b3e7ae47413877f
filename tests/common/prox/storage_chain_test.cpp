#include "common/prox/storage_chain.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::prox::storage_chain_test {
namespace {

double cost_of(const Stage& stage, double s) {
    double cost = 0, at = stage.low;
    for (std::size_t i = 0; i < stage.count; ++i) {
        const Piece& piece = stage.pieces[i];
        const double part = std::clamp(s - at, 0.0, piece.width);
        cost += part * (piece.from + (piece.to - piece.from) / piece.width * part / 2);
        at += piece.width;
    }
    return cost;
}

/// Exhaustive dynamic programming on a lattice of levels: exact where all data lie on the lattice
/// and costs are linear between its points, an upper bound within O(lattice²) otherwise.
double lattice_optimum(StorageChain& chain, std::size_t steps, double start, double unit) {
    const int half = 400;
    std::vector<double> value(2 * half + 1, std::numeric_limits<double>::infinity());
    value[static_cast<std::size_t>(half + std::lround(start / unit))] = 0;
    for (std::size_t t = 0; t < steps; ++t) {
        std::vector<double> next(value.size(), std::numeric_limits<double>::infinity());
        const Stage& stage = chain.stage(t);
        const long low = std::lround(stage.low / unit), high = std::lround(stage.high / unit);
        for (long from = -half; from <= half; ++from) {
            const double before = value[static_cast<std::size_t>(from + half)];
            if (std::isinf(before)) continue;
            for (long s = low; s <= high; ++s) {
                const double e = static_cast<double>(from + s) * unit;
                if (e < chain.bounds(t).low - 1e-9 || e > chain.bounds(t).high + 1e-9) continue;
                auto& best = next[static_cast<std::size_t>(from + s + half)];
                best = std::min(best, before + cost_of(stage, static_cast<double>(s) * unit));
            }
        }
        value = next;
    }
    return *std::min_element(value.begin(), value.end());
}

/// Stages with jumps and flats everywhere, as efficiencies, tariffs and wear will make them.
Stage random_stage(Prng& random, bool linear) {
    Stage stage;
    stage.low = -static_cast<double>(random.below(4));
    double marginal = std::round(random.uniform(-4, 2));
    double at = stage.low;
    for (std::size_t i = 0, count = 1 + random.below(4); i < count; ++i) {
        const double width = static_cast<double>(1 + random.below(3));
        const double rise = linear || random.chance(0.3) ? 0 : std::round(random.uniform(0, 3));
        stage.add({width, marginal, marginal + rise});
        marginal += rise + (random.chance(0.5) ? std::round(random.uniform(0, 2)) : 0);
        at += width;
    }
    stage.high = at;
    return stage;
}

void compare(bool linear, double unit, double tolerance, int instances) {
    Prng random(linear ? 11 : 12);
    for (int i = 0; i < instances; ++i) {
        const std::size_t steps = 1 + random.below(7);
        StorageChain chain(steps);
        const double start = static_cast<double>(random.below(4));
        for (std::size_t t = 0; t < steps; ++t) {
            chain.stage(t) = random_stage(random, linear);
            const double low = static_cast<double>(random.below(3));
            chain.bounds(t) = {low, low + static_cast<double>(random.below(5))};
        }
        const double best = lattice_optimum(chain, steps, start, unit);
        const bool solved = chain.solve(start);
        ASSERT_EQ(solved, !std::isinf(best)) << "instance " << i;
        if (!solved) continue;
        double cost = 0, e = start;
        for (std::size_t t = 0; t < steps; ++t) {
            const double s = chain.steps()[t];
            ASSERT_GE(s, chain.stage(t).low);
            ASSERT_LE(s, chain.stage(t).high);
            e += s;
            ASSERT_GE(e, chain.bounds(t).low - 1e-9) << "instance " << i;
            ASSERT_LE(e, chain.bounds(t).high + 1e-9) << "instance " << i;
            ASSERT_NEAR(e, chain.levels()[t], 1e-9);
            cost += cost_of(chain.stage(t), s);
        }
        ASSERT_LE(cost, best + 1e-9) << "instance " << i;
        ASSERT_GE(cost, best - tolerance) << "instance " << i;
    }
}

TEST(StorageChain, IsExactOnPiecewiseLinearCosts) {
    compare(true, 1, 1e-9, 2000);
}

TEST(StorageChain, IsOptimalOnPiecewiseQuadraticCosts) {
    compare(false, 0.1, 0.06, 100);
}

TEST(StorageChain, CanBeSolvedAgainWithOtherData) {
    StorageChain chain(2);
    for (std::size_t t = 0; t < 2; ++t) {
        chain.stage(t) = {-1, 1, 0, {}};
        chain.stage(t).add({2, -1, 1});
        chain.bounds(t) = {0, 1};
    }
    ASSERT_TRUE(chain.solve(0));
    EXPECT_EQ(chain.levels()[1], 0);
    chain.bounds(1).low = 1;
    ASSERT_TRUE(chain.solve(0));
    EXPECT_NEAR(chain.steps()[0], 0.5, 1e-15);
    EXPECT_NEAR(chain.steps()[1], 0.5, 1e-15);
    EXPECT_NEAR(chain.marginals()[0], 0.5, 1e-15);
    EXPECT_EQ(chain.level_at()[1], At::low);
    EXPECT_FALSE(chain.solve(-3));
    EXPECT_EQ(chain.missed_at(), 1u);
    ASSERT_TRUE(chain.solve(0.5));
    EXPECT_NEAR(chain.steps()[1], 0.25, 1e-15);
}

}  // namespace
}  // namespace kilter::prox::storage_chain_test
