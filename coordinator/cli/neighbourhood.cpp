#include "coordinator/cli/neighbourhood.hpp"

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

}  // namespace kilter::cli
