// The feeder device's linear model against the nonlinear sweep, on the published feeders.
#include <cmath>

#include <gtest/gtest.h>

#include "common/powerflow/three_phase_sweep.hpp"
#include "common/prox/three_phase_feeder.hpp"
#include "tests/support/data.hpp"
#include "tests/support/ieee_csv.hpp"
#include "tests/support/opendss.hpp"

namespace kilter::powerflow {
namespace {

using model::Schedules;
using model::ThreePhaseNetwork;

/// Turns every load into a net with the same connection, one per phase.
std::vector<model::Complex> trade_all_loads(ThreePhaseNetwork& network) {
    std::vector<model::Complex> kva;
    for (const model::PhaseLoad& load : network.loads)
        for (int i = 0; i < 3; ++i) {
            if (load.kva[i] == 0.0) continue;
            model::PhaseSet phases = model::PhaseSet::of(i);
            if (load.connection == model::Connection::delta)
                phases = phases | model::PhaseSet::of((i + 1) % 3);
            network.nets.push_back({.name = load.name + model::PhaseSet::of(i).text(),
                                    .bus = load.bus,
                                    .connection = load.connection,
                                    .phases = phases});
            kva.push_back(load.kva[i]);
        }
    network.loads.clear();
    EXPECT_TRUE(network.validate().ok());
    return kva;
}

std::vector<model::PhaseLoad> loads_of(const ThreePhaseNetwork& network,
                                       const std::vector<model::Complex>& kva,
                                       double factor) {
    std::vector<model::PhaseLoad> out = network.loads_at(1);
    for (std::size_t j = 0; j < kva.size(); ++j)
        out.push_back({.name = network.nets[j].name,
                       .bus = network.nets[j].bus,
                       .connection = network.nets[j].connection,
                       .kva = network.nets[j].shares().cast<model::Complex>() * (factor * kva[j])});
    return out;
}

Schedules schedule_of(const std::vector<model::Complex>& kva, double factor) {
    Schedules x(static_cast<Eigen::Index>(2 * kva.size()), 1);
    for (std::size_t j = 0; j < kva.size(); ++j) {
        x(static_cast<Eigen::Index>(2 * j), 0) = -factor * kva[j].real();
        x(static_cast<Eigen::Index>(2 * j + 1), 0) = -factor * kva[j].imag();
    }
    return x;
}

/// The largest difference of voltage magnitudes, pu.
double difference(const prox::ThreePhaseFeeder& device,
                  const Schedules& x,
                  const ThreePhaseState& state) {
    const Schedules linear = device.voltages_pu(x);
    double most = 0;
    for (std::size_t i = 0; i < state.voltage_v.size(); ++i) {
        const model::PhaseBus& bus = device.network().buses[i];
        const Eigen::Vector3d nonlinear = magnitudes_pu(bus, state.voltage_v[i]);
        for (int phase = 0; phase < 3; ++phase)
            if (bus.phases.has(phase))
                most = std::max(most, std::abs(linear(static_cast<Eigen::Index>(3 * i) + phase, 0) -
                                               nonlinear[phase]));
    }
    return most;
}

struct Case {
    explicit Case(ThreePhaseNetwork network_in)
        : network(std::move(network_in)),
          kva(trade_all_loads(network)),
          device(network, {1, model::Series::Ones(1), model::Series::Zero(1)}, 2) {}

    [[nodiscard]] ThreePhaseState at(double factor) const {
        auto state = three_phase_sweep(network, loads_of(network, kva, factor));
        EXPECT_TRUE(state.ok());
        return *std::move(state);
    }

    void linearise_at(double factor) {
        const ThreePhaseState state = at(factor);
        device.linearise_at(0, schedule_of(kva, factor),
                            {state.voltage_v, state.out_of_a, state.import_kva.sum().real()});
        EXPECT_LT(off(factor), 1e-12);
    }

    /// Linear against nonlinear at this part of the published load.
    [[nodiscard]] double off(double factor) const {
        return difference(device, schedule_of(kva, factor), at(factor));
    }

    ThreePhaseNetwork network;
    std::vector<model::Complex> kva;
    prox::ThreePhaseFeeder device;
};

void check(const ThreePhaseNetwork& network, double flat_bound, double near_bound) {
    // Without capacitors the model is tangent at no load: what a tenth of the load leaves is a
    // hundredth of what all of it does, not a tenth.
    ThreePhaseNetwork bare = network;
    bare.capacitors.clear();
    Case tangent(bare);
    tangent.linearise_at(0);
    EXPECT_LT(tangent.off(0.1), 0.02 * tangent.off(1));

    Case full(network);
    const double flat = full.off(1);
    full.linearise_at(0.9);  // as a session that starts from its predecessor's schedule
    const double near = full.off(1);
    std::printf("%s: linear against nonlinear %.4f pu, through nine tenths of the load %.5f pu\n",
                network.name.c_str(), flat, near);
    EXPECT_LT(flat, flat_bound);
    EXPECT_LT(near, near_bound);
}

TEST(LinearModel, IsTheDerivativeOnIeee13) {
    const auto folder = testing::published("ieee_csv/ieee-13");
    if (!folder) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    check(testing::read_ieee_csv(*folder), 0.012, 0.0022);
}

TEST(LinearModel, IsTheDerivativeOnIeee37) {
    const auto file = testing::published("opendss/37Bus/ieee37.dss");
    if (!file) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    ThreePhaseNetwork network = testing::read_opendss(*file, {.root = "799"});
    for (model::PhaseBranch& branch : network.branches)
        if (auto* regulator = std::get_if<model::Regulator>(&branch.element))
            regulator->taps = {7, 0, 4};
    ASSERT_TRUE(network.normalise().ok());
    check(network, 8e-4, 1.6e-4);
}

TEST(LinearModel, IsTheDerivativeOnIeee123) {
    const auto folder = testing::published("ieee_csv/ieee-123");
    if (!folder) GTEST_SKIP() << "no published feeders: set KILTER_DATA";
    check(testing::read_ieee_csv(*folder), 0.0085, 0.0016);
}

}  // namespace
}  // namespace kilter::powerflow
