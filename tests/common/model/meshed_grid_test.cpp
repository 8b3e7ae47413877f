#include "common/model/meshed_grid.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace kilter::model::meshed_grid_test {
namespace {

MeshedGrid triangle() {
    MeshedGrid out;
    for (const char* name : {"a", "b", "c"})
        out.buses.push_back({name});
    const std::pair<std::size_t, std::size_t> ends[] = {{0, 1}, {1, 2}, {2, 0}};
    for (const auto& [from, to] : ends) {
        MeshedLine line;
        line.name = out.buses[from].name + "-" + out.buses[to].name;
        line.from = from;
        line.to = to;
        line.x_pu = 0.1;
        out.lines.push_back(line);
    }
    MeshedGenerator generator;
    generator.name = "g";
    generator.p_max_kw = 10;
    out.generators.push_back(generator);
    MeshedStorage store;
    store.name = "s";
    store.charge_max_kw = store.discharge_max_kw = 2;
    store.energy_max_kwh = 4;
    out.stores.push_back(store);
    out.load_p_kw = out.load_q_kvar = Schedules::Zero(3, 2);
    return out;
}

TEST(MeshedGrid, NamesWhatIsWrong) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    ASSERT_TRUE(triangle().validate().ok()) << triangle().validate().error().message;

    const struct {
        std::function<void(MeshedGrid&)> spoil;
        const char* named;
    } cases[] = {
        {[](MeshedGrid& g) { g.buses.clear(); }, "at least one bus"},
        {[](MeshedGrid& g) { g.lines.resize(1); }, "bus c: no line leads to it"},
        {[](MeshedGrid& g) { g.lines[0].to = 0; }, "line a-b: it must join two different buses"},
        {[&](MeshedGrid& g) { g.lines[1].r_pu = nan; }, "line b-c: r_pu"},
        {[](MeshedGrid& g) { g.lines[1].x_pu = 0; }, "line b-c: x_pu is 0"},
        {[](MeshedGrid& g) { g.lines[2].rating_kva = -1; }, "line c-a: rating_kva is -1"},
        {[&](MeshedGrid& g) { g.load_p_kw(1, 1) = nan; }, "bus b: give finite loads"},
        {[](MeshedGrid& g) { g.load_p_kw.resize(3, 0); }, "at least one interval"},
        {[](MeshedGrid& g) { g.load_q_kvar.resize(3, 5); }, "the same number for p and q"},
        {[](MeshedGrid& g) { g.generators[0].bus = 7; }, "generator g: its bus does not exist"},
        {[](MeshedGrid& g) { g.generators[0].p_max_kw = -1; }, "generator g: p_max_kw is -1"},
        {[](MeshedGrid& g) { g.generators[0].cost2 = -1; }, "generator g: cost2 is -1"},
        {[](MeshedGrid& g) { g.generators[0].ramp_up_kw = -3; }, "generator g: ramp_up_kw is -3"},
        {[&](MeshedGrid& g) { g.generators[0].ramp_cost = nan; }, "generator g: ramp_cost"},
        {[](MeshedGrid& g) { g.generators[0].share = Series::Ones(5); }, "generator g: share"},
        {[](MeshedGrid& g) { g.stores[0].bus = 3; }, "store s: its bus does not exist"},
        {[](MeshedGrid& g) { g.stores[0].energy_max_kwh = -4; }, "store s: energy_max_kwh is -4"},
        {[](MeshedGrid& g) { g.stores[0].energy_start_kwh = 5; }, "store s: energy_start_kwh is 5"},
        {[](MeshedGrid& g) { g.stores[0].charge_efficiency = 0; },
         "store s: charge_efficiency is 0"},
        {[&](MeshedGrid& g) { g.stores[0].discharge_max_kw = nan; }, "store s: discharge_max_kw"},
    };

    for (const auto& one : cases) {
        MeshedGrid grid = triangle();
        one.spoil(grid);
        const auto result = grid.validate();
        ASSERT_FALSE(result.ok()) << one.named;
        EXPECT_NE(result.error().message.find(one.named), std::string::npos)
            << result.error().message;
    }
}

}  // namespace
}  // namespace kilter::model::meshed_grid_test
