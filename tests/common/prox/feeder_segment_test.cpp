#include "common/prox/feeder_segment.hpp"

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/prox/feeder.hpp"

namespace kilter::prox::feeder_segment_test {
namespace {

using Quantity = SegmentTerminal::Quantity;
using model::Schedules;

/// A chain root - 1 - 2 - 3 with a net at each bus but the root.
model::Network chain(double r_ohm) {
    model::Network out;
    out.name = "chain";
    out.base_kv = 1;
    for (int i = 0; i < 4; ++i)
        out.buses.push_back({.name = "b" + std::to_string(i), .v_min_pu = 0.95, .v_max_pu = 1.05});
    for (std::size_t i = 0; i < 3; ++i) {
        out.branches.push_back({.name = "l" + std::to_string(i),
                                .from = i,
                                .to = i + 1,
                                .r_ohm = r_ohm,
                                .x_ohm = r_ohm});
        out.nets.push_back({"n" + std::to_string(i), i + 1});
    }
    out.tie.slope_eur_per_kwh_kw = 1e-3;
    return out;
}

model::FeederHorizon loads(const model::Network& network, Eigen::Index intervals, Prng& random) {
    model::FeederHorizon out;
    const auto buses = static_cast<Eigen::Index>(network.buses.size());
    out.fixed_p_kw.resize(buses, intervals);
    out.fixed_q_kvar.resize(buses, intervals);
    out.price_eur_per_kwh.resize(intervals);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        out.price_eur_per_kwh[t] = random.uniform(0.1, 0.3);
        for (Eigen::Index i = 0; i < buses; ++i) {
            out.fixed_p_kw(i, t) = random.uniform(0, 4);
            out.fixed_q_kvar(i, t) = random.uniform(0, 2);
        }
    }
    return out;
}

Schedules drawn(Eigen::Index rows, Eigen::Index intervals, Prng& random, double most) {
    Schedules out(rows, intervals);
    for (Eigen::Index i = 0; i < out.size(); ++i)
        out.data()[i] = random.uniform(-most, most);
    return out;
}

TEST(FeederSegment, AloneAtTheSubstationItIsTheFeeder) {
    Prng random(7);
    model::Network network = chain(0.9);
    network.branches[1].rating_kva = 20;
    network.tie.import_max_kw = 40;
    const model::FeederHorizon horizon = loads(network, 24, random);
    Feeder feeder(network, horizon);
    FeederSegment piece(network, horizon, {},
                        {{Quantity::delivery, 0, -1},
                         {Quantity::delivery, 1, -1},
                         {Quantity::delivery, 2, -1},
                         {Quantity::others, 0, -1}});
    for (int round = 0; round < 5; ++round) {
        Schedules target = drawn(4, 24, random, 30);
        target.row(3).setZero();
        Schedules own, all;
        EXPECT_EQ(feeder.prox(target.topRows(3), Eigen::Vector3d(0.01, 0.02, 0.01), own),
                  model::ProxStatus::solved);
        EXPECT_EQ(piece.prox(target, Eigen::Vector4d(0.01, 0.02, 0.01, 1e5), all),
                  model::ProxStatus::solved);
        EXPECT_LT((all.topRows(3) - own).cwiseAbs().maxCoeff(), 1e-5);
        EXPECT_NEAR(piece.cost(all), feeder.cost(own), 1e-5);
    }
}

/// Its rows are what the branch flow makes of its deliveries, and no shift that keeps the limits is better.
TEST(FeederSegment, APieceBetweenOthersIsStationary) {
    Prng random(3);
    const model::Network network = chain(0.9);
    const model::FeederHorizon horizon = loads(network, 8, random);
    const double s = 40;
    FeederSegment piece(network, horizon, {2},
                        {{Quantity::delivery, 0, -1},
                         {Quantity::delivery, 1, -1},
                         {Quantity::delivery, 2, -1},
                         {Quantity::drawn, 0, 1},
                         {Quantity::flow, 0, -1},
                         {Quantity::drop, 0, -s},
                         {Quantity::start, 0, s},
                         {Quantity::drawn, 0, 1}});
    Eigen::VectorXd penalty(8);
    penalty << 0.1, 0.2, 0.1, 0.02, 0.03, 0.05, 0.04, 0.01;
    const double pu2_per_kw = 2 * 0.9 / 1000;
    int at_limits = 0;
    for (int round = 0; round < 5; ++round) {
        const Schedules target = drawn(8, 8, random, 10);
        Schedules x;
        ASSERT_EQ(piece.prox(target, penalty, x), model::ProxStatus::solved);
        for (Eigen::Index t = 0; t < 8; ++t) {
            const auto fixed = horizon.fixed_p_kw.col(t);
            const auto rows_at = [&](const Eigen::Vector4d& d_and_flow, double start) {
                const double b3 = d_and_flow[2] + fixed[3];
                const double b2 = d_and_flow[1] + fixed[2] + d_and_flow[3] + b3;
                const double b1 = d_and_flow[0] + fixed[1] + b2;
                const double q3 = horizon.fixed_q_kvar(3, t);
                const double q2 = q3 + horizon.fixed_q_kvar(2, t);
                const double q1 = q2 + horizon.fixed_q_kvar(1, t);
                const double drop = pu2_per_kw * (b1 + b2 + q1 + q2);
                const double own = d_and_flow.head(3).sum() + fixed.sum();
                Eigen::VectorXd out(8);
                out << -d_and_flow[0], -d_and_flow[1], -d_and_flow[2], own, -d_and_flow[3],
                    -s * drop, s * start, own;
                const Eigen::Vector3d v(1 - start - pu2_per_kw * (b1 + q1), 1 - start - drop,
                                        1 - start - drop - pu2_per_kw * (b3 + q3));
                return std::pair(out, v);
            };
            const Eigen::Vector4d at(-x(0, t), -x(1, t), -x(2, t), -x(4, t));
            const auto within = [](const Eigen::Vector3d& v, double by) {
                return v.minCoeff() >= 0.95 * 0.95 - by && v.maxCoeff() <= 1.05 * 1.05 + by;
            };
            const auto [rows, v] = rows_at(at, x(6, t) / s);
            EXPECT_LT((rows - x.col(t)).cwiseAbs().maxCoeff(), 1e-6);
            EXPECT_TRUE(within(v, 1e-8)) << v.transpose();
            at_limits += !within(v, -1e-6);
            const auto value = [&](const Eigen::VectorXd& of) {
                return 0.5 * penalty.dot((of - target.col(t)).cwiseAbs2());
            };
            for (int probe = 0; probe < 50; ++probe) {
                Eigen::Vector4d moved = at;
                for (double& one : moved)
                    one += random.uniform(-1e-2, 1e-2);
                const auto [there, voltages] =
                    rows_at(moved, x(6, t) / s + random.uniform(-1e-4, 1e-4));
                if (!within(voltages, 0)) continue;
                EXPECT_GE(value(there), value(x.col(t)) - 1e-9);
            }
        }
    }
    EXPECT_GT(at_limits, 0);
}

TEST(FeederSegment, LimitsThatContradictEachOtherAreNamed) {
    Prng random(1);
    model::Network network = chain(0.9);
    network.nets.clear();
    const model::FeederHorizon horizon = loads(network, 3, random);
    network.nets.push_back({"n", 1});
    network.buses[1].v_min_pu = network.buses[1].v_max_pu = 1.04;
    network.branches[0].rating_kva = 5;
    Schedules x;
    FeederSegment tight(network, horizon, {},
                        {{Quantity::delivery, 0, -1}, {Quantity::others, 0, -1}});
    EXPECT_EQ(tight.prox(Schedules::Zero(2, 3), Eigen::VectorXd::Constant(2, 0.1), x),
              model::ProxStatus::infeasible);
    EXPECT_NE(tight.explain().find("3 intervals"), std::string::npos) << tight.explain();
    EXPECT_TRUE(x.allFinite());
}

}  // namespace
}  // namespace kilter::prox::feeder_segment_test
