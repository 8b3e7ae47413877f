// Unbalanced networks with solved complex voltages, as tables of buses, lines and transformers
// (../shared/data/open_3ph).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "common/model/three_phase.hpp"

namespace kilter::testing {

struct SolvedNetwork {
    model::ThreePhaseNetwork network;  ///< not normalised
    std::map<std::string, model::Phasors> voltage_v;
};

/// Of one of its folders, "n5_1_dss". Throws std::runtime_error without the files.
SolvedNetwork read_open_3ph(const std::filesystem::path& folder);

}  // namespace kilter::testing
