#include "common/mesh/exchange.hpp"

#include <gtest/gtest.h>

#include "common/mesh/clearing.hpp"

namespace kilter::mesh::exchange_test {
namespace {

/// Two buses, a cheap generator at one, a dear one and the load at the other; the line carries less than the load.
model::MeshedGrid two_buses() {
    model::MeshedGrid grid;
    grid.base_kva = 100;
    grid.interval_h = 0.5;
    grid.buses = {{"west"}, {"east"}};
    model::MeshedLine line{"line", 0, 1, 0.001, 0.1};
    line.rating_kva = 60;
    grid.lines = {line};
    grid.generators = {{"cheap", 0, 0, 200, -50, 50, 0, 0.1, 0},
                       {"dear", 1, 0, 200, -50, 50, 0.001, 0.2, 3}};
    grid.load_p_kw = model::Schedules::Zero(2, 2);
    grid.load_p_kw(1, 0) = 100;
    grid.load_p_kw(1, 1) = 50;
    grid.load_q_kvar = model::Schedules::Zero(2, 2);
    return grid;
}

TEST(Clearing, prices_part_where_the_line_is_full) {
    for (const Physics physics : {Physics::transport, Physics::dc}) {
        const Clearing clearing = clear(two_buses(), physics, {});
        ASSERT_TRUE(clearing.converged);
        // 100 kW at east: 60 over the line, 40 from the dear one at 0.2 + 2 * 0.001 * 40.
        EXPECT_NEAR(clearing.flow_kw(0, 0), 60, 1e-3);
        EXPECT_NEAR(clearing.delivered_kw(1, 0), 40, 1e-3);
        EXPECT_NEAR(clearing.price(0, 0), 0.1, 1e-5);
        EXPECT_NEAR(clearing.price(1, 0), 0.28, 1e-5);
        // 50 kW: all from the cheap one, one price.
        EXPECT_NEAR(clearing.delivered_kw(0, 1), 50, 1e-3);
        EXPECT_NEAR(clearing.price(0, 1), 0.1, 1e-5);
        EXPECT_NEAR(clearing.price(1, 1), 0.1, 1e-5);
        EXPECT_NEAR(clearing.cost,
                    0.5 * ((0.1 * 60 + 0.001 * 1600 + 0.2 * 40 + 3) + (0.1 * 50 + 3)), 1e-4);
    }
}

TEST(Clearing, losses_are_paid_for_and_the_cone_is_tight) {
    const Clearing clearing = clear(two_buses(), Physics::soc, {});
    ASSERT_TRUE(clearing.converged);
    EXPECT_LT(clearing.slack, 1e-8);
    const double lost = clearing.delivered_kw.sum() - 150;
    EXPECT_GT(lost, 0.05);
    EXPECT_LT(lost, 1);
    EXPECT_GT(clearing.price(1, 1), clearing.price(0, 1));
}

TEST(Exchange, acceleration_changes_the_way_and_not_the_end) {
    Options plain;
    plain.memory = 0;
    plain.tolerance = 1e-8;
    Options accelerated = plain;
    accelerated.memory = 10;
    const Clearing slow = clear(two_buses(), Physics::dc, plain);
    const Clearing fast = clear(two_buses(), Physics::dc, accelerated);
    ASSERT_TRUE(slow.converged && fast.converged);
    EXPECT_LT(fast.iterations, slow.iterations);
    EXPECT_NEAR(fast.cost, slow.cost, 1e-4 * slow.cost);
    EXPECT_LT((fast.price - slow.price).cwiseAbs().maxCoeff(), 1e-4);
}

TEST(MeshedGrid, refuses_what_makes_no_sense_and_names_it) {
    const auto refusal = [](auto change) {
        model::MeshedGrid grid = two_buses();
        change(grid);
        const auto result = grid.validate();
        return result ? std::string() : result.error().message;
    };
    EXPECT_TRUE(two_buses().validate().ok());
    EXPECT_EQ(refusal([](auto& grid) { grid.lines.clear(); }),
              "bus east: no line leads to it from bus west");
    EXPECT_EQ(refusal([](auto& grid) { grid.lines[0].x_pu = 0; }),
              "line line: x_pu is 0, give a reactance above 0");
    EXPECT_EQ(refusal([](auto& grid) { grid.generators[1].cost2 = -1; }),
              "generator dear: cost2 is -1, give at least 0: costs must be convex");
    EXPECT_EQ(refusal([](auto& grid) { grid.load_p_kw(1, 0) = NAN; }),
              "bus east: give finite loads");
    EXPECT_EQ(refusal([](auto& grid) { grid.buses[0].v_max_pu = 0.5; }),
              "bus west: v_max_pu is 0.5, give a magnitude above v_min_pu");
    EXPECT_EQ(refusal([](auto& grid) { grid.lines[0].to = 7; }),
              "line line: it must join two different buses of the grid");
}

}  // namespace
}  // namespace kilter::mesh::exchange_test
