#include "common/prox/phase_tree.hpp"

#include <cmath>
#include <numbers>

#include "common/base/check.hpp"

namespace kilter::prox {

using model::Complex;
using model::Phasors;

namespace {

/// The branch with nothing but its series impedance and turns.
model::PhaseBranch without_shunts(model::PhaseBranch branch) {
    if (auto* line = std::get_if<model::PhaseLine>(&branch.element)) line->shunt_s.setZero();
    if (auto* transformer = std::get_if<model::Transformer>(&branch.element))
        transformer->no_load_kva = 0;
    return branch;
}

double real_dot(const Phasors& a, const Phasors& b) {
    return a.dot(b).real();
}

}  // namespace

PhaseTree::PhaseTree(const model::ThreePhaseNetwork& network, std::size_t channels)
    : channels_(channels),
      network_(&network),
      no_load_v_(model::no_load_voltages(network)),
      drawn_(network.buses.size()),
      change_(network.buses.size()),
      current_(network.branches.size()) {
    KILTER_CHECK(channels == 1 || channels == 2, "channels are p, or p and q");
    for (std::size_t b = 0; b < network.branches.size(); ++b) {
        const model::PhaseBranch& branch = network.branches[b];
        const model::TwoPort port = model::two_port(without_shunts(branch));
        branches_.push_back({branch.from, branch.to, port.a, port.b, port.d});
        for (int phase = 0; phase < 3; ++phase)
            if (std::isfinite(branch.rating_a) && branch.phases.has(phase))
                rated_.push_back({b, phase});
    }
    for (std::size_t i = 0; i < network.buses.size(); ++i) {
        const model::PhaseBus& bus = network.buses[i];
        const bool delta = bus.connection == model::Connection::delta;
        const double nominal = model::nominal_v(bus) * (delta ? std::numbers::sqrt3 : 1);
        buses_.push_back({delta ? model::line_to_line(no_load_v_[i]) : no_load_v_[i],
                          1 / (nominal * nominal), bus.phases, delta});
    }
    for (const model::PhaseNet& net : network.nets) {
        const model::PhaseLoad one{.name = net.name,
                                   .bus = net.bus,
                                   .connection = net.connection,
                                   .kva = net.shares().cast<Complex>()};
        units_.push_back(
            {net.bus, model::load_current(one, network.buses[net.bus], no_load_v_[net.bus])});
    }
}

Complex PhaseTree::direction(std::size_t side) {
    return std::polar(1.0, 2 * std::numbers::pi * static_cast<double>(side) / sides);
}

/// `drawn` by bus on entry; afterwards what flows into the bus's subtree.
void PhaseTree::change_of_voltage(std::vector<Phasors>& drawn,
                                  std::vector<Phasors>& change,
                                  std::vector<Phasors>& current) const {
    for (std::size_t b = branches_.size(); b-- > 0;) {
        current[b] = drawn[branches_[b].to];
        drawn[branches_[b].from] += branches_[b].d * current[b];
    }
    change[network_->root].setZero();
    for (std::size_t b = 0; b < branches_.size(); ++b)
        change[branches_[b].to] =
            branches_[b].a * change[branches_[b].from] - branches_[b].b * current[b];
}

void PhaseTree::apply(std::span<const double> d, std::span<double> rows) {
    std::fill(drawn_.begin(), drawn_.end(), Phasors::Zero());
    double import = 0;
    for (std::size_t j = 0; j < units_.size(); ++j) {
        const double p = d[j * channels_];
        const double q = channels_ == 2 ? d[j * channels_ + 1] : 0;
        import += p;
        drawn_[units_[j].bus] += units_[j].amperes * Complex(p, -q);
    }
    change_of_voltage(drawn_, change_, current_);
    for (std::size_t i = 0; i < buses_.size(); ++i) {
        const Bus& bus = buses_[i];
        const Phasors change = bus.delta ? model::line_to_line(change_[i]) : change_[i];
        for (int phase = 0; phase < 3; ++phase)
            rows[3 * i + static_cast<std::size_t>(phase)] =
                2 * bus.per_v2 * (std::conj(bus.reference_v[phase]) * change[phase]).real();
    }
    std::size_t row = voltage_rows();
    for (const Rated& rated : rated_)
        for (std::size_t side = 0; side < sides; ++side)
            rows[row++] = (std::conj(direction(side)) * current_[rated.branch][rated.phase]).real();
    rows[row] = import;
}

void PhaseTree::transpose(std::span<const double> rows, std::span<double> d) {
    // change_: weights on the voltages' changes; current_: on the branches' currents.
    for (std::size_t i = 0; i < buses_.size(); ++i) {
        const Bus& bus = buses_[i];
        Phasors weight;
        for (int phase = 0; phase < 3; ++phase)
            weight[phase] = 2 * bus.per_v2 * rows[3 * i + static_cast<std::size_t>(phase)] *
                            bus.reference_v[phase];
        change_[i] = bus.delta ? model::phase_currents(weight) : weight;
    }
    std::fill(current_.begin(), current_.end(), Phasors::Zero());
    std::size_t row = voltage_rows();
    for (const Rated& rated : rated_)
        for (std::size_t side = 0; side < sides; ++side)
            current_[rated.branch][rated.phase] += direction(side) * rows[row++];
    for (std::size_t b = branches_.size(); b-- > 0;) {
        const Branch& branch = branches_[b];
        current_[b] -= branch.b.adjoint() * change_[branch.to];
        change_[branch.from] += branch.a.adjoint() * change_[branch.to];
    }
    // drawn_: weights on what is drawn at a bus.
    drawn_[network_->root].setZero();
    for (std::size_t b = 0; b < branches_.size(); ++b)
        drawn_[branches_[b].to] =
            current_[b] + branches_[b].d.adjoint() * drawn_[branches_[b].from];
    for (std::size_t j = 0; j < units_.size(); ++j) {
        const Unit& unit = units_[j];
        d[j * channels_] = real_dot(unit.amperes, drawn_[unit.bus]) + rows[row];
        if (channels_ == 2)
            d[j * channels_ + 1] = real_dot(Complex(0, -1) * unit.amperes, drawn_[unit.bus]);
    }
}

PhaseTree::Base PhaseTree::base(std::span<const model::PhaseLoad> loads) const {
    std::vector<Phasors> drawn(buses_.size(), Phasors::Zero());
    std::vector<Phasors> change(buses_.size(), Phasors::Zero());
    Base out;
    out.current_a.resize(branches_.size());
    for (const model::PhaseLoad& load : loads)
        drawn[load.bus] +=
            model::load_current(load, network_->buses[load.bus], no_load_v_[load.bus]);
    for (const model::PhaseBranch& branch : network_->branches) {
        if (const auto* line = std::get_if<model::PhaseLine>(&branch.element)) {
            for (const std::size_t end : {branch.from, branch.to})
                drawn[end] += line->shunt_s * no_load_v_[end] / 2.0;
        } else {
            drawn[branch.from] += model::two_port(branch).c * no_load_v_[branch.to];
        }
    }
    change_of_voltage(drawn, change, out.current_a);
    const Phasors& at_root = drawn[network_->root];
    out.import_kw = real_dot(at_root, no_load_v_[network_->root]) / 1000;
    for (std::size_t i = 0; i < change.size(); ++i)
        change[i] =
            change[i] * 2 + no_load_v_[i];  // |V̂|² + 2 Re(conj(V̂) δV) = Re(conj(V̂)(V̂ + 2 δV))
    out.squared_pu.resize(static_cast<Eigen::Index>(voltage_rows()));
    for (std::size_t i = 0; i < buses_.size(); ++i) {
        const Bus& bus = buses_[i];
        const Phasors v = bus.delta ? model::line_to_line(change[i]) : change[i];
        for (int phase = 0; phase < 3; ++phase)
            out.squared_pu[static_cast<Eigen::Index>(3 * i) + phase] =
                bus.per_v2 * (std::conj(bus.reference_v[phase]) * v[phase]).real();
    }
    return out;
}

void PhaseTree::take_away(std::span<const double> d, Base& base) {
    std::vector<double> effect(rows());
    apply(d, effect);
    for (std::size_t row = 0; row < voltage_rows(); ++row)
        base.squared_pu[static_cast<Eigen::Index>(row)] -= effect[row];
    for (std::size_t b = 0; b < current_.size(); ++b)
        base.current_a[b] -= current_[b];
    base.import_kw -= effect[import_row()];
}

Eigen::VectorXd PhaseTree::squared(std::span<const Phasors> voltage_v) const {
    Eigen::VectorXd out(static_cast<Eigen::Index>(voltage_rows()));
    for (std::size_t i = 0; i < buses_.size(); ++i) {
        const Bus& bus = buses_[i];
        const Phasors v = bus.delta ? model::line_to_line(voltage_v[i]) : voltage_v[i];
        out.segment<3>(static_cast<Eigen::Index>(3 * i)) = v.cwiseAbs2() * bus.per_v2;
    }
    return out;
}

}  // namespace kilter::prox
