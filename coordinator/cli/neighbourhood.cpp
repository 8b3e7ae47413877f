#include "coordinator/cli/neighbourhood.hpp"

#include <map>

#include "common/topology/generated.hpp"
#include "common/topology/measured_price.hpp"
#include "common/topology/neighbourhood.hpp"
#include "common/topology/profiles.hpp"
#include "common/topology/three_phase.hpp"

namespace kilter::cli {

Result<DrawnNeighbourhood> draw_neighbourhood(const std::filesystem::path& topology,
                                              std::size_t homes_per_net,
                                              std::uint64_t homes_seed,
                                              std::int64_t interval_s) {
    auto feeder = topology::load_feeder(topology, interval_s);
    if (!feeder) return feeder.error();
    const topology::PriceCourse course = topology::available_price_course();
    const topology::Profiles profiles = topology::available_profiles(homes_seed);
    DrawnNeighbourhood out;
    out.series = profiles.source + (course.source.empty() ? "" : "; " + course.source);
    planner::Neighbourhood& drawn = out.neighbourhood;
    auto* unbalanced = std::get_if<model::ThreePhaseNetwork>(&*feeder);
    drawn.network = topology::with_price_course(
        unbalanced != nullptr ? planner::market_of(*unbalanced) : std::get<model::Network>(*feeder),
        course);
    drawn.homes =
        topology::generate_neighbourhood(drawn.network, homes_per_net, homes_seed, profiles);
    if (unbalanced != nullptr) {
        unbalanced->tie = drawn.network.tie;
        drawn.three_phase = topology::without_homes(std::move(*unbalanced), drawn.homes);
    } else {
        drawn.network = topology::without_homes(std::move(drawn.network), drawn.homes);
    }
    return out;
}

DrawnNeighbourhood draw_generated(std::size_t homes,
                                  std::size_t homes_per_net,
                                  std::uint64_t seed) {
    const topology::Profiles profiles = topology::available_profiles(seed);
    const std::size_t nets = homes / homes_per_net;
    topology::FeederOptions options;
    options.buses = nets + 1;
    options.homes_per_net = (homes + nets - 1) / nets;
    auto generated = topology::generate_feeder(options, seed, profiles);
    DrawnNeighbourhood out;
    out.series = profiles.source;
    out.neighbourhood.network = std::move(generated.network);
    std::map<NetId, std::size_t> taken;
    for (topology::HomeSpec& home : generated.homes) {
        const std::size_t room = homes / nets + (home.net.value < homes % nets ? 1 : 0);
        if (taken[home.net]++ < room) out.neighbourhood.homes.push_back(std::move(home));
    }
    return out;
}

}  // namespace kilter::cli
