#include "coordinator/planner/segments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/prox/feeder.hpp"
#include "common/prox/feeder_newton.hpp"
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

TEST(Segments, OwnersTogetherTakeTheStepThatOneOwnerTakes) {
    SuiteInstance instance = draw({33, 0.5, 8, 3});
    for (model::Bus& bus : instance.network.buses)
        bus.load_q_kvar = 1;
    instance.network.tie.import_max_kw *= 4;
    for (std::size_t b = 0; b < instance.network.branches.size(); b += 2)
        instance.network.branches[b].rating_kva = std::numeric_limits<double>::infinity();
    const model::FeederHorizon series = model::horizon_of(instance.network, gate, 8, 900);
    prox::Feeder feeder(instance.network, series);
    const Eigen::VectorXd penalty =
        Eigen::VectorXd::LinSpaced(feeder.rows(), 0.005, 0.02);  // EUR/kW²
    model::Schedules target(feeder.rows(), feeder.intervals());
    for (Eigen::Index i = 0; i < target.size(); ++i)
        target.data()[i] = -30 - 20 * std::sin(static_cast<double>(i));
    model::Schedules whole;
    ASSERT_EQ(feeder.prox(target, penalty, whole), model::ProxStatus::solved);
    ASSERT_GT((feeder.duals().voltage.array().abs() > 1e-6).count(), 0);
    ASSERT_GT((feeder.duals().branch.array() > 1e-6).count(), 0);
    for (const std::size_t count : {1, 2, 4, 8}) {
        JointFeeder pieces(cut(instance.network, count), series);
        model::Schedules x;
        ASSERT_EQ(pieces.prox(target, penalty, x), model::ProxStatus::solved);
        EXPECT_LT((x - whole).cwiseAbs().maxCoeff(), 1e-4) << count << " pieces";
        EXPECT_NEAR(pieces.cost(x), feeder.cost(x), 1e-9);
        EXPECT_LT((pieces.marginal_price() - prox::FeederNewton(feeder).marginal_price())
                      .cwiseAbs()
                      .maxCoeff(),
                  1e-12);
    }
}

// The last bus is to be lifted above the substation by flows that the lines do not carry.
TEST(Segments, LimitsThatContradictEachOtherAreSaidToDoSo) {
    SuiteInstance instance = draw({33, 0.5, 8, 3});
    for (model::Branch& branch : instance.network.branches)
        branch.rating_kva = 1;
    model::Bus& last = instance.network.buses.back();
    last.v_max_pu = instance.network.v_root_pu + 0.06;
    last.v_min_pu = instance.network.v_root_pu + 0.05;
    const model::FeederHorizon series = model::horizon_of(instance.network, gate, 2, 900);
    const auto nets = static_cast<Eigen::Index>(instance.network.nets.size());
    for (const std::size_t count : {1, 4}) {
        JointFeeder pieces(cut(instance.network, count), series);
        model::Schedules x;
        EXPECT_EQ(
            pieces.prox(model::Schedules::Zero(nets, 2), Eigen::VectorXd::Constant(nets, 0.01), x),
            model::ProxStatus::infeasible)
            << count;
        EXPECT_NE(pieces.explain().find("contradict"), std::string::npos);
    }
}

TEST(Segments, PiecesOfDifferentOwnersTakeTheIterationsOfOneAndAFewRoundsEach) {
    const SuiteInstance instance = draw({12, 0.5, 8, 1});
    market::Parameters accelerated;
    accelerated.method = market::Method::accelerated;
    SuiteRun whole(instance, accelerated);
    const SuiteSession uncut = whole.clear(gate);
    whole.audit();
    ASSERT_GT(whole.binding().all(), 0u);
    EXPECT_EQ(uncut.rounds, 0u);
    SuiteRun pieces(instance, accelerated, {}, 4);
    const SuiteSession one = pieces.clear(gate);
    pieces.audit();
    ASSERT_EQ(one.outcome, market::Outcome::converged);
    EXPECT_EQ(one.iterations, uncut.iterations);
    EXPECT_GT(one.rounds, one.iterations);
    EXPECT_LE(one.exchanges(), 80u);
    EXPECT_NEAR(pieces.objective_eur(), whole.objective_eur(), 1e-6 * whole.objective_eur());
    EXPECT_LT((one.price_eur_per_kwh - uncut.price_eur_per_kwh).cwiseAbs().maxCoeff(), 1e-5);
}

}  // namespace
}  // namespace kilter::planner::segments_test
