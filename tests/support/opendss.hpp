// The part of OpenDSS's language that the published three-phase cases are written in
// (../shared/data/opendss and three_phase_small): circuit, linecode, line, transformer (two windings,
// wye or delta), load, capacitor, regulator control, photovoltaic system.
#pragma once

#include <filesystem>
#include <string>

#include "common/model/three_phase.hpp"

namespace kilter::testing {

struct DssOptions {
    double frequency_hz = 60;
    /// Leaves out what is between the source and this bus, and holds this bus instead.
    std::string root;
};

/// Not normalised. Names in lower case, buses without their node numbers. Throws std::runtime_error
/// on what it does not know.
model::ThreePhaseNetwork read_opendss(const std::filesystem::path& file,
                                      const DssOptions& options = {});

}  // namespace kilter::testing
