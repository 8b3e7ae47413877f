/// An unbalanced three-phase feeder as data: every quantity by phase, lines with coupled impedance
/// matrices, single-phase laterals, delta and wye connections. Private to the grid operator.
///
/// Vectors and matrices are indexed by phase a, b, c; entries of absent phases are zero. Voltages
/// are complex phasors from phase to neutral in V; behind a delta winding, where there is no
/// neutral, they are the equivalent ones that sum to zero, and what counts is line to line. Powers
/// are complex, kW + j kvar, consumption positive. three_phase_circuit.hpp has the equations.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.hpp"
#include "common/model/network.hpp"

namespace kilter::model {

using Complex = std::complex<double>;
using Phasors = Eigen::Vector3cd;
using PhaseMatrix = Eigen::Matrix3cd;

/// Which of the phases a, b, c.
class PhaseSet {
  public:
    constexpr PhaseSet() = default;

    /// "a", "bc", "abc": in this order, each at most once; nothing for anything else.
    static std::optional<PhaseSet> parse(std::string_view text);

    static constexpr PhaseSet all() { return PhaseSet(7); }

    static constexpr PhaseSet of(int phase) {
        return PhaseSet(static_cast<std::uint8_t>(1U << static_cast<unsigned>(phase)));
    }

    [[nodiscard]] constexpr bool has(int phase) const {
        return ((bits_ >> static_cast<unsigned>(phase)) & 1U) != 0;
    }

    [[nodiscard]] constexpr int count() const {
        return static_cast<int>(has(0)) + static_cast<int>(has(1)) + static_cast<int>(has(2));
    }

    [[nodiscard]] constexpr bool covers(PhaseSet other) const {
        return (other.bits_ & ~bits_) == 0;
    }

    [[nodiscard]] std::string text() const;

    friend constexpr PhaseSet operator|(PhaseSet a, PhaseSet b) {
        return PhaseSet(static_cast<std::uint8_t>(a.bits_ | b.bits_));
    }

    bool operator==(const PhaseSet&) const = default;

  private:
    explicit constexpr PhaseSet(std::uint8_t bits) : bits_(bits) {}

    std::uint8_t bits_ = 0;
};

/// wye: from each phase to neutral, vectors are (a, b, c). delta: between phases, (ab, bc, ca).
enum class Connection : std::uint8_t { wye, delta };

/// How a load answers the voltage across it: P and Q constant, or |I| and power factor, or Z.
enum class LoadModel : std::uint8_t { power, current, impedance };

struct PhaseBus {
    std::string name;
    double v_min_pu = 0.9;  ///< of every phase; phase to phase where connection is delta
    double v_max_pu = 1.1;

    // Set by normalise().
    PhaseSet phases{};
    double base_kv = 0;                       ///< nominal, line to line
    Connection connection = Connection::wye;  ///< delta: behind a delta winding, without a neutral
};

/// Series impedance and shunt admittance of the whole length, half the shunt at each end. All zero:
/// a closed switch.
struct PhaseLine {
    PhaseMatrix series_ohm = PhaseMatrix::Zero();
    PhaseMatrix shunt_s = PhaseMatrix::Zero();
};

/// Keeps the voltage of a distant point by measuring at the regulator: the relay sees, on a 120 V
/// base, |V / pt_ratio − (r + jx) I / ct_primary| and asks for a tap that brings it into
/// level ± bandwidth / 2. r and x are in volts, per regulator.
struct LineDropCompensator {
    double level_v = 120;
    double bandwidth_v = 2;
    double pt_ratio = 1;
    double ct_primary_a = 1;
    std::array<double, 3> r_v{};
    std::array<double, 3> x_v{};
    bool ganged = false;  ///< one relay, on the first phase, moves all
};

/// Step regulators, 32 steps of 0.625 %. wye: one per phase, taps by phase. delta: two in open delta
/// on ab and cb, taps [0] and [2].
struct Regulator {
    Connection connection = Connection::wye;
    std::array<int, 3> taps{};
    std::optional<LineDropCompensator> compensator{};  ///< absent: the taps stay as given

