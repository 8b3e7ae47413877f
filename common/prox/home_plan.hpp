/// What a home's equipment does in a solution, piece by piece; and in words what it had to miss.
#pragma once

#include <string>
#include <vector>

#include "common/model/home.hpp"
#include "common/prox/home_solver.hpp"

namespace kilter::prox {

/// One value per interval each; states are those at the end of the interval. Outer index: the item in model::Home.
struct HomePlan {
    model::Series battery_kw, battery_kwh;  ///< net charging; stored
    model::Series
        battery_burns_kw;  ///< charged and discharged at once: the relaxation is not tight there
    model::Series pv_used_kw, inverter_kvar;
    std::vector<model::Series> vehicle_kw, vehicle_missing_kwh;  ///< 0 outside its stays
    std::vector<model::Series> climate_kw, temperature_c;
    std::vector<model::Series> tank_kw, tank_kwh;
    std::vector<model::Series> shiftable_kw, start_weight;  ///< weights sum to 1 per item
    std::vector<model::Series> deferrable_kw, curtailed_kw, generator_kw;
    model::Series tie_import_kw, tie_export_kw;
};

HomePlan plan_of(const model::Home& home, const HomeSolver& solver);

/// False where a required level is missed by more than 1e-6.
bool keeps_requirements(const HomeSolver& solver);

/// One sentence per item that misses a required level: which, when, by how much, at what stated penalty.
std::string explain_missed(const model::Home& home, const HomeSolver& solver);

/// In words: comfort and hot water that not even full power reaches; empty where all can be kept.
std::string explain_unreachable(const model::Home& home);

}  // namespace kilter::prox
