#include <cmath>

#include "common/base/limits.hpp"
#include "common/model/names.hpp"
#include "common/model/three_phase.hpp"

namespace kilter::model {

namespace {

Error refuse(const std::string& item, const std::string& field, double value, const char* allowed) {
    std::string number = std::to_string(value);
    return Error{item + ": " + field + " is " + number + ", " + allowed};
}

bool is_finite(const Phasors& values) {
    return values.real().allFinite() && values.imag().allFinite();
}

Result<void> check(const std::string& item, const PhaseLine& line, PhaseSet phases) {
    for (const PhaseMatrix* matrix : {&line.series_ohm, &line.shunt_s}) {
        const char* what = matrix == &line.series_ohm ? "series impedance" : "shunt admittance";
        if (!matrix->real().allFinite() || !matrix->imag().allFinite())
            return Error{item + ": its " + what + " is not finite, correct the matrix"};
        if (!matrix->isApprox(matrix->transpose()) && !matrix->isZero())
            return Error{item + ": its " + what +
                         " is not symmetric, give what phase a does to b and b to a alike"};
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
                if ((*matrix)(i, j) != 0.0 && !(phases.has(i) && phases.has(j)))
                    return Error{item + ": its " + what + " couples phases it does not have (" +
                                 phases.text() + "), set these entries to 0"};
    }
    for (int i = 0; i < 3; ++i)
        if (line.series_ohm(i, i).real() < 0)
            return refuse(item, "a resistance", line.series_ohm(i, i).real(),
                          "give a resistance of at least 0");
    return {};
}

Result<void> check(const std::string& item, const Regulator& regulator, PhaseSet phases) {
    for (const int tap : regulator.taps)
        if (std::abs(tap) > Regulator::tap_max)
            return refuse(item, "a tap", tap, "give one of -16 to 16");
    if (regulator.connection == Connection::delta && phases != PhaseSet::all())
        return Error{item + ": an open-delta regulator has phases " + phases.text() +
                     ", it needs all three"};
    if (!regulator.compensator) return {};
    const LineDropCompensator& relay = *regulator.compensator;
    if (!(relay.level_v > 0) || !std::isfinite(relay.level_v))
        return refuse(item, "level_v", relay.level_v, "give a voltage above 0, as 120");
    if (!(relay.bandwidth_v > 0))
        return refuse(item, "bandwidth_v", relay.bandwidth_v, "give one above 0");
    if (!(relay.pt_ratio > 0)) return refuse(item, "pt_ratio", relay.pt_ratio, "give one above 0");
    if (!(relay.ct_primary_a > 0))
        return refuse(item, "ct_primary_a", relay.ct_primary_a, "give one above 0");
    for (int i = 0; i < 3; ++i)
        if (!std::isfinite(relay.r_v[static_cast<std::size_t>(i)]) ||
            !std::isfinite(relay.x_v[static_cast<std::size_t>(i)]))
            return Error{item + ": r_v or x_v is not finite, give volts"};
    return {};
}

Result<void> check(const std::string& item, const Transformer& transformer, PhaseSet phases) {
    const auto positive = [](double value) { return std::isfinite(value) && value > 0; };
    if (!positive(transformer.kva))
        return refuse(item, "kva", transformer.kva, "give a rating above 0");
    if (!positive(transformer.from_kv))
        return refuse(item, "from_kv", transformer.from_kv, "give a voltage above 0");
    if (!positive(transformer.to_kv))
        return refuse(item, "to_kv", transformer.to_kv, "give a voltage above 0");
    for (const double tap : {transformer.from_tap, transformer.to_tap})
        if (!(tap >= 0.5 && tap <= 1.5))
            return refuse(item, "a tap", tap, "give one of 0.5 to 1.5");
    if (!(transformer.impedance_pu.real() >= 0) || !std::isfinite(transformer.impedance_pu.imag()))
        return refuse(item, "r_pu", transformer.impedance_pu.real(), "give at least 0");
    if (!(transformer.no_load_kva.real() >= 0) || !std::isfinite(transformer.no_load_kva.imag()))
        return refuse(item, "no-load losses", transformer.no_load_kva.real(), "give at least 0");
    if (transformer.windings != Transformer::Windings::wye_wye && phases != PhaseSet::all())
        return Error{item + ": a delta winding has phases " + phases.text() +
                     ", it needs all three"};
    return {};
}

bool needs_neutral(const PhaseBranch& branch) {
    const auto* transformer = std::get_if<Transformer>(&branch.element);
    const auto* regulator = std::get_if<Regulator>(&branch.element);
    return (transformer != nullptr && transformer->windings == Transformer::Windings::wye_wye) ||
           (regulator != nullptr && regulator->connection == Connection::wye);
}

/// Whether a wye or delta connection with these entries can stand at the bus.
Result<void> check_connection(const std::string& item,
                              const PhaseBus& bus,
                              Connection connection,
                              const Eigen::Vector3d& used) {
    if (connection == Connection::wye && bus.connection == Connection::delta && !used.isZero())
        return Error{item + ": it is connected to a neutral, which bus " + bus.name +
                     " behind a delta winding does not have; connect it in delta"};
    for (int i = 0; i < 3; ++i) {
        if (used[i] == 0) continue;
        const bool there =
            bus.phases.has(i) && (connection == Connection::wye || bus.phases.has((i + 1) % 3));
        if (!there) {
            std::string where(1, static_cast<char>('a' + i));
            if (connection == Connection::delta) where += static_cast<char>('a' + (i + 1) % 3);
            return Error{item + ": it is connected to " + where + ", but bus " + bus.name +
                         " has phases " + bus.phases.text() + "; move it to one of these"};
        }
    }
    return {};
}

}  // namespace

Result<void> ThreePhaseNetwork::validate() const {
    if (!(base_kv > 0) || !std::isfinite(base_kv))
        return refuse("network " + name, "base_kv", base_kv, "give a voltage above 0");
    if (!is_finite(source_pu) || (source_pu.array().abs() < 0.5).any() ||
        (source_pu.array().abs() > 1.5).any())
        return Error{
            "the source's voltage is not within 0.5 and 1.5 pu on every phase, correct v_root_pu"};
    if (auto valid = check_names("bus", buses); !valid) return valid;
    if (auto valid = check_names("branch", branches); !valid) return valid;
    if (auto valid = check_names("net", nets); !valid) return valid;
    for (const PhaseBus& bus : buses) {
        if (!(bus.v_min_pu >= 0) || !std::isfinite(bus.v_min_pu))
            return refuse("bus " + bus.name, "v_min_pu", bus.v_min_pu, "give at least 0");
        if (!(bus.v_max_pu >= bus.v_min_pu) || !std::isfinite(bus.v_max_pu))
            return refuse("bus " + bus.name, "v_max_pu", bus.v_max_pu, "give at least v_min_pu");
        if (bus.phases == PhaseSet{})
            return Error{"bus " + bus.name + " has no phases, call normalise() first"};
    }
    for (const PhaseBranch& branch : branches) {
        const std::string item = "branch " + branch.name;
        if (branch.phases == PhaseSet{}) return Error{item + " has no phases, give it some"};
        if (!(branch.rating_a > 0))
            return refuse(item, "rating_a", branch.rating_a, "give a rating above 0, or none");
        auto valid =
            std::visit([&](const auto& element) { return check(item, element, branch.phases); },
                       branch.element);
        if (!valid) return valid;
        if (buses[branch.from].connection == Connection::delta &&
            (branch.phases != PhaseSet::all() || needs_neutral(branch)))
            return Error{item + ": bus " + buses[branch.from].name +
                         " has no neutral; only branches with all three phases and no grounded "
                         "winding may leave it"};
    }
    for (const PhaseLoad& load : loads) {
        const std::string item = "load " + load.name;
        if (load.bus >= buses.size()) return Error{item + ": it is at a bus that does not exist"};
        if (!is_finite(load.kva)) return Error{item + ": its power is not finite, correct it"};
        const Eigen::Vector3d size = load.kva.cwiseAbs();
        if (auto valid = check_connection(item, buses[load.bus], load.connection, size); !valid)
            return valid;
    }
    for (const Capacitor& capacitor : capacitors) {
        const std::string item = "capacitor " + capacitor.name;
        if (capacitor.bus >= buses.size())
            return Error{item + ": it is at a bus that does not exist"};
        if (!capacitor.kvar.allFinite() || (capacitor.kvar.array() < 0).any())
            return refuse(item, "kvar", capacitor.kvar.minCoeff(),
                          "give finite values of at least 0");
        if (auto valid =
                check_connection(item, buses[capacitor.bus], capacitor.connection, capacitor.kvar);
            !valid)
            return valid;
    }
    for (const PhaseNet& net : nets) {
        const std::string item = "net " + net.name;
        if (net.bus >= buses.size()) return Error{item + ": it is at a bus that does not exist"};
        if (net.phases == PhaseSet{} ||
            (net.connection == Connection::delta && net.phases.count() < 2))
            return Error{item + ": it has phases \"" + net.phases.text() +
                         "\"; give one at least, and two or three in delta"};
        if (auto valid = check_connection(item, buses[net.bus], net.connection, net.shares());
            !valid)
            return valid;
    }
    for (const double factor : daily_shape)
        if (!(factor >= 0) || !std::isfinite(factor))
            return refuse("network " + name, "daily_shape", factor,
                          "give finite factors of at least 0");
    if (!std::isfinite(limit_penalty_eur_per_kwh) || limit_penalty_eur_per_kwh <= 0)
        return Error{"network: limit_penalty_eur_per_kwh must be a price above 0"};
    return tie.validate();
}

}  // namespace kilter::model
