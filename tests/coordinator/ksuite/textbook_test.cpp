// The paper preset against the algorithm written as in the paper, net by net and terminal by terminal, with a slow prox
// for the lines.

#include <array>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "coordinator/ksuite/kernels.hpp"
#include "coordinator/ksuite/solver.hpp"
#include "tests/coordinator/ksuite/slow_line.hpp"

namespace kilter::ksuite::textbook_test {
namespace {

using Row = std::array<double, intervals>;

/// Generator - AC - load - AC - generator - AC - back to the first, and a DC line to a battery.
Instance hand_sized() {
    Instance instance;
    instance.nets = 4;
    instance.generators = {{0, 2}, {0.01, 0.01}, {50, 20}, {3, 5}, {0.001, 0.005}, {0.1, 0.2}};
    instance.curtailable = {{1}, {Profile{}}, {12}, {0.18}};
    for (std::size_t t = 0; t < intervals; ++t)
        instance.curtailable.fixed[0][t] = 1 + (t % 24 < 12 ? 0.5 : 0);
    instance.batteries = {{3}, {5}, {20}};
    instance.lines.from = {0, 1, 0, 2};
    instance.lines.to = {1, 2, 2, 3};
    instance.lines.capacity = {20, 15, 10, 10};
    instance.lines.loss = {0.005, 0.006, 0.01, 0.012};
    instance.lines.phase = {0.003, 0.002, 0.004, 0};
    return instance;
}

struct Terminal {
    std::uint32_t net;
    Row x{}, target{};  // power
    bool phased = false;
    Row theta{}, phase_target{}, phase_u{};  // phase
};

class Textbook {
  public:
    explicit Textbook(const Instance& instance)
        : in_(instance), u_(instance.nets), phase_(instance.nets) {
        for (const auto* nets :
             {&in_.generators.net, &in_.batteries.net, &in_.deferrable.net, &in_.curtailable.net})
            for (const std::uint32_t net : *nets)
                terminals_.push_back({net});
        for (std::size_t i = 0; i < in_.lines.count(); ++i)
            for (const std::uint32_t net : {in_.lines.from[i], in_.lines.to[i]}) {
                terminals_.push_back({net});
                terminals_.back().phased = in_.lines.phase[i] > 0;
            }
    }

    void iterate() {
        solve_devices();
        for (std::uint32_t net = 0; net < in_.nets; ++net)
            for (std::size_t t = 0; t < intervals; ++t)
                average(net, t);
    }

    [[nodiscard]] double price(std::size_t net, std::size_t t) const {
        return u_[net][t];
    }  // ρ = 1

  private:
    void solve_devices() {
        RampChain ramp;
        prox::StorageChain store(intervals);
        std::size_t at = 0;
        for (std::size_t i = 0; i < in_.generators.net.size(); ++i, ++at)
            prox(generator(in_.generators, i), 1, terminals_[at].target.data(),
                 terminals_[at].x.data(), ramp);
        for (std::size_t i = 0; i < in_.batteries.net.size(); ++i, ++at)
            prox(Battery{in_.batteries.power_max[i], in_.batteries.energy_max[i]},
                 terminals_[at].target.data(), terminals_[at].x.data(), store);
        for (std::size_t i = 0; i < in_.curtailable.net.size(); ++i, ++at)
            prox(curtailable_load(in_.curtailable, i), 1, terminals_[at].target.data(),
                 terminals_[at].x.data());
        for (std::size_t i = 0; i < in_.lines.count(); ++i, at += 2)
            for (std::size_t t = 0; t < intervals; ++t)
                solve_line(i, t, terminals_[at], terminals_[at + 1]);
    }

    void solve_line(std::size_t i, std::size_t t, Terminal& a, Terminal& b) const {
        const double kappa = in_.lines.phase[i];
        const double difference = a.phase_target[t] - b.phase_target[t];
        const auto x = test::line_prox_slowly(
            in_.lines.loss[i], in_.lines.capacity[i], a.target[t] + b.target[t],
            (a.target[t] - b.target[t]) / 2, a.phased ? 1 : 0, kappa, difference);
        a.x[t] = x.sum / 2 + x.flow;
        b.x[t] = x.sum / 2 - x.flow;
        a.theta[t] = a.phase_target[t] + (kappa * x.flow - difference) / 2;
        b.theta[t] = b.phase_target[t] - (kappa * x.flow - difference) / 2;
    }

    void average(std::uint32_t net, std::size_t t) {
        double power = 0, phase = 0, count = 0, phases = 0;
        for (const Terminal& terminal : terminals_)
            if (terminal.net == net) {
                power += terminal.x[t];
                ++count;
                if (!terminal.phased) continue;
                phase += terminal.theta[t];
                ++phases;
            }
        power /= count;
        phase /= phases;
        u_[net][t] += power;
        for (Terminal& terminal : terminals_)
            if (terminal.net == net) {
                terminal.target[t] = terminal.x[t] - power - u_[net][t];
                if (!terminal.phased) continue;
                terminal.phase_u[t] += terminal.theta[t] - phase;
                terminal.phase_target[t] = phase - terminal.phase_u[t];
            }
    }

    const Instance& in_;
    std::vector<Terminal> terminals_;
    std::vector<Row> u_, phase_;
};

TEST(PaperPreset, is_the_algorithm_as_published) {
    const Instance instance = hand_sized();
    NoHelp workers;
    Solver solver(instance, Settings::paper(), workers);
    Textbook textbook(instance);
    for (int iteration = 1; iteration <= 30; ++iteration) {
        solver.iterate();
        textbook.iterate();
        for (std::size_t net = 0; net < instance.nets; ++net)
            for (std::size_t t = 0; t < intervals; ++t)
                ASSERT_NEAR(solver.price(net, t), textbook.price(net, t), 1e-4)
                    << "iteration " << iteration << ", net " << net << ", interval " << t;
    }
}

}  // namespace
}  // namespace kilter::ksuite::textbook_test
