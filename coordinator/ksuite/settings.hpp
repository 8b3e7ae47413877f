/// How the iteration is run. Public to all participants; nothing here depends on what anybody keeps to itself.
#pragma once

#include <cstdint>

namespace kilter::ksuite {

/// Weight of a terminal's penalty, ρ w. A terminal that cannot flex is stiff, one that flexes freely is soft.
struct Weights {
    double generator = 1;
    double costly_generator = 1;  ///< its first kW costs more than Settings::costly
    double battery = 1;
    double deferrable = 1;
    double curtailable = 1;
    double line = 1;  ///< of a line that loses k₀ f²
    double line_exponent =
        0;  ///< line · (k / k₀)^exponent: what loses little is meant to carry much
};

/// How a phase's disagreement is weighed against a power's.
enum class PhaseUnit : std::uint8_t {
    flow,    ///< by the flow it stands for on the terminal's line: θ/κ in kW
    radian,  ///< as it is
};

struct Settings {
    double rho = 1;    ///< currency/kW²
    double alpha = 1;  ///< over-relaxation
    Weights weights;
    double costly = 0.15;                ///< currency/kW
    double start_price = 0;              ///< of every net and interval
    bool phases_on_cycles_only = false;  ///< leave out phases that no cycle ties (cycles.hpp)
    PhaseUnit phase_unit = PhaseUnit::radian;
    double tolerance = 1e-3;  ///< RMS of primal and ρ-scaled dual residual
    std::uint32_t iterations_max = 10'000;

    /// As published: ρ = 1, no relaxation, all weights 1.
    static Settings paper() { return {}; }

    /// What measurably helps (docs/decisions).
    static Settings standard();
};

constexpr double loss_reference = 0.01;  ///< k₀, 1/kW

}  // namespace kilter::ksuite
