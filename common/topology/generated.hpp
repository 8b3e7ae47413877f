/// Random radial feeders with homes, for benchmarks and larger runs than there are published cases
/// for. A seed and the options reproduce the instance on every machine.
///
/// Bus i hangs on bus i − 1 with probability `chain`, else on one of the `reach` buses before it.
/// Line resistances are drawn from 0.5 to 1.5 and scaled so that the homes, did nobody flex, would
/// draw the lowest squared voltage `drop_at_peak` below the root's at their peak; the band
/// allows only 1 − v_min². The import limit is `import_share` of that peak. Every load is a home's:
/// buses have no fixed load of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/model/network.hpp"
#include "common/topology/neighbourhood.hpp"

namespace kilter::topology {

struct FeederOptions {
    std::size_t buses = 33;         ///< with the substation; ≥ 2
    std::size_t homes_per_net = 3;  ///< a net at every bus but the substation; ≥ 1
    double chain = 0.7;
    std::size_t reach = 15;
    double v_min_pu = 0.95;
    double v_max_pu = 1.05;
    double drop_at_peak = 0.12;  ///< of v (squared voltage, per unit), if nobody flexed
    double import_share = 0.95;
};

struct Neighbourhood {
    model::Network network;
    std::vector<HomeSpec> homes;
};

/// REQUIRES: options within their ranges.
Neighbourhood generate_feeder(const FeederOptions& options,
                              std::uint64_t seed,
                              const Profiles& profiles);

}  // namespace kilter::topology
