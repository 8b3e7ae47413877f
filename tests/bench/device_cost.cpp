/// One home's step with one piece of equipment, as often as asked: what device_cost.sh counts instructions of. Targets move
/// as in a session: a day's shape and a little noise, so that each solve starts from a near one. With `accelerated` it is
/// the whole iteration of an accelerated session: two proxes, and the response along the way.
///     device_cost PIECE COUNT [accelerated]
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>

#include "common/market/acceleration.hpp"
#include "common/prox/home.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter {
namespace {

constexpr Eigen::Index intervals = 96;
constexpr double rho = 0.015;  // EUR/kW²

using Add = std::function<void(model::Home&, Prng&)>;

model::Series of_day(double low, double high) {
    model::Series out(intervals);
    for (Eigen::Index t = 0; t < intervals; ++t)
        out[t] =
            low + (high - low) * std::max(0.0, std::sin((static_cast<double>(t) - 24) / 48 * M_PI));
    return out;
}

void battery(model::Home& home, Prng& /*random*/) {
    home.battery = {.power_max_kw = 4,
                    .energy_max_kwh = 10,
                    .energy_start_kwh = 5,
                    .energy_end_min_kwh = 5,
                    .charge_efficiency = 0.95,
                    .discharge_efficiency = 0.95,
                    .self_discharge_per_h = 0.001,
                    .cycle_cost_eur_per_kwh = 0.02};
}

void vehicle(model::Home& home, Prng& /*random*/) {
    home.vehicles.push_back(
        {.power_max_kw = 11,
         .charge_efficiency = 0.9,
         .lateness_eur_per_kwh_h = 0.5,
         .stays = {{.arrival = 10, .departure = 60, .latest = 66, .required_kwh = 20}}});
}

void climate(model::Home& home, Prng& /*random*/) {
    home.climates.push_back({.power_max_kw = 3,
                             .resistance_k_per_kw = 5,
                             .capacity_kwh_per_k = 4,
                             .temperature_start_c = 20,
                             .outdoor_c = of_day(2, 8),
                             .cop = of_day(3, 3.5),
                             .gains_kw = of_day(0.2, 1),
                             .low_c = model::Series::Constant(intervals, 19.5),
                             .high_c = model::Series::Constant(intervals, 22.5),
                             .discomfort_eur_per_k_h = 0.5});
}

void tank(model::Home& home, Prng& random) {
    home.tanks.push_back({.power_max_kw = 2,
                          .energy_max_kwh = 8,
                          .energy_start_kwh = 4,
                          .loss_empty_kw = 0.02,
                          .loss_full_kw = 0.08,
                          .cop = {},
                          .draw_kw = test::random_series(random, intervals, 0, 0.6),
                          .shortage_eur_per_kwh_h = 1});
}

void shiftable(model::Home& home, Prng& random) {
    home.shiftables.push_back({.profile_kw = test::random_series(random, 8, 0.2, 2),
                               .first_start = 20,
                               .last_start = 60});
}

void deferrable(model::Home& home, Prng& /*random*/) {
    home.deferrables.push_back({.power_max_kw = 3, .energy_kwh = 6, .first = 8, .end = 80});
}

void curtailable(model::Home& home, Prng& random) {
    home.curtailables.push_back({test::random_series(random, intervals, 0, 1), 0.4});
}

void generator(model::Home& home, Prng& /*random*/) {
    home.generators.push_back({.power_max_kw = 5,
                               .power_start_kw = 1,
                               .ramp_kw_per_h = 4,
                               .cost_eur_per_kwh = 0.2,
                               .slope_eur_per_kwh_kw = 0.02});
}

void tie(model::Home& home, Prng& /*random*/) {
    home.tie = model::ExternalTie{.import_max_kw = 10,
                                  .export_max_kw = 10,
                                  .buy_eur_per_kwh = model::Series::Constant(intervals, 0.3),
                                  .sell_eur_per_kwh = model::Series::Constant(intervals, 0.1),
                                  .demand_charge_eur_per_kw = 0.3};
}

void panels(model::Home& home, Prng& /*random*/) {
    home.pv_available_kw = of_day(0, 4);
}

void inverter(model::Home& home, Prng& random) {
    panels(home, random);
    home.trades_reactive = true;
    home.inverter_kva = 4;
}

Add everything_with(Add roof) {
    return [roof](model::Home& home, Prng& random) {
        for (const Add& add : {Add(battery), Add(vehicle), Add(climate), Add(tank), Add(shiftable),
                               Add(deferrable), Add(curtailable), Add(generator), Add(tie), roof})
            add(home, random);
    };
}

const std::map<std::string, Add>& pieces() {
    static const std::map<std::string, Add> out = {
        {"load", [](model::Home&, Prng&) {}},
        {"battery", battery},
        {"lossless-battery",
         [](model::Home& home, Prng&) {
             home.battery = {4, 10, 5, 5};
         }},
        {"vehicle", vehicle},
        {"heat-pump", climate},
        {"hot-water", tank},
        {"shiftable", shiftable},
        {"deferrable", deferrable},
        {"curtailable", curtailable},
        {"generator", generator},
        {"tie", tie},
        {"panels", panels},
        {"panels-kvar", inverter},
        {"all-kw", everything_with(panels)},
        {"all", everything_with(inverter)},
    };
    return out;
}

bool plain_steps(prox::Home& home, const model::Schedules& shape, int count, Prng& random) {
    const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(home.rows(), rho);
    model::Schedules x;
    for (int i = 0; i < count; ++i)
        home.prox(shape + test::random_schedules(random, home.rows(), intervals, -0.1, 0.1),
                  penalty, x);
    return x.allFinite();
}

bool accelerated_steps(prox::Home& home, const model::Schedules& shape, int count, Prng& random) {
    market::Parameters parameters;
    parameters.channels = static_cast<std::uint32_t>(home.rows());
    parameters.rho_eur_per_kw2 = rho;
    market::WarmState start = market::WarmState::cold(home.rows(), intervals, rho);
    start.z_kw = shape;
    market::Iterate last = market::start_from(start, 1);
    const model::Schedules prices =
        (0.06 - 0.01 * shape.array()).matrix();  // EUR/kW and interval, lowest when the sun shines
    for (int i = 0; i < count; ++i)
        last = market::answer_prices(
            home, last,
            prices + test::random_schedules(random, home.rows(), intervals, -3e-4, 3e-4), 0.2 * rho,
            market::ResponseUnits(3), parameters);
    return last.x_kw.allFinite();
}

int run(const std::string& piece, int count, bool accelerated) {
    const auto found = pieces().find(piece);
    if (found == pieces().end()) {
        std::cerr << "no such piece; there are:";
        for (const auto& [name, add] : pieces())
            std::cerr << ' ' << name;
        std::cerr << '\n';
        return 2;
    }
    Prng random(1);
    model::Home data;
    data.load_kw = test::random_series(random, intervals, 0.2, 2);
    data.pv_available_kw = model::Series::Zero(intervals);
    found->second(data, random);
    if (const auto valid = data.validate(); !valid) {
        std::cerr << valid.error().message << '\n';
        return 1;
    }
    prox::Home home(data);
    model::Schedules shape(home.rows(), intervals);
    for (Eigen::Index row = 0; row < home.rows(); ++row)
        shape.row(row) = of_day(-3, 1).transpose();
    const bool finite = accelerated ? accelerated_steps(home, shape, count, random)
                                    : plain_steps(home, shape, count, random);
    return finite ? 0 : 1;
}

}  // namespace
}  // namespace kilter

int main(int argc, char** argv) {
    const bool accelerated = argc == 4 && std::string(argv[3]) == "accelerated";
    if (argc != 3 && !accelerated) {
        std::cerr << "usage: device_cost PIECE COUNT [accelerated]\n";
        return 2;
    }
    return kilter::run(argv[1], std::atoi(argv[2]), accelerated);
}
