#include "agent/core/base.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/limits.hpp"

namespace kilter::agent {

namespace {

constexpr std::int64_t seconds_per_day = 86'400;

model::Schedules shifted(const model::Schedules& row, IntervalIndex by, std::int64_t interval_s) {
    return market::WarmState{.z_kw = row, .y_eur_per_kw = row, .rho_eur_per_kw2 = 0}
        .shifted(by, seconds_per_day / interval_s)
        .z_kw;
}

}  // namespace

void Plans::add(const market::SessionId& session,
                std::vector<double> schedule_kw,
                const std::optional<market::SessionId>& keep) {
    by_age_.push_back({session, std::move(schedule_kw)});
    if (by_age_.size() <= kept_max) return;
    by_age_.erase(std::find_if(by_age_.begin(), by_age_.end(),
                               [&](const One& one) { return one.session != keep; }));
}

const std::vector<double>* Plans::find(const market::SessionId& session) const {
    for (const One& one : by_age_)
        if (one.session == session) return &one.schedule_kw;
    return nullptr;
}

Bytes Plans::encode() const {
    ByteWriter out;
    for (const One& one : by_age_) {
        out.i64(one.session.interval).u32(one.session.opening);
        out.u32(static_cast<std::uint32_t>(one.schedule_kw.size()));
        for (const double power : one.schedule_kw)
            out.f64(power);
    }
    return std::move(out).bytes();
}

std::optional<Plans> Plans::decode(ByteView bytes) {
    Plans out;
    ByteReader in(bytes);
    while (in.left() > 0 && !in.failed()) {
        One one;
        one.session.interval = in.i64();
        one.session.opening = in.u32();
        const std::uint32_t count = in.u32();
        if (count > limits::horizon_max || out.by_age_.size() == kept_max) return std::nullopt;
        for (std::uint32_t i = 0; i < count && !in.failed(); ++i)
            one.schedule_kw.push_back(in.f64());
        if (!std::all_of(one.schedule_kw.begin(), one.schedule_kw.end(),
                         [](double power) { return std::isfinite(power); }))
            return std::nullopt;
        out.by_age_.push_back(std::move(one));
    }
    return in.failed() ? std::nullopt : std::optional(std::move(out));
}

bool Base::reaches(IntervalIndex interval) const {
    const auto horizon = static_cast<IntervalIndex>(record.prices_micro_eur_per_kwh.size());
    return record.interval < interval && interval - record.interval < horizon;
}

double Base::consumption_kw(IntervalIndex interval) const {
    return schedule_kw.at(static_cast<std::size_t>(interval - record.interval));
}

model::Schedules Base::schedule_at(const market::Parameters& parameters,
                                   IntervalIndex first) const {
    const auto row = Eigen::Map<const Eigen::RowVectorXd>(
        schedule_kw.data(), static_cast<Eigen::Index>(schedule_kw.size()));
    return shifted(row, first - record.interval, parameters.interval_s);
}

model::Series Base::dual_at(const market::Parameters& parameters, IntervalIndex first) const {
    const double interval_h = parameters.interval_s / 3600.0;
    model::Schedules row(1, static_cast<Eigen::Index>(record.prices_micro_eur_per_kwh.size()));
    for (Eigen::Index t = 0; t < row.cols(); ++t)
        row(t) = static_cast<double>(record.prices_micro_eur_per_kwh[static_cast<std::size_t>(t)]) *
                 1e-6 * interval_h;
    return shifted(row, first - record.interval, parameters.interval_s).row(0);
}

}  // namespace kilter::agent
