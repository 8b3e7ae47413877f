#include <algorithm>

#include "common/market/session.hpp"

namespace kilter::market {

namespace {

/// At the end of the horizon homes do what they would not do at that time of day: stores run down, heating is put off.
constexpr IntervalIndex ending = 2;

model::Schedules shift(const model::Schedules& old, IntervalIndex by, IntervalIndex day) {
    const IntervalIndex horizon = old.cols();
    model::Schedules out(old.rows(), old.cols());
    const IntervalIndex stays = by > 0 ? std::min(ending, horizon - 1) : 0;
    out.rightCols(stays) = old.rightCols(stays);
    for (IntervalIndex t = 0; t < horizon - stays; ++t) {
        IntervalIndex source = t + by;
        if (source >= horizon) source -= ((source - horizon) / day + 1) * day;
        out.col(t) = old.col(source >= 0 ? source : horizon - 1);
    }
    return out;
}

}  // namespace

WarmState WarmState::cold(Eigen::Index rows, Eigen::Index intervals, double rho) {
    return {.z_kw = model::Schedules::Zero(rows, intervals),
            .y_eur_per_kw = model::Schedules::Zero(rows, intervals),
            .rho_eur_per_kw2 = rho};
}

WarmState WarmState::shifted(IntervalIndex by, Eigen::Index intervals_per_day) const {
    KILTER_CHECK(by >= 0 && intervals_per_day > 0, "a session follows an earlier one");
    return {.z_kw = shift(z_kw, by, intervals_per_day),
            .y_eur_per_kw = shift(y_eur_per_kw, by, intervals_per_day),
            .rho_eur_per_kw2 = rho_eur_per_kw2};
}

void WarmState::start_unpriced_at(const model::Schedules& marginal) {
    for (Eigen::Index row = 0; row < y_eur_per_kw.rows(); ++row)
        if ((y_eur_per_kw.row(row).array() == 0).all()) y_eur_per_kw.row(row) = marginal.row(row);
}

}  // namespace kilter::market
