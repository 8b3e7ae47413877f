/// Whether a cleared schedule is one the feeder can carry: the nonlinear power flow of every interval against the
/// voltage band, the ratings and the tie.
#pragma once

#include <string>

#include "common/model/network.hpp"

namespace kilter::powerflow {

/// By how much the worst item misses its limit; negative: the margin left where it comes nearest. Not a number where no
/// item has such a limit.
struct Excess {
    double by =
        0;  ///< voltage: per unit of magnitude; loading: fraction of the rating or of the tie's limit
    std::string item;
    Eigen::Index interval = 0;
};

struct Validation {
    Excess voltage;
    Excess loading;
    model::Schedules voltage_pu;  ///< buses × intervals, magnitudes
    model::Schedules from_kva;    ///< branches × intervals, apparent power at `from`
    model::Series import_kw;
    model::Series loss_kw;
};

/// `consumed_kw`, `consumed_kvar`: nets × intervals, what is drawn at the nets; the feeder's fixed loads come on top.
/// Error: an interval's load cannot be carried at all. REQUIRES: network normalised and valid, horizon of it.
Result<Validation> validate(const model::Network& network,
                            const model::FeederHorizon& horizon,
                            const model::Schedules& consumed_kw,
                            const model::Schedules& consumed_kvar);

}  // namespace kilter::powerflow
