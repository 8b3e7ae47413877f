/// A meshed grid cleared with every line a device of its own: which devices, at which junctions, with which weights.
#pragma once

#include "common/mesh/exchange.hpp"
#include "common/model/meshed_grid.hpp"

namespace kilter::mesh {

/// What is believed of the lines.
enum class Physics : std::uint8_t {
    transport,  ///< power flows as it likes, up to the rating
    dc,         ///< lossless, flows follow angles: no voltages, no reactive power
    soc,        ///< alternating current with losses, relaxed to second-order cones
};

struct Clearing {
    bool converged = false;
    std::uint32_t iterations = 0;
    double cost = 0;         ///< EUR over all intervals
    double residual = 0;     ///< relative (exchange.hpp)
    double slack = 0;        ///< soc: how far the cones are from tight, pu⁴ (ac_line.hpp); else 0
    model::Schedules price;  ///< buses × intervals, EUR/kWh
    model::Schedules flow_kw;       ///< lines × intervals, into the line at its `from` end
    model::Schedules delivered_kw;  ///< generators × intervals
    model::Schedules stored_kwh;    ///< stores × intervals, at the intervals' ends
};

/// Weights: at a line of susceptance B, power weighs B₀/B and an angle or a squared voltage B B₀ / 10, B₀ the geometric mean
/// over the lines; at other devices as at a line of B₀. `options.rho` in EUR/kW² ; 0: from the generators' prices and sizes.
/// REQUIRES: grid.validate() said ok; no stores with soc.
Clearing clear(const model::MeshedGrid& grid, Physics physics, const Options& options);

}  // namespace kilter::mesh
