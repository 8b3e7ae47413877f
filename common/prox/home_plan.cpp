#include "common/prox/home_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace kilter::prox {

namespace {

using Eigen::Index;
using model::Series;
using Kind = ChainName::Kind;

constexpr double missed_min = 1e-6;

template <class... Values>
std::string text(const char* format, Values... values) {
    char out[320];
    std::snprintf(out, sizeof out, format, values...);
    return out;
}

void note(std::string& all, const std::string& sentence) {
    if (!all.empty()) all += "; ";
    all += sentence;
}

/// Times are hours from the start of the horizon.
std::string sentence(const Requirement& missed, double planned, const model::Home& home) {
    const double starts_h = static_cast<double>(missed.interval) * home.interval_h;
    const double ends_h = starts_h + home.interval_h;
    const double by = std::abs(planned - missed.bound), price = model::required_eur_per_kwh;
    switch (missed.kind) {
        case Requirement::Kind::battery_end:
            return text(
                "the battery must hold %.3f kWh after %.4g h and reaches %.3f kWh: %.3f kWh less, "
                "priced at %g EUR/kWh",
                missed.bound, ends_h, planned, by, price);
        case Requirement::Kind::vehicle:
            return text(
                "vehicle %zu misses %.3f kWh when it leaves after %.4g h, priced at %g EUR/kWh",
                missed.item, by, ends_h, price);
        case Requirement::Kind::deferrable:
            return text(
                "deferrable %zu misses %.3f of its %.3f kWh at its window's end after %.4g h, "
                "priced at %g EUR/kWh",
                missed.item, by, home.deferrables[missed.item].energy_kwh, ends_h, price);
        case Requirement::Kind::import_limit:
            return text(
                "the connection takes %.3f kW from %.4g h to %.4g h, over import_max_kw %.3f, "
                "priced at %g EUR/kWh",
                planned, starts_h, ends_h, missed.bound, price);
        case Requirement::Kind::export_limit:
            return text(
                "the connection gives %.3f kW from %.4g h to %.4g h, over export_max_kw %.3f, "
                "priced at %g EUR/kWh",
                -planned, starts_h, ends_h, -missed.bound, price);
    }
    return {};
}

double missed_by(const Requirement& required, const HomeSolver& solver) {
    return -required.sign * (solver.scalar(required.at) - required.bound);
}

}  // namespace

HomePlan plan_of(const model::Home& home, const HomeSolver& solver) {
    const HomeProgram& p = solver.program();
    const Index n = p.intervals;
    const auto collect = [n](auto at) {
        Series out(n);
        for (Index t = 0; t < n; ++t)
            out[t] = at(t);
        return out;
    };
    const auto none = [&](std::size_t count) {
        return std::vector<Series>(count, Series::Zero(n));
    };
    HomePlan plan;
    plan.battery_kw = plan.battery_burns_kw = plan.pv_used_kw = plan.tie_import_kw =
        plan.tie_export_kw = Series::Zero(n);
    plan.battery_kwh = Series::Constant(n, home.battery.energy_start_kwh);
    plan.inverter_kvar = solver.reactive_kvar();
    plan.vehicle_kw = plan.vehicle_missing_kwh = none(home.vehicles.size());
    plan.climate_kw = plan.temperature_c = none(home.climates.size());
    plan.tank_kw = plan.tank_kwh = none(home.tanks.size());
    plan.shiftable_kw = plan.start_weight = none(home.shiftables.size());
    plan.deferrable_kw = none(home.deferrables.size());
    plan.curtailed_kw = none(home.curtailables.size());
    plan.generator_kw = none(home.generators.size());
    for (Index i = 0; i < p.chains(); ++i) {
        const auto [kind, item] = p.names[static_cast<std::size_t>(i)];
        const Series input = collect([&](Index t) { return solver.scalar(p.input(i, t)); });
        const Series state = collect([&](Index t) { return solver.scalar(p.state(i, t)); });
        switch (kind) {
            case Kind::battery:
                plan.battery_kw = input;
                plan.battery_kwh = state;
                if (i >= p.two_way) break;
                for (Index t = 0; t < n; ++t) {
                    const double out = solver.scalar(p.second(i, t));
                    plan.battery_burns_kw[t] = std::min(input[t], out);
                    plan.battery_kw[t] -= out;
                }
                break;
            case Kind::vehicle:
                plan.vehicle_kw[item] = input;
                plan.vehicle_missing_kwh[item] = (-state).cwiseMax(0);
                break;
            case Kind::climate:
                plan.climate_kw[item] = input;
                plan.temperature_c[item] = state;
                break;
            case Kind::tank:
                plan.tank_kw[item] = input;
                plan.tank_kwh[item] = state;
                break;
            case Kind::deferrable:
                plan.deferrable_kw[item] = input;
                break;
            case Kind::generator:
                plan.generator_kw[item] = state;
                break;
        }
    }
    Index f = 0;
    const auto next_free = [&] {
        Series out = collect([&](Index t) { return solver.scalar(p.free(f, t)); });
        ++f;
        return out;
    };
    if (p.panels) plan.pv_used_kw = next_free();
    for (Series& curtailed : plan.curtailed_kw)
        curtailed = next_free();
    if (home.tie) {
        plan.tie_import_kw = next_free();
        plan.tie_export_kw = next_free();
    }
    for (const ApplianceBlock& block : p.appliances)
        for (Index s = 0; s < block.starts; ++s) {
            const double weight = solver.scalar(block.at + s);
            const Index start = block.first_start + s,
                        run = std::min<Index>(block.profile_kw.size(), n - start);
            plan.start_weight[block.item][start] = weight;
            plan.shiftable_kw[block.item].segment(start, run) +=
                weight * block.profile_kw.head(run).matrix();
        }
    return plan;
}

