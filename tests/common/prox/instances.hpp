/// Random homes and feeders for the operators' tests; the same seed gives the same instance
/// everywhere.
#pragma once

#include <algorithm>
#include <string>

#include "common/base/prng.hpp"
#include "common/model/home.hpp"
#include "common/model/network.hpp"

namespace kilter::test {

inline model::Home random_home(Prng& random, Eigen::Index intervals) {
    model::Home home;
    home.interval_h = random.chance(0.5) ? 0.25 : 1;
    home.load_kw = model::Series(intervals);
    home.pv_available_kw = model::Series(intervals);
    const bool panels = random.chance(0.7);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        home.load_kw[t] = random.uniform(0, 3);
        home.pv_available_kw[t] = panels && random.chance(0.6) ? random.uniform(0, 4) : 0;
    }
    if (random.chance(0.8)) {
        auto& battery = home.battery;
        battery.power_max_kw = random.uniform(0.5, 4);
        battery.energy_max_kwh = random.uniform(0.2, 10) * home.interval_h;
        battery.energy_start_kwh = random.uniform() * battery.energy_max_kwh;
        const double reachable =
            std::min(battery.energy_max_kwh,
                     battery.energy_start_kwh +
                         battery.power_max_kw * home.interval_h * static_cast<double>(intervals));
        battery.energy_end_min_kwh = random.uniform() * reachable;
    }
    return home;
}

inline model::Series random_series(Prng& random, Eigen::Index intervals, double low, double high) {
    model::Series out(intervals);
    for (double& value : out)
        value = random.uniform(low, high);
    return out;
}

inline model::Vehicle random_vehicle(Prng& random, Eigen::Index intervals, double interval_h) {
    model::Vehicle vehicle;
    vehicle.power_max_kw = random.uniform(2, 11);
    vehicle.charge_efficiency = random.chance(0.3) ? 1 : random.uniform(0.8, 1);
    vehicle.lateness_eur_per_kwh_h = random.chance(0.5) ? 0 : random.uniform(0.01, 1);
    const auto n = static_cast<std::size_t>(intervals);
    std::size_t from = 0;
    while (from < n && vehicle.stays.size() < 3) {
        model::Stay stay;
        stay.arrival = from + random.below(n - from);
        stay.departure = stay.arrival + 1 + random.below(n - stay.arrival);
        stay.latest =
            stay.departure + random.below(std::min<std::size_t>(4, n - stay.departure + 1));
        stay.required_kwh = random.uniform(0, 0.9) * vehicle.power_max_kw *
                            vehicle.charge_efficiency * interval_h *
                            static_cast<double>(stay.latest - stay.arrival);
        from = stay.latest;
        vehicle.stays.push_back(stay);
    }
    return vehicle;
}

inline model::Climate random_climate(Prng& random, Eigen::Index intervals) {
    model::Climate climate;
    climate.cools = random.chance(0.3);
    climate.power_max_kw = random.uniform(1, 4);
    climate.resistance_k_per_kw = random.uniform(3, 10);
    climate.capacity_kwh_per_k = random.uniform(1, 6);
    climate.temperature_start_c = random.uniform(20, 22.5);
    climate.outdoor_c = climate.cools ? random_series(random, intervals, 22, 36)
                                      : random_series(random, intervals, -8, 12);
    climate.cop = random_series(random, intervals, 2.2, 4.5);
    if (random.chance(0.5)) climate.gains_kw = random_series(random, intervals, 0, 1);
    climate.low_c = random_series(random, intervals, 19.5, 20.5);
    climate.high_c = climate.low_c + random_series(random, intervals, 0.5, 3);
    climate.discomfort_eur_per_k_h = random.uniform(0.02, 1);
    return climate;
}

inline model::HotWater random_tank(Prng& random, Eigen::Index intervals) {
    model::HotWater tank;
    tank.power_max_kw = random.uniform(1, 4);
    tank.energy_max_kwh = random.uniform(3, 12);
    tank.energy_start_kwh = random.uniform() * tank.energy_max_kwh;
    tank.loss_empty_kw = random.uniform(0, 0.05);
    tank.loss_full_kw = tank.loss_empty_kw + random.uniform(0, 0.1);
    if (random.chance(0.5)) tank.cop = random_series(random, intervals, 1.5, 3.5);
    tank.draw_kw = random_series(random, intervals, 0, 1.5);
    tank.shortage_eur_per_kwh_h = random.uniform(0.1, 3);
    return tank;
}

inline model::Shiftable random_shiftable(Prng& random, Eigen::Index intervals) {
    model::Shiftable load;
    const auto n = static_cast<std::uint64_t>(intervals);
    load.profile_kw = random_series(
        random, 1 + static_cast<Eigen::Index>(random.below(std::min<std::uint64_t>(n, 8))), 0, 2.5);
    load.first_start = random.below(n);
    load.last_start = load.first_start + random.below(n - load.first_start);
    return load;
}

