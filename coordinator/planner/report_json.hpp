/// A Report as JSON (docs/simulate-json.md): results and the complete problem, so that anyone can
/// check feasibility and optimality without kilter. Doubles in the shortest form that reads back to
/// the same bits; infinite limits are null.
#pragma once

#include <string>

#include "coordinator/planner/simulate.hpp"

namespace kilter::planner {

std::string to_json(const Report& report);

}  // namespace kilter::planner
