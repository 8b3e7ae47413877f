// Rows of level responses do as the matrix does that they stand for.
#include "common/prox/level_rows.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "common/prox/feeder_newton.hpp"
#include "common/prox/sign_constrained.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter::prox::level_rows_test {
namespace {

constexpr Eigen::Index intervals = 6, distinct = 5;

/// A tie's price in every interval, and other rows in two of three; λ = 0.05.
LevelGram random_gram(Prng& random, Eigen::Index nets = 8) {
    Eigen::MatrixXd sensitivities(nets, distinct);
    for (double& entry : sensitivities.reshaped())
        entry = random.uniform(-1, 1);
    Eigen::VectorXd own(nets);
    for (double& entry : own)
        entry = random.uniform(1, 3);
    const Eigen::VectorXd shared = -0.95 / intervals * own;
    LevelGram out{sensitivities.transpose() * own.asDiagonal() * sensitivities,
                  sensitivities.transpose() * shared.asDiagonal() * sensitivities,
                  {}};
    for (Eigen::Index t = 0; t < intervals; ++t)
        out.rows.push_back({.distinct = 0, .interval = t, .sign = 1, .more = 0.3});
    for (Eigen::Index k = 0; k < 16; ++k)
        out.rows.push_back({.distinct = 1 + k % 4,
                            .interval = (k / 4) * 3 / 2,
                            .sign = random.chance(0.5) ? 1.0 : -1.0});
    return out;
}

Eigen::MatrixXd matrix_of(const LevelGram& gram) {
    const auto rows = static_cast<Eigen::Index>(gram.rows.size());
    return Eigen::MatrixXd::NullaryExpr(rows, rows, [&](Eigen::Index i, Eigen::Index k) {
        const LevelGram::Row& a = gram.rows[static_cast<std::size_t>(i)];
        const LevelGram::Row& b = gram.rows[static_cast<std::size_t>(k)];
        const double own = a.interval == b.interval ? gram.own(a.distinct, b.distinct) : 0;
        return a.sign * b.sign * (own + gram.shared(a.distinct, b.distinct)) +
               (i == k ? a.more : 0);
    });
}

void expect_equal_solutions(ActiveRows& one, ActiveRows& other, Prng& random) {
    ASSERT_EQ(one.active(), other.active());
    std::vector<double> a(one.active().size());
    for (double& value : a)
        value = random.uniform(-1, 1);
    std::vector<double> b = a;
    one.solve(a);
    other.solve(b);
    for (std::size_t k = 0; k < a.size(); ++k)
        EXPECT_NEAR(a[k], b[k], 1e-9) << k << " of " << a.size();
}

TEST(LevelRows, SolveAsTheirMatrixDoesWhileRowsComeAndGo) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Prng random(seed);
        const LevelGram gram = random_gram(random);
        const Eigen::MatrixXd matrix = matrix_of(gram);
        RowSet workspace;
        LevelRows rows(gram, intervals);
        DenseRows reference(matrix, workspace);
        ASSERT_EQ(rows.size(), matrix.rows());
        const Eigen::VectorXd multipliers = Eigen::VectorXd::Random(matrix.rows());
        EXPECT_LT((rows.times(multipliers) - matrix * multipliers).cwiseAbs().maxCoeff(), 1e-12);
        for (Eigen::Index i = 0; i < rows.size(); ++i) {
            EXPECT_NEAR(rows.diagonal(i), reference.diagonal(i), 1e-12);
            const std::vector<double> products = rows.products(i), its = reference.products(i);
            for (std::size_t k = 0; k < its.size(); ++k)
                EXPECT_NEAR(products[k], its[k], 1e-12);
            EXPECT_TRUE(rows.add(i));
            EXPECT_TRUE(reference.add(i));
            expect_equal_solutions(rows, reference, random);
        }
        while (rows.active().size() > 1) {
            const std::size_t place = random.below(rows.active().size());
            const Eigen::Index row = rows.active()[place];
            for (ActiveRows* both :
                 {static_cast<ActiveRows*>(&rows), static_cast<ActiveRows*>(&reference)})
                both->drop(place);
            expect_equal_solutions(rows, reference, random);
            if (!random.chance(0.3)) continue;
            EXPECT_TRUE(rows.add(row));
            EXPECT_TRUE(reference.add(row));
            expect_equal_solutions(rows, reference, random);
        }
    }
}

