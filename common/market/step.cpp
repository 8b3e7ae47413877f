#include "common/market/step.hpp"

#include <algorithm>
#include <cmath>

#include "common/market/residuals.hpp"

namespace kilter::market {

namespace {

constexpr double unit_kw = 0x1.0p-20;
constexpr double a_max_kw = 0x1.0p24;  // 256 members' sum in units stays exact in a double

std::int64_t to_units(double kw) {
    return std::llround(std::clamp(kw, -a_max_kw, a_max_kw) / unit_kw);
}

}  // namespace

Iterate start_from(const WarmState& warm) {
    Iterate out;
    out.rho_eur_per_kw2 = warm.rho_eur_per_kw2;
    out.z_kw = out.x_kw = warm.z_kw;
    out.y_eur_per_kw = warm.y_eur_per_kw;
    out.moved.assign(static_cast<std::size_t>(warm.z_kw.rows()), 0);
    return out;
}

Iterate device_step(model::Device& device,
                    const Iterate& last,
                    const Eigen::VectorXd& weights,
                    double rho,
                    double alpha) {
    Iterate next;
    next.iteration = last.iteration + 1;
    next.rho_eur_per_kw2 = rho;
    const Eigen::VectorXd penalty = rho * weights;
    const model::Schedules target =
        last.z_kw.array() - last.y_eur_per_kw.array().colwise() / penalty.array();
    next.x_kw.resize(target.rows(), target.cols());
    next.feasible = device.prox(target, penalty, next.x_kw) == model::ProxStatus::solved;
    KILTER_CHECK(next.x_kw.rows() == target.rows() && next.x_kw.cols() == target.cols() &&
                     next.x_kw.allFinite(),
                 "a device's prox must answer with finite schedules of its own shape");
    next.a_units = (alpha * next.x_kw + (1 - alpha) * last.z_kw).unaryExpr(&to_units);
    next.z_kw = last.z_kw;
    next.y_eur_per_kw = last.y_eur_per_kw;
    next.moved.assign(last.moved.size(), 0);
    return next;
}

std::vector<std::uint64_t> plain_words(const Iterate& last, const Iterate& next, Eigen::Index row) {
    std::vector<std::uint64_t> words;
    words.reserve(words_per_message(static_cast<std::size_t>(next.a_units.cols())));
    for (const std::int64_t units : next.a_units.row(row))
        words.push_back(static_cast<std::uint64_t>(units));
    words.push_back(last.moved[static_cast<std::size_t>(row)]);
    return words;
}

std::uint64_t net_step(const Iterate& last,
                       Iterate& next,
                       Eigen::Index row,
                       double weight,
                       double inverse_weights,
                       std::span<const std::uint64_t> sums) {
    double r_square = 0;
    double moved_square = 0;
    for (Eigen::Index t = 0; t < next.a_units.cols(); ++t) {
        const auto sum = static_cast<std::int64_t>(sums[static_cast<std::size_t>(t)]);
        const double r = static_cast<double>(sum) * unit_kw;
        const double a = static_cast<double>(next.a_units(row, t)) * unit_kw;
        const double z = a - r / (weight * inverse_weights);
        const double y = last.y_eur_per_kw(row, t) + next.rho_eur_per_kw2 * r / inverse_weights;
        const double moved = weight * (z - last.z_kw(row, t));
        next.z_kw(row, t) = z;
        next.y_eur_per_kw(row, t) = y;
        r_square += r * r;
        moved_square += moved * moved;
    }
    next.moved[static_cast<std::size_t>(row)] = square_units(moved_square, movement_max);
    next.primal_square = saturating_add(next.primal_square, square_units(r_square));
    return sums.back();
}

}  // namespace kilter::market
