#include "common/prox/joint_newton.hpp"

#include <random>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "common/prox/feeder_newton.hpp"

namespace kilter::prox::joint_newton_test {
namespace {

using model::FeederHorizon;
using model::Network;
using model::Schedules;

constexpr Eigen::Index intervals = 5;

Network chain(std::size_t buses) {
    Network out;
    out.name = "chain";
    out.base_kv = 0.4;
    for (std::size_t b = 0; b < buses; ++b) {
        out.buses.push_back({"b" + std::to_string(b)});
        if (b == 0) continue;
        model::Branch branch;
        branch.name = "l" + std::to_string(b);
        branch.from = b - 1;
        branch.to = b;
        branch.r_ohm = 0.02;
        branch.x_ohm = 0.01;
        out.branches.push_back(branch);
    }
    return out;
}

FeederHorizon series_of(const Network& network, double load_kw, double load_kvar) {
    FeederHorizon out;
    const auto buses = static_cast<Eigen::Index>(network.buses.size());
    out.fixed_p_kw = Schedules::Constant(buses, intervals, load_kw);
    out.fixed_q_kvar = Schedules::Constant(buses, intervals, load_kvar);
    out.price_eur_per_kwh = Eigen::VectorXd::LinSpaced(intervals, 0.1, 0.3);
    return out;
}

/// A trunk of two lines without any net on it, at whose end two laterals hang, one bus and one net each:
///
///     0 ── 1 ── 2 ─┬─ 3 (net 0)
///                  └─ 4 (net 1)
struct Fork {
    Network whole = chain(5), trunk = chain(3), lateral = chain(2);
    std::vector<PieceNewton> owners;

    explicit Fork(double trunk_kva) {
        whole.branches[3].from = 2;
        whole.branches[3].r_ohm = 1.5;
        whole.branches[1].rating_kva = trunk.branches[1].rating_kva = trunk_kva;
        whole.nets = {{"n0", 3}, {"n1", 4}};
        whole.tie.slope_eur_per_kwh_kw = trunk.tie.slope_eur_per_kwh_kw = 1e-3;
        EXPECT_TRUE(whole.validate().ok());
        lateral.nets = {{"n", 1}};
        FeederHorizon at_trunk = series_of(trunk, 1, 0.5);
        at_trunk.fixed_q_kvar.row(2).array() += 2 * 0.5;  // of the laterals
        FeederHorizon at_lateral = series_of(lateral, 1, 0.5);
        at_lateral.fixed_p_kw.row(0).setZero();  // the trunk's bus
        at_lateral.fixed_q_kvar.row(0).setZero();
        owners.emplace_back(trunk, at_trunk, std::vector<std::size_t>{2, 2}, false);
        owners.emplace_back(lateral, at_lateral, std::vector<std::size_t>(), true);
        lateral.branches[0].r_ohm = 1.5;
        owners.emplace_back(lateral, at_lateral, std::vector<std::size_t>(), true);
    }
};

/// What two nets draw, and how they answer.
struct Draw {
    Schedules demand{2, intervals};
    std::vector<model::Response> response;