bool keeps_requirements(const HomeSolver& solver) {
    const auto& required = solver.program().required;
    return std::none_of(required.begin(), required.end(), [&](const Requirement& one) {
        return missed_by(one, solver) > missed_min;
    });
}

std::string explain_missed(const model::Home& home, const HomeSolver& solver) {
    std::string out;
    const auto& required = solver.program().required;
    const auto is_limit = [](const Requirement& one) {
        return one.kind == Requirement::Kind::import_limit ||
               one.kind == Requirement::Kind::export_limit;
    };
    for (const Requirement& one : required)
        if (!is_limit(one) && missed_by(one, solver) > missed_min)
            note(out, sentence(one, solver.scalar(one.at), home));
    // the connection is one item over all intervals: the worst speaks for it
    for (const auto kind : {Requirement::Kind::import_limit, Requirement::Kind::export_limit}) {
        const Requirement* worst = nullptr;
        long count = 0;
        for (const Requirement& one : required) {
            if (one.kind != kind || missed_by(one, solver) <= missed_min) continue;
            ++count;
            if (worst == nullptr || missed_by(one, solver) > missed_by(*worst, solver))
                worst = &one;
        }
        if (worst == nullptr) continue;
        note(out, sentence(*worst, solver.scalar(worst->at), home));
        if (count > 1) out += text(" (the worst of %ld intervals)", count);
    }
    return out;
}

std::string explain_unreachable(const model::Home& home) {
    std::string out;
    const double hours = home.interval_h;
    for (std::size_t i = 0; i < home.climates.size(); ++i) {
        const model::Climate& climate = home.climates[i];
        const double keep =
            std::exp(-hours / (climate.resistance_k_per_kw * climate.capacity_kwh_per_k));
        double idle = climate.temperature_start_c, driven = idle;
        for (Index t = 0; t < home.intervals(); ++t) {
            const double gains = climate.gains_kw.size() > 0 ? climate.gains_kw[t] : 0;
            const double power = (climate.cools ? -1 : 1) * climate.cop[t] * climate.power_max_kw;
            const auto next = [&](double from, double heat) {
                return keep * from + (1 - keep) * (climate.outdoor_c[t] +
                                                   climate.resistance_k_per_kw * (gains + heat));
            };
            idle = next(idle, 0);
            driven = next(driven, power);
            const double least = std::min(idle, driven), most = std::max(idle, driven);
            if (most < climate.low_c[t] - missed_min || least > climate.high_c[t] + missed_min) {
                const bool cold = most < climate.low_c[t];
                note(out,
                     text("climate %zu cannot %s the building to %.2f C in %.4g h: %.2f C is what "
                          "it reaches, priced at %g EUR per K and hour",
                          i, cold ? "keep or warm" : "keep or cool",
                          cold ? climate.low_c[t] : climate.high_c[t],
                          static_cast<double>(t + 1) * hours, cold ? most : least,
                          climate.discomfort_eur_per_k_h));
                break;
            }
        }
    }
    for (std::size_t i = 0; i < home.tanks.size(); ++i) {
        const model::HotWater& tank = home.tanks[i];
        const double rate = (tank.loss_full_kw - tank.loss_empty_kw) / tank.energy_max_kwh;
        const double keep = std::exp(-rate * hours);
        const double gain = hours * (rate * hours > 1e-9 ? (1 - keep) / (rate * hours) : 1);
        double most = tank.energy_start_kwh;
        for (Index t = 0; t < home.intervals(); ++t) {
            const double cop = tank.cop.size() > 0 ? tank.cop[t] : 1;
            most = std::min(tank.energy_max_kwh,
                            keep * most + gain * (cop * tank.power_max_kw - tank.draw_kw[t] -
                                                  tank.loss_empty_kw));
            if (most < -missed_min) {
                note(out, text("tank %zu runs cold within %.4g h: %.3f kWh are missing at full "
                               "power, priced at %g EUR per kWh and hour",
                               i, static_cast<double>(t + 1) * hours, -most,
                               tank.shortage_eur_per_kwh_h));
                break;
            }
        }
    }
    return out;
}

}  // namespace kilter::prox
