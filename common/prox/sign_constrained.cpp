#include "common/prox/sign_constrained.hpp"

#include <algorithm>
#include <limits>

namespace kilter::prox {

namespace {

constexpr double missing_least = 1e-9;
constexpr double gain_least = 1e-11;  // of a row's effect on itself

/// The rows active before, as far as they still pull.
void start(ActiveRows& rows,
           const Eigen::VectorXd& offset,
           const std::vector<bool>& free,
           Eigen::VectorXd& multipliers) {
    for (const bool pass : {true, false})
        for (Eigen::Index i = 0; i < rows.size(); ++i)
            if (free[static_cast<std::size_t>(i)] == pass && (pass || multipliers[i] > 0))
                rows.add(i);
    multipliers.setZero();
    std::vector<double> solution;
    for (;;) {
        solution.clear();
        for (const Eigen::Index i : rows.active())
            solution.push_back(offset[i]);
        rows.solve(solution);
        std::size_t lowest = solution.size();
        for (std::size_t k = 0; k < solution.size(); ++k)
            if (!free[static_cast<std::size_t>(rows.active()[k])] && solution[k] < 0 &&
                (lowest == solution.size() || solution[k] < solution[lowest]))
                lowest = k;
        if (lowest == solution.size()) break;
        rows.drop(lowest);
    }
    for (std::size_t k = 0; k < solution.size(); ++k)
        multipliers[rows.active()[k]] = solution[k];
}

/// Raises the multiplier of a violated row until it is met; rows whose multiplier falls to zero on the way leave.
bool enter(ActiveRows& rows,
           Eigen::Index row,
           double violation,
           const std::vector<bool>& free,
           Eigen::VectorXd& multipliers) {
    const double self = rows.diagonal(row);
    for (;;) {
        const std::vector<double> column = rows.products(row);
        std::vector<double> fall = column;
        rows.solve(fall);
        double gain = self;  // by how much the violation falls per unit of the multiplier
        for (std::size_t k = 0; k < fall.size(); ++k)
            gain -= column[k] * fall[k];
        double step =
            gain > gain_least * self ? violation / gain : std::numeric_limits<double>::infinity();
        const std::vector<Eigen::Index>& active = rows.active();
        std::size_t leaving = active.size();
        for (std::size_t k = 0; k < fall.size(); ++k) {
            if (free[static_cast<std::size_t>(active[k])] || fall[k] <= 0) continue;
            const double limit = multipliers[active[k]] / fall[k];
            if (limit >= step) continue;
            step = limit;
            leaving = k;
        }
        if (!(step < std::numeric_limits<double>::infinity())) return false;
        for (std::size_t k = 0; k < fall.size(); ++k) {
            double& multiplier = multipliers[active[k]];
            multiplier -= step * fall[k];
            if (!free[static_cast<std::size_t>(active[k])]) multiplier = std::max(0.0, multiplier);
        }
        multipliers[row] += step;
        violation -= step * gain;
        if (leaving == active.size()) return rows.add(row);
        multipliers[active[leaving]] = 0;
        rows.drop(leaving);
    }
}

}  // namespace

bool SignConstrained::solve(ActiveRows& rows,
                            const Eigen::VectorXd& offset,
                            const std::vector<bool>& free,
                            Eigen::VectorXd& multipliers) {
    start(rows, offset, free, multipliers);
    Eigen::VectorXd missing = offset - rows.times(multipliers);
    for (Eigen::Index steps = 0; steps < 20 * rows.size() + 100; ++steps) {
        for (const Eigen::Index i : rows.active())
            missing[i] = -std::numeric_limits<double>::infinity();
        Eigen::Index worst = 0;
        if (missing.size() == 0 || missing.maxCoeff(&worst) <= missing_least) return true;
        if (!enter(rows, worst, missing[worst], free, multipliers)) return false;
        missing = offset - rows.times(multipliers);
    }
    return false;
}

}  // namespace kilter::prox
