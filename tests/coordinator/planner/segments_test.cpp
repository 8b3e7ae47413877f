#include "coordinator/planner/segments.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "coordinator/planner/suite_run.hpp"

namespace kilter::planner::segments_test {
namespace {

constexpr std::int64_t gate = 1'978'148;

TEST(Segments, EveryBusNetAndBranchIsInOnePiece) {
    const SuiteInstance instance = draw({33, 0.5, 8, 3});
    for (const std::size_t count : {1, 2, 4, 8}) {
        const std::vector<Segment> pieces = cut(instance.network, count);
        EXPECT_EQ(pieces.size(), count);
        std::vector<int> nets(instance.network.nets.size(), 0);
        std::size_t branches = 0;
        for (std::size_t s = 0; s < pieces.size(); ++s) {
            const Segment& piece = pieces[s];
            branches += piece.network.branches.size();
            EXPECT_EQ(piece.network.buses.size(), piece.network.branches.size() + 1);
            EXPECT_EQ(piece.ends.size(), piece.below.size());
            for (std::size_t j = 0; j < piece.nets.size(); ++j) {
                ++nets[piece.nets[j]];
                EXPECT_EQ(piece.buses[piece.network.nets[j].bus],
                          instance.network.nets[piece.nets[j]].bus);
            }
            if (s == 0) continue;
            const Segment& upper = pieces[piece.above];
            EXPECT_LT(piece.above, s);
            EXPECT_EQ(upper.below[piece.end_above], s);
            EXPECT_EQ(upper.buses[upper.ends[piece.end_above]], piece.buses.front());
        }
        EXPECT_EQ(branches, instance.network.branches.size());
        EXPECT_EQ(nets, std::vector<int>(nets.size(), 1));
    }
}

TEST(Segments, ReactiveLoadBehindAnEndIsThePiecesAbove) {
    SuiteInstance instance = draw({33, 0.5, 8, 3});
    for (model::Bus& bus : instance.network.buses)
        bus.load_q_kvar = 1;
    const model::FeederHorizon series = model::horizon_of(instance.network, gate, 2, 900);
    const std::vector<Segment> pieces = cut(instance.network, 4);
    EXPECT_NEAR(horizon_of(pieces, 0, series).fixed_q_kvar.col(1).sum(),
                series.fixed_q_kvar.col(1).sum(), 1e-9);
    double loads = 0;
    for (std::size_t s = 0; s < pieces.size(); ++s)
        loads += horizon_of(pieces, s, series).fixed_p_kw.col(1).sum();
    EXPECT_NEAR(loads, series.fixed_p_kw.col(1).sum(), 1e-9);
}

TEST(Segments, PiecesOfDifferentOwnersClearAtTheOptimumOfTheWhole) {
    const SuiteInstance instance = draw({12, 0.5, 8, 1});
    market::Parameters accelerated;
    accelerated.accelerated = true;
    SuiteRun whole(instance, accelerated);
    const SuiteSession uncut = whole.clear(gate);
    whole.audit();
    ASSERT_GT(whole.binding().all(), 0u);
    for (const std::size_t count : {2, 4}) {
        SuiteRun pieces(instance, {}, {}, count);
        const SuiteSession one = pieces.clear(gate);
        pieces.audit();
        ASSERT_EQ(one.outcome, market::Outcome::converged);
        EXPECT_NEAR(pieces.objective_eur(), whole.objective_eur(), 1e-3 * whole.objective_eur());
        // 95 of 100 prices within 1 %, as an exact solver's
        std::vector<double> off;
        for (Eigen::Index i = 0; i < one.price_eur_per_kwh.size(); ++i) {
            const double exact = uncut.price_eur_per_kwh.data()[i];
            off.push_back(std::abs(one.price_eur_per_kwh.data()[i] - exact) /
                          std::max(0.01, std::abs(exact)));
        }
        std::sort(off.begin(), off.end());
        EXPECT_LT(off[off.size() * 95 / 100], 0.01) << count << " pieces";
        const SuiteSession next = pieces.clear(gate + 1);
        EXPECT_EQ(next.outcome, market::Outcome::converged);
        EXPECT_LT(next.iterations, one.iterations);
    }
}

}  // namespace
}  // namespace kilter::planner::segments_test
