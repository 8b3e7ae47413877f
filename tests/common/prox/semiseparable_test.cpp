#include "common/prox/semiseparable.hpp"

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::prox::semiseparable_test {
namespace {

using Eigen::Index;

Eigen::MatrixXd written_out(const Semiseparable& k) {
    const Index n = k.diagonal.size();
    Eigen::MatrixXd out = k.diagonal.matrix().asDiagonal();
    for (Index t = 0; t < n; ++t)
        for (Index s = 0; s < t; ++s) {
            double value = t - s <= k.band.rows() ? k.band(t - s - 1, t) : 0;
            for (Index j = 0; j < k.h.rows(); ++j) {
                double term = k.h(j, t) * k.g(j, s);
                for (Index r = s + 1; r <= t; ++r)
                    term *= k.fade(j, r);
                value += term;
            }
            out(t, s) = out(s, t) = value;
        }
    return out;
}

TEST(Semiseparable, SolvesAsTheMatrixWrittenOutDoes) {
    Prng random(1);
    for (int i = 0; i < 60; ++i) {
        Semiseparable k;
        const auto n = 1 + static_cast<Index>(random.below(20));
        const auto terms = static_cast<Index>(random.below(4)),
                   width = static_cast<Index>(random.below(4));
        k.resize(n, terms, width);
        for (auto* part : {&k.h, &k.g, &k.fade, &k.band})
            for (double& value : part->reshaped())
                value = random.uniform(-1, 1);
        for (double& value : k.diagonal)
            value = 4.0 * static_cast<double>(terms + width) + random.uniform(0.1, 3);
        k.factorise(1e-300);
        const Eigen::MatrixXd dense = written_out(k);
        Eigen::MatrixXd inverse;
        k.inverse(inverse);
        EXPECT_LT((dense * inverse - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-12);
        Eigen::VectorXd x = Eigen::VectorXd::NullaryExpr(n, [&] { return random.uniform(-2, 2); });
        const Eigen::VectorXd expected = dense.partialPivLu().solve(x);
        k.solve(x);
        EXPECT_LT((x - expected).lpNorm<Eigen::Infinity>(), 1e-12) << "instance " << i;
    }
}

}  // namespace
}  // namespace kilter::prox::semiseparable_test
