/// A meshed grid as data: buses, lines that may close loops, generators. For grids whose lines are devices of their own,
/// because nobody hosts the whole of it or because no tree describes it.
///
/// Impedances are per unit on base_kva. A line is a π section behind an ideal transformer at its `from` end (MATPOWER's
/// branch): y = 1/(r + jx), τ = ratio e^{j shift},
///     S_from = conj(y + jb/2)/ratio² |V_f|² − conj(y)/τ V_f V_t*,   S_to = conj(y + jb/2) |V_t|² − conj(y/τ) V_t V_f*.
#pragma once

#include <cstddef>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/model/device.hpp"

namespace kilter::model {

struct MeshedBus {
    std::string name;
    double v_min_pu = 0.9;  ///< voltage magnitude, not squared
    double v_max_pu = 1.1;
    double shunt_p_kw = 0;    ///< consumed at 1 pu, with |V|²
    double shunt_q_kvar = 0;  ///< injected at 1 pu, with |V|²
};

struct MeshedLine {
    std::string name;
    std::size_t from = 0;  ///< bus index
    std::size_t to = 0;
    double r_pu = 0;
    double x_pu = 0;
    double b_pu = 0;   ///< charging of the whole line
    double ratio = 1;  ///< off-nominal turns ratio at `from`
    double shift_rad = 0;
    double rating_kva = std::numeric_limits<double>::infinity();  ///< at both ends
    double angle_min_rad = -std::numbers::pi / 3;  ///< of V_from against V_to; within ±π/2
    double angle_max_rad = std::numbers::pi / 3;
};

/// Cost per hour of P kW: cost2 P² + cost1 P + cost0. A dispatchable load is one with negative power.
struct MeshedGenerator {
    std::string name;
    std::size_t bus = 0;
    double p_min_kw = 0;
    double p_max_kw = 0;
    double q_min_kvar = 0;
    double q_max_kvar = 0;
    double cost2 = 0;  ///< EUR/h per kW², ≥ 0
    double cost1 = 0;  ///< EUR/kWh
    double cost0 = 0;  ///< EUR/h
    Series share{};    ///< per interval: the parts of p_min and p_max there are; empty: all
    // From one interval to the next, the one before the first included.
    double p_start_kw = 0;  ///< before the first interval; counts only where it ramps
    double ramp_up_kw = std::numeric_limits<double>::infinity();
    double ramp_down_kw = std::numeric_limits<double>::infinity();
    double ramp_cost = 0;  ///< EUR per kW of change

    [[nodiscard]] bool ramps() const {
        return ramp_cost > 0 || ramp_up_kw < std::numeric_limits<double>::infinity() ||
               ramp_down_kw < std::numeric_limits<double>::infinity();
    }

    [[nodiscard]] double p_min_at(Eigen::Index t) const {
        return share.size() > 0 ? p_min_kw * share[t] : p_min_kw;
    }

    [[nodiscard]] double p_max_at(Eigen::Index t) const {
        return share.size() > 0 ? p_max_kw * share[t] : p_max_kw;
    }
};

/// Active power only, so none in grids cleared with reactive power.
struct MeshedStorage {
    std::string name;
    std::size_t bus = 0;
    double charge_max_kw = 0;     ///< drawn from the grid
    double discharge_max_kw = 0;  ///< delivered to it
    double charge_efficiency = 1;
    double discharge_efficiency = 1;
    double energy_start_kwh = 0;
    double energy_max_kwh = 0;
    double idle_kw = 0;  ///< drawn whatever it does
};

struct MeshedGrid {
    std::string name;
    double base_kva = 100'000;
    double interval_h = 1;
    std::vector<MeshedBus> buses;
    std::vector<MeshedLine> lines;
    std::vector<MeshedGenerator> generators;
    std::vector<MeshedStorage> stores;
    Schedules load_p_kw;    ///< buses × intervals
    Schedules load_q_kvar;  ///< buses × intervals

    /// Every number finite and in its range, references valid, every bus reached; the error names the item.
    [[nodiscard]] Result<void> validate() const;
};

}  // namespace kilter::model
