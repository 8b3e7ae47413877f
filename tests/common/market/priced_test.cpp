#include "common/market/priced.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "neighbourhood.hpp"
#include <climits>
#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace kilter::market::priced_test {
namespace {

using namespace test;

Scene priced_scene(std::size_t nets = 3, std::size_t homes = 3, std::uint32_t horizon = 12) {
    Scene out = scene(nets, homes, horizon);
    out.parameters.method = Method::priced;
    return out;
}

TEST(Priced, EndsAtThePricesThatNetsFindByThemselves) {
    Scene priced = priced_scene(), proximal = scene(3, 3, 12);
    for (Scene* scene : {&priced, &proximal})
        scene->parameters.primal_tolerance_kw = scene->parameters.dual_tolerance = 1e-5;
    Exchange one(priced), other(proximal);
    one.run();
    other.run();
    ASSERT_EQ(one.cleared.at(priced.chair).outcome, Outcome::converged);
    ASSERT_EQ(other.cleared.at(proximal.chair).outcome, Outcome::converged);
    EXPECT_LT(largest_difference(priced, one, other), 1e-5);
    expect_agreement(priced, one);
}

TEST(Priced, MasksAndTheOrderOfMessagesChangeNoBit) {
    Scene straight = priced_scene();
    Exchange reference(straight);
    reference.run();
    for (std::uint64_t seed = 0; seed <= 10; ++seed) {
        Scene again = priced_scene();
        again.masked = seed != 0;
        Exchange shuffled(again, seed);
        shuffled.duplicates = seed == 0 ? 0 : 0.3;
        shuffled.run();
        expect_same(shuffled, reference);
    }
}

/// The iteration as priced.hpp writes it, for all in one loop, with its own R, S and λ = 0.05 throughout.
std::vector<Schedules> prices_of_one_loop(Scene& scene, std::uint32_t iterations) {
    const auto nets = static_cast<Eigen::Index>(scene.seats.size());
    const Eigen::Index horizon = scene.parameters.horizon;
    const Eigen::MatrixXd shape =
        Eigen::MatrixXd::Identity(horizon, horizon) -
        0.95 / static_cast<double>(horizon) * Eigen::MatrixXd::Ones(horizon, horizon);
    double rho = scene.parameters.rho_eur_per_kw2;
    Schedules y = Schedules::Zero(nets, horizon), delivery;
    std::map<PartyId, Schedules> z, a;
    std::vector<Schedules> out;
    for (std::uint32_t k = 1; k <= iterations; ++k) {
        if (k > 1) {
            Schedules demand = Schedules::Zero(nets, horizon), next;
            std::vector<model::Response> response;
            for (Eigen::Index n = 0; n < nets; ++n) {
                const auto& members = scene.seats[static_cast<std::size_t>(n)].members;
                response.emplace_back(static_cast<double>(members.size() - 1) / rho * shape);
                for (const Member& member : members)
                    if (member.party != scene.chair) demand.row(n) += a.at(member.party);
            }
            scene.devices.at(scene.chair)->price_step(y, demand, response, {}, next, delivery);
            for (Eigen::Index n = 0; n < nets; ++n)
                for (const Member& member : scene.seats[static_cast<std::size_t>(n)].members)
                    if (member.party != scene.chair)
                        z[member.party] =
                            a.at(member.party) - (next.row(n) - y.row(n)) * shape / rho;
            y = next;
            rho = std::min(4 * scene.parameters.rho_eur_per_kw2, 1.015 * rho);
        }
        out.push_back(y);
        for (Eigen::Index n = 0; n < nets; ++n)
            for (const Member& member : scene.seats[static_cast<std::size_t>(n)].members) {
                if (member.party == scene.chair) continue;
                Schedules& center = z[member.party];
                if (k == 1) center.setZero(1, horizon);
                Schedules x(1, horizon);
                scene.devices.at(member.party)
                    ->prox(center - y.row(n) / rho, Eigen::VectorXd::Constant(1, rho), x);
                a[member.party] = 1.6 * x - 0.6 * center;
                for (double& value : a[member.party].reshaped())
                    value = std::round(value * 0x1p20) * 0x1p-20;
            }
    }
    return out;
}

TEST(Priced, IsTheIterationOfItsHeader) {
    Scene scene = priced_scene(), same = priced_scene();
    Exchange exchange(scene);
    exchange.run();
    const Cleared& chair = exchange.cleared.at(scene.chair);
    ASSERT_EQ(chair.outcome, Outcome::converged);
    const std::vector<Schedules> reference = prices_of_one_loop(same, chair.iteration);
    ASSERT_GT(reference.size(), 10U);
    for (std::uint32_t k = 1; k <= chair.iteration; ++k)
        for (std::size_t n = 0; n < scene.seats.size(); ++n) {
            const auto row = static_cast<Eigen::Index>(n);
            std::vector<std::uint64_t> words;
            for (const MaskedShare& share : exchange.traffic.at(scene.chair))
                if (share.iteration == k && share.net == scene.seats[n].net) words = share.words;
            ASSERT_EQ(words.size(), words_per_message(scene.parameters) + 12);
            for (Eigen::Index t = 0; t < 12; ++t)
                EXPECT_NEAR(
                    std::bit_cast<double>(words[words.size() - 12 + static_cast<std::size_t>(t)]),
                    reference[k - 1](row, t), 1e-9)
                    << k;
        }
}

TEST(Priced, HomesSayNoMoreThanWhereNetsMoveTheirOwnPrices) {
    Scene scene = priced_scene();
    const std::size_t common = words_per_message(scene.parameters);
    Exchange exchange(scene);
    exchange.loses = [&](PartyId from, PartyId, const MaskedShare& share) {
        EXPECT_EQ(share.words.size(),
                  from == scene.chair ? common + scene.parameters.quantities() : common);
        return false;
    };
    exchange.run();
    EXPECT_EQ(exchange.cleared.at(scene.chair).outcome, Outcome::converged);
}

TEST(Priced, AChairThatCannotSetPricesLeavesThemToTheNets) {
    Scene unable = priced_scene(), proximal = scene(3, 3, 12);
    dynamic_cast<Supply&>(*unable.devices.at(unable.chair)).prices_to_set = 0;
    Exchange one(unable), other(proximal);
    one.run();
    other.run();
    ASSERT_EQ(one.cleared.at(unable.chair).outcome, Outcome::converged);
    EXPECT_LT(largest_difference(unable, one, other), 1e-3);
}

/// A supply that says it can set prices and always sets the same, this often.
class Stubborn final : public model::Device {
  public:
    Stubborn(std::unique_ptr<model::Device> supply, double price, int times = INT_MAX)
        : supply_(std::move(supply)), price_(price), left_(times) {}

