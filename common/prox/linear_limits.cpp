#include "common/prox/linear_limits.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"
#include "common/base/number.hpp"

namespace kilter::prox {

namespace {

constexpr double limit_tolerance = 1e-10;  // of a row, as distance of d from the limit's hyperplane
constexpr double elastic_part = 1e-6;      // weight of tracking against missing a limit

}  // namespace

LinearLimits::LinearLimits(Sweeps sweeps, std::vector<bool> common)
    : sweeps_(std::move(sweeps)),
      common_(std::move(common)),
      scale_(sweeps_.rows),
      inverse_k_(sweeps_.quantities),
      columns_(sweeps_.rows),
      d_(sweeps_.quantities),
      values_(sweeps_.rows),
      multipliers_(sweeps_.rows) {
    KILTER_CHECK(common_.size() == sweeps_.quantities, "every quantity is in the sum or not");
    std::vector<double> unit(sweeps_.quantities);
    for (std::size_t j = 0; j < sweeps_.quantities; ++j) {
        unit[j] = 1;
        sweeps_.apply(unit, values_);
        for (std::size_t r = 0; r < sweeps_.rows; ++r)
            scale_[r] += values_[r] * values_[r];
        unit[j] = 0;
    }
    for (double& value : scale_)
        value = value > 1e-24 ? 1 / std::sqrt(value) : 0;
}

void LinearLimits::set_metric(std::span<const double> k, double sigma) {
    if (sigma == sigma_ && std::equal(k.begin(), k.end(), k_.begin(), k_.end())) return;
    k_.assign(k.begin(), k.end());
    sigma_ = sigma;
    double sum = 0;
    for (std::size_t j = 0; j < k_.size(); ++j) {
        inverse_k_[j] = 1 / k_[j];
        if (common_[j]) sum += inverse_k_[j];
    }
    coupling_ = sigma / (1 + sigma * sum);
    for (auto& column : columns_)
        column.clear();
}

/// d ← H⁻¹ d
void LinearLimits::apply_inverse(std::span<double> g) const {
    double sum = 0;
    for (std::size_t j = 0; j < g.size(); ++j) {
        g[j] *= inverse_k_[j];
        if (common_[j]) sum += g[j];
    }
    for (std::size_t j = 0; j < g.size(); ++j)
        if (common_[j]) g[j] -= inverse_k_[j] * coupling_ * sum;
}

const std::vector<double>& LinearLimits::column(std::size_t row) {
    std::vector<double>& out = columns_[row];
    if (!out.empty()) return out;
    out.resize(sweeps_.rows);
    out[row] = scale_[row];
    std::vector<double> response(sweeps_.quantities);
    sweeps_.transpose(out, response);
    apply_inverse(response);
    sweeps_.apply(response, out);
    for (std::size_t r = 0; r < out.size(); ++r)
        out[r] *= scale_[r];
    return out;
}

/// product_ ← the products A_S H⁻¹ aᵀ of a signed row with the rows of the set.
void LinearLimits::products(const ActiveRow& a) {
    const std::vector<double>& all = column(a.row);
    product_.resize(active_->size());
    for (std::size_t i = 0; i < active_->size(); ++i)
        product_[i] = (*active_)[i].sign * a.sign * all[(*active_)[i].row];
}

void LinearLimits::deliver() {
    std::fill(multipliers_.begin(), multipliers_.end(), 0.0);
    for (const ActiveRow& a : *active_)
        multipliers_[a.row] += a.sign * a.multiplier * scale_[a.row];
    sweeps_.transpose(multipliers_, d_);
    for (std::size_t j = 0; j < d_.size(); ++j)
        d_[j] = pull_[j] - d_[j];
    apply_inverse(d_);
    sweeps_.apply(d_, values_);
    for (std::size_t r = 0; r < values_.size(); ++r)
        values_[r] *= scale_[r];
}

std::optional<LinearLimits::Violation> LinearLimits::worst() {
    // An active row is where it should be; only the others can be violated.
    for (const ActiveRow& a : *active_)
        values_[a.row] = a.sign * bound(a);
    Violation out{0, 1, limit_tolerance};
    for (std::size_t r = 0; r < values_.size(); ++r) {
        if (scale_[r] == 0) continue;
        const double above = values_[r] - high_[r];
        const double below = low_[r] - values_[r];
        if (above > out.by) out = {r, 1, above};
        if (below > out.by) out = {r, -1, below};
    }
    return out.by > limit_tolerance ? std::optional(out) : std::nullopt;
}

/// The multipliers come from sums over many steps; one or two corrections by G⁻¹ put active rows
/// back on their limits.
void LinearLimits::refine(double slack) {
    for (int round = 0; round < 3 && !active_->empty(); ++round) {
        double most = 0;
        solution_.resize(active_->size());
        for (std::size_t i = 0; i < active_->size(); ++i) {
            const ActiveRow& a = (*active_)[i];
            solution_[i] = a.sign * values_[a.row] - bound(a) - slack * a.multiplier;
            most = std::max(most, std::abs(solution_[i]));
        }
        if (most < limit_tolerance / 100) return;
        set_.solve(solution_);
        for (std::size_t i = 0; i < active_->size(); ++i)
            (*active_)[i].multiplier = std::max(0.0, (*active_)[i].multiplier + solution_[i]);
        deliver();
    }
}

void LinearLimits::drop(std::size_t i) {
    set_.drop(i);
    active_->erase(active_->begin() + static_cast<std::ptrdiff_t>(i));
}

/// The rows active last time, as far as they still pull: with all multipliers positive, d is optimal
/// for these rows alone and the method may go on from there.
void LinearLimits::start_from_active() {
    const std::vector<ActiveRow> before = *active_;
    active_->clear();
    set_.clear();
    for (const ActiveRow& a : before) {
        products(a);
        if (set_.add(product_, column(a.row)[a.row])) active_->push_back({a.row, a.sign, 0});
    }
    deliver();
    while (!active_->empty()) {
        solution_.resize(active_->size());
        for (std::size_t i = 0; i < active_->size(); ++i)
            solution_[i] = (*active_)[i].sign * values_[(*active_)[i].row] - bound((*active_)[i]);
        set_.solve(solution_);
        const auto lowest = std::min_element(solution_.begin(), solution_.end());
        if (*lowest > 0) break;
        drop(static_cast<std::size_t>(lowest - solution_.begin()));
    }
    for (std::size_t i = 0; i < active_->size(); ++i)
        (*active_)[i].multiplier = solution_[i];
}

/// Raises the multiplier of a violated row until it is met; rows whose multiplier falls to zero on
/// the way leave. False: nothing can meet it.
bool LinearLimits::activate(const Violation& violation, double slack) {
    ActiveRow entering{violation.row, violation.sign, 0};
    const double self = column(entering.row)[entering.row] + slack;
    double left = violation.by;
    for (;;) {
        products(entering);
        solution_ = product_;
        set_.solve(solution_);
        double gain = self;  // by how much the violation falls per unit of the multiplier
        for (std::size_t i = 0; i < solution_.size(); ++i)
            gain -= product_[i] * solution_[i];
        double step = gain > 2e-10 * self ? left / gain : infinity;
        std::size_t leaving = active_->size();
        for (std::size_t i = 0; i < solution_.size(); ++i) {
            const double limit = (*active_)[i].multiplier / solution_[i];
            if (solution_[i] > 0 && limit < step) {
                step = limit;
                leaving = i;
            }
        }
        if (step == infinity) return false;
        for (std::size_t i = 0; i < solution_.size(); ++i)
            (*active_)[i].multiplier =
                std::max(0.0, (*active_)[i].multiplier - step * solution_[i]);
        entering.multiplier += step;
        if (leaving == active_->size()) {
            if (!set_.add(product_, self)) return false;
            active_->push_back(entering);
            return true;
        }
        left -= step * gain;
        drop(leaving);
    }
}

bool LinearLimits::dual_active_set(double slack) {
    // Far beyond what any feeder needs: rounding, not progress.
    const std::size_t steps_max = 20 * sweeps_.rows + 100;
    deliver();
    for (std::size_t steps = 0; steps < steps_max; ++steps) {
        refine(slack);
        const auto violated = worst();
        if (!violated) return true;
        if (!activate(*violated, slack)) return false;
        deliver();
    }
    return false;
}

bool LinearLimits::solve(std::span<const double> pull,
                         std::span<const double> low,
                         std::span<const double> high,
                         std::vector<ActiveRow>& active,
                         std::span<double> d) {
    KILTER_CHECK(!k_.empty(), "set_metric() comes first");
    pull_ = pull;
    low_ = low;
    high_ = high;
    active_ = &active;
    start_from_active();
    const bool solved = dual_active_set(0);
    if (!solved) {
        // Let each limit give, at a price of miss²/(2 slack) that outweighs all tracking.
        active.clear();
        set_.clear();
        double mean = 0;
        for (const double one : inverse_k_)
            mean += one / static_cast<double>(inverse_k_.size());
        dual_active_set(elastic_part * mean);
        deliver();
    }
    std::copy(d_.begin(), d_.end(), d.begin());
    return solved;
}

}  // namespace kilter::prox
