/// What one device step costs: a home and a feeder over a day of quarter hours, on one core.
///     prox_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>
#include <cmath>

#include "common/base/check.hpp"
#include "common/prox/feeder.hpp"
#include "common/prox/feeder_newton.hpp"
#include "common/prox/home.hpp"
#include "tests/common/prox/instances.hpp"

namespace kilter {
namespace {

constexpr Eigen::Index intervals = 96;

void home_prox(benchmark::State& state) {
    Prng random(1);
    model::Home data;
    data.load_kw = model::Series(intervals);
    data.pv_available_kw = model::Series(intervals);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        data.load_kw[t] = random.uniform(0.2, 2);
        data.pv_available_kw[t] =
            std::max(0.0, 4 * std::sin((static_cast<double>(t) - 24) / 48 * 3.1416));
    }
    const auto size_kwh = static_cast<double>(state.range(0));
    data.battery = {3, size_kwh, size_kwh / 2, size_kwh / 2};
    prox::Home home(data);
    const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(1, 0.01);
    std::vector<model::Schedules> targets;
    for (int i = 0; i < 16; ++i)
        targets.push_back(test::random_schedules(random, 1, intervals, -4, 4));
    model::Schedules x;
    std::size_t next = 0;
    for (auto _ : state) {
        home.prox(targets[next++ % targets.size()], penalty, x);
        benchmark::DoNotOptimize(x.data());
    }
}

BENCHMARK(home_prox)->Arg(0)->Arg(8)->Arg(1000)->Unit(benchmark::kMicrosecond);

/// A feeder with a net at every bus whose limits bind in the evening, at `percent` of what the nets ask for.
struct Evening {
    model::Network network;
    model::Schedules asked;  ///< kW

    Evening(std::size_t buses, double percent, Prng& random)
        : network(test::random_network(random, buses)) {
        network.nets.clear();
        for (std::size_t i = 1; i < buses; ++i)
            network.nets.push_back({"net " + std::to_string(i), i});
        for (auto& bus : network.buses) {
            bus.load_p_kw = bus.load_q_kvar = 0;
            bus.v_max_pu = 3;
        }
        network.tie.slope_eur_per_kwh_kw = 0;
        network.tie.price_eur_per_kwh = {0.2};
        KILTER_CHECK(network.normalise().ok(), "a tree");
        const auto nets = static_cast<Eigen::Index>(network.nets.size());
        asked.resize(nets, intervals);
        for (Eigen::Index t = 0; t < intervals; ++t) {
            const double shape = 2 + std::exp(-std::pow((static_cast<double>(t) - 76) / 10, 2));
            for (Eigen::Index j = 0; j < nets; ++j)
                asked(j, t) = shape * random.uniform(0.5, 1.5);
        }
        // scale the voltage level so that the evening's request drops v by 15 %, and set the limits into it
        for (auto& bus : network.buses)
            bus.v_min_pu = 0;
        const prox::Feeder open(network, model::horizon_of(network, 0, intervals, 900));
        const double lowest = open.voltages_pu(-asked).minCoeff();
        network.base_kv *= std::sqrt((1 - lowest * lowest) / 0.15);
        for (auto& bus : network.buses)
            bus.v_min_pu = std::sqrt(1 - 0.15 * percent / 100);
        network.tie.import_max_kw = asked.colwise().sum().maxCoeff() * (percent + 5) / 100;
    }

    /// What nets ask for in one of a session's iterations.
    [[nodiscard]] model::Schedules around(Prng& random) const {
        return asked + test::random_schedules(random, asked.rows(), intervals, -0.1, 0.1);
    }
};

/// Targets wander as a session's do; limits bind at the far ends in the evening (state.range(1) % of what nets ask for).
/// state.range(2): with losses.
void feeder_prox(benchmark::State& state) {
    Prng random(2);
    Evening evening(static_cast<std::size_t>(state.range(0)), static_cast<double>(state.range(1)),
                    random);
    model::Network& network = evening.network;
    const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(evening.asked.rows(), 0.0025);
    network.losses = state.range(2) != 0;
    prox::Feeder feeder(network, model::horizon_of(network, 0, intervals, 900));
    // a target around which the cost of import pulls back to what is asked for
    std::vector<model::Schedules> targets;
    for (int i = 0; i < 8; ++i)
        targets.push_back(-evening.around(random).array() - 0.25 * 0.2 / 0.0025);
    model::Schedules x;
    std::size_t next = 0;
    for (auto _ : state) {
        feeder.prox(targets[next++ % targets.size()], penalty, x);
        benchmark::DoNotOptimize(x.data());
    }
    const prox::FeederDuals duals = feeder.duals();
    state.counters["binding"] =
        static_cast<double>((duals.voltage.array() != 0).count() +
                            (duals.branch.array() != 0).count() + (duals.tie.array() != 0).count());
}

BENCHMARK(feeder_prox)
    ->ArgNames({"buses", "percent", "losses"})
    ->ArgsProduct({{33, 900}, {200, 85, 50, 30}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

/// The chair's step of a plain session (common/market/priced.hpp) on the same feeder: three homes to a net.
void feeder_price_step(benchmark::State& state) {
    Prng random(2);
    Evening evening(static_cast<std::size_t>(state.range(0)), static_cast<double>(state.range(1)),
                    random);
    evening.network.tie.slope_eur_per_kwh_kw = 0.05 / evening.asked.colwise().sum().maxCoeff();
    prox::Feeder feeder(evening.network, model::horizon_of(evening.network, 0, intervals, 900));
    prox::FeederNewton newton(feeder);
    constexpr double own = 3 / 0.015;
    const std::vector<model::Response> responses(
        static_cast<std::size_t>(evening.asked.rows()),
        model::Response::level(own, -0.95 * own / intervals, 1, intervals));
    std::vector<model::Schedules> demands;
    for (int i = 0; i < 8; ++i)
        demands.push_back(evening.around(random));
    const model::Schedules price = newton.marginal_price();
    model::Schedules next, delivery;
    std::size_t turn = 0;
    for (auto _ : state)
        if (!newton.price_step(price, demands[turn++ % demands.size()], responses, {}, next,
                               delivery))
            state.SkipWithError("no such step");
    state.counters["binding"] =
        static_cast<double>(newton.price_memory().size() / 2) - static_cast<double>(intervals);
}

BENCHMARK(feeder_price_step)
    ->ArgNames({"buses", "percent"})
    ->ArgsProduct({{33, 900}, {200, 85, 50, 30}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kilter
