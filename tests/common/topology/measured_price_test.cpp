#include "common/topology/measured_price.hpp"

#include <gtest/gtest.h>

#include "common/topology/files.hpp"

namespace kilter::topology::measured_price_test {
namespace {

model::Network tied(std::vector<double> price) {
    model::Network network;
    network.tie.price_eur_per_kwh = std::move(price);
    return network;
}

TEST(PriceCourse, takes_the_level_of_the_networks_own_price) {
    const auto network = with_price_course(tied({0.1, 0.3, 0.2, 0.2}), {"test", {50, 100}});
    const std::vector<double> expected{0.1, 0.1, 0.3, 0.3};
    for (std::size_t t = 0; t < expected.size(); ++t)
        EXPECT_NEAR(network.tie.price_eur_per_kwh[t], expected[t], 1e-15);
}

TEST(PriceCourse, leaves_a_network_alone_where_there_is_nothing_to_map) {
    EXPECT_EQ(with_price_course(tied({0.1, 0.3}), {}).tie.price_eur_per_kwh,
              (std::vector<double>{0.1, 0.3}));
    EXPECT_EQ(with_price_course(tied({0.2, 0.2}), {"test", {1, 2}}).tie.price_eur_per_kwh,
              (std::vector<double>{0.2, 0.2}));
    EXPECT_TRUE(with_price_course(tied({}), {"test", {1, 2}}).tie.price_eur_per_kwh.empty());
}

TEST(PriceCourse, reads_the_measured_day) {
    const auto folder = data_folder();
    if (!folder) GTEST_SKIP() << "no data folder (KILTER_DATA)";
    const auto course = load_price_course(*folder);
    ASSERT_TRUE(course.ok()) << course.error().message;
    ASSERT_EQ(course->per_mwh.size(), 48U);
    EXPECT_DOUBLE_EQ(course->per_mwh[35], 108.11);  // 17:30, the day's highest
}

TEST(PriceCourse, names_the_file_that_is_missing) {
    const auto course = load_price_course("/nowhere");
    ASSERT_FALSE(course.ok());
    EXPECT_NE(course.error().message.find("MID_2018-10-30.csv"), std::string::npos)
        << course.error().message;
}

}  // namespace
}  // namespace kilter::topology::measured_price_test