    Eigen::Index rows() const override { return supply_->rows(); }

    Eigen::Index intervals() const override { return supply_->intervals(); }

    model::ProxStatus prox(const Schedules& target,
                           const Eigen::VectorXd& penalty,
                           Schedules& x) override {
        return supply_->prox(target, penalty, x);
    }

    bool price_step(const Schedules& price,
                    const Schedules& demand,
                    const std::vector<model::Response>&,
                    const model::PriceRestraint&,
                    Schedules& next_price,
                    Schedules& delivery) override {
        if (left_-- == 0) return false;
        next_price.setConstant(price.rows(), price.cols(), price_);
        delivery.setZero(demand.rows(), demand.cols());
        return true;
    }

    double cost(const Schedules& x) const override { return supply_->cost(x); }

  private:
    std::unique_ptr<model::Device> supply_;
    double price_;
    int left_;
};

/// What homes are told in place of prices in that iteration.
double told_instead(const Scene& scene, const Exchange& exchange, std::uint32_t iteration) {
    for (const MaskedShare& share : exchange.traffic.at(scene.chair))
        if (share.iteration == iteration) return std::bit_cast<double>(share.words.back());
    return 0;
}

TEST(Priced, WhereNothingComesNearerNetsMoveTheirOwnPricesAtLast) {
    Scene stuck = priced_scene(), proximal = scene(3, 3, 12);
    auto& device = stuck.devices.at(stuck.chair);
    device = std::make_unique<Stubborn>(std::move(device), 0.01);
    Exchange one(stuck), other(proximal);
    one.run();
    other.run();
    const Cleared& chair = one.cleared.at(stuck.chair);
    ASSERT_EQ(chair.outcome, Outcome::converged);
    EXPECT_GT(chair.iteration, static_cast<std::uint32_t>(priced_stalls_max));
    EXPECT_LT(largest_difference(stuck, one, other), 1e-3);
}

/// The start is near, the prices that follow are a thousand times too high: nothing of them is left.
TEST(Priced, WherePricesStrayTheSessionBeginsAnew) {
    constexpr int strayed = 7;
    Scene astray = priced_scene(), proximal = scene(3, 3, 12);
    auto& device = astray.devices.at(astray.chair);
    device = std::make_unique<Stubborn>(std::move(device), 50, strayed);
    Exchange one(astray), other(proximal);
    one.run();
    other.run();
    const Cleared& chair = one.cleared.at(astray.chair);
    ASSERT_EQ(chair.outcome, Outcome::converged);
    EXPECT_EQ(told_instead(astray, one, 1 + strayed), 50);
    EXPECT_EQ(told_instead(astray, one, 2 + strayed), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isnan(told_instead(astray, one, 3 + strayed)));
    EXPECT_EQ(chair.iteration, other.cleared.at(proximal.chair).iteration + strayed + 1);
    for (const auto& [party, cleared] : other.cleared) {
        EXPECT_EQ(one.cleared.at(party).y_eur_per_kw, cleared.y_eur_per_kw);
        EXPECT_EQ(one.cleared.at(party).x_kw, cleared.x_kw);
    }
}

TEST(Priced, WherePricesCameNearerNetsGoOnFromThem) {
    Scene unable = priced_scene(), never = priced_scene();
    dynamic_cast<Supply&>(*unable.devices.at(unable.chair)).prices_to_set = 12;
    dynamic_cast<Supply&>(*never.devices.at(never.chair)).prices_to_set = 0;
    Exchange one(unable), other(never);
    one.run();
    other.run();
    ASSERT_EQ(one.cleared.at(unable.chair).outcome, Outcome::converged);
    EXPECT_TRUE(std::isnan(told_instead(unable, one, 14)));
    EXPECT_LT(one.cleared.at(unable.chair).iteration - 13,
              other.cleared.at(never.chair).iteration - 1)
        << "what is left to do";
    EXPECT_LT(largest_difference(unable, one, other), 1e-3);
}

TEST(Priced, GoesOnWithoutAMemberThatFallsSilent) {
    for (std::uint32_t silent_from = 1; silent_from <= 9; ++silent_from) {
        Scene scene = priced_scene();
        const PartyId silent{2};
        Exchange exchange(scene);
        exchange.loses = [&](PartyId from, PartyId, const MaskedShare& share) {
            return from == silent && share.iteration >= silent_from;
        };
        exchange.run();
        const Cleared& chair = exchange.cleared.at(scene.chair);
        ASSERT_EQ(chair.outcome, Outcome::converged) << silent_from;
        EXPECT_EQ(chair.members[0].size(), scene.seats[0].members.size() - 1);
        EXPECT_EQ(exchange.cleared.at(silent).outcome, Outcome::excluded);
        EXPECT_EQ(exchange.cleared.at(PartyId{1}).y_eur_per_kw.row(0), chair.y_eur_per_kw.row(0));
    }
}

/// Homes that answer a level up to twenty times as far as λ supposes, in every interval, and a supply that hardly gives.
TEST(Priced, HomesThatAnswerTheLevelAreNotThrownToAndFro) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        Scene scene = priced_scene(2, 3, 12);
        Prng prng(seed);
        std::vector<const Quadratic*> homes;
        for (auto& [party, device] : scene.devices) {
            if (party == scene.chair) continue;
            Schedules wish(1, 12);
            for (double& value : wish.reshaped())
                value = prng.uniform(1, 2);
            auto home = std::make_unique<Quadratic>(wish, 0.05 * prng.uniform(0.01, 1), -3, 6);
            homes.push_back(home.get());
            device = std::move(home);
        }
        auto supply = std::make_unique<Supply>(2, Eigen::VectorXd::Constant(12, 0.05), 5);
        const Supply& steep = *supply;
        scene.devices[scene.chair] = std::move(supply);
        Exchange exchange(scene);
        exchange.run();
        const Cleared& chair = exchange.cleared.at(scene.chair);
        ASSERT_EQ(chair.outcome, Outcome::converged) << seed;
        EXPECT_LE(chair.iteration, 60U) << seed;
        for (Eigen::Index t = 0; t < 12; ++t) {
            double low = -10, high = 10;  // of the price at which homes draw what is supplied at it
            for (int halving = 0; halving < 60; ++halving) {
                const double y = (low + high) / 2;
                double drawn = 0;
                for (const Quadratic* home : homes)
                    drawn += home->at_price(y, t);
                (steep.marginal(drawn, t) > y ? low : high) = y;
            }
            EXPECT_NEAR(chair.y_eur_per_kw(0, t), low, 1e-3) << seed;
        }
    }
}

