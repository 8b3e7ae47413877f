#include "coordinator/planner/simulate.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/topology/generated.hpp"
#include "common/topology/profiles.hpp"
#include "coordinator/planner/report_json.hpp"

namespace kilter::planner {
namespace {

Neighbourhood small_feeder(std::uint64_t seed = 1) {
    auto generated = topology::generate_feeder({.buses = 9, .homes_per_net = 3}, seed,
                                               topology::generated_profiles(seed));
    return {.network = std::move(generated.network), .homes = std::move(generated.homes)};
}

Options quick(std::uint32_t sessions = 1) {
    Options out;
    out.first_interval = 1'978'080 + 60;
    out.sessions = sessions;
    return out;
}

Report run(const Neighbourhood& neighbourhood, const Options& options) {
    auto report = simulate(neighbourhood, options);
    KILTER_CHECK(report.ok(), "the test's neighbourhood must be valid");
    return std::move(*report);
}

TEST(Simulate, ClearsAndBalancesEveryNet) {
    const Neighbourhood neighbourhood = small_feeder();
    const Report report = run(neighbourhood, quick());
    const SessionResult& result = report.sessions.at(0);
    EXPECT_EQ(result.outcome, market::Outcome::converged) << result.explanation;
    EXPECT_GT(result.iterations, 5u);
    model::Schedules drawn = model::Schedules::Zero(8, 96);
    for (std::size_t i = 0; i < neighbourhood.homes.size(); ++i)
        drawn.row(neighbourhood.homes[i].net.value) +=
            result.schedule_kw.row(static_cast<Eigen::Index>(i));
    const double rms = std::sqrt((drawn - result.delivery_kw).squaredNorm() / ((24 + 8) * 96));
    EXPECT_LE(rms, 1.01e-3);
    EXPECT_NEAR(rms, result.primal_residual_kw, 1e-5);
    EXPECT_GE(result.voltage_pu.minCoeff(), 0.95 - 1e-3);
    EXPECT_TRUE(result.prices == price_digest(result.dual_eur_per_kw));
}

/// Energy, losses, congestion and voltage make up every price; the nonlinear power flow agrees with the feeder's.
TEST(Simulate, SplitsPricesAndChecksThePowerFlow) {
    Neighbourhood neighbourhood = small_feeder();
    neighbourhood.network.losses = true;
    const double lowest = run(neighbourhood, quick()).sessions.at(0).voltage_pu.minCoeff();
    for (model::Bus& bus : neighbourhood.network.buses)  // a band that binds
        bus.v_min_pu = lowest + 0.1 * (1 - lowest);
    const SessionResult result = run(neighbourhood, quick()).sessions.at(0);
    ASSERT_EQ(result.outcome, market::Outcome::converged) << result.explanation;
    const prox::PriceParts& parts = result.price_parts;
    const model::Schedules sum = parts.energy + parts.loss + parts.congestion + parts.voltage;
    EXPECT_LT((sum - result.price_eur_per_kwh).cwiseAbs().maxCoeff(), 2e-3);
    EXPECT_LT(std::sqrt((sum - result.price_eur_per_kwh).array().square().mean()), 4e-4);
    EXPECT_GT(parts.loss.maxCoeff(), 0.005);
    EXPECT_GT(parts.voltage.maxCoeff(), 0.001);
    EXPECT_TRUE(result.relaxation.exact()) << result.explanation;
    ASSERT_TRUE(result.power_flow.has_value());
    EXPECT_LT((result.power_flow->voltage_pu - result.voltage_pu).cwiseAbs().maxCoeff(), 1e-9);
    EXPECT_LT((result.power_flow->import_kw - result.import_kw).cwiseAbs().maxCoeff(), 1e-6);
    EXPECT_LT(result.power_flow->voltage.by, 1e-3);
    EXPECT_GT(result.power_flow->loss_kw.sum(), 0);
}

/// A tie that cannot carry what the homes cannot do without: the session ends, missing the limit by the least, priced
/// at the stated penalty, and says so.
TEST(Simulate, ATieTooSmallIsMissedAtThePenalty) {
    Neighbourhood neighbourhood = small_feeder();
    neighbourhood.network.losses = true;
    neighbourhood.network.buses[1].load_p_kw += 10;
    neighbourhood.network.tie.import_max_kw = 2;
    neighbourhood.network.limit_penalty_eur_per_kwh = 2;
    const SessionResult result = run(neighbourhood, quick()).sessions.at(0);
    EXPECT_EQ(result.outcome, market::Outcome::converged) << result.explanation;
    EXPECT_NE(result.explanation.find("import at the tie"), std::string::npos)
        << result.explanation;
    EXPECT_GT(result.import_kw.maxCoeff(), neighbourhood.network.tie.import_max_kw);
    EXPECT_NEAR(result.price_parts.congestion.maxCoeff(), 2, 0.6);
    ASSERT_TRUE(result.power_flow.has_value());
    EXPECT_GT(result.power_flow->loading.by, 0.01);
    EXPECT_EQ(result.power_flow->loading.item, "tie");
}

/// The certificate is a bound: of cost, and so at least what a longer run finds to gain.
TEST(Simulate, CertifiesHowFarFromTheOptimumItIs) {
    for (const bool losses : {false, true}) {
        Neighbourhood neighbourhood = small_feeder();
        neighbourhood.network.losses = losses;
        Options coarse = quick(), fine = quick();
        coarse.parameters.primal_tolerance_kw = 0.05;
        coarse.parameters.dual_tolerance = 0.05;
        fine.parameters.primal_tolerance_kw = 1e-4;
        fine.parameters.dual_tolerance = 1e-4;
        fine.parameters.iterations_max = 1500;
        const SessionResult early = run(neighbourhood, coarse).sessions.at(0);
        const SessionResult late = run(neighbourhood, fine).sessions.at(0);
        ASSERT_TRUE(early.certificate && late.certificate) << early.uncertified << late.uncertified;
        EXPECT_GE(early.certificate->gap_eur(), early.objective_eur - late.objective_eur);
        EXPECT_LT(late.certificate->gap_eur(), early.certificate->gap_eur() / 5);
        EXPECT_LT(early.certificate->gap_eur(), 0.3 * std::abs(early.objective_eur));
        EXPECT_LT(late.certificate->gap_eur(), 3e-3 * std::abs(late.objective_eur));
        EXPECT_GE(late.certificate->homes_regret_eur, 0);
    }
}

/// A battery that cannot be as full as it is required to be is planned with the least miss, and its home named.
TEST(Simulate, AHomeThatCannotKeepARequirementIsNamed) {
    Neighbourhood neighbourhood = small_feeder();
    topology::HomeSpec& home = neighbourhood.homes.at(4);
    home.battery = {.power_max_kw = 2,
                    .energy_max_kwh = 200,
                    .energy_start_kwh = 1,
                    .energy_end_min_kwh = 190,
                    .charge_efficiency = 0.9};
    const SessionResult result = run(neighbourhood, quick()).sessions.at(0);
    EXPECT_EQ(result.outcome, market::Outcome::converged) << result.explanation;
    EXPECT_NE(result.explanation.find("Home " + home.name + ": "), std::string::npos)
        << result.explanation;
    EXPECT_NE(result.explanation.find("battery"), std::string::npos) << result.explanation;
    ASSERT_TRUE(result.certificate.has_value()) << result.uncertified;  // the penalty is a cost
    EXPECT_LT(result.certificate->gap_eur(), 0.1);
}

TEST(Simulate, MasksChangeNoBitOfTheResult) {
    Options masked = quick(2), bare = quick(2);
    bare.masked = false;
    const Report one = run(small_feeder(), masked), other = run(small_feeder(), bare);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(one.sessions[i].prices, other.sessions[i].prices);
        EXPECT_TRUE(one.sessions[i].schedule_kw == other.sessions[i].schedule_kw);
    }
    EXPECT_NE(one.sessions[0].prices, one.sessions[1].prices);
}

TEST(Simulate, WarmSessionsTakeFewerIterations) {
    Options cold = quick(3);
    cold.warm = false;
    std::uint32_t warm_sum = 0, cold_sum = 0;
    for (const std::uint64_t seed : {1, 2, 3}) {
        const Report warm = run(small_feeder(seed), quick(3)),
                     fresh = run(small_feeder(seed), cold);
        EXPECT_EQ(warm.sessions[0].prices, fresh.sessions[0].prices)
            << "the first one is cold either way";
        for (std::size_t i = 1; i < 3; ++i) {
            EXPECT_EQ(warm.sessions[i].outcome, market::Outcome::converged);
            warm_sum += warm.sessions[i].iterations;
            cold_sum += fresh.sessions[i].iterations;
        }
    }
    EXPECT_LT(warm_sum, cold_sum);
}

TEST(Simulate, AcceleratedSessionsEndAtThePlainOptimumInAFractionOfTheIterations) {
    std::uint32_t fast_sum = 0, plain_sum = 0;
    for (const std::uint64_t seed : {1, 2, 3}) {
        Options fast = quick(3);
        fast.parameters.method = market::Method::accelerated;
        const Report accelerated = run(small_feeder(seed), fast);
        const Report plain = run(small_feeder(seed), quick(3));
        for (std::size_t i = 0; i < 3; ++i) {
            const SessionResult& result = accelerated.sessions[i];
            EXPECT_EQ(result.outcome, market::Outcome::converged) << result.explanation;
            fast_sum += result.iterations;
            plain_sum += plain.sessions[i].iterations;
            EXPECT_GE(result.voltage_pu.minCoeff(), 0.95 - 1e-3);
            const prox::PriceParts& parts = result.price_parts;
            const model::Schedules sum =
                parts.energy + parts.loss + parts.congestion + parts.voltage;
            EXPECT_LT((sum - result.price_eur_per_kwh).cwiseAbs().maxCoeff(), 1e-4);
        }
        EXPECT_LE(accelerated.sessions[0].iterations, 20u) << "seed " << seed;
        const double objective = plain.sessions[0].objective_eur;
        EXPECT_NEAR(accelerated.sessions[0].objective_eur, objective, 1e-3 * std::abs(objective));
    }
    EXPECT_LT(2 * fast_sum, plain_sum);
}

TEST(Simulate, BatteriesGoOnFromWhereTheyWereDispatched) {
    const Report report = run(small_feeder(), quick(3));
    bool moved = false;
    for (std::size_t s = 1; s < 3; ++s) {
        for (std::size_t i = 0; i < report.neighbourhood.homes.size(); ++i) {
            const model::Home &before = report.sessions[s - 1].homes[i],
                              &now = report.sessions[s].homes[i];
            const double stored = now.battery.energy_start_kwh - before.battery.energy_start_kwh;
            EXPECT_LE(std::abs(stored), before.battery.power_max_kw * 0.25 + 1e-9);
            moved |= std::abs(stored) > 0.01;
        }
    }
    EXPECT_TRUE(moved);
}

TEST(Simulate, NetsWithoutHomesDoNotTrade) {
    Neighbourhood all = small_feeder(), fewer = small_feeder();
    std::erase_if(fewer.homes, [](const auto& home) { return home.net.value == 2; });
    const Report report = run(fewer, quick());
    EXPECT_EQ(report.neighbourhood.network.nets.size(), all.network.nets.size() - 1);
    EXPECT_EQ(report.neighbourhood.network.nets[2].name, all.network.nets[3].name);
    for (std::size_t i = 0; i < fewer.homes.size(); ++i)
        EXPECT_EQ(report.neighbourhood.network.nets[report.neighbourhood.homes[i].net.value].name,
                  all.network.nets[fewer.homes[i].net.value].name);
    EXPECT_EQ(report.sessions[0].outcome, market::Outcome::converged);
}

TEST(Simulate, ReportsProgressOfEveryIteration) {
    std::vector<Progress> seen;
    const auto report =
        simulate(small_feeder(), quick(2), [&](const Progress& at) { seen.push_back(at); });
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(seen.back().session, 1u);
    EXPECT_EQ(seen.back().sessions, 2u);
    EXPECT_GE(seen.size(), report->sessions[0].iterations + report->sessions[1].iterations);
}

TEST(Simulate, SaysWhatIsWrongWithItsInput) {
    const auto message = [](const Neighbourhood& neighbourhood, const Options& options) {
        const auto report = simulate(neighbourhood, options);
        return report.ok() ? std::string("accepted") : report.error().message;
    };
    Options odd = quick();
    odd.parameters.alpha = 3;
    EXPECT_NE(message(small_feeder(), odd).find("alpha"), std::string::npos);
    Neighbourhood nobody = small_feeder();
    nobody.homes.clear();
    EXPECT_NE(message(nobody, quick()).find("without homes"), std::string::npos);
    Neighbourhood astray = small_feeder();
    astray.homes[5].net = NetId{99};
    EXPECT_NE(message(astray, quick()).find(astray.homes[5].name), std::string::npos);
    Options hourly = quick();
    hourly.parameters.interval_s = 3600;
    EXPECT_NE(message(small_feeder(), hourly).find("900"), std::string::npos);
    Neighbourhood broken = small_feeder();
    broken.homes[0].load_kw[7] = -1;
    EXPECT_NE(message(broken, quick()).find(broken.homes[0].name), std::string::npos);
}

TEST(PriceDigest, ChangesWithTheLastBitAndTheShape) {
    model::Schedules prices = model::Schedules::Constant(2, 3, 0.1);
    const crypto::Digest before = price_digest(prices);
    prices(1, 2) = std::nextafter(0.1, 1.0);
    EXPECT_NE(price_digest(prices), before);
    EXPECT_NE(price_digest(model::Schedules::Constant(3, 2, 0.1)), before);
}

TEST(ReportJson, HoldsResultsAndProblemBitForBit) {
    const Report report = run(small_feeder(), quick(2));
    const auto json = nlohmann::json::parse(to_json(report));
    EXPECT_EQ(json["format"], "kilter-simulate-1");
    ASSERT_EQ(json["later"].size(), 1u);
    for (std::size_t s = 0; s < 2; ++s) {
        const auto& one = s == 0 ? json : json["later"][s - 1];
        const SessionResult& result = report.sessions[s];
        EXPECT_EQ(one["iterations"], result.iterations);
        EXPECT_EQ(one["converged"], true);
        EXPECT_EQ(one["objective"].get<double>(), result.objective_eur);
        EXPECT_EQ(one["primal_residual_kw"].get<double>(), result.primal_residual_kw);
        EXPECT_EQ(one["dual_residual"].get<double>(), result.dual_residual_eur_per_kw);
        EXPECT_EQ(one["prices_digest"], to_hex(result.prices.view()));
        for (Eigen::Index n = 0; n < 8; ++n)
            for (Eigen::Index t = 0; t < 96; ++t)
                EXPECT_EQ(one["price_eur_per_kwh"][n][t].get<double>(),
                          result.price_eur_per_kwh(n, t));
        EXPECT_EQ(one["voltage_pu"].size(), 9u);
        EXPECT_EQ(one["home"].size(), 24u);
        for (std::size_t i = 0; i < 24; ++i) {
            const auto& home = one["home"][i];
            EXPECT_EQ(home["load_kw"][17].get<double>(), result.homes[i].load_kw[17]);
            EXPECT_EQ(home["battery"]["energy_start_kwh"].get<double>(),
                      result.homes[i].battery.energy_start_kwh);
            EXPECT_EQ(home["schedule_kw"][95].get<double>(),
                      result.schedule_kw(static_cast<Eigen::Index>(i), 95));
        }
        EXPECT_EQ(one["feeder"]["fixed_p_kw"].size(), 9u);
        EXPECT_EQ(one["feeder"]["tie_price_eur_per_kwh"].size(), 96u);
    }
    EXPECT_EQ(json["network"]["branches"].size(), 8u);
    EXPECT_TRUE(json["network"]["branches"][0]["rating_kva"].is_null()) << "no limit";
}

}  // namespace
}  // namespace kilter::planner
