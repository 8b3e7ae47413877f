#include "coordinator/ksuite/solver.hpp"

#include <cmath>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "coordinator/ksuite/generate.hpp"

namespace {
std::size_t allocations = 0;
}

// Counts what the solver asks for; single-threaded tests only. Never inlined: the compiler would see memory from new in
// the hands of free.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace kilter::ksuite::solver_test {
namespace {

/// The blocks from the last to the first.
class Backwards final : public Workers {
  public:
    [[nodiscard]] std::size_t count() const override { return 1; }

  protected:
    void run(std::size_t count, Call call, void* context) override {
        while (count-- > 0)
            call(context, 0, count);
    }
};

Instance drawn(std::size_t nets, std::uint64_t seed, LineRule rule) {
    NoHelp workers;
    auto instance = generate({nets, seed, rule}, workers);
    EXPECT_TRUE(instance.ok());
    return *std::move(instance);
}

/// Three nets in a ring of alternating current: generator, curtailable load, battery.
Instance ring() {
    Instance instance;
    instance.nets = 3;
    instance.generators = {{0}, {0.01}, {50}, {3}, {0.001}, {0.1}};
    instance.curtailable = {{1}, {Profile{}}, {12}, {0.2}};
    for (std::size_t t = 0; t < intervals; ++t)
        instance.curtailable.fixed[0][t] = 1 + 0.01 * static_cast<double>(t);
    instance.batteries = {{2}, {5}, {20}};
    instance.lines.from = {0, 1, 0};
    instance.lines.to = {1, 2, 2};
    instance.lines.capacity = {20, 20, 20};
    instance.lines.loss = {0.004, 0.003, 0.002};
    instance.lines.phase = {0.003, 0.002, 0.001};
    return instance;
}

std::size_t rows_at(const Solver& solver, std::size_t net) {
    std::size_t count = 0;
    for (const std::uint32_t at : solver.arrangement().net_of)
        count += at == net ? 1 : 0;
    return count;
}

TEST(Solver, balanced_powers_sum_to_zero_on_every_net) {
    const Instance instance = drawn(200, 4, LineRule::lossy);
    NoHelp workers;
    Solver solver(instance, Settings::standard(), workers);
    for (int i = 0; i < 7; ++i)
        solver.iterate();
    std::vector<double> sum(instance.nets * intervals, 0);
    for (std::size_t row = 0; row < solver.arrangement().terminals(); ++row)
        for (std::size_t t = 0; t < intervals; ++t)
            sum[solver.arrangement().net_of[row] * intervals + t] += solver.balanced(row, t);
    for (const double miss : sum)
        ASSERT_NEAR(miss, 0, 1e-9);
}

TEST(Solver, result_does_not_depend_on_the_order_of_blocks) {
    const Instance instance = drawn(700, 5, LineRule::low_loss);
    NoHelp forwards;
    Backwards backwards;
    Solver one(instance, Settings::standard(), forwards);
    Solver other(instance, Settings::standard(), backwards);
    for (int i = 0; i < 20; ++i) {
        const Iterate a = one.iterate();
        const Iterate b = other.iterate();
        ASSERT_EQ(a.primal, b.primal);
        ASSERT_EQ(a.dual, b.dual);
        ASSERT_EQ(a.objective, b.objective);
    }
    for (std::size_t net = 0; net < instance.nets; ++net)
        for (std::size_t t = 0; t < intervals; ++t)
            ASSERT_EQ(one.price(net, t), other.price(net, t));
}

TEST(Solver, an_iteration_allocates_nothing) {
    for (const Settings& settings : {Settings::standard(), Settings::paper()}) {
        const Instance instance = drawn(300, 5, LineRule::lossy);
        NoHelp workers;
        Solver solver(instance, settings, workers);
        const std::size_t before = allocations;
        ASSERT_GT(before, 0U);
        for (int i = 0; i < 30; ++i)
            solver.iterate();
        EXPECT_EQ(allocations, before);
    }
}

TEST(Solver, iterations_on_fixed_seeds) {
    const auto iterations = [](std::size_t nets, std::uint64_t seed, LineRule rule) {
        NoHelp workers;
        return Solver(drawn(nets, seed, rule), Settings::standard(), workers).solve().iteration;
    };
    EXPECT_EQ(iterations(300, 1, LineRule::lossy), 52U);
    EXPECT_EQ(iterations(300, 2, LineRule::lossy), 48U);
    EXPECT_EQ(iterations(1000, 1, LineRule::lossy), 56U);
    EXPECT_EQ(iterations(300, 1, LineRule::low_loss), 102U);
    EXPECT_EQ(iterations(1000, 1, LineRule::low_loss), 118U);
}

TEST(Solver, objective_is_that_of_a_much_longer_run) {
    for (const LineRule rule : {LineRule::lossy, LineRule::low_loss}) {
        const Instance instance = drawn(300, 6, rule);
        NoHelp workers;
        const Iterate end = Solver(instance, Settings::standard(), workers).solve();
        Settings settings = Settings::standard();
        settings.tolerance = 1e-6;
        const Iterate exact = Solver(instance, settings, workers).solve();
        ASSERT_TRUE(exact.within(1e-6));
        EXPECT_NEAR(end.objective / exact.objective, 1, 1e-4);
        EXPECT_NEAR(exact.cost / exact.objective, 1, 1e-5);
    }
}

TEST(Solver, both_presets_agree_on_prices_around_a_ring) {
    const Instance instance = ring();
    NoHelp workers;
    Settings standard = Settings::standard();
    standard.tolerance = 1e-9;
    standard.iterations_max = 200'000;
    Settings plain = Settings::paper();
    plain.rho = 0.01;
    plain.phase_unit = PhaseUnit::flow;
    plain.tolerance = 1e-9;
    plain.iterations_max = 200'000;
    Solver one(instance, standard, workers), other(instance, plain, workers);
    const Iterate a = one.solve(), b = other.solve();
    ASSERT_TRUE(a.within(1e-9));
    ASSERT_TRUE(b.within(1e-9));
    EXPECT_NEAR(a.objective, b.objective, 1e-6);
    // the phases around the ring add up: κ f summed with its direction is zero
    const Arrangement& at = one.arrangement();
    ASSERT_EQ(at.phased_lines(), 3U);
    for (std::size_t t = 0; t < intervals; ++t) {
        double around = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            const std::size_t row = at.line_row(i);
            const double flow = (one.balanced(row, t) - one.balanced(row + 1, t)) / 2;
            around += (i == 2 ? -1 : 1) * at.lines.phase[i] * flow;
        }
        EXPECT_NEAR(around, 0, 1e-6);
    }
}

TEST(Solver, phases_of_a_tree_are_free) {
    const Instance instance = drawn(60, 2, LineRule::lossy);
    ASSERT_EQ(instance.lines.count(), 59U);  // a tree
    NoHelp workers;
    Settings settings = Settings::standard();
    settings.tolerance = 1e-7;
    settings.iterations_max = 100'000;
    Solver without(instance, settings, workers);
    settings.phases_on_cycles_only = false;
    Solver with(instance, settings, workers);
    EXPECT_EQ(without.arrangement().phased_lines(), 0U);
    EXPECT_GT(with.arrangement().phased_lines(), 40U);
    const double objective = without.solve().objective;
    EXPECT_NEAR(with.solve().objective, objective, 1e-5 * objective);
}

TEST(Solver, counts_every_terminal_once) {
    const Instance instance = ring();
    NoHelp workers;
    const Solver solver(instance, Settings::paper(), workers);
    EXPECT_EQ(solver.arrangement().terminals(), instance.terminals());
    for (std::size_t net = 0; net < 3; ++net)
        EXPECT_EQ(rows_at(solver, net), 3U);
}

}  // namespace
}  // namespace kilter::ksuite::solver_test
