/// Random homes and feeders for the operators' tests; the same seed gives the same instance
/// everywhere.
#pragma once

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
