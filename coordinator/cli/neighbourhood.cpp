#include "coordinator/cli/neighbourhood.hpp"

#include "common/topology/measured_price.hpp"
#include "common/topology/native.hpp"
#include "common/topology/neighbourhood.hpp"
#include "common/topology/profiles.hpp"

namespace kilter::cli {

Result<DrawnNeighbourhood> draw_neighbourhood(const std::filesystem::path& topology,
                                              std::size_t homes_per_net,
                                              std::uint64_t homes_seed,
                                              std::int64_t interval_s) {
    auto network = topology::load_network(topology, interval_s);
    if (!network) return network.error();
    const topology::PriceCourse course = topology::available_price_course();
    const topology::Profiles profiles = topology::available_profiles(homes_seed);
    DrawnNeighbourhood out;
    out.series = profiles.source + (course.source.empty() ? "" : "; " + course.source);
    out.neighbourhood.homes =
        topology::generate_neighbourhood(*network, homes_per_net, homes_seed, profiles);
    out.neighbourhood.network = topology::without_homes(
        topology::with_price_course(*std::move(network), course), out.neighbourhood.homes);
    return out;
}

}  // namespace kilter::cli
