#include "common/topology/profiles.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <gtest/gtest.h>

#include "common/topology/files.hpp"

namespace kilter::topology::profiles_test {
namespace {

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void expect_plausible(const Profiles& profiles) {
    double evening_kw = 0;
    double night_kw = 0;
    for (const auto& day : profiles.load_kw) {
        ASSERT_EQ(day.size(), profile_intervals);
        EXPECT_TRUE(std::all_of(day.begin(), day.end(), [](double v) { return v >= 0 && v < 30; }));
        EXPECT_GT(mean(day), 0.05);
        EXPECT_LT(mean(day), 3);
        evening_kw += day[78];
        night_kw += day[12];
    }
    EXPECT_GT(evening_kw, 1.5 * night_kw);
    for (const auto& day : profiles.pv_per_kwp) {
        ASSERT_EQ(day.size(), profile_intervals);
        EXPECT_TRUE(
            std::all_of(day.begin(), day.end(), [](double v) { return v >= 0 && v <= 1.2; }));
        EXPECT_LT(day[0], 0.01);
        EXPECT_GT(*std::max_element(day.begin(), day.end()), 0.3);
    }
}

TEST(Profiles, GeneratedOnesSayThatTheyAreAndDependOnTheSeedOnly) {
    const Profiles a = generated_profiles(1);
    EXPECT_FALSE(a.measured);
    EXPECT_EQ(a.source, "generated, not measured (seed 1)");
    expect_plausible(a);
    EXPECT_EQ(a.load_kw, generated_profiles(1).load_kw);
    EXPECT_EQ(a.pv_per_kwp, generated_profiles(1).pv_per_kwp);
    EXPECT_NE(a.load_kw, generated_profiles(2).load_kw);
}

TEST(Profiles, MeasuredOnes) {
    const auto folder = data_folder();
    if (!folder) GTEST_SKIP() << "no measured profiles: set KILTER_DATA";
    const auto profiles = load_profiles(*folder);
    ASSERT_TRUE(profiles) << profiles.error().message;
    EXPECT_TRUE(profiles->measured);
    EXPECT_EQ(profiles->load_kw.size(), 116u);
    EXPECT_EQ(profiles->pv_per_kwp.size(), 29u);  // of 60 sites, those that report anything
    expect_plausible(*profiles);
}

class ProfileFiles : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) /
                  ("kilter-profiles-" +
                   std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
        std::filesystem::create_directories(folder_ / "profiles" / "open_uk");
    }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// 1440 rows of `row`, the one at `odd_row` replaced.
    void write(const std::string& name,
               const std::string& row,
               int odd_row = -1,
               const std::string& odd = "") {
        std::ofstream out(folder_ / "profiles" / "open_uk" / name);
        out << ",0,1\r\n";
        for (int i = 0; i < 1440; ++i)
            out << i << "," << (i == odd_row ? odd : row) << "\r\n";
    }

    std::filesystem::path folder_;
};

TEST_F(ProfileFiles, MinutesAreAveragedAndPvIsScaledToItsBestQuarter) {
    write("Loads_1min_2013JUN.csv", "0.5,1", 7, "2.0,1");
    write("PVpu_1min_2013JUN.csv", "2,0");
    const auto profiles = load_profiles(folder_);
    ASSERT_TRUE(profiles) << profiles.error().message;
    ASSERT_EQ(profiles->load_kw.size(), 2u);
    EXPECT_NEAR(profiles->load_kw[0][0], 0.6, 1e-12);
    EXPECT_NEAR(profiles->load_kw[0][1], 0.5, 1e-12);
    ASSERT_EQ(profiles->pv_per_kwp.size(), 1u);
    EXPECT_NEAR(profiles->pv_per_kwp[0][50], 0.85, 1e-12);
}

TEST_F(ProfileFiles, ErrorsNameFileAndLine) {
    const std::string path = (folder_ / "profiles" / "open_uk" / "Loads_1min_2013JUN.csv").string();
    auto missing = load_profiles(folder_);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, path + ": there is no such file");
    write("Loads_1min_2013JUN.csv", "0.5,1", 7, "x,1");
    write("PVpu_1min_2013JUN.csv", "0.5,1");
    auto wrong = load_profiles(folder_);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message, path +
                                         ":9: column 2 is \"x\", which is no number of at least 0; "
                                         "expected 1440 rows of an index and 2 numbers");
    write("Loads_1min_2013JUN.csv", "0.5,1", 8, "1");
    auto narrow = load_profiles(folder_);
    ASSERT_FALSE(narrow);
    EXPECT_EQ(narrow.error().message,
              path + ":10: wrong number of columns; expected 1440 rows of an index and 2 numbers");
}

}  // namespace
}  // namespace kilter::topology::profiles_test
