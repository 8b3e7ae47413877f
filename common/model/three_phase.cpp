#include "common/model/three_phase.hpp"

#include <cmath>
#include <numbers>
#include <set>

namespace kilter::model {

std::optional<PhaseSet> PhaseSet::parse(std::string_view text) {
    PhaseSet out;
    int last = -1;
    for (const char letter : text) {
        const int phase = letter - 'a';
        if (phase <= last || phase > 2) return std::nullopt;
        out = out | of(phase);
        last = phase;
    }
    return text.empty() ? std::nullopt : std::optional(out);
}

std::string PhaseSet::text() const {
    std::string out;
    for (int phase = 0; phase < 3; ++phase)
        if (has(phase)) out += static_cast<char>('a' + phase);
    return out;
}

Eigen::Vector3d PhaseNet::shares() const {
    Eigen::Vector3d out = Eigen::Vector3d::Zero();
    for (int i = 0; i < 3; ++i) {
        const bool there =
            phases.has(i) && (connection == Connection::wye || phases.has((i + 1) % 3));
        out[i] = there ? 1 : 0;
    }
    return out / out.sum();
}

Phasors ThreePhaseNetwork::balanced(double magnitude) {
    constexpr double third = 2 * std::numbers::pi / 3;
    return {magnitude, std::polar(magnitude, -third), std::polar(magnitude, third)};
}

Result<void> ThreePhaseNetwork::normalise() {
    if (buses.empty()) return Error{"the network has no buses"};
    if (root >= buses.size()) return Error{"the root is a bus that does not exist"};
    std::vector<std::vector<std::size_t>> at_bus(buses.size());
    for (std::size_t b = 0; b < branches.size(); ++b) {
        if (branches[b].from >= buses.size() || branches[b].to >= buses.size())
            return Error{"branch " + branches[b].name + ": it ends at a bus that does not exist"};
        if (!branches[b].closed) continue;
        at_bus[branches[b].from].push_back(b);
        at_bus[branches[b].to].push_back(b);
    }
    std::vector<bool> reached(buses.size());
    std::vector<bool> used(branches.size());
    std::vector<PhaseBranch> ordered;
    std::vector<std::size_t> frontier{root};
    reached[root] = true;
    buses[root].phases = PhaseSet::all();
    buses[root].base_kv = base_kv;
    buses[root].connection = source;
    for (std::size_t i = 0; i < frontier.size(); ++i) {
        const std::size_t at = frontier[i];
        for (const std::size_t b : at_bus[at]) {
            if (used[b]) continue;
            used[b] = true;
            PhaseBranch branch = branches[b];
            const std::string item = "branch " + branch.name;
            if (branch.from != at) {
                if (!std::holds_alternative<PhaseLine>(branch.element))
                    return Error{item + ": its `to` end, bus " + buses[at].name +
                                 ", is nearer to the root; exchange its ends and sides"};
                std::swap(branch.from, branch.to);
            }
            if (reached[branch.to])
                return Error{item + " closes a loop at bus " + buses[branch.to].name +
                             "; open a switch or leave out what is normally open"};
            const PhaseBus& from = buses[at];
            if (!from.phases.covers(branch.phases))
                return Error{item + " has phases " + branch.phases.text() + ", but only " +
                             from.phases.text() + " arrive at bus " + from.name +
                             "; correct its phases or those of the branch before it"};
            PhaseBus& to = buses[branch.to];
            to.phases = branch.phases;
            to.base_kv = from.base_kv;
            to.connection = from.connection;
            if (const auto* transformer = std::get_if<Transformer>(&branch.element)) {
                if (!(std::abs(transformer->from_kv - from.base_kv) <= 0.05 * from.base_kv))
                    return Error{item + ": from_kv is " + std::to_string(transformer->from_kv) +
                                 ", but bus " + from.name + " is at " +
                                 std::to_string(from.base_kv) + " kV; make them the same"};
                to.base_kv = transformer->to_kv;
                if (transformer->windings != Transformer::Windings::wye_wye)
                    to.connection = transformer->windings == Transformer::Windings::delta_wye
                                        ? Connection::wye
                                        : Connection::delta;
            }
            reached[branch.to] = true;
            frontier.push_back(branch.to);
            ordered.push_back(std::move(branch));
        }
    }
    for (std::size_t i = 0; i < buses.size(); ++i)
        if (!reached[i])
            return Error{"bus " + buses[i].name + " cannot be reached from the root bus " +
                         buses[root].name +
                         "; add the branch or close the switch that leads to it"};
    branches = std::move(ordered);
    return {};
}

void ThreePhaseNetwork::distribute(std::size_t branch, const PhaseLoad& load) {
    PhaseBranch& whole = branches[branch];
    PhaseBranch rest = whole;
    PhaseBus between = buses[whole.to];
    between.name = load.name;
    const std::size_t at = buses.size();
    buses.push_back(between);
    PhaseLoad first = load;
    PhaseLoad second = load;
    first.bus = at;
    first.kva *= 2.0 / 3;
    second.bus = whole.to;
    second.name += "-end";
    second.kva *= 1.0 / 3;
    const PhaseLine line = std::get<PhaseLine>(whole.element);
    whole.element = PhaseLine{line.series_ohm * 0.25, line.shunt_s * 0.25};
    whole.to = at;
    rest.element = PhaseLine{line.series_ohm * 0.75, line.shunt_s * 0.75};
    rest.from = at;
    rest.name += "-rest";
    branches.push_back(std::move(rest));
    loads.push_back(std::move(first));
    loads.push_back(std::move(second));
}

std::vector<PhaseNet> ThreePhaseNetwork::nets_at_loads() const {
    std::vector<PhaseNet> out;
    std::set<std::string> seen;
    for (const PhaseLoad& load : loads)
        for (int i = 0; i < 3; ++i) {
            if (!(load.kva[i].real() > 0)) continue;
            PhaseNet net{.name = {}, .bus = load.bus, .connection = load.connection};
            net.phases = PhaseSet::of(i);
            if (load.connection == Connection::delta)
                net.phases = net.phases | PhaseSet::of((i + 1) % 3);
            net.name = buses[load.bus].name + "." + net.phases.text();
            if (seen.insert(net.name).second) out.push_back(std::move(net));
        }
    return out;
}

std::vector<PhaseLoad> ThreePhaseNetwork::loads_at(double factor) const {
    std::vector<PhaseLoad> out = loads;
    for (PhaseLoad& load : out)
        load.kva *= factor;
    for (const Capacitor& capacitor : capacitors)
        out.push_back({capacitor.name, capacitor.bus, capacitor.connection, LoadModel::impedance,
                       Complex(0, -1) * capacitor.kvar.cast<Complex>()});
    return out;
}

ThreePhaseHorizon horizon_of(const ThreePhaseNetwork& network,
                             std::int64_t first,
                             Eigen::Index intervals,
                             std::int64_t interval_s) {
    Network one_bus;
    one_bus.buses = {{.name = "load", .load_p_kw = 1}};
    one_bus.daily_shape = network.daily_shape;
    one_bus.tie = network.tie;
    const FeederHorizon cut = horizon_of(one_bus, first, intervals, interval_s);
    return {cut.interval_h, cut.fixed_p_kw.row(0).transpose(), cut.price_eur_per_kwh};
}

}  // namespace kilter::model
