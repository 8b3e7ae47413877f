/// The problem that a session solves, as JSON (docs/simulate-json.md): complete, for solvers that know nothing of kilter.
/// Doubles in the shortest form that reads back to the same bits; what is infinite is null.
#pragma once

#include <cmath>

#include <nlohmann/json.hpp>

#include "common/model/home.hpp"
#include "common/model/network.hpp"

namespace kilter::planner {

inline nlohmann::ordered_json number_json(double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

template <class Row>
nlohmann::ordered_json list_json(const Row& row) {
    auto out = nlohmann::ordered_json::array();
    for (const double value : row)
        out.push_back(number_json(value));
    return out;
}

nlohmann::ordered_json rows_json(const model::Schedules& matrix);

nlohmann::ordered_json network_json(const model::Network& feeder);

/// What a session knows of the network's series.
nlohmann::ordered_json horizon_json(const model::FeederHorizon& horizon);

/// Load, panels, battery, vehicles and heat pumps: all that a drawn home can have.
nlohmann::ordered_json equipment_json(const model::Home& home);

}  // namespace kilter::planner
