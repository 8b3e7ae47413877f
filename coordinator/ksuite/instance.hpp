/// An instance of the K-suite: a network of nets, lines and devices over one day of 96 intervals, with the parameters
/// of Kraning, Chu, Lavaei and Boyd, "Dynamic Network Energy Management via Proximal Message Passing" (2013).
///
/// Power in kW and positive into a device, per interval; costs in the paper's currency per interval. Every array is
/// one device kind's, field by field, in the order of the nets (structure of arrays).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kilter::ksuite {

constexpr std::size_t intervals = 96;  ///< T, fixed: kernels and rows are laid out for it

using Profile = std::array<double, intervals>;

/// p = −x generated:  P_min ≤ p ≤ P_max,  |p_t − p_{t−1}| ≤ R,  cost Σ a p² + b p.
struct Generators {
    std::vector<std::uint32_t> net;
    std::vector<double> power_min, power_max, ramp;
    std::vector<double> quadratic, linear;  ///< a, b
};

/// x charges a store that starts empty:  |x_t| ≤ P,  0 ≤ Σ_{s≤t} x_s ≤ Q.  No cost.
struct Batteries {
    std::vector<std::uint32_t> net;
    std::vector<double> power_max, energy_max;  ///< kW, kW·intervals
};

/// x = fixed + d:  0 ≤ d_t ≤ P in [first, last], 0 elsewhere,  Σ d ≥ E.  No cost.
struct DeferrableLoads {
    std::vector<std::uint32_t> net;
    std::vector<Profile> fixed;
    std::vector<std::uint32_t> first, last;  ///< intervals, both included
    std::vector<double> energy, power_max;
};

/// x = fixed + c:  0 ≤ c_t ≤ l,  cost Σ γ (l − c_t).
struct CurtailableLoads {
    std::vector<std::uint32_t> net;
    std::vector<Profile> fixed;
    std::vector<double> wanted, penalty;  ///< l, γ
};

/// Two terminals x₁, x₂ at the nets from, to; flow f = (x₁ − x₂)/2:
///     k f² ≤ x₁ + x₂ ≤ k C²    the convex hull of the lossy line with |f| ≤ C
///     θ₁ − θ₂ = κ f            where alternating current ties the nets' phases
struct Lines {
    std::vector<std::uint32_t> from, to;
    std::vector<double> capacity;  ///< C
    std::vector<double> loss;      ///< k, 1/kW
    std::vector<double> phase;     ///< κ, rad/kW; 0 for direct current

    [[nodiscard]] std::size_t count() const { return from.size(); }
};

struct Instance {
    std::size_t nets = 0;
    Generators generators;
    Batteries batteries;
    DeferrableLoads deferrable;
    CurtailableLoads curtailable;
    Lines lines;

    /// Devices without the lines.
    [[nodiscard]] std::size_t single_terminal_devices() const {
        return generators.net.size() + batteries.net.size() + deferrable.net.size() +
               curtailable.net.size();
    }

    [[nodiscard]] std::size_t terminals() const {
        return single_terminal_devices() + 2 * lines.count();
    }
};

}  // namespace kilter::ksuite