inline model::Deferrable random_deferrable(Prng& random,
                                           Eigen::Index intervals,
                                           double interval_h) {
    model::Deferrable load;
    const auto n = static_cast<std::size_t>(intervals);
    load.power_max_kw = random.uniform(0.5, 3);
    load.first = random.below(n);
    load.end = load.first + 1 + random.below(n - load.first);
    load.energy_kwh = random.uniform(0, 0.95) * load.power_max_kw * interval_h *
                      static_cast<double>(load.end - load.first);
    return load;
}

inline model::Generator random_generator(Prng& random) {
    model::Generator generator;
    generator.power_max_kw = random.uniform(1, 5);
    generator.power_start_kw = random.uniform() * generator.power_max_kw;
    if (random.chance(0.7)) generator.ramp_kw_per_h = random.uniform(0.5, 8);
    generator.cost_eur_per_kwh = random.uniform(0.05, 0.4);
    generator.slope_eur_per_kwh_kw = random.chance(0.5) ? 0 : random.uniform(0.001, 0.05);
    return generator;
}

inline model::ExternalTie random_tie(Prng& random, Eigen::Index intervals) {
    model::ExternalTie tie;
    tie.import_max_kw = random.uniform(2, 10);
    tie.export_max_kw = random.uniform(0, 6);
    tie.sell_eur_per_kwh = random_series(random, intervals, 0, 0.15);
    tie.buy_eur_per_kwh = tie.sell_eur_per_kwh + random_series(random, intervals, 0.05, 0.3);
    if (random.chance(0.6)) tie.demand_charge_eur_per_kw = random.uniform(0.01, 1);
    tie.peak_so_far_kw = random.chance(0.5) ? 0 : random.uniform(0, 3);
    return tie;
}

/// Each kind of equipment with probability `density`.
inline model::Home random_equipped_home(Prng& random, Eigen::Index intervals, double density) {
    model::Home home = random_home(random, intervals);
    const double h = home.interval_h;
    home.battery.power_max_kw *= random.chance(density) ? 1 : 0;
    if (random.chance(0.7)) {
        home.battery.charge_efficiency = random.uniform(0.8, 1);
        home.battery.discharge_efficiency = random.uniform(0.8, 1);
        home.battery.self_discharge_per_h = random.uniform(0, 0.02);
        home.battery.cycle_cost_eur_per_kwh = random.uniform(0, 0.05);
    }
    const auto count = [&] { return random.chance(density) ? 1 + random.below(2) : 0; };
    for (auto i = count(); i > 0; --i)
        home.vehicles.push_back(random_vehicle(random, intervals, h));
    for (auto i = count(); i > 0; --i)
        home.climates.push_back(random_climate(random, intervals));
    for (auto i = count(); i > 0; --i)
        home.tanks.push_back(random_tank(random, intervals));
    for (auto i = count(); i > 0; --i)
        home.shiftables.push_back(random_shiftable(random, intervals));
    for (auto i = count(); i > 0; --i)
        home.deferrables.push_back(random_deferrable(random, intervals, h));
    for (auto i = count(); i > 0; --i)
        home.curtailables.push_back(
            {random_series(random, intervals, 0.1, 1), random.uniform(0.05, 1)});
    for (auto i = count(); i > 0; --i)
        home.generators.push_back(random_generator(random));
    if (random.chance(density)) home.tie = random_tie(random, intervals);
    if (random.chance(density)) {
        home.import_max_kw = random.uniform(3, 15);
        home.export_max_kw = random.uniform(1, 10);
    }
    if (random.chance(density)) {
        home.trades_reactive = true;
        home.load_kvar = random_series(random, intervals, 0, 1);
        if (random.chance(0.8)) home.inverter_kva = random.uniform(1, 6);
    }
    return home;
}

inline model::Schedules random_schedules(
    Prng& random, Eigen::Index rows, Eigen::Index intervals, double low, double high) {
    model::Schedules out(rows, intervals);
    for (double& value : out.reshaped())
        value = random.uniform(low, high);
    return out;
}

/// A chain with side branches, a net at most buses, limits wide open.
inline model::Network random_network(Prng& random, std::size_t buses) {
    model::Network network;
    network.name = "random";
    network.base_kv = 12.66;
    for (std::size_t i = 0; i < buses; ++i) {
        model::Bus bus;
        bus.name = "bus " + std::to_string(i);
        bus.v_min_pu = 0.5;
        bus.v_max_pu = 1.5;
        bus.load_p_kw = random.uniform(0, 60);
        bus.load_q_kvar = random.uniform(0, 30);
        network.buses.push_back(bus);
        if (i == 0) continue;
        const std::size_t from = random.chance(0.7) ? i - 1 : random.below(i);
        network.branches.push_back({"line " + std::to_string(i), from, i, random.uniform(0.05, 0.8),
                                    random.uniform(0.05, 0.8)});
        if (random.chance(0.8)) network.nets.push_back({"net " + std::to_string(i), i});
    }
    if (network.nets.empty()) network.nets.push_back({"net 1", 1});
    network.nets.push_back({"another net", network.nets.back().bus});
    network.tie.price_eur_per_kwh = {0.2, 0.3, 0.1};
    network.tie.slope_eur_per_kwh_kw = random.chance(0.5) ? random.uniform(0, 1e-3) : 0;
    return network;
}

}  // namespace kilter::test
