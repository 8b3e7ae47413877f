#include "common/topology/generated.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/base/check.hpp"
#include "common/base/prng.hpp"

namespace kilter::topology {
namespace {

/// The tie price rises by this much from no import to the homes' peak: enough to make the optimum
/// unique.
constexpr double slope_eur_per_kwh_at_peak = 0.1;

double bell(double at, double hour, double width) {
    return std::exp(-std::pow((at - hour) / width, 2));
}

/// Dear in the evening, cheap at noon.
std::vector<double> tie_price() {
    std::vector<double> price(profile_intervals);
    for (std::size_t t = 0; t < price.size(); ++t) {
        const double hour = (static_cast<double>(t) + 0.5) * 24 / static_cast<double>(price.size());
        price[t] = 0.15 + 0.15 * bell(hour, 19, 3) - 0.08 * bell(hour, 13, 3);
    }
    return price;
}

/// What flows over each branch if nobody flexes: branches × intervals, branch b leads to bus b + 1.
model::Schedules flows(const model::Network& network, const std::vector<HomeSpec>& homes) {
    const auto intervals = static_cast<Eigen::Index>(profile_intervals);
    model::Schedules flow =
        model::Schedules::Zero(static_cast<Eigen::Index>(network.branches.size()), intervals);
    for (const HomeSpec& home : homes) {
        const auto branch = static_cast<Eigen::Index>(network.nets[home.net.value].bus) - 1;
        flow.row(branch) +=
            Eigen::Map<const model::Series>(home.load_kw.data(), intervals).transpose();
    }
    for (std::size_t b = network.branches.size(); b-- > 0;)
        if (network.branches[b].from > 0)
            flow.row(static_cast<Eigen::Index>(network.branches[b].from) - 1) +=
                flow.row(static_cast<Eigen::Index>(b));
    return flow;
}

/// The largest fall of squared voltage, per unit, from the root to any bus at any time.
double largest_drop(const model::Network& network, const model::Schedules& flow) {
    model::Schedules drop =
        model::Schedules::Zero(static_cast<Eigen::Index>(network.buses.size()), flow.cols());
    const double per_kw_ohm = 2 / (1000 * network.base_kv * network.base_kv);
    for (std::size_t b = 0; b < network.branches.size(); ++b) {
        const model::Branch& branch = network.branches[b];
        drop.row(static_cast<Eigen::Index>(branch.to)) =
            drop.row(static_cast<Eigen::Index>(branch.from)) +
            per_kw_ohm * branch.r_ohm * flow.row(static_cast<Eigen::Index>(b));
    }
    return drop.maxCoeff();
}

/// Bus i's parent is bus i − 1 or one of the `reach` before it; resistances are relative until they
/// are scaled.
model::Network tree(const FeederOptions& options, Prng& random) {
    model::Network network;
    network.base_kv = 0.4;
    network.buses.resize(options.buses);
    for (std::size_t i = 0; i < options.buses; ++i) {
        network.buses[i].name = "b" + std::to_string(i);
        network.buses[i].v_min_pu = options.v_min_pu;
        network.buses[i].v_max_pu = options.v_max_pu;
        if (i == 0) continue;
        const std::size_t earliest = i > options.reach ? i - options.reach : 0;
        model::Branch branch;
        branch.from = random.chance(options.chain) ? i - 1 : earliest + random.below(i - earliest);
        branch.to = i;
        branch.name = network.buses[branch.from].name + "-" + network.buses[i].name;
        branch.r_ohm = random.uniform(0.5, 1.5);
        network.branches.push_back(std::move(branch));
        network.nets.push_back({network.buses[i].name, i});
    }
    return network;
}

}  // namespace

Neighbourhood generate_feeder(const FeederOptions& options,
                              std::uint64_t seed,
                              const Profiles& profiles) {
    KILTER_CHECK(options.buses >= 2 && options.homes_per_net >= 1 && options.reach >= 1,
                 "no feeder without homes");
    KILTER_CHECK(options.chain >= 0 && options.chain <= 1, "a probability");
    KILTER_CHECK(options.drop_at_peak > 0 && options.import_share > 0, "limits are positive");
    Prng random(seed);
    model::Network network = tree(options, random);
    network.name = "generated-" + std::to_string(options.buses) + "-" + std::to_string(seed);
    std::vector<HomeSpec> homes =
        generate_neighbourhood(network, options.homes_per_net, random.next(), profiles);

    const model::Schedules flow = flows(network, homes);
    const double scale = options.drop_at_peak / largest_drop(network, flow);
    for (model::Branch& branch : network.branches) {
        branch.r_ohm *= scale;
        branch.x_ohm = branch.r_ohm / 4;  // cable
    }
    model::Series total = model::Series::Zero(flow.cols());
    for (std::size_t b = 0; b < network.branches.size(); ++b)
        if (network.branches[b].from == 0)
            total += flow.row(static_cast<Eigen::Index>(b)).transpose();
    const double peak_kw = total.maxCoeff();

    network.daily_shape.assign(profile_intervals, 1.0);
    network.tie.import_max_kw = options.import_share * peak_kw;
    network.tie.slope_eur_per_kwh_kw = slope_eur_per_kwh_at_peak / peak_kw;
    network.tie.price_eur_per_kwh = tie_price();
    return {std::move(network), std::move(homes)};
}

}  // namespace kilter::topology