TEST(Priced, ALevelThatTurnsBackFartherThanItCameCountsFourTimes) {
    Parameters parameters;
    parameters.horizon = 4;
    const double least = 0.1 * parameters.price_scale_eur_per_kwh * 0.25;
    const auto at = [&](double level, std::uint32_t iteration, std::vector<double> levels) {
        Iterate out = start_from(WarmState::cold(2, 4, 0.015), 2);
        out.iteration = iteration;
        out.y_eur_per_kw.row(0).setConstant(level);
        out.y_eur_per_kw.row(1) << 1, -1, 1, -1;  // moves, but not as a level
        out.level_answers = std::move(levels);
        return out;
    };
    const auto levels = [&](double before, double last, double next, std::vector<double> had) {
        const Iterate first = at(before, 1, had), second = at(last, 2, had);
        Schedules y = Schedules::Constant(2, 4, next);
        y.row(1) << -1, 1, -1, 1;
        return post_prices(&first, second, y, Schedules::Zero(2, 4), 0.015, parameters)
            .level_answers;
    };
    using Levels = std::vector<double>;
    EXPECT_EQ(levels(0, least, -1.1 * least, {}), (Levels{0.2, 0.05}));
    EXPECT_EQ(levels(0, least, -1.1 * least, {0.2, 0.05}), (Levels{0.8, 0.05}));
    EXPECT_EQ(levels(0, least, -1.1 * least, {0.8, 0.05}), (Levels{1, 0.05}));
    EXPECT_EQ(levels(0, least, 0.1 * least, {}), (Levels{0.05, 0.05})) << "less than it came";
    EXPECT_EQ(levels(0, least, 3 * least, {}), (Levels{0.05, 0.05})) << "onwards";
    EXPECT_EQ(levels(0, 0.1 * least, -0.5 * least, {}), (Levels{0.05, 0.05})) << "too little";
    const Iterate last = at(0, 2, {0.2, 0.8});
    EXPECT_EQ(
        post_prices(nullptr, last, last.y_eur_per_kw, last.z_kw, 0.015, parameters).level_answers,
        (Levels{0.2, 0.8}));
}

TEST(Priced, ThePenaltyRisesToFourTimesTheAgreedOne) {
    Parameters parameters;
    double rho = parameters.rho_eur_per_kw2;
    EXPECT_DOUBLE_EQ(next_priced_rho(parameters, rho), 1.015 * rho);
    for (int k = 0; k < 100; ++k)
        rho = next_priced_rho(parameters, rho);
    EXPECT_DOUBLE_EQ(rho, 4 * parameters.rho_eur_per_kw2);
    EXPECT_DOUBLE_EQ(next_priced_rho(parameters, 99), rho);
    EXPECT_DOUBLE_EQ(later_priced_rho(parameters), 2.5 * parameters.rho_eur_per_kw2);
    Parameters absurd;
    absurd.rho_eur_per_kw2 = 1e-320;
    EXPECT_EQ(next_priced_rho(absurd, 1), limits::rho_eur_per_kw2_min) << "responses are finite";
    Scene scene = priced_scene();
    Exchange exchange(scene);
    exchange.run();
    EXPECT_DOUBLE_EQ(exchange.cleared.at(scene.chair).warm.rho_eur_per_kw2,
                     2.5 * scene.parameters.rho_eur_per_kw2);
}

}  // namespace
}  // namespace kilter::market::priced_test