    static constexpr double step = 0.00625;
    static constexpr int tap_max = 16;
};

/// `from` is the side nearer to the root. Impedance and no-load power are given at the `to` side.
struct Transformer {
    enum class Windings : std::uint8_t { wye_wye, delta_wye, delta_delta };
    Windings windings = Windings::wye_wye;
    bool leads = false;  ///< delta_wye: `to` leads `from` by 30°, else lags
    double kva = 0;      ///< of all phases together
    double from_kv = 0;  ///< rated, line to line
    double to_kv = 0;
    double from_tap = 1;  ///< turns in parts of the rated ones
    double to_tap = 1;
    Complex impedance_pu{};  ///< on its own kva
    Complex no_load_kva{};   ///< iron losses and magnetising power at rated voltage, all phases
};

struct PhaseBranch {
    std::string name;
    std::size_t from = 0;  ///< bus index, nearer to the root
    std::size_t to = 0;
    PhaseSet phases = PhaseSet::all();
    std::variant<PhaseLine, Regulator, Transformer> element{};
    double rating_a =
        std::numeric_limits<double>::infinity();  ///< of each phase's conductor, at the `to` end
    bool closed = true;
};

struct PhaseLoad {
    std::string name;
    std::size_t bus = 0;
    Connection connection = Connection::wye;
    LoadModel model = LoadModel::power;
    Phasors kva = Phasors::Zero();  ///< at nominal voltage, by phase or pair of phases
};

struct Capacitor {
    std::string name;
    std::size_t bus = 0;
    Connection connection = Connection::wye;
    Eigen::Vector3d kvar = Eigen::Vector3d::Zero();  ///< delivered at nominal voltage, ≥ 0
};

/// Where homes meet the feeder device: between which conductors of a bus they are connected, in
/// equal parts. wye: each of `phases` to neutral. delta: the two of `phases`, or all three pairs.
struct PhaseNet {
    std::string name;
    std::size_t bus = 0;
    Connection connection = Connection::wye;
    PhaseSet phases = PhaseSet::all();

    /// Parts by phase or pair of phases, summing to one.
    [[nodiscard]] Eigen::Vector3d shares() const;
};

struct ThreePhaseNetwork {
    std::string name;
    double base_kv = 0;  ///< at the root, line to line
    std::size_t root = 0;
    Connection source = Connection::wye;  ///< delta: the root has no neutral
    Phasors source_pu = balanced(1);      ///< voltage held at the root
    std::vector<PhaseBus> buses;
    std::vector<PhaseBranch> branches;  ///< after normalise(): a tree, parents before children
    std::vector<PhaseLoad> loads;
    std::vector<Capacitor> capacitors;
    std::vector<PhaseNet> nets;       ///< NetId is the position here
    std::vector<double> daily_shape;  ///< factor on the loads, as in Network
    Tie tie;
    /// Most that one limit moves the nets' prices by (Euclidean norm over the nets); beyond, it gives.
    double limit_penalty_eur_per_kwh = 10;

    /// Phasors of this magnitude in phase sequence a, b, c; a at 0°.
    static Phasors balanced(double magnitude);

    /// Leaves out open switches, directs branches away from the root, orders them parents first and
    /// gives the buses their phases, nominal voltage and connection. Error: not a tree, a phase that
    /// does not arrive, a transformer whose nominal voltage is not the bus's; names the item.
    [[nodiscard]] Result<void> normalise();
    /// Every number finite and in its range, names unique, references valid, loads and nets on
    /// phases that are there; the error names the item. REQUIRES: normalised.
    [[nodiscard]] Result<void> validate() const;

    /// A load spread evenly along the line `branch`, as two that cause the same voltage drop and
    /// loss: two thirds at a quarter of its length, on a new bus, and one third at its end.
    /// REQUIRES: branch is a line; before normalise().
    void distribute(std::size_t branch, const PhaseLoad& load);

    /// A net for every phase, or pair of phases, of every load that draws power, connected like it and
    /// named after its bus, "675.a".
    [[nodiscard]] std::vector<PhaseNet> nets_at_loads() const;

    /// Loads times `factor`, then the capacitors as the impedances they are.
    [[nodiscard]] std::vector<PhaseLoad> loads_at(double factor) const;
};

/// An unbalanced feeder over one horizon: its series cut to the session's intervals.
struct ThreePhaseHorizon {
    double interval_h = 0.25;
    Series load_factor;        ///< on the network's loads
    Series price_eur_per_kwh;  ///< tie price
};

/// As horizon_of(Network), from interval `first` on.
ThreePhaseHorizon horizon_of(const ThreePhaseNetwork& network,
                             std::int64_t first,
                             Eigen::Index intervals,
                             std::int64_t interval_s);

}  // namespace kilter::model
