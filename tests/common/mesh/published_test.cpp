// Meshed grids cleared line by line against published optima: IEEE 14 to 118 of PGLib-OPF in their DC and SOC baselines, and
// PowerModels' asymmetric five buses. Reads ../shared/data beside the repository; skipped where that is absent.
#include <filesystem>

#include <gtest/gtest.h>

#include "common/mesh/clearing.hpp"
#include "common/topology/matpower_mesh.hpp"

namespace kilter::mesh::published_test {
namespace {

struct Published {
    const char* file;
    Physics physics;
    double cost;       ///< $/h
    double tolerance;  ///< $/h: what the publication rounds to, and 2e-5 of the cost
    std::uint32_t iterations_max;
    double rho = 0;  ///< EUR/kW²; 0: the grid's own
};

/// In the test's name.
std::ostream& operator<<(std::ostream& out, const Published& one) {
    return out << std::filesystem::path(one.file).stem().string()
               << (one.physics == Physics::dc    ? " dc"
                   : one.physics == Physics::soc ? " soc"
                                                 : " transport");
}

class PublishedOptimum : public testing::TestWithParam<Published> {};

TEST_P(PublishedOptimum, is_reached) {
    const auto path = std::filesystem::path(KILTER_SOURCE_DIR) / "../shared/data" / GetParam().file;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    const auto grid = topology::load_matpower_mesh(path, 1);
    ASSERT_TRUE(grid.ok()) << grid.error().message;
    Options options;
    options.rho = GetParam().rho;
    const Clearing clearing = clear(*grid, GetParam().physics, options);
    EXPECT_TRUE(clearing.converged) << clearing.residual;
    EXPECT_NEAR(clearing.cost, GetParam().cost, GetParam().tolerance);
    EXPECT_LE(clearing.iterations, GetParam().iterations_max);
}

constexpr auto dc = Physics::dc;
constexpr auto soc = Physics::soc;

// PGLib gives costs to five digits and the SOC bound as a gap to the AC optimum, to 0.01 % of it.
INSTANTIATE_TEST_SUITE_P(
    Pglib,
    PublishedOptimum,
    testing::Values(Published{"pglib/pglib_opf_case14_ieee.m", dc, 2051.5, 0.05 + 0.04, 100},
                    Published{"pglib/pglib_opf_case30_ieee.m", dc, 7472.8, 0.05 + 0.15, 500},
                    Published{"pglib/pglib_opf_case57_ieee.m", dc, 34773, 0.5 + 0.7, 1200},
                    Published{"pglib/pglib_opf_case118_ieee.m", dc, 93101, 0.5 + 1.9, 4000},
                    Published{"pglib/pglib_opf_case14_ieee.m", soc, 2175.7041, 0.11 + 0.04, 400},
                    Published{"pglib/pglib_opf_case30_ieee.m", soc, 6662.0186, 0.41 + 0.2, 700},
                    Published{"pglib/pglib_opf_case57_ieee.m", soc, 37528.8576, 1.9 + 0.8, 700},
                    Published{"pglib/pglib_opf_case118_ieee.m", soc, 96329.3526, 4.9 + 1.9, 1000,
                              3e-8}));
INSTANTIATE_TEST_SUITE_P(
    PowerModels,
    PublishedOptimum,
    testing::Values(Published{"multiperiod_powermodels/case5_asym.m", dc, 34959.8 / 2, 0.5, 1500},
                    Published{"multiperiod_powermodels/case5_asym.m", soc, 29999.4 / 2, 0.5, 800},
                    Published{"multiperiod_powermodels/case5_asym.m", Physics::transport,
                              29620.0 / 2, 0.5, 300}));

}  // namespace
}  // namespace kilter::mesh::published_test
