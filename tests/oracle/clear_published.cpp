// One session on a published feeder, balanced or not, with seeded homes, a day, a tariff and a voltage band that binds, but
// no more than the homes can help; writes what `kilter simulate --json -` would, for check_optimality.py.
//
//     clear_published DATA_FOLDER matpower/case69.m|ieee_csv/ieee-13|opendss/37Bus/ieee37.dss|open_3ph/n5_1_dss|…
//                     [INTERVALS, 24 unless told]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>

#include "common/topology/matpower.hpp"
#include "common/topology/profiles.hpp"
#include "common/topology/three_phase.hpp"
#include "coordinator/planner/report_json.hpp"
#include "tests/support/ieee_csv.hpp"
#include "tests/support/open_3ph.hpp"
#include "tests/support/opendss.hpp"

namespace {

using namespace kilter;

constexpr IntervalIndex evening = 1'978'152;  // 18:00 UTC
constexpr std::size_t homes_per_net = 2;

template <class T>
T value(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

void must(const Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().message);
}

template <class Network>
void give_a_day(Network& network, double load_kw) {
    network.daily_shape.resize(96);
    network.tie.price_eur_per_kwh.resize(96);
    network.tie.slope_eur_per_kwh_kw = 0.05 / std::max(load_kw, 1.0);
    for (std::size_t t = 0; t < 96; ++t) {
        const auto at = static_cast<double>(t);
        network.daily_shape[t] = 0.75 + 0.25 * std::cos(2 * M_PI * (at - 78) / 96);
        network.tie.price_eur_per_kwh[t] = 0.2 + 0.05 * std::cos(2 * M_PI * (at - 72) / 96);
    }
}

template <class Buses>
void set_band(Buses& buses, std::size_t root, double low) {
    for (std::size_t i = 0; i < buses.size(); ++i) {
        buses[i].v_min_pu = i == root ? 0.3 : low;  // the source holds its own voltage
        buses[i].v_max_pu = 1.5;
    }
}

planner::SessionResult cleared(const planner::Neighbourhood& neighbourhood,
                               std::uint32_t horizon,
                               planner::Report& report) {
    planner::Options options;
    options.parameters.horizon = horizon;
    options.first_interval = evening;
    options.masked = false;
    report = value(planner::simulate(neighbourhood, options));
    return report.sessions[0];
}

/// The lowest voltage, per unit, of a session in which homes have this much more reason to share out the load.
double lowest_pu(planner::Neighbourhood neighbourhood, std::uint32_t horizon, double steeper) {
    neighbourhood.network.tie.slope_eur_per_kwh_kw *= steeper;
    if (neighbourhood.three_phase) neighbourhood.three_phase->tie.slope_eur_per_kwh_kw *= steeper;
    planner::Report report;
    const planner::SessionResult session = cleared(neighbourhood, horizon, report);
    return (session.phases ? session.phases->linear_pu : session.voltage_pu).minCoeff();
}

/// Half way between what the homes do without a band and what they could do.
double binding_pu(const planner::Neighbourhood& neighbourhood, std::uint32_t horizon) {
    const double free = lowest_pu(neighbourhood, horizon, 1);
    const double flat = lowest_pu(neighbourhood, horizon, 100);
    return free + std::max(-1e-3, 0.5 * (flat - free));
}

/// A balanced case; loads are the homes' and twice as much, impedances grow as loads shrink: the same feeder per unit.
planner::Neighbourhood balanced(const std::filesystem::path& path, std::uint32_t horizon) {
    model::Network network = value(topology::load_matpower(path));
    network.losses = true;
    planner::Neighbourhood out;
    out.homes = topology::generate_neighbourhood(network, homes_per_net, 1,
                                                 topology::generated_profiles(1));
    double homes_kw = 0, load_kw = 0;
    for (const topology::HomeSpec& home : out.homes)
        for (const double load : home.load_kw)
            homes_kw += load / static_cast<double>(home.load_kw.size());
    for (const model::Bus& bus : network.buses)
        load_kw += bus.load_p_kw;
    const double smaller = 3 * homes_kw / load_kw;
    for (model::Bus& bus : network.buses)
        for (double* power : {&bus.load_p_kw, &bus.load_q_kvar, &bus.shunt_p_kw, &bus.shunt_q_kvar})
            *power *= smaller;
    for (model::Branch& branch : network.branches) {
        branch.r_ohm /= smaller;
        branch.x_ohm /= smaller;
        branch.charging_kvar *= smaller;
        branch.rating_kva *= smaller;
    }
    give_a_day(network, 3 * homes_kw);
    set_band(network.buses, network.root, 0.3);
    out.network = topology::without_homes(std::move(network), out.homes);
    set_band(out.network.buses, out.network.root, binding_pu(out, horizon));
    return out;
}

planner::Neighbourhood unbalanced(model::ThreePhaseNetwork network, std::uint32_t horizon) {
    double load_kw = 0;
    for (const model::PhaseLoad& load : network.loads)
        load_kw += load.kva.real().sum();
    give_a_day(network, load_kw);
    must(network.normalise());
    set_band(network.buses, network.root, 0.3);
    network.nets = network.nets_at_loads();
    must(network.validate());
    planner::Neighbourhood out;
    out.network = planner::market_of(network);
    out.homes = topology::generate_neighbourhood(out.network, homes_per_net, 1,
                                                 topology::generated_profiles(1));
    out.three_phase = topology::without_homes(std::move(network), out.homes);
    set_band(out.three_phase->buses, out.three_phase->root, binding_pu(out, horizon));
    return out;
}

planner::Neighbourhood read(const std::filesystem::path& path, std::uint32_t horizon) {
    if (path.extension() == ".m") return balanced(path, horizon);
    if (path.extension() == ".dss") {
        testing::DssOptions options;
        if (path.stem() == "ieee37") options.root = "799";
        return unbalanced(testing::read_opendss(path, options), horizon);
    }
    if (path.parent_path().filename() == "open_3ph")
        return unbalanced(testing::read_open_3ph(path).network, horizon);
    return unbalanced(testing::read_ieee_csv(path), horizon);
}

}  // namespace

int main(int argc, char** argv) {
    const int intervals = argc == 4 ? std::atoi(argv[3]) : 24;
    if (argc < 3 || argc > 4 || intervals < 1) {
        std::cerr << "usage: clear_published DATA_FOLDER FEEDER [INTERVALS]\n";
        return 2;
    }
    const auto path = std::filesystem::path(argv[1]) / argv[2];
    if (!std::filesystem::exists(path)) {
        std::cerr << "skipped: no " << path << '\n';
        return 77;
    }
    try {
        planner::Report report;
        const auto horizon = static_cast<std::uint32_t>(intervals);
        cleared(read(path, horizon), horizon, report);
        std::puts(planner::to_json(report).c_str());
        return 0;
    } catch (const std::exception& wrong) {
        std::cerr << path << ": " << wrong.what() << '\n';
        return 1;
    }
}
