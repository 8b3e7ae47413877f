#include "coordinator/planner/suite.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/prng.hpp"
#include "common/topology/generated.hpp"

namespace kilter::planner {

namespace {

constexpr auto day = static_cast<std::int64_t>(topology::profile_intervals);
constexpr double interval_h = 24.0 / static_cast<double>(topology::profile_intervals);
constexpr std::size_t homes_per_net = 3;
constexpr double held_c = 20.5;
constexpr double drop_at_peak = 0.11;  // of v; the band allows 1 − 0.95² = 0.0975
constexpr double rated_share = 0.2;  // of the branches, of those with two nets behind them at least
constexpr double rating_of_peak = 0.95;
constexpr double import_of_peak = 0.95;
constexpr double slope_eur_per_kwh_at_peak = 0.1;

double outdoor_c(std::int64_t interval) {
    const double hour = static_cast<double>((interval % day + day) % day) * interval_h;
    return 4 - 4 * std::cos(2 * std::numbers::pi * (hour - 4) / 24);
}

double cop(double outdoor) {
    return 3 + 0.05 * outdoor;
}

Habit draw_habit(Prng& random) {
    constexpr double powers_kw[] = {3.7, 7.4, 11};
    Habit out;
    out.vehicle.power_max_kw = powers_kw[random.below(3)];
    out.vehicle.charge_efficiency = random.uniform(0.88, 0.94);
    out.vehicle.lateness_eur_per_kwh_h = 0.1;
    out.arrival = 68 + random.below(13);
    out.departure = 24 + random.below(13);
    out.required_kwh = random.uniform(5, 12);
    return out;
}

model::Climate draw_building(Prng& random) {
    model::Climate out;
    out.resistance_k_per_kw = random.uniform(4, 8);
    out.capacity_kwh_per_k = random.uniform(25, 60) / out.resistance_k_per_kw;
    out.power_max_kw =
        2 * 21 / (cop(0) * out.resistance_k_per_kw);  // twice what the coldest hour takes
    out.temperature_start_c = held_c;
    out.discomfort_eur_per_k_h = 1;
    return out;
}

/// What homes would draw on a day if nobody flexed and no vehicle came; nets × intervals.
model::Schedules habitual_kw(const std::vector<SuiteHome>& homes, std::size_t nets) {
    model::Schedules out = model::Schedules::Zero(static_cast<Eigen::Index>(nets), day);
    for (const SuiteHome& home : homes)
        for (Eigen::Index t = 0; t < day; ++t) {
            double& sum = out(static_cast<Eigen::Index>(home.spec.net.value), t);
            sum += home.spec.load_kw[static_cast<std::size_t>(t)];
            if (home.climate)
                sum += (held_c - outdoor_c(t)) /
                       (home.climate->resistance_k_per_kw * cop(outdoor_c(t)));
        }
    return out;
}

/// Flows into the branches; branch b leads to bus b + 1.
model::Schedules flows(const model::Network& network, const model::Schedules& nets) {
    model::Schedules out =
        model::Schedules::Zero(static_cast<Eigen::Index>(network.branches.size()), nets.cols());
    for (std::size_t n = 0; n < network.nets.size(); ++n)
        out.row(static_cast<Eigen::Index>(network.nets[n].bus) - 1) +=
            nets.row(static_cast<Eigen::Index>(n));
    for (std::size_t b = network.branches.size(); b-- > 0;)
        if (network.branches[b].from > 0)
            out.row(static_cast<Eigen::Index>(network.branches[b].from) - 1) +=
                out.row(static_cast<Eigen::Index>(b));
    return out;
}

/// Σ r P from the root to each bus, at the worst bus and time.
double largest_drop(const model::Network& network, const model::Schedules& flow) {
    model::Schedules drop =
        model::Schedules::Zero(static_cast<Eigen::Index>(network.buses.size()), flow.cols());
    for (std::size_t b = 0; b < network.branches.size(); ++b)
        drop.row(static_cast<Eigen::Index>(b) + 1) =
            drop.row(static_cast<Eigen::Index>(network.branches[b].from)) +
            network.branches[b].r_ohm * flow.row(static_cast<Eigen::Index>(b));
    return 2 * drop.maxCoeff() / (1000 * network.base_kv * network.base_kv);
}

void set_limits(SuiteInstance& instance, Prng& random) {
    model::Network& network = instance.network;
    const model::Schedules drawn = habitual_kw(instance.homes, network.nets.size());
    const model::Schedules flow = flows(network, drawn);
    const double scale = drop_at_peak / largest_drop(network, flow);
    std::vector<std::size_t> nets_behind(network.branches.size(), 1);
    for (std::size_t b = network.branches.size(); b-- > 0;) {
        model::Branch& branch = network.branches[b];
        branch.r_ohm *= scale;
        branch.x_ohm *= scale;
        if (branch.from > 0) nets_behind[branch.from - 1] += nets_behind[b];
        if (nets_behind[b] < 2 || !random.chance(rated_share)) continue;
        branch.rating_kva = rating_of_peak * flow.row(static_cast<Eigen::Index>(b)).maxCoeff();
        ++instance.rated;
    }
    const double peak_kw = drawn.colwise().sum().maxCoeff();
    network.tie.import_max_kw = import_of_peak * peak_kw;
    network.tie.slope_eur_per_kwh_kw = slope_eur_per_kwh_at_peak / peak_kw;
}

}  // namespace

std::vector<SuiteCase> suite_cases() {
    std::vector<SuiteCase> out;
    for (std::uint64_t seed = 1; seed <= 8; ++seed)
        out.push_back({33, 0.5, 8, seed});
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
        out.push_back({60, 0.6, 12, seed});
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
        out.push_back({100, 0.7, 15, seed});
    for (std::uint64_t seed = 1; seed <= 2; ++seed)
        out.push_back({200, 0.7, 15, seed});
    for (std::uint64_t seed = 1; seed <= 2; ++seed)
        out.push_back({300, 0.7, 15, seed});
    out.push_back({600, 0.6, 20, 1});
    out.push_back({1000, 0.5, 20, 1});
    return out;
}

model::Flexibility SuiteHome::flexibility() const {
    return vehicle || climate ? model::Flexibility::stores : spec.flexibility();
}

model::Home SuiteHome::horizon(std::int64_t first, Eigen::Index intervals) const {
    model::Home out = topology::home_horizon(spec, first, intervals, spec.interval_s, battery_kwh);
    if (vehicle) {
        model::Vehicle car = vehicle->vehicle;
        const auto today = first / day;
        for (auto on = today - 1; on * day < first + intervals; ++on) {
            const auto arrival = on * day + static_cast<std::int64_t>(vehicle->arrival);
            const auto departure = (on + 1) * day + static_cast<std::int64_t>(vehicle->departure);
            const auto from = std::max<std::int64_t>(arrival - first, 0);
            const auto until = std::min<std::int64_t>(departure - first, intervals);
            if (from >= until) continue;
            double required = vehicle->required_kwh;
            if (arrival < first) required -= charged_kwh;
            // what is beyond the horizon is left to later
            required *=
                static_cast<double>(until - from) / static_cast<double>(departure - first - from);
            const double reach = 0.98 * car.power_max_kw * car.charge_efficiency * interval_h *
                                 static_cast<double>(until - from);
            car.stays.push_back({.arrival = static_cast<std::size_t>(from),
                                 .departure = static_cast<std::size_t>(until),
                                 .latest = static_cast<std::size_t>(until),
                                 .required_kwh = std::clamp(required, 0.0, reach)});
        }
        if (!car.stays.empty()) out.vehicles.push_back(std::move(car));
    }
    if (climate) {
        model::Climate building = *climate;
        building.temperature_start_c = temperature_c;
        building.outdoor_c.resize(intervals);
        building.cop.resize(intervals);
        for (Eigen::Index t = 0; t < intervals; ++t) {
            building.outdoor_c[t] = outdoor_c(first + t);
            building.cop[t] = cop(building.outdoor_c[t]);
        }
        building.low_c = model::Series::Constant(intervals, 20);
        building.high_c = model::Series::Constant(intervals, 22);
        out.climates.push_back(std::move(building));
    }
    return out;
}

void SuiteHome::carry_out(const prox::HomePlan& plan, std::int64_t interval) {
    battery_kwh = std::clamp(plan.battery_kwh[0], 0.0, spec.battery.energy_max_kwh);
    if (vehicle) {
        if ((interval % day + day) % day == static_cast<std::int64_t>(vehicle->arrival))
            charged_kwh = 0;
        if (!plan.vehicle_kw.empty())
            charged_kwh +=
                interval_h * vehicle->vehicle.charge_efficiency * plan.vehicle_kw.front()[0];
    }
    if (climate) temperature_c = plan.temperature_c.front()[0];
}

SuiteInstance draw(const SuiteCase& of) {
    topology::FeederOptions options;
    options.buses = of.buses;
    options.homes_per_net = homes_per_net;
    options.chain = of.chain;
    options.reach = of.reach;
    topology::Neighbourhood feeder =
        topology::generate_feeder(options, of.seed, topology::generated_profiles(of.seed));
    SuiteInstance out{of, std::move(feeder.network), {}, 0, 0};
    Prng random(of.seed + 0x6665656465720000);
    for (topology::HomeSpec& spec : feeder.homes) {
        SuiteHome home;
        home.spec = std::move(spec);
        home.spec.battery.charge_efficiency = home.spec.battery.discharge_efficiency = 0.95;
        home.spec.battery.cycle_cost_eur_per_kwh = 0.01;
        home.battery_kwh = home.spec.battery.energy_start_kwh;
        if (random.chance(0.5)) home.vehicle = draw_habit(random);
        if (random.chance(0.5)) home.climate = draw_building(random);
        out.homes.push_back(std::move(home));
    }
    std::vector<std::size_t> depth(of.buses, 0);
    for (const model::Branch& branch : out.network.branches) {
        depth[branch.to] = depth[branch.from] + 1;
        out.depth = std::max(out.depth, depth[branch.to]);
    }
    set_limits(out, random);
    return out;
}

}  // namespace kilter::planner
