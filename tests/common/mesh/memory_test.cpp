// Devices with memory: their steps against what makes a step exact (no feasible schedule nearby is better), and published
// optima over several intervals. The cases are read from ../shared/data beside the repository; skipped where it is absent.
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "common/mesh/clearing.hpp"
#include "common/mesh/generator.hpp"
#include "common/mesh/storage.hpp"
#include "common/topology/matpower_mesh.hpp"

namespace kilter::mesh::memory_test {
namespace {

using model::Schedules;

double uniform(std::mt19937& random, double low, double high) {
    return std::uniform_real_distribution<>(low, high)(random);
}

/// What c and d of an interval make of power and energy.
struct Use {
    Schedules power;
    bool kept = true;
};

Use use(const model::MeshedStorage& store, const Eigen::VectorXd& c, const Eigen::VectorXd& d) {
    Use out{Schedules(1, c.size()), true};
    double energy = store.energy_start_kwh;
    for (Eigen::Index t = 0; t < c.size(); ++t) {
        energy += 0.5 * (store.charge_efficiency * c[t] - d[t] / store.discharge_efficiency);
        out.kept = out.kept && energy >= -1e-9 && energy <= store.energy_max_kwh + 1e-9;
        out.power(0, t) = store.idle_kw + c[t] - d[t];
    }
    return out;
}

/// The step is optimal iff no feasible point lies towards the target: (x − target)·(x' − x) ≥ 0. Feasible points come from
/// random walks through charging and discharging, and are many.
TEST(Storage, StepIsTheNearestFeasibleSchedule) {
    std::mt19937 random(1);
    constexpr Eigen::Index intervals = 6;
    for (int instance = 0; instance < 200; ++instance) {
        model::MeshedStorage store;
        store.charge_max_kw = uniform(random, 1, 5);
        store.discharge_max_kw = uniform(random, 1, 5);
        store.charge_efficiency = uniform(random, 0.7, 1);
        store.discharge_efficiency = uniform(random, 0.7, 1);
        store.energy_max_kwh = uniform(random, 1, 6);
        store.energy_start_kwh = uniform(random, 0, store.energy_max_kwh);
        store.idle_kw = uniform(random, 0, 0.2);
        Storage device(store, intervals, 0.5);
        Schedules target(1, intervals), x(1, intervals);
        for (double& value : target.reshaped())
            value = uniform(random, -8, 8);
        ASSERT_EQ(device.prox(target, Eigen::VectorXd::Constant(1, uniform(random, 0.1, 10)), x),
                  model::ProxStatus::solved);

        // Feasible: some c, d give this power and this energy.
        double before = store.energy_start_kwh;
        for (Eigen::Index t = 0; t < intervals; ++t) {
            const double change = device.energy_kwh()[t] - before, p = x(0, t) - store.idle_kw;
            before = device.energy_kwh()[t];
            EXPECT_GE(before, -1e-9);
            EXPECT_LE(before, store.energy_max_kwh + 1e-9);
            // c − d = p and η_c c − d/η_d = 2 change
            const double gain = store.charge_efficiency, loss = 1 / store.discharge_efficiency;
            if (loss - gain < 1e-6) continue;
            const double d = (gain * p - 2 * change) / (loss - gain), c = p + d;
            EXPECT_GE(d, -1e-6);
            EXPECT_LE(d, store.discharge_max_kw + 1e-6);
            EXPECT_GE(c, -1e-6);
            EXPECT_LE(c, store.charge_max_kw + 1e-6);
        }
        int compared = 0;
        for (int draw = 0; draw < 3000 && compared < 300; ++draw) {
            Eigen::VectorXd c(intervals), d(intervals);
            double energy = store.energy_start_kwh;
            for (Eigen::Index t = 0; t < intervals; ++t) {  // greedily inside, sometimes burning
                c[t] = uniform(random, 0, store.charge_max_kw);
                d[t] = uniform(random, 0, 1) < 0.3 ? uniform(random, 0, store.discharge_max_kw) : 0;
                if (uniform(random, 0, 1) < 0.5) {
                    c[t] = 0;
                    d[t] = std::min(uniform(random, 0, store.discharge_max_kw),
                                    energy * store.discharge_efficiency / 0.5);
                }
                const double next = energy + 0.5 * (store.charge_efficiency * c[t] -
                                                    d[t] / store.discharge_efficiency);
                if (next < 0 || next > store.energy_max_kwh)
                    c[t] = d[t] = 0;
                else
                    energy = next;
            }
            const Use other = use(store, c, d);
            if (!other.kept) continue;
            ++compared;
            EXPECT_GE((x - target).cwiseProduct(other.power - x).sum(), -1e-7)
                << "instance " << instance;
        }
        EXPECT_GT(compared, 100);
    }
}

TEST(Generator, StepWithRampsIsTheBestFeasibleSchedule) {
    std::mt19937 random(2);
    constexpr Eigen::Index intervals = 6;
    for (int instance = 0; instance < 200; ++instance) {
        model::MeshedGenerator data;
        data.p_min_kw = uniform(random, -2, 2);
        data.p_max_kw = data.p_min_kw + uniform(random, 2, 8);
        data.cost1 = uniform(random, -1, 1);
        data.cost2 = uniform(random, 0, 0.3);
        data.p_start_kw = uniform(random, data.p_min_kw, data.p_max_kw);
        data.ramp_up_kw = uniform(random, 0.5, 4);
        if (instance % 2 == 0) data.ramp_down_kw = uniform(random, 0.5, 4);
        if (instance % 3 != 0) data.ramp_cost = uniform(random, 0, 2);
        Generator device(data, false, intervals, 0.5);
        Schedules target(1, intervals), x(1, intervals), other(1, intervals);
        for (double& value : target.reshaped())
            value = uniform(random, -10, 6);
        const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(1, uniform(random, 0.1, 2));
        ASSERT_EQ(device.prox(target, penalty, x), model::ProxStatus::solved);
        const auto kept = [&](const Schedules& p) {
            double before = data.p_start_kw;
            for (Eigen::Index t = 0; t < intervals; ++t) {
                const double g = -p(0, t);
                if (g < data.p_min_kw - 1e-9 || g > data.p_max_kw + 1e-9 ||
                    g - before > data.ramp_up_kw + 1e-9 || before - g > data.ramp_down_kw + 1e-9)
                    return false;
                before = g;
            }
            return true;
        };
        const auto value = [&](const Schedules& p) {
            return device.cost(p) + penalty[0] / 2 * (p - target).squaredNorm();
        };
        ASSERT_TRUE(kept(x)) << "instance " << instance;
        int compared = 0;
        for (int draw = 0; draw < 2000; ++draw) {
            other = x;
            const double size = std::pow(10.0, uniform(random, -4, 0));
            const auto first = static_cast<Eigen::Index>(uniform(random, 0, intervals - 1e-9));
            const auto count = 1 + static_cast<Eigen::Index>(uniform(
                                       random, 0, static_cast<double>(intervals - first) - 1e-9));
            const double step = uniform(random, -size, size);
            for (Eigen::Index t = first; t < first + count; ++t)
                other(0, t) += draw % 2 == 0 ? step : uniform(random, -size, size);
            if (!kept(other)) continue;
            ++compared;
            EXPECT_GE(value(other), value(x) - 1e-9) << "instance " << instance;
        }
        EXPECT_GT(compared, 50);
    }
}

std::optional<std::filesystem::path> published(const char* file) {
    const auto path = std::filesystem::path(KILTER_SOURCE_DIR) / "../shared/data" / file;
    return std::filesystem::exists(path) ? std::optional(path) : std::nullopt;
}

struct Case {
    const char* file;
    Eigen::Index intervals;
    Physics physics;
    double cost;               ///< $, over all intervals
    double cost2_per_pu2 = 0;  ///< put in front of every generator's cost: $/h per (per unit)²
};

class SeveralIntervals : public testing::TestWithParam<Case> {};

TEST_P(SeveralIntervals, reach_the_published_optimum) {
    const auto path = published(GetParam().file);
    if (!path) GTEST_SKIP() << GetParam().file << " is not there";
    auto grid = topology::load_matpower_mesh(*path, GetParam().intervals);
    ASSERT_TRUE(grid.ok()) << grid.error().message;
    for (model::MeshedGenerator& generator : grid->generators)
        generator.cost2 += GetParam().cost2_per_pu2 / (grid->base_kva * grid->base_kva);
    const Clearing clearing = clear(*grid, GetParam().physics, {});
    EXPECT_TRUE(clearing.converged) << clearing.residual;
    std::printf("%s, %d intervals: %.2f after %u iterations\n", GetParam().file,
                static_cast<int>(GetParam().intervals), clearing.cost, clearing.iterations);
    EXPECT_NEAR(clearing.cost, GetParam().cost, 1 + 1e-5 * GetParam().cost);
    for (Eigen::Index s = 0; s < clearing.stored_kwh.rows(); ++s)
        EXPECT_LT(clearing.stored_kwh(s, GetParam().intervals - 1), 50) << "free energy is used up";
}

INSTANTIATE_TEST_SUITE_P(
    PowerModels,
    SeveralIntervals,
    testing::Values(
        // The published 35226.4 is of a case whose line 4-3 was turned around without its shift; as the file stands, a linear
        // programme finds 36461.7468.
        Case{"multiperiod_powermodels/case5.m", 2, Physics::dc, 36461.7468},
        Case{"multiperiod_powermodels/case5_asym.m", 2, Physics::dc, 34959.8},
        Case{"multiperiod_powermodels/case5_asym.m", 2, Physics::soc, 29999.4},
        Case{"multiperiod_powermodels/case5_asym.m", 2, Physics::transport, 29620.0},
        Case{"multiperiod_powermodels/case5_strg.m", 4, Physics::transport, 57980.0},
        Case{"multiperiod_powermodels/case5_strg.m", 4, Physics::dc, 69703.1, 0.01}));

std::vector<std::vector<double>> numbers_of(const std::filesystem::path& path) {
    std::vector<std::vector<double>> out;
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);  // names
    while (std::getline(file, line)) {
        out.emplace_back();
        std::istringstream fields(line);
        for (std::string field; std::getline(fields, field, ',');)
            out.back().push_back(std::strtod(field.c_str(), nullptr));
    }
    return out;
}

/// MOST's twelve hours on three buses: ramping reserves priced, wind, a dispatchable load. Objective and nodal prices.
TEST(Most, twelve_hours_with_ramps_reach_the_published_optimum_and_prices) {
    const auto path = published("multiperiod_most/ex_case3b.m");
    if (!path) GTEST_SKIP() << "multiperiod_most is not there";
    const auto folder = path->parent_path();
    const auto profiles = numbers_of(folder / "profiles.csv");
    const auto offers = numbers_of(folder / "generator_reserve_offers.csv");
    const auto solution = numbers_of(folder / "solution_ramp.csv");
    const auto intervals = static_cast<Eigen::Index>(profiles.size());
    ASSERT_EQ(intervals, 12);
    auto grid = topology::load_matpower_mesh(*path, intervals);
    ASSERT_TRUE(grid.ok()) << grid.error().message;
    ASSERT_EQ(grid->generators.size(), 4U);
    const double start_mw[] = {125, 125, 200, -450, 0};
    model::MeshedGenerator wind;
    wind.name = "wind";
    wind.bus = 1;
    wind.p_max_kw = 100'000;
    grid->generators.push_back(wind);
    for (std::size_t g = 0; g < grid->generators.size(); ++g) {
        model::MeshedGenerator& generator = grid->generators[g];
        generator.p_start_kw = start_mw[g] * 1000;
        generator.ramp_cost = offers[g][5] / 1000;
        generator.ramp_up_kw = offers[g][6] * 1000;
        generator.ramp_down_kw = offers[g][8] * 1000;
        EXPECT_EQ(offers[g][5], offers[g][7]) << "one price for both directions";
    }
    model::MeshedGenerator& load = grid->generators[3];
    load.share.resize(intervals);
    grid->generators[4].share.resize(intervals);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        load.share[t] = profiles[static_cast<std::size_t>(t)][1] * 1000 / -load.p_min_kw;
        grid->generators[4].share[t] = profiles[static_cast<std::size_t>(t)][2];
    }
    ASSERT_TRUE(grid->validate().ok());
    Options options;
    options.tolerance = 1e-7;
    options.rho =
        1e-7;  // the price of the load that may be left unserved is no scale for the others
    const Clearing clearing = clear(*grid, Physics::dc, options);
    EXPECT_TRUE(clearing.converged) << clearing.residual;
    std::printf("MOST: %.4f after %u iterations\n", clearing.cost, clearing.iterations);
    EXPECT_NEAR(clearing.cost, -4975868.4837, 0.02);
    for (Eigen::Index t = 0; t < intervals; ++t)
        for (Eigen::Index bus = 0; bus < 3; ++bus)
            EXPECT_NEAR(clearing.price(bus, t) * 1000,
                        solution[static_cast<std::size_t>(t)][static_cast<std::size_t>(9 + bus)],
                        0.3)
                << "bus " << bus + 1 << ", hour " << t + 1;
}

}  // namespace
}  // namespace kilter::mesh::memory_test
