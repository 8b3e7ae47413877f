#include "agent/drivers/home_file.hpp"

#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/topology/generated.hpp"

namespace kilter::drivers {
namespace {

using topology::HomeSpec;

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

void expect_same_bits(const HomeSpec& a, const HomeSpec& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.net, b.net);
    EXPECT_EQ(a.source, b.source);
    EXPECT_EQ(a.interval_s, b.interval_s);
    EXPECT_TRUE(same_bits(a.load_kw, b.load_kw));
    EXPECT_TRUE(same_bits(a.pv_kw, b.pv_kw));
    const auto battery = [](const HomeSpec& home) {
        return std::vector<double>{home.battery.power_max_kw, home.battery.energy_max_kwh,
                                   home.battery.energy_start_kwh, home.battery.energy_end_min_kwh,
                                   home.forecast.noise_fraction};
    };
    EXPECT_TRUE(same_bits(battery(a), battery(b)));
    EXPECT_EQ(a.forecast.seed, b.forecast.seed);
}

std::vector<HomeSpec> some_homes() {
    return topology::generate_feeder({.buses = 12}, 3, topology::generated_profiles(3)).homes;
}

TEST(HomeFile, ReadBackBitForBit) {
    std::vector<HomeSpec> homes = some_homes();
    homes.front().forecast.seed = 0xffffffffffffffffULL;
    homes.front().name = "a \"quoted\" home";
    for (const HomeSpec& home : homes) {
        const auto back = parse_home(write_home(home), "home.toml");
        ASSERT_TRUE(back) << back.error().message;
        expect_same_bits(home, *back);
        EXPECT_EQ(write_home(*back), write_home(home));
    }
}

TEST(HomeFile, SavedAndLoadedAndPrivate) {
    const std::filesystem::path path =
        std::filesystem::path(testing::TempDir()) / "kilter-home-file-test.toml";
    const std::vector<HomeSpec> homes = some_homes();
    ASSERT_TRUE(save_home(path, homes[0]));
    ASSERT_TRUE(save_home(path, homes[1]));  // replaces
    const auto back = load_home(path);
    ASSERT_TRUE(back) << back.error().message;
    expect_same_bits(homes[1], *back);
    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(path).permissions() & (perms::group_all | perms::others_all),
              perms::none);
    EXPECT_FALSE(std::filesystem::exists(path.string() + ".new"));
    std::filesystem::remove(path);
    EXPECT_EQ(load_home(path).error().message, path.string() + ": there is no such file");
    const auto refused = save_home("/nowhere/home.toml", homes[0]);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "/nowhere/home.toml: cannot be written: No such file or directory");
}

std::string error_of(const std::string& text) {
    const auto home = parse_home(text, "home.toml");
    return home ? "no error" : home.error().message;
}

TEST(HomeFile, Errors) {
    std::string load = "load_kw = [";
    for (int i = 0; i < 96; ++i)
        load += "0.5, ";
    const std::string head = "name = \"h\"\nnet = 3\ninterval_s = 900\n";
    load += "]\n";
    EXPECT_EQ(error_of(head + load), "no error");
    EXPECT_EQ(error_of(head + load + "[batery]\npower_max_kw = 3\n"),
              "home.toml:5:2: unknown key batery at the top of the file; did you mean battery?");
    EXPECT_EQ(error_of(head + load + "[battery]\npower_max_kw = 3\n"),
              "home.toml:5:1: no energy_max_kwh in [battery]; add it: a number above 0 (and 2 more "
              "errors)");
    EXPECT_EQ(error_of(head + load +
                       "[battery]\npower_max_kw = -3\nenergy_max_kwh = 8\nenergy_start_kwh = 4\n"
                       "energy_end_min_kwh = 4\n"),
              "home.toml:6:16: power_max_kw in [battery] is -3; it must be a number above 0");
    EXPECT_EQ(error_of(head + load +
                       "[battery]\npower_max_kw = 3\nenergy_max_kwh = 8\nenergy_start_kwh = 9\n"
                       "energy_end_min_kwh = 4\n"),
              "home.toml: home \"h\": the battery's energy_start_kwh is 9.000000; it must be "
              "between 0 and "
              "energy_max_kwh");
    EXPECT_EQ(error_of(head + "load_kw = [1.0, 2.0]\n"),
              "home.toml: home \"h\": load_kw has 2 values; it must be whole days of 96");
    EXPECT_EQ(error_of(head + "load_kw = [1.0, nan]\n"),
              "home.toml:4:11: load_kw at the top of the file has an element (number 2) that is "
              "nan; it must be a "
              "list, each a number at least 0, and finite");
    EXPECT_EQ(error_of("name = \"h\"\nnet = -1\ninterval_s = 900\n" + load).substr(0, 50),
              "home.toml:2:7: net at the top of the file is -1; i");
}

}  // namespace
}  // namespace kilter::drivers