// Fewer nets than rows of an interval: some depend on the others.
TEST(LevelRows, MeetTheConditionsTheirMatrixMeetsAlsoWhereRowsDependOnEachOther) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Prng random(seed);
        const LevelGram gram = random_gram(random, seed % 2 == 0 ? 8 : 3);
        const Eigen::MatrixXd matrix = matrix_of(gram);
        const auto count = static_cast<std::size_t>(matrix.rows());
        std::vector<bool> free(count);
        std::fill_n(free.begin(), intervals, true);
        // what some multipliers would amount to, and less: it can be met
        Eigen::VectorXd some(matrix.rows()), before(matrix.rows());
        for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
            some[i] = free[static_cast<std::size_t>(i)] ? random.uniform(-1, 1)
                                                        : std::max(0.0, random.uniform(-1, 1));
            before[i] = std::max(0.0, random.uniform(-1, 1));
        }
        Eigen::VectorXd offset = matrix * some;
        for (Eigen::Index i = intervals; i < matrix.rows(); ++i)
            if (some[i] == 0) offset[i] -= random.uniform(0, 1);
        LevelRows rows(gram, intervals);
        Eigen::VectorXd multipliers = before;
        ASSERT_TRUE(SignConstrained::solve(rows, offset, free, multipliers)) << seed;
        const Eigen::VectorXd missing = offset - matrix * multipliers;
        for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
            const bool is_free = free[static_cast<std::size_t>(i)];
            EXPECT_TRUE(is_free || multipliers[i] >= 0) << seed;
            EXPECT_LE(missing[i], 1e-6) << seed;
            EXPECT_TRUE(missing[i] >= -1e-6 || (!is_free && multipliers[i] == 0)) << seed;
        }
        Eigen::VectorXd its = before;
        SignConstrained reference;
        ASSERT_TRUE(reference.solve(matrix, offset, free, its));
        EXPECT_LT((matrix * (its - multipliers)).cwiseAbs().maxCoeff(), 1e-6) << seed;
    }
}

// As where rounding gives out: the step is not made, and the session goes on without it.
TEST(LevelRows, AreGivenUpWhereTheyAreNotPositiveDefinite) {
    LevelGram gram{Eigen::MatrixXd::Constant(1, 1, 1), Eigen::MatrixXd::Constant(1, 1, -0.6), {}};
    for (Eigen::Index t = 0; t < 2; ++t)
        gram.rows.push_back({.distinct = 0, .interval = t});  // 1 − 2 · 0.6 < 0
    LevelRows rows(gram, 2);
    ASSERT_TRUE(rows.add(0));
    ASSERT_TRUE(rows.add(1));
    std::vector<double> values = {1, 1};
    rows.solve(values);
    EXPECT_TRUE(std::isnan(values[0]) && std::isnan(values[1]));
    LevelRows again(gram, 2);
    Eigen::VectorXd multipliers = Eigen::VectorXd::Ones(2);
    EXPECT_FALSE(
        SignConstrained::solve(again, Eigen::VectorXd::Ones(2), {false, false}, multipliers) &&
        multipliers.allFinite());
}

TEST(LevelRows, GiveTheFeederThePricesOfTheirMatrices) {
    std::size_t limits_bound = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Prng random(seed);
        model::Network network = test::random_network(random, 9);
        for (model::Bus& bus : network.buses)
            bus.load_p_kw = bus.load_q_kvar = random.uniform(0, 1);
        for (model::Branch& branch : network.branches)
            branch.rating_kva = random.uniform(10, 40);
        network.tie.slope_eur_per_kwh_kw = seed % 3 == 0 ? 0 : 1e-3;
        ASSERT_TRUE(network.normalise().ok());
        Feeder feeder(network, model::horizon_of(network, 0, intervals, 900));
        const auto nets = static_cast<Eigen::Index>(network.nets.size());
        const model::Schedules demand = test::random_schedules(random, nets, intervals, 0, 12);
        FeederNewton level(feeder), dense(feeder);
        model::Schedules price = level.marginal_price();
        for (int step = 0; step < 4; ++step) {
            std::vector<model::Response> responses, matrices;
            for (Eigen::Index n = 0; n < nets; ++n) {
                const double own = random.uniform(50, 300);
                responses.push_back(model::Response::level(
                    own, -own * random.uniform(0, 0.95) / intervals, 1, intervals));
                matrices.emplace_back(responses.back().matrix());
            }
            model::Schedules next, delivery, its_next, its_delivery;
            const bool found = level.price_step(price, demand, responses, {}, next, delivery);
            ASSERT_EQ(dense.price_step(price, demand, matrices, {}, its_next, its_delivery), found);
            if (!found) continue;
            EXPECT_LT((next - its_next).cwiseAbs().maxCoeff(), 1e-8) << seed;
            EXPECT_LT((delivery - its_delivery).cwiseAbs().maxCoeff(), 1e-5) << seed;
            limits_bound += level.price_memory().size() / 2 - (seed % 3 == 0 ? 0 : intervals);
            price = next;
        }
    }
    EXPECT_GT(limits_bound, 100U);
}

TEST(Response, OfALevelIsItsMatrix) {
    const model::Response level = model::Response::level(3, -0.4, 2, 5);
    const model::Response dense(level.matrix());
    EXPECT_TRUE(level.is_level());
    EXPECT_FALSE(dense.is_level());
    EXPECT_EQ(level.matrix().topRightCorner(5, 5).cwiseAbs().maxCoeff(), 0) << "another channel";
    const Eigen::VectorXd v = Eigen::VectorXd::Random(10);
    EXPECT_LT((level.times(v) - dense.times(v)).cwiseAbs().maxCoeff(), 1e-14);
    for (Eigen::Index t = 0; t < 10; ++t)
        EXPECT_EQ(level.column(t), dense.column(t));
}

}  // namespace
}  // namespace kilter::prox::level_rows_test
