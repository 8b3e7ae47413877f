#include "common/market/parameters.hpp"

#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace kilter::market::parameters_test {
namespace {

TEST(Parameters, DefaultsAndPaperAreValid) {
    EXPECT_TRUE(Parameters{}.validate().ok());
    EXPECT_TRUE(Parameters::paper().validate().ok());
    const Parameters paper = Parameters::paper();
    EXPECT_EQ(paper.alpha, 1);
    for (const auto any :
         {model::Flexibility::none, model::Flexibility::curtails, model::Flexibility::stores})
        EXPECT_EQ(paper.home_weight(any), 1);
    EXPECT_EQ(paper.feeder_weight(7), 1);
    EXPECT_EQ(paper.balance_rho, Balance::none);
}

TEST(Parameters, WeightsFollowFlexibilityAndHomesBehind) {
    const Parameters agreed;
    EXPECT_EQ(agreed.home_weight(model::Flexibility::stores), 1);
    EXPECT_EQ(agreed.home_weight(model::Flexibility::curtails), 5);
    EXPECT_EQ(agreed.home_weight(model::Flexibility::none), 10);
    EXPECT_EQ(agreed.feeder_weight(4), 0.25);
    EXPECT_EQ(agreed.feeder_weight(0), 1);
}

TEST(Parameters, RefusesWhatIsOutOfRangeByName) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinite = std::numeric_limits<double>::infinity();

    struct Case {
        std::string name;
        std::function<void(Parameters&)> spoil;
    };

    const std::vector<Case> cases{
        {"interval_s", [](Parameters& p) { p.interval_s = 0; }},
        {"interval_s", [](Parameters& p) { p.interval_s = 901; }},
        {"horizon", [](Parameters& p) { p.horizon = 0; }},
        {"horizon", [](Parameters& p) { p.horizon = 673; }},
        {"horizon",
         [](Parameters& p) {
             p.horizon = 337;
             p.channels = 2;
         }},
        {"channels", [](Parameters& p) { p.channels = 0; }},
        {"channels", [](Parameters& p) { p.channels = 3; }},
        {"rho_eur_per_kw2", [](Parameters& p) { p.rho_eur_per_kw2 = 0; }},
        {"rho_eur_per_kw2", [&](Parameters& p) { p.rho_eur_per_kw2 = infinite; }},
        {"alpha", [](Parameters& p) { p.alpha = 2; }},
        {"alpha", [&](Parameters& p) { p.alpha = nan; }},
        {"weight_flexible", [](Parameters& p) { p.weight_flexible = -1; }},
        {"weight_curtailing", [&](Parameters& p) { p.weight_curtailing = infinite; }},
        {"weight_stiff", [](Parameters& p) { p.weight_stiff = 0; }},
        {"primal_tolerance_kw", [&](Parameters& p) { p.primal_tolerance_kw = nan; }},
        {"dual_tolerance", [](Parameters& p) { p.dual_tolerance = 0; }},
        {"price_scale_eur_per_kwh", [](Parameters& p) { p.price_scale_eur_per_kwh = -0.1; }},
        {"iterations_max", [](Parameters& p) { p.iterations_max = 0; }},
        {"iterations_max", [](Parameters& p) { p.iterations_max = 5001; }},
        {"silence_ms", [](Parameters& p) { p.silence_ms = 0; }},
        {"session_ms", [](Parameters& p) { p.session_ms = p.silence_ms - 1; }},
        {"privacy_members_min", [](Parameters& p) { p.privacy_members_min = 0; }},
    };
    for (const auto& [name, spoil] : cases) {
        Parameters p;
        spoil(p);
        const Result<void> valid = p.validate();
        ASSERT_FALSE(valid.ok()) << name;
        EXPECT_NE(valid.error().message.find(name + " = "), std::string::npos)
            << valid.error().message;
        EXPECT_FALSE(Parameters::decode(p.encode()).ok());
    }
}

TEST(Parameters, EncodeToAFixedWidthAndBack) {
    Parameters p = Parameters::paper();
    p.horizon = 17;
    p.channels = 2;
    p.rho_eur_per_kw2 = 0.1;
    p.session_ms = 99'999;
    p.method = Method::priced;
    const Bytes bytes = p.encode();
    EXPECT_EQ(bytes.size(), Parameters{}.encode().size());
    const Result<Parameters> back = Parameters::decode(bytes);
    ASSERT_TRUE(back.ok());
    EXPECT_TRUE(*back == p);
    EXPECT_EQ(back->encode(), bytes);
}

TEST(Parameters, WhoHasAnotherFormOfPricedSessionsHasAnotherDigest) {
    Parameters p;
    p.method = Method::proximal;
    EXPECT_EQ(p.digest(), crypto::digest("market", p.encode())) << "as every version says it";
    for (const Method method : {Method::accelerated, Method::priced}) {
        p.method = method;
        Bytes named = p.encode();
        EXPECT_NE(p.digest(), crypto::digest("market", named)) << "as the first form says it";
        named.push_back(4);
        EXPECT_EQ(p.digest(), crypto::digest("market", named)) << "docs/protocol/wire.md";
    }
}

TEST(Parameters, TheMethodIsTheByteThatSaidAccelerated) {
    for (const auto& [byte, method] :
         {std::pair{0, Method::proximal}, {1, Method::accelerated}, {2, Method::priced}}) {
        Bytes bytes = Parameters{}.encode();
        bytes[54] = static_cast<std::uint8_t>(byte);
        const Result<Parameters> read = Parameters::decode(bytes);
        ASSERT_TRUE(read.ok()) << byte;
        EXPECT_EQ(read->method, method);
    }
}

TEST(Parameters, DecodeRefusesDamage) {
    const Bytes bytes = Parameters{}.encode();
    Bytes shorter(bytes.begin(), bytes.end() - 1), longer = bytes, odd_flag = bytes;
    longer.push_back(0);
    odd_flag[52] = 2;  // weight_feeder_by_homes
    Bytes no_method = bytes;
    no_method[54] = 3;
    for (const Bytes& damaged : {shorter, longer, odd_flag, no_method, Bytes{}})
        EXPECT_FALSE(Parameters::decode(damaged).ok());
}

}  // namespace
}  // namespace kilter::market::parameters_test
