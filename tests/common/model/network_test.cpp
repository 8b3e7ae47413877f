#include "common/model/network.hpp"

#include <functional>
#include <limits>

#include <gtest/gtest.h>

namespace kilter::model::network_test {
namespace {

/// Branches given backwards and out of order, as files have them.
Network good() {
    Network network;
    network.base_kv = 12.66;
    network.root = 2;
    network.buses = {{"a", 0.9, 1.1, 10, 5}, {"b", 0.9, 1.1, 20, 0}, {"c"}, {"d"}};
    network.branches = {{"ab", 0, 1, 1, 1}, {"db", 3, 1, 1, 1}, {"ac", 0, 2, 1, 1}};
    network.nets = {{"n", 1}, {"m", 3}};
    network.daily_shape = {1, 2, 3, 4};
    network.tie.price_eur_per_kwh = {0.1, 0.2};
    return network;
}

TEST(Network, DirectsBranchesAwayFromTheRootParentsFirst) {
    Network network = good();
    ASSERT_TRUE(network.normalise().ok());
    ASSERT_EQ(network.branches.size(), 3u);
    std::vector<bool> reached(4);
    reached[network.root] = true;
    for (const Branch& branch : network.branches) {
        EXPECT_TRUE(reached[branch.from]) << branch.name;
        EXPECT_FALSE(reached[branch.to]) << branch.name;
        reached[branch.to] = true;
    }
    EXPECT_EQ(network.branches[0].name, "ac");
    EXPECT_EQ(network.branches[0].from, 2u);
    EXPECT_TRUE(network.validate().ok());
}

TEST(Network, IsATree) {
    Network network = good();
    network.branches.push_back({"dc", 3, 2, 1, 1});
    auto result = network.normalise();
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find("closes a loop"), std::string::npos);
    network = good();
    network.branches.pop_back();
    result = network.normalise();
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find("bus a cannot be reached from the root bus c"),
              std::string::npos)
        << result.error().message;
}

TEST(Network, NamesWhatIsWrong) {
    const double nan = std::numeric_limits<double>::quiet_NaN();

    const struct {
        std::function<void(Network&)> spoil;
        const char* named;
    } cases[] = {
        {[](Network& n) { n.base_kv = 0; }, "base_kv is 0"},
        {[&](Network& n) { n.v_root_pu = nan; }, "v_root_pu is nan"},
        {[](Network& n) { n.root = 9; }, "root"},
        {[](Network& n) { n.buses[1].name = "a"; }, "bus a is used twice"},
        {[](Network& n) { n.nets[1].name = "n"; }, "net n is used twice"},
        {[](Network& n) { n.branches[1].name = ""; }, "branch has no name"},
        {[](Network& n) { n.buses[1].v_max_pu = 0.8; }, "bus b: v_max_pu is 0.8"},
        {[&](Network& n) { n.buses[0].load_p_kw = nan; }, "bus a: load_p_kw is nan"},
        {[&](Network& n) { n.buses[0].load_q_kvar = nan; }, "bus a: load_q_kvar is nan"},
        {[](Network& n) { n.branches[0].r_ohm = -1; }, "branch ab: r_ohm is -1"},
        {[](Network& n) { n.branches[0].rating_kva = 0; }, "branch ab: rating_kva is 0"},
        {[](Network& n) { n.branches[0].to = 7; }, "branch ab"},
        {[](Network& n) { n.branches[0].to = 0; }, "branch ab: both ends"},
        {[](Network& n) { n.nets[0].bus = 7; }, "net n"},
        {[](Network& n) { n.tie.import_max_kw = -1; }, "tie: import_max_kw is -1"},
        {[&](Network& n) { n.tie.export_max_kw = nan; }, "tie: export_max_kw is nan"},
        {[](Network& n) { n.tie.slope_eur_per_kwh_kw = -1; }, "tie: slope_eur_per_kwh_kw is -1"},
        {[&](Network& n) { n.tie.price_eur_per_kwh[1] = nan; }, "price_eur_per_kwh[1] is nan"},
        {[&](Network& n) { n.daily_shape[2] = nan; }, "daily_shape[2] is nan"},
        {[](Network& n) { n.branches.pop_back(); }, "bus a cannot be reached"},
    };

    for (const auto& one : cases) {
        Network network = good();
        one.spoil(network);
        const auto result = network.validate();
        ASSERT_FALSE(result.ok()) << one.named;
        EXPECT_NE(result.error().message.find(one.named), std::string::npos)
            << result.error().message;
    }
}

TEST(HorizonOf, RepeatsTheDayFromMidnightUtc) {
    const Network network = good();
    const std::int64_t six_hours = 21'600;
    const FeederHorizon horizon = horizon_of(network, 4 * 1000 + 3, 6, six_hours);
    EXPECT_EQ(horizon.interval_h, 6);
    const double shape[] = {4, 1, 2, 3, 4, 1};
    const double price[] = {0.2, 0.1, 0.1, 0.2, 0.2, 0.1};
    for (Eigen::Index t = 0; t < 6; ++t) {
        EXPECT_EQ(horizon.fixed_p_kw(0, t), 10 * shape[t]);
        EXPECT_EQ(horizon.fixed_p_kw(1, t), 20 * shape[t]);
        EXPECT_EQ(horizon.fixed_q_kvar(0, t), 5 * shape[t]);
        EXPECT_EQ(horizon.price_eur_per_kwh[t], price[t]);
    }
    EXPECT_EQ(horizon_of(network, -1, 1, six_hours).fixed_p_kw(0, 0), 40);
}

TEST(HorizonOf, CountsAnAbsentShapeAsOne) {
    Network network = good();
    network.daily_shape.clear();
    EXPECT_EQ(horizon_of(network, 7, 1, 900).fixed_p_kw(0, 0), 10);
}

}  // namespace
}  // namespace kilter::model::network_test
