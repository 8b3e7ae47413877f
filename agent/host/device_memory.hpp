/// What the agent remembers of its devices across restarts: one entry of agent.db, beside the gateway's (agent/core/memory).
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/topology/neighbourhood.hpp"

namespace kilter::agent {

inline constexpr const char* energy_key = "energy";

inline Bytes encode_energy(double energy_kwh) {
    return ByteWriter{}.f64(energy_kwh).bytes();
}

/// Within what the battery can hold: somebody may have replaced it by a smaller one since. Nothing: not a number's bytes.
inline std::optional<double> decode_energy(ByteView bytes, const topology::HomeSpec& spec) {
    ByteReader in(bytes);
    const double energy_kwh = in.f64();
    if (!in.complete() || !std::isfinite(energy_kwh)) return std::nullopt;
    return std::clamp(energy_kwh, 0.0, spec.battery.energy_max_kwh);
}

}  // namespace kilter::agent
