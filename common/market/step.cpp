#include "common/market/step.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/limits.hpp"
#include "common/market/residuals.hpp"

namespace kilter::market {

namespace {

constexpr double a_max_kw = 0x1.0p24;  // 256 members' sum in units stays exact in a double

std::int64_t to_units(double kw) {
    return std::llround(std::clamp(kw, -a_max_kw, a_max_kw) / unit_kw);
}

/// A terminal's rows; their number is that of the channels.
struct Rows {
    Eigen::Index first, count;
};

Rows rows_of(const Iterate& iterate, std::size_t terminal) {
    const auto count = iterate.z_kw.rows() / static_cast<Eigen::Index>(iterate.moved.size());
    return {static_cast<Eigen::Index>(terminal) * count, count};
}

}  // namespace

Iterate start_from(const WarmState& warm, std::size_t terminals) {
    Iterate out;
    out.rho_eur_per_kw2 = out.rho_working = warm.rho_eur_per_kw2;
    out.z_kw = out.x_kw = warm.z_kw;
    out.y_eur_per_kw = warm.y_eur_per_kw;
    out.imbalance_kw.setZero(warm.z_kw.rows(), warm.z_kw.cols());
    out.moved.assign(terminals, 0);
    return out;
}

Units rounded_units(const model::Schedules& kw) {
    return kw.unaryExpr(&to_units);
}

std::uint64_t judge(Iterate& next, std::size_t terminal, std::span<const std::uint64_t> sums) {
    const auto [first, count] = rows_of(next, terminal);
    const auto quantities = static_cast<std::size_t>(count * next.z_kw.cols());
    next.imbalance_kw.resize(next.z_kw.rows(), next.z_kw.cols());
    double r_square = 0;
    for (std::size_t k = 0; k < quantities; ++k) {
        const double r = static_cast<double>(static_cast<std::int64_t>(sums[k])) * unit_kw;
        next.imbalance_kw.row(first).data()[k] = r / next.alpha;
        r_square += r * r;
    }
    next.primal_square = saturating_add(next.primal_square, square_units(r_square));
    return sums[quantities];
}

Iterate device_step(model::Device& device,
                    const Iterate& last,
                    const Eigen::VectorXd& weights,
                    double rho,
                    double alpha) {
    Iterate next;
    next.iteration = last.iteration + 1;
    next.rho_eur_per_kw2 = next.rho_working = rho;
    next.alpha = alpha;
    const Eigen::Index channels = rows_of(last, 0).count;
    const Eigen::VectorXd penalty =
        rho * weights.transpose().replicate(channels, 1).reshaped();  // each for all its channels
    const model::Schedules target =
        last.z_kw.array() - last.y_eur_per_kw.array().colwise() / penalty.array();
    next.x_kw.resize(target.rows(), target.cols());
    next.feasible = device.prox(target, penalty, next.x_kw) == model::ProxStatus::solved;
    KILTER_CHECK(next.x_kw.rows() == target.rows() && next.x_kw.cols() == target.cols() &&
                     next.x_kw.allFinite(),
                 "a device's prox must answer with finite schedules of its own shape");
    next.a_units = rounded_units(alpha * next.x_kw + (1 - alpha) * last.z_kw);
    next.z_kw = last.z_kw;
    next.y_eur_per_kw = last.y_eur_per_kw;
    next.moved.assign(last.moved.size(), 0);
    return next;
}

bool plausible(const model::Schedules& y_eur_per_kw,
               const model::Schedules& delivery_kw,
               const Parameters& parameters) {
    const double most = limits::price_eur_per_kwh_max * parameters.interval_s / 3600.0;
    return y_eur_per_kw.allFinite() && delivery_kw.allFinite() &&
           y_eur_per_kw.cwiseAbs().maxCoeff() <= most &&
           delivery_kw.cwiseAbs().maxCoeff() <= a_max_kw;
}

std::vector<std::uint64_t> plain_words(const Iterate& last,
                                       const Iterate& next,
                                       std::size_t terminal) {
    const auto [first, count] = rows_of(last, terminal);
    std::vector<std::uint64_t> words;
    words.reserve(static_cast<std::size_t>(count * next.a_units.cols()) + 1);
    for (Eigen::Index row = first; row < first + count; ++row)
        for (const std::int64_t units : next.a_units.row(row))
            words.push_back(static_cast<std::uint64_t>(units));
    words.push_back(last.moved[terminal]);
    return words;
}

std::uint64_t net_step(const Iterate& last,
                       Iterate& next,
                       std::size_t terminal,
                       double weight,
                       double inverse_weights,
                       std::span<const std::uint64_t> sums) {
    double r_square = 0;
    double moved_square = 0;
    const auto [first, count] = rows_of(last, terminal);
    const Eigen::Index horizon = next.a_units.cols();
    next.imbalance_kw.resize(next.z_kw.rows(), horizon);
    for (Eigen::Index k = 0; k < count * horizon; ++k) {
        const Eigen::Index row = first + k / horizon;
        const Eigen::Index t = k % horizon;
        const auto sum = static_cast<std::int64_t>(sums[static_cast<std::size_t>(k)]);
        const double r = static_cast<double>(sum) * unit_kw;
        const double a = static_cast<double>(next.a_units(row, t)) * unit_kw;
        const double z = a - r / (weight * inverse_weights);
        const double y = last.y_eur_per_kw(row, t) + next.rho_eur_per_kw2 * r / inverse_weights;
        const double moved = weight * (z - last.z_kw(row, t));
        next.imbalance_kw(row, t) = r / next.alpha;
        next.z_kw(row, t) = z;
        next.y_eur_per_kw(row, t) = y;
        r_square += r * r;
        moved_square += moved * moved;
    }
    next.moved[terminal] = square_units(moved_square, movement_max);
    next.primal_square = saturating_add(next.primal_square, square_units(r_square));
    return sums[static_cast<std::size_t>(count * horizon)];
}

}  // namespace kilter::market
