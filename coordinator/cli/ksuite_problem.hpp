/// An instance of the K-suite and its solution as JSON (docs/ksuite.md), for solvers that know nothing of kilter.
#pragma once

#include <string>

#include "coordinator/ksuite/solver.hpp"

namespace kilter::cli {

std::string ksuite_problem_json(const ksuite::Instance& instance,
                                const ksuite::Solver& solver,
                                const ksuite::Iterate& end);

}  // namespace kilter::cli
