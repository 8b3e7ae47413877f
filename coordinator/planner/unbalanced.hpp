/// What an unbalanced three-phase feeder adds to a simulated session: its device, where that is
/// linearised, and what the nonlinear sweep says of the cleared schedule.
#pragma once

#include <string>
#include <vector>

#include "common/model/network.hpp"
#include "common/prox/three_phase_feeder.hpp"

namespace kilter::planner {

/// Of one cleared session; voltages phase by phase, between phases where there is no neutral.
struct PhaseResult {
    std::vector<std::string> places;  ///< "611.c", "775.ab": the rows of the voltages
    model::Schedules linear_pu;       ///< places × intervals: what the market kept inside the band
    model::Schedules nonlinear_pu;    ///< what the schedule does, losses and all
    prox::LinearSet limits;           ///< what the market kept
    prox::PhasePrices prices;         ///< rows of the nets' prices, EUR per kW and interval
    model::Series import_kw;          ///< nonlinear

    /// Largest difference of the two voltages, pu.
    [[nodiscard]] double difference_pu() const {
        return (linear_pu - nonlinear_pu).cwiseAbs().maxCoeff();
    }
};

/// The balanced network with the same buses, nets and tie and no impedance: what neighbourhoods are
/// drawn on and listings name. REQUIRES: normalised.
model::Network market_of(const model::ThreePhaseNetwork& network);

/// Linearises every interval at the nonlinear solution for these net schedules (rows as the
/// device's, negative deliveries); leaves an interval as it is where there is none.
void linearise(prox::ThreePhaseFeeder& feeder, const model::Schedules& x);

/// Error: an interval that the nonlinear sweep cannot solve.
Result<PhaseResult> examine(const prox::ThreePhaseFeeder& feeder, const model::Schedules& x);

}  // namespace kilter::planner
