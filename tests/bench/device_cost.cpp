/// One home's step with one piece of equipment, as often as asked: what device_cost.sh counts instructions of. Targets move
/// as in a session: a day's shape and a little noise, so that each solve starts from a near one. With `session` it is the
/// whole iteration of warm accelerated sessions, five to each, each of which begins with a new home and prices that are off
/// and come to where they go as they do in the feeder suite; with `accelerated` one whose prices jump everywhere for ever and
/// that is always judged exactly: two proxes, and the response along the way.
///     device_cost PIECE COUNT [session|accelerated]
#include <charconv>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <string_view>

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

Add everything_with(const Add& roof) {
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

/// Iterations of the chair's prices, EUR/kW and interval, lowest when the sun shines.
class Session {
  public:
    Session(prox::Home& home, const model::Schedules& shape)
        : home_(home), prices_((0.06 - 0.01 * shape.array()).matrix()) {
        parameters_.channels = static_cast<std::uint32_t>(home.rows());
        parameters_.rho_eur_per_kw2 = rho;
        market::WarmState start = market::WarmState::cold(home.rows(), intervals, rho);
        start.z_kw = shape;
        last_ = market::start_from(start, 1);
    }

    void answer(Prng& random, double off, double working_rho, double smoothing_kw2) {
        last_ = market::answer_prices(
            home_, last_,
            prices_ + test::random_schedules(random, home_.rows(), intervals, -off, off),
            working_rho, smoothing_kw2, market::ResponseUnits(3), parameters_);
    }

    [[nodiscard]] const market::Parameters& parameters() const { return parameters_; }

    [[nodiscard]] const model::Schedules& draw_kw() const { return last_.x_kw; }

  private:
    prox::Home& home_;
    market::Parameters parameters_;
    model::Schedules prices_;
    market::Iterate last_;
};

bool accelerated_steps(prox::Home& home, const model::Schedules& shape, int count, Prng& random) {
    Session session(home, shape);
    constexpr std::uint32_t late = 100;
    for (int i = 0; i < count; ++i)
        session.answer(random, 3e-4, 0.2 * rho,
                       market::smoothing_kw2(late, rho, session.parameters()));
    return session.draw_kw().allFinite();
}

bool session_steps(const model::Home& data, model::Schedules shape, int count, Prng& random) {
    constexpr int iterations = 5;
    for (int i = 0; i < count; i += iterations) {
        prox::Home home(data);
        Session session(home, shape);
        double off = 3e-3;
        double working_rho = market::later_rho(session.parameters());
        for (std::uint32_t k = 1; k <= iterations; ++k) {
            session.answer(random, off, working_rho,
                           market::smoothing_kw2(k, market::later_rho(session.parameters()),
                                                 session.parameters()));
            working_rho = market::next_working_rho(session.parameters(), working_rho);
            off *= 0.3;
        }
        shape = session.draw_kw();
    }
    return shape.allFinite();
}

int run(const std::string& piece, int count, const std::string& how) {
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
    const bool finite = how == "session"       ? session_steps(data, shape, count, random)
                        : how == "accelerated" ? accelerated_steps(home, shape, count, random)
                                               : plain_steps(home, shape, count, random);
    return finite ? 0 : 1;
}

}  // namespace
}  // namespace kilter

int main(int argc, char** argv) {
    const std::string how = argc == 4 ? argv[3] : "";
    const std::string_view said = argc > 2 ? argv[2] : "";
    int count = 0;
    const bool counted =
        std::from_chars(said.data(), said.data() + said.size(), count).ec == std::errc() &&
        count > 0;
    if (!counted || argc > 4 || (argc == 4 && how != "session" && how != "accelerated")) {
        std::cerr << "usage: device_cost PIECE COUNT [session|accelerated]\n";
        return 2;
    }
    return kilter::run(argv[1], count, how);
}
