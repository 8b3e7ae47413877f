#include "common/market/acceleration.hpp"

#include "neighbourhood.hpp"
#include <Eigen/Cholesky>
#include <gtest/gtest.h>

namespace kilter::market::acceleration_test {
namespace {

using namespace test;

Scene accelerated_scene(std::size_t nets = 3, std::size_t homes = 3, std::uint32_t horizon = 12) {
    Scene out = scene(nets, homes, horizon);
    out.parameters.method = Method::accelerated;
    return out;
}

TEST(Acceleration, EndsAtThePlainSessionsPricesInFewerIterations) {
    Scene fast = accelerated_scene(), plain = scene(3, 3, 12);
    Exchange one(fast), other(plain);
    one.run();
    other.run();
    const Cleared& chair = one.cleared.at(fast.chair);
    ASSERT_EQ(chair.outcome, Outcome::converged);
    ASSERT_EQ(other.cleared.at(plain.chair).outcome, Outcome::converged);
    EXPECT_LT(chair.iteration, other.cleared.at(plain.chair).iteration);
    EXPECT_LE(chair.iteration, 12u);
    EXPECT_LT(largest_difference(fast, one, other), 1e-3);
    for (const auto& [party, cleared] : one.cleared) {
        EXPECT_EQ(cleared.iteration, chair.iteration);
        for (std::size_t n = 0; n < fast.seats.size(); ++n)
            if (party != fast.chair && cleared.members[0] == chair.members[n]) {
                EXPECT_TRUE(cleared.y_eur_per_kw.row(0) ==
                            chair.y_eur_per_kw.row(static_cast<Eigen::Index>(n)));
            }
    }
}

TEST(Acceleration, MasksAndTheOrderOfMessagesChangeNoBit) {
    Scene straight = accelerated_scene();
    Exchange reference(straight);
    reference.run();
    for (std::uint64_t seed = 0; seed <= 10; ++seed) {
        Scene again = accelerated_scene();
        again.masked = seed != 0;
        Exchange shuffled(again, seed);
        shuffled.duplicates = seed == 0 ? 0 : 0.3;
        shuffled.run();
        EXPECT_EQ(shuffled.cleared.at(again.chair).iteration,
                  reference.cleared.at(straight.chair).iteration);
        EXPECT_EQ(largest_difference(again, shuffled, reference), 0);
    }
}

TEST(Acceleration, AChairThatCannotSetPricesLeavesThePlainSession) {
    Scene unable = accelerated_scene(), plain = scene(3, 3, 12);
    dynamic_cast<Supply&>(*unable.devices.at(unable.chair)).prices_to_set = 0;
    Exchange one(unable), other(plain);
    one.run();
    other.run();
    ASSERT_EQ(one.cleared.at(unable.chair).outcome, Outcome::converged);
    EXPECT_LT(largest_difference(unable, one, other), 1e-3);
}

TEST(Acceleration, GoesOnWithoutAMemberThatFallsSilent) {
    for (std::uint32_t silent_from = 1; silent_from <= 4; ++silent_from) {
        Scene scene = accelerated_scene();
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

/// Answers prices with whatever it likes.
class Liar final : public model::Device {
  public:
    Liar(std::unique_ptr<model::Device> honest, double entry)
        : honest_(std::move(honest)), entry_(entry) {}

    Eigen::Index rows() const override { return honest_->rows(); }

    Eigen::Index intervals() const override { return honest_->intervals(); }

    model::ProxStatus prox(const Schedules& target,
                           const Eigen::VectorXd& penalty,
                           Schedules& x) override {
        return honest_->prox(target, penalty, x);
    }

    bool price_response(double, Eigen::MatrixXd& response) override {
        response.setConstant(intervals(), intervals(), entry_);
        return true;
    }

    double cost(const Schedules& x) const override { return honest_->cost(x); }

  private:
    std::unique_ptr<model::Device> honest_;
    double entry_;
};

TEST(Acceleration, ALyingOrBrokenResponseCannotBreakTheChair) {
    for (const double entry : {std::nan(""), 1e300, -1e300, -50.0}) {
        Scene scene = accelerated_scene();
        scene.parameters.horizon = 12;
        auto& device = scene.devices.at(PartyId{1});
        device = std::make_unique<Liar>(std::move(device), entry);
        Exchange exchange(scene);
        exchange.run();
        const Cleared& chair = exchange.cleared.at(scene.chair);
        EXPECT_EQ(chair.outcome, Outcome::converged) << entry;
        EXPECT_TRUE(chair.y_eur_per_kw.allFinite());
    }
}

TEST(Acceleration, NeighboursGetTheWordsThatAllSumAndTheChairTheAnswers) {
    Scene scene = accelerated_scene();
    const std::size_t common = words_per_message(scene.parameters);
    Exchange exchange(scene);
    exchange.loses = [&](PartyId from, PartyId to, const MaskedShare& share) {
        static_cast<void>(to);
        EXPECT_EQ(share.words.size(), from == scene.chair
                                          ? common + scene.parameters.quantities()
                                          : common + answer_words(scene.parameters));
        return false;
    };
    exchange.run();
    ASSERT_EQ(exchange.cleared.at(scene.chair).outcome, Outcome::converged);

    const MaskedShare whole = exchange.sent(PartyId{1}, 2);
    const Dispatch sent{whole, common, scene.chair};
    EXPECT_EQ(sent.to(scene.chair), whole);
    const MaskedShare part = sent.to(PartyId{2});
    ASSERT_EQ(part.words.size(), common);
    EXPECT_TRUE(std::equal(part.words.begin(), part.words.end(), whole.words.begin()));
}

/// Counts which steps it is asked for; answers as a battery of no size would.
class AskedHome final : public model::Device {
  public:
    Eigen::Index rows() const override { return 1; }

    Eigen::Index intervals() const override { return 4; }

    model::ProxStatus prox(const Schedules&, const Eigen::VectorXd&, Schedules& x) override {
        ++exact;
        x.setConstant(1, 4, 1);
        return model::ProxStatus::solved;
    }

    model::ProxStatus smoothed_prox(const Schedules&,
                                    const Eigen::VectorXd&,
                                    double smoothing_kw2,
                                    Schedules& x) override {
        smoothing.push_back(smoothing_kw2);
        x.setConstant(1, 4, 0.5);
        return model::ProxStatus::infeasible;
    }

    double cost(const Schedules&) const override { return 0; }

    int exact = 0;
    std::vector<double> smoothing;
};

TEST(Acceleration, AHomeJudgesExactlyOnceTheBarrierIsNearItsEnd) {
    Parameters parameters;
    parameters.horizon = 4;
    const double agreed = parameters.rho_eur_per_kw2, kw2 = 1e-6;
    ASSERT_EQ(parameters.primal_tolerance_kw, 1e-3);
    for (const auto& [opening, first, exact_from] :
         {std::tuple{agreed, 1e6 * kw2, 9U}, std::tuple{0.4 * agreed, 1e3 * kw2, 3U}}) {
        AskedHome home;
        Iterate last = start_from(WarmState::cold(1, 4, agreed), 1);
        for (std::uint32_t k = 1; k <= 12; ++k) {
            const double smoothing = smoothing_kw2(k, opening, parameters);
            last = answer_prices(home, last, last.y_eur_per_kw, 0.2 * agreed, smoothing,
                                 ResponseUnits(1), parameters);
            EXPECT_EQ(judged_exactly(smoothing, parameters), k >= exact_from) << k;
            EXPECT_EQ(last.x_kw(0, 0), k >= exact_from ? 1 : 0.5) << k;
            EXPECT_TRUE(last.feasible) << k;
        }
        EXPECT_EQ(home.exact, static_cast<int>(13 - exact_from));
        EXPECT_DOUBLE_EQ(home.smoothing[0], first);
        EXPECT_DOUBLE_EQ(home.smoothing[1], 0.3 * first);
        EXPECT_DOUBLE_EQ(home.smoothing.back(), 10 * kw2);
    }
}

TEST(Acceleration, AChairThatEndsWhereNoHomeHasJudgedExactlyIsNotFollowed) {
    Scene plain = accelerated_scene(1, 3, 4);
    Exchange exchange(plain);
    MaskedShare lie = exchange.until_the_chairs_is_lost(4);
    lie.notice->stop_iteration = lie.notice->about_iteration;
    lie.notice->outcome = Outcome::converged;
    exchange.give(PartyId{1}, ShareReceived{lie});
    ASSERT_TRUE(exchange.cleared.contains(PartyId{1}));
    EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
    EXPECT_NE(exchange.cleared.at(PartyId{1}).explanation.find("judged exactly"), std::string::npos)
        << exchange.cleared.at(PartyId{1}).explanation;
}

TEST(Acceleration, OnceItIsPlainNobodyIsToldAnAnswer) {
    Scene unable = accelerated_scene();
    dynamic_cast<Supply&>(*unable.devices.at(unable.chair)).prices_to_set = 0;
    Exchange exchange(unable);
    exchange.run();
    ASSERT_EQ(exchange.cleared.at(unable.chair).outcome, Outcome::converged);
    EXPECT_EQ(exchange.sent(PartyId{1}, 1).words.size(),
              words_per_message(unable.parameters) + answer_words(unable.parameters));
    EXPECT_EQ(exchange.sent(PartyId{1}, 2).words.size(), words_per_message(unable.parameters));
}

class AnswersOfHomes : public testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Acceleration, AnswersOfHomes, testing::Values(1U, 3U, 4U, 255U));

TEST_P(AnswersOfHomes, AddUpInTheWords) {
    Parameters parameters;
    parameters.horizon = 5;
    parameters.method = Method::accelerated;
    const double rho = 0.01;
    const ResponseUnits units(GetParam());
    EXPECT_LE(units.unit(), static_cast<double>(GetParam()) * 0x1p-18);
    std::vector<std::uint64_t> sums(answer_words(parameters));
    Eigen::MatrixXd response = Eigen::MatrixXd::Zero(5, 5);
    Schedules work = Schedules::Zero(1, 5);
    Prng prng(3);
    const auto homes = static_cast<double>(GetParam());
    for (double home = 0; home < homes; ++home) {
        auto answer = std::make_shared<Answer>();
        answer->work_kw = Schedules::NullaryExpr(1, 5, [&] { return prng.uniform(-3, 3); });
        answer->response =
            Eigen::MatrixXd::NullaryExpr(5, 5, [&] { return prng.uniform(150, 200); });
        answer->response = (answer->response + answer->response.transpose()).eval() / 2;
        response += answer->response;
        work += answer->work_kw;
        Iterate iterate;
        iterate.answer = answer;
        std::vector<std::uint64_t> words;
        append_answer(iterate, rho, units, words);
        ASSERT_EQ(words.size(), sums.size());
        for (std::size_t k = 0; k < words.size(); ++k)
            sums[k] += words[k];
    }
    const NetAnswer net = net_answer(sums, rho, units, parameters);
    EXPECT_LT((net.response - response).cwiseAbs().maxCoeff(), homes * units.unit() / rho);
    EXPECT_LT((net.work_kw.transpose() - work.row(0)).cwiseAbs().maxCoeff(), homes * 0x1p-20);
}

TEST(Acceleration, AnyWordsMakeASymmetricFiniteResponse) {
    Parameters parameters;
    parameters.horizon = 7;
    Prng prng(5);
    std::vector<std::uint64_t> sums(answer_words(parameters));
    for (int round = 0; round < 100; ++round) {
        for (std::uint64_t& word : sums)
            word = prng.next();
        const NetAnswer net = net_answer(sums, 0.01, ResponseUnits(3), parameters);
        EXPECT_TRUE(net.response.allFinite() && net.response == net.response.transpose());
        EXPECT_TRUE(net.work_kw.allFinite());
    }
}

/// A supplier of nets that follows the model it is given: y⁺ = y + response⁻¹ asked, a column a net.
class ModelFollower final : public model::Device {
  public:
    explicit ModelFollower(Eigen::MatrixXd asked_kw) : asked_kw_(std::move(asked_kw)) {}

    Eigen::Index rows() const override { return asked_kw_.cols(); }

    Eigen::Index intervals() const override { return asked_kw_.rows(); }

    model::ProxStatus prox(const Schedules& target, const Eigen::VectorXd&, Schedules& x) override {
        x = target;
        return model::ProxStatus::solved;
    }

    double cost(const Schedules&) const override { return 0; }

    bool price_step(const Schedules& price,
                    const Schedules& demand_kw,
                    const std::vector<model::Response>& response,
                    const model::PriceRestraint& restraint,
                    Schedules& next_price,
                    Schedules& delivery_kw) override {
        std::vector<model::Response> answers = response;
        do {
            seen.emplace_back();
            for (const model::Response& one : answers)
                seen.back().push_back(one.matrix());
            next_price = price;
            for (std::size_t n = 0; n < response.size(); ++n) {
                const auto at = static_cast<Eigen::Index>(n);
                next_price.row(at) +=
                    answers[n].matrix().llt().solve(asked_kw_.col(at)).transpose();
            }
        } while (restraint(next_price, answers));
        delivery_kw = demand_kw;
        return true;
    }

    std::vector<std::vector<Eigen::MatrixXd>> seen;

  private:
    Eigen::MatrixXd asked_kw_;
};

constexpr std::uint32_t eight = 8;
constexpr double working_rho = 0.01;

/// An iterate of nets at these prices in all intervals.
Iterate at_price(const std::vector<double>& levels) {
    Iterate out;
    out.rho_working = working_rho;
    out.y_eur_per_kw.resize(static_cast<Eigen::Index>(levels.size()), eight);
    for (std::size_t n = 0; n < levels.size(); ++n)
        out.y_eur_per_kw.row(static_cast<Eigen::Index>(n)).setConstant(levels[n]);
    return out;
}

/// The responses the supplier is asked with, round by round, when it would move the prices of homes that answer nothing by
/// `asked_kw`, one column a net.
std::vector<std::vector<Eigen::MatrixXd>> asked(Acceleration& acceleration,
                                                const Iterate* before,
                                                const Iterate& last,
                                                const Eigen::MatrixXd& asked_kw) {
    Parameters parameters;
    parameters.horizon = eight;
    ModelFollower device(asked_kw);
    const std::vector<NetAnswer> nets(
        static_cast<std::size_t>(asked_kw.cols()),
        {model::Series::Zero(eight), Eigen::MatrixXd::Zero(eight, eight)});
    Schedules prices, delivery;
    EXPECT_TRUE(acceleration.step(device, before, last, nets, parameters, prices, delivery));
    return device.seen;
}

TEST(Acceleration, HoldsBackDifferencesOfPricesMoreThanTheirLevel) {
    Acceleration acceleration;
    const auto seen =
        asked(acceleration, nullptr, at_price({0.02}), model::Series::Constant(eight, 1e-3));
    ASSERT_EQ(seen.size(), 1u);
    const Eigen::MatrixXd trust = seen.front().front() * working_rho;
    EXPECT_EQ(trust, trust.transpose());
    const Eigen::VectorXd level = trust.rowwise().sum();
    const Eigen::VectorXd alternating =
        Eigen::VectorXd::NullaryExpr(eight, [](Eigen::Index t) { return t % 2 ? -1.0 : 1.0; });
    for (const double held : level)
        EXPECT_NEAR(held, 0.003, 1e-12);
    EXPECT_GT(alternating.dot(trust * alternating), 50 * level.sum());
    EXPECT_NEAR(trust(3, 3), 0.12, 1e-12);
}

/// Three nets, whose prices all moved by 10⁻⁴ EUR/kW before, and the middle one's homes answer nothing where its supplier is short.
TEST(Acceleration, HoldsBackTheNetWhosePricesWouldLeapAndNoOther) {
    Acceleration acceleration;
    const Iterate before = at_price({0.0210, 0.0210, 0.0210}),
                  last = at_price({0.0211, 0.0211, 0.0211});
    Eigen::MatrixXd little = Eigen::MatrixXd::Constant(eight, 3, 1e-5), spike = little;
    spike(4, 1) = 3;
    const auto calm = asked(acceleration, &before, last, little);
    ASSERT_EQ(calm.size(), 1u);
    const auto rounds = asked(acceleration, &before, last, spike);
    ASSERT_GT(rounds.size(), 1u);
    for (std::size_t r = 0; r < rounds.size(); ++r) {
        EXPECT_EQ(rounds[r][0], calm[0][0]);
        EXPECT_EQ(rounds[r][2], calm[0][2]);
        EXPECT_EQ(rounds[r][1], std::pow(4, r) * calm[0][1]);
    }
    const Eigen::VectorXd moves = rounds.back()[1].llt().solve(spike.col(1));
    EXPECT_LE(moves.norm(), 0.1 * 0.2 / 4);  // a tenth of the price scale, by the quarter hour
    // the next iteration trusts it more again, by as much
    const auto after = asked(acceleration, &before, last, little);
    ASSERT_EQ(after.size(), 1u);
    EXPECT_EQ(after[0][1], rounds.back()[1] / 4);
    const auto later = asked(acceleration, &before, last, little);
    EXPECT_EQ(later[0][1], rounds.back()[1] / 16);
}

TEST(Acceleration, WhoIsToldHowMuchNetsAreHeldBackGoesOnAlike) {
    Acceleration chair, heir;
    const Iterate before = at_price({0.0210, 0.0210, 0.0210}),
                  last = at_price({0.0211, 0.0211, 0.0211});
    Eigen::MatrixXd little = Eigen::MatrixXd::Constant(eight, 3, 1e-5), spike = little;
    spike(4, 1) = 3;
    asked(chair, &before, last, spike);
    EXPECT_GT(chair.held_back()[1], 1u);
    heir.recall(chair.held_back());
    EXPECT_EQ(asked(heir, &before, last, little), asked(chair, &before, last, little));

    heir.recall({0, 7, UINT64_MAX});
    EXPECT_EQ(heir.held_back(), (std::vector<std::uint64_t>{1, 7, 65536})) << "any word";
}

TEST(Acceleration, AWildNetCostsAFewStepsAndNoMore) {
    Acceleration acceleration;
    const Iterate before = at_price({0.0210, 0.0210, 0.0210}),
                  last = at_price({0.0211, 0.0211, 0.0211});
    Eigen::MatrixXd spike = Eigen::MatrixXd::Constant(eight, 3, 1e-5);
    spike(4, 1) = 100;
    for (int iteration = 0; iteration < 100; ++iteration) {
        const auto rounds = asked(acceleration, &before, last, spike);
        EXPECT_LE(rounds.size(), 9u);
        EXPECT_LE(rounds.back()[1](4, 4) * working_rho, 65536 * 0.12 * (1 + 1e-12));
    }
}

TEST(Acceleration, PricesMayGoOnTwiceAsFarAndTurnRoundSevenTenthsAsFar) {
    const Iterate before = at_price({0.02}), last = at_price({0.03});  // 0.028 EUR/kW in norm
    const auto rounds = [&](double moves) {
        Acceleration acceleration;
        // prices of one level are held back by λ alone, homes answering nothing
        return asked(acceleration, &before, last,
                     model::Series::Constant(eight, moves * 0.003 / working_rho))
            .size();
    };
    EXPECT_EQ(rounds(0.0199), 1u);
    EXPECT_GT(rounds(0.0201), 1u);
    EXPECT_EQ(rounds(-0.0069), 1u);
    EXPECT_GT(rounds(-0.0071), 1u);
}

TEST(Acceleration, ANetMayMoveTwiceAsFarAsTheMedianNetHas) {
    const Iterate before = at_price({0.02, 0.02, 0.02}), last = at_price({0.02, 0.03, 0.04});
    const auto rounds = [&](double moves) {
        Acceleration acceleration;
        Eigen::MatrixXd asked_kw = Eigen::MatrixXd::Zero(eight, 3);
        asked_kw.col(0).setConstant(moves * 0.003 / working_rho);
        return asked(acceleration, &before, last, asked_kw).size();
    };
    EXPECT_EQ(rounds(0.0199), 1u);
    EXPECT_GT(rounds(0.0201), 1u);
}

TEST(Acceleration, GivesUpWhenTheMeritNoLongerFalls) {
    Progress progress(Acceleration::stalls_max);
    EXPECT_TRUE(progress.made(10));
    for (int stall = 1; stall < Acceleration::stalls_max; ++stall)
        EXPECT_TRUE(progress.made(10));
    EXPECT_FALSE(progress.made(10));
}

}  // namespace
}  // namespace kilter::market::acceleration_test
