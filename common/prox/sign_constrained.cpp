#include "common/prox/sign_constrained.hpp"

#include <algorithm>
#include <limits>

namespace kilter::prox {

namespace {

constexpr double missing_least = 1e-9;
constexpr double lift =
    1 + 1e-9;  // of the diagonal: rows that depend on each other share their multiplier

/// b − G μ. Few rows have a multiplier.
Eigen::VectorXd not_met(const Eigen::MatrixXd& gram,
                        const Eigen::VectorXd& offset,
                        const Eigen::VectorXd& multipliers) {
    Eigen::VectorXd out = offset;
    for (Eigen::Index i = 0; i < multipliers.size(); ++i)
        if (multipliers[i] != 0) out -= multipliers[i] * gram.col(i);
    return out;
}

}  // namespace

std::vector<double> SignConstrained::products(const Eigen::MatrixXd& gram, Eigen::Index row) const {
    std::vector<double> out;
    out.reserve(active_.size());
    for (const Eigen::Index other : active_)
        out.push_back(gram(other, row));
    return out;
}

void SignConstrained::leave(std::size_t place) {
    set_.drop(place);
    active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(place));
}

/// The rows active before, as far as they still pull.
void SignConstrained::start(const Eigen::MatrixXd& gram,
                            const Eigen::VectorXd& offset,
                            const std::vector<bool>& free,
                            Eigen::VectorXd& multipliers) {
    active_.clear();
    set_.clear();
    for (const bool pass : {true, false})
        for (Eigen::Index i = 0; i < gram.rows(); ++i)
            if (free[static_cast<std::size_t>(i)] == pass && (pass || multipliers[i] > 0) &&
                set_.add(products(gram, i), gram(i, i) * lift))
                active_.push_back(i);
    multipliers.setZero();
    std::vector<double> solution;
    for (;;) {
        solution.clear();
        for (const Eigen::Index i : active_)
            solution.push_back(offset[i]);
        set_.solve(solution);
        std::size_t lowest = active_.size();
        for (std::size_t k = 0; k < active_.size(); ++k)
            if (!free[static_cast<std::size_t>(active_[k])] && solution[k] < 0 &&
                (lowest == active_.size() || solution[k] < solution[lowest]))
                lowest = k;
        if (lowest == active_.size()) break;
        leave(lowest);
    }
    for (std::size_t k = 0; k < active_.size(); ++k)
        multipliers[active_[k]] = solution[k];
}

/// Raises the multiplier of a violated row until it is met; rows whose multiplier falls to zero on the way leave.
bool SignConstrained::enter(const Eigen::MatrixXd& gram,
                            Eigen::Index row,
                            double violation,
                            const std::vector<bool>& free,
                            Eigen::VectorXd& multipliers) {
    const double self = gram(row, row) * lift;
    for (;;) {
        const std::vector<double> column = products(gram, row);
        std::vector<double> fall = column;
        set_.solve(fall);
        double gain = self;  // by how much the violation falls per unit of the multiplier
        for (std::size_t k = 0; k < fall.size(); ++k)
            gain -= column[k] * fall[k];
        double step =
            gain > 1e-11 * self ? violation / gain : std::numeric_limits<double>::infinity();
        std::size_t leaving = active_.size();
        for (std::size_t k = 0; k < fall.size(); ++k) {
            if (free[static_cast<std::size_t>(active_[k])] || fall[k] <= 0) continue;
            const double limit = multipliers[active_[k]] / fall[k];
            if (limit >= step) continue;
            step = limit;
            leaving = k;
        }
        if (step == std::numeric_limits<double>::infinity()) return false;
        for (std::size_t k = 0; k < fall.size(); ++k) {
            double& multiplier = multipliers[active_[k]];
            multiplier -= step * fall[k];
            if (!free[static_cast<std::size_t>(active_[k])]) multiplier = std::max(0.0, multiplier);
        }
        multipliers[row] += step;
        violation -= step * gain;
        if (leaving == active_.size()) {
            if (!set_.add(column, self)) return false;
            active_.push_back(row);
            return true;
        }
        multipliers[active_[leaving]] = 0;
        leave(leaving);
    }
}

bool SignConstrained::solve(const Eigen::MatrixXd& gram,
                            const Eigen::VectorXd& offset,
                            const std::vector<bool>& free,
                            Eigen::VectorXd& multipliers) {
    start(gram, offset, free, multipliers);
    Eigen::VectorXd missing = not_met(gram, offset, multipliers);
    for (Eigen::Index steps = 0; steps < 20 * gram.rows() + 100; ++steps) {
        for (const Eigen::Index i : active_)
            missing[i] = -std::numeric_limits<double>::infinity();
        Eigen::Index worst = 0;
        if (missing.size() == 0 || missing.maxCoeff(&worst) <= missing_least) return true;
        if (!enter(gram, worst, missing[worst], free, multipliers)) return false;
        missing = not_met(gram, offset, multipliers);
    }
    return false;
}

}  // namespace kilter::prox