    explicit Draw(std::mt19937_64& random) {
        std::uniform_real_distribution<double> draw(-1, 1);
        for (Eigen::Index n = 0; n < 2; ++n) {
            for (Eigen::Index t = 0; t < intervals; ++t)
                demand(n, t) = 25 + 10 * draw(random);
            Eigen::MatrixXd root(intervals, intervals);
            for (double& entry : root.reshaped())
                entry = 5 * draw(random);
            response.emplace_back(root * root.transpose() +
                                  Eigen::MatrixXd::Identity(intervals, intervals));
        }
    }
};

TEST(FeederNewton, WhoRecallsWhatAnotherRemembersTakesTheNextStepToTheSameBits) {
    const Fork fork(30);
    std::mt19937_64 random(7);
    Feeder feeder(fork.whole, series_of(fork.whole, 1, 0.5));
    FeederNewton first(feeder);
    EXPECT_TRUE(first.price_memory().empty());
    Schedules price = Schedules::Constant(2, intervals, 0.05);
    for (int step = 0; step < 4; ++step) {
        const Draw now(random);
        Feeder same(fork.whole, series_of(fork.whole, 1, 0.5));
        FeederNewton heir(same);
        heir.recall(first.price_memory());
        Schedules next, delivery, its_next, its_delivery;
        ASSERT_TRUE(first.price_step(price, now.demand, now.response, {}, next, delivery));
        ASSERT_TRUE(heir.price_step(price, now.demand, now.response, {}, its_next, its_delivery));
        EXPECT_EQ(next, its_next);
        EXPECT_EQ(delivery, its_delivery);
        EXPECT_EQ(first.price_memory(), heir.price_memory());
        EXPECT_GT(first.price_memory().size(), std::size_t{2} * intervals) << "no limit binds";
        price = next;
    }
}

TEST(FeederNewton, RecallsNothingOfWordsThatNobodyRemembers) {
    const Fork fork(30);
    std::mt19937_64 random(7);
    Feeder feeder(fork.whole, series_of(fork.whole, 1, 0.5));
    const Schedules price = Schedules::Constant(2, intervals, 0.05);
    const Draw now(random);
    FeederNewton fresh(feeder);
    Schedules expected, delivery, next;
    ASSERT_TRUE(fresh.price_step(price, now.demand, now.response, {}, expected, delivery));
    const std::vector<std::uint64_t> good = fresh.price_memory();
    for (int round = 0; round < 200; ++round) {
        std::vector<std::uint64_t> words = good;
        switch (round % 5) {
            case 0:
                words.resize(words.size() - 1);
                break;
            case 1:
                words[words.size() - 1] = random();
                words[words.size() - 2] = random();
                break;
            case 2:
                words.insert(words.end(), words.end() - 2, words.end());
                break;
            case 3:
                words.erase(words.begin(), words.begin() + 2);  // a price of the tie
                break;
            default:
                words.assign(2 * PieceNewton::remembered_max + 2, random());
        }
        FeederNewton other(feeder);
        other.recall(words);
        ASSERT_TRUE(other.price_step(price, now.demand, now.response, {}, next, delivery)) << round;
        EXPECT_LT((next - expected).cwiseAbs().maxCoeff(), 1e-7) << round;
    }
}

TEST(JointNewton, APieceWithoutNetsKeepsItsLimitsThroughTheOthers) {
    Fork fork(30);
    Feeder feeder(fork.whole, series_of(fork.whole, 1, 0.5));
    FeederNewton uncut(feeder);
    std::mt19937_64 random(7);
    JointNewton joint({{}, {0, 0}, {0, 1}}, intervals);
    Schedules price = Schedules::Constant(2, intervals, 0.05);
    for (int step = 0; step < 3; ++step) {
        const Draw now(random);
        const auto& [demand, response] = now;
        Schedules next, delivery;
        ASSERT_TRUE(uncut.price_step(price, demand, response, {}, next, delivery));
        fork.owners[0].begin(price.topRows(0), demand.topRows(0), {});
        fork.owners[1].begin(price.row(0), demand.row(0), {response[0]});
        fork.owners[2].begin(price.row(1), demand.row(1), {response[1]});
        EXPECT_GE(joint.settle(fork.owners), 2);
        for (Eigen::Index n = 0; n < 2; ++n) {
            const PieceNewton& owner = fork.owners[static_cast<std::size_t>(n + 1)];
            EXPECT_LT((owner.prices() - next.row(n)).cwiseAbs().maxCoeff(), 1e-7);
            EXPECT_LT((owner.deliveries() - delivery.row(n)).cwiseAbs().maxCoeff(), 1e-5);
        }
        // The trunk's line carries itself, the laterals' loads and what they deliver, with 3 × 0.5 kvar.
        const Eigen::RowVectorXd through =
            fork.owners[1].deliveries() + fork.owners[2].deliveries();
        const double most = std::sqrt(30.0 * 30.0 - 1.5 * 1.5) - 3;
        EXPECT_LE(through.maxCoeff(), most + 1e-5);
        EXPECT_NEAR(through.maxCoeff(), most, 1e-5) << "the trunk is not what binds";
        // 1.5 ohm behind two of 0.02: the voltage at the far lateral keeps to its band.
        const Schedules v = feeder.voltages_pu(-delivery);
        EXPECT_GE(v.minCoeff(), 0.9 - 1e-6);
        EXPECT_NEAR(v.row(4).minCoeff(), 0.9, 1e-4) << "the voltage does not bind";
        price = next;
    }
}

/// Ten nets, each at the end of a line of its own that carries 1 kVA: as many limits bind in every interval. Rows join three at a
/// time; the owner goes through these alone.
TEST(PieceNewton, AnOwnerFindsOutAloneWhatComesToBind) {
    constexpr std::size_t nets = 10;
    Network trunk = chain(2), star = chain(nets + 1);
    for (std::size_t n = 0; n < nets; ++n) {
        star.branches[n].from = 0;
        star.branches[n].rating_kva = 1;
        star.nets.push_back({"n" + std::to_string(n), n + 1});
    }
    std::vector<PieceNewton> owners;
    owners.emplace_back(trunk, series_of(trunk, 0, 0), std::vector<std::size_t>{1}, false);
    owners.emplace_back(star, series_of(star, 0, 0), std::vector<std::size_t>(), true);
    const Schedules none(0, intervals), price = Schedules::Constant(nets, intervals, 0.05),
                                        demand = Schedules::Constant(nets, intervals, 5);
    owners[0].begin(none, none, {});
    owners[1].begin(price, demand,
                    std::vector<model::Response>(
                        nets, model::Response(Eigen::MatrixXd::Identity(intervals, intervals))));
    // their lines' limits, and that this is all
    EXPECT_EQ(JointNewton({{}, {0, 0}}, intervals).settle(owners), 2);
    EXPECT_NEAR(owners[1].deliveries().maxCoeff(), 1, 1e-6);
    EXPECT_NEAR(owners[1].deliveries().minCoeff(), 1, 1e-6);
}

TEST(JointNewton, NetsThatAreHeldBackInTheMidstOfAStepTakeTheStepThatTheyWouldHaveFromTheStart) {
    std::mt19937_64 random(7);
    const Schedules price = Schedules::Constant(2, intervals, 0.05);
    Fork fork(30);
    Feeder feeder(fork.whole, series_of(fork.whole, 1, 0.5));
    for (int round = 0; round < 4; ++round) {
        const Draw now(random);
        std::vector<model::Response> held = now.response;
        held[0] = model::Response(16 * held[0].matrix());
        FeederNewton from_start(feeder), in_the_midst(feeder);
        Schedules expected, its_delivery, next, delivery;
        ASSERT_TRUE(from_start.price_step(price, now.demand, held, {}, expected, its_delivery));
        std::vector<Schedules> seen;
        const auto restraint = [&](const Schedules& would, std::vector<model::Response>& response) {
            seen.push_back(would);
            if (response[0].matrix() == held[0].matrix()) return false;
            response[0] = model::Response(4 * response[0].matrix());
            return true;
        };
        ASSERT_TRUE(
            in_the_midst.price_step(price, now.demand, now.response, restraint, next, delivery));
        EXPECT_GE(seen.size(), 3u);
        EXPECT_EQ(seen.back(), next);
        EXPECT_LT((next - expected).cwiseAbs().maxCoeff(), 1e-7);
        EXPECT_LT((delivery - its_delivery).cwiseAbs().maxCoeff(), 1e-5);
        EXPECT_GT((seen.front() - next).cwiseAbs().maxCoeff(), 1e-3) << "held back from nothing";
    }
}

}  // namespace
}  // namespace kilter::prox::joint_newton_test
