#include "common/mesh/anderson.hpp"

#include <algorithm>
#include <utility>

#include <Eigen/Cholesky>

namespace kilter::mesh {
namespace {

constexpr double growth_max = 2;
constexpr double regularisation = 1e-10;  // of the trace
constexpr double coefficients_max = 1e4;

}  // namespace

Eigen::VectorXd Anderson::next(const Eigen::VectorXd& v, const Eigen::VectorXd& g) {
    if (memory_ == 0) return g;
    Eigen::VectorXd f = g - v;
    const double size = f.norm();
    if (accelerated_ && least_ > 0 && size > growth_max * least_) {
        ++rejected_;
        g_steps_.clear();
        f_steps_.clear();
        f_last_.resize(0);
        least_ = 0;
        accelerated_ = false;
        return std::exchange(g_last_, Eigen::VectorXd());
    }
    least_ = least_ > 0 ? std::min(least_, size) : size;
    if (f_last_.size() == f.size()) {
        g_steps_.push_back(g - g_last_);
        f_steps_.push_back(f - f_last_);
        if (f_steps_.size() > memory_) {
            g_steps_.pop_front();
            f_steps_.pop_front();
            products_ =
                products_.bottomRightCorner(products_.rows() - 1, products_.cols() - 1).eval();
        }
        const auto count = static_cast<Eigen::Index>(f_steps_.size());
        products_.conservativeResize(count, count);
        for (Eigen::Index i = 0; i < count; ++i)
            products_(i, count - 1) = products_(count - 1, i) =
                f_steps_[static_cast<std::size_t>(i)].dot(f_steps_.back());
    }
    g_last_ = g;
    f_last_ = std::move(f);
    accelerated_ = false;
    if (f_steps_.empty()) return g;

    Eigen::VectorXd onto(static_cast<Eigen::Index>(f_steps_.size()));
    for (std::size_t i = 0; i < f_steps_.size(); ++i)
        onto[static_cast<Eigen::Index>(i)] = f_steps_[i].dot(f_last_);
    Eigen::MatrixXd normal = products_;
    normal.diagonal().array() += regularisation * normal.trace();
    const Eigen::VectorXd coefficients = normal.ldlt().solve(onto);
    if (!(coefficients.norm() < coefficients_max)) return g;
    Eigen::VectorXd out = g;
    for (std::size_t i = 0; i < g_steps_.size(); ++i)
        out -= coefficients[static_cast<Eigen::Index>(i)] * g_steps_[i];
    accelerated_ = true;
    return out;
}

}  // namespace kilter::mesh
