#include "common/market/session.hpp"

#include <array>
#include <set>

#include "neighbourhood.hpp"
#include <gtest/gtest.h>

namespace kilter::market::session_test {
namespace {

using namespace test;

TEST(Session, RhoFarFromRightIsMendedAfterTheSafeguardAsInOneLoop) {
    Scene ours = scene(4, 3, 12, 1), theirs = scene(4, 3, 12, 1), older = scene(4, 3, 12, 1);
    for (Scene* one : {&ours, &theirs, &older})
        one->parameters.rho_eur_per_kw2 = 1e-7;
    Exchange exchange(ours);
    exchange.run();
    const Reference reference(theirs, 500);
    const Cleared& chair = exchange.cleared.at(ours.chair);
    ASSERT_EQ(chair.outcome, Outcome::converged);
    EXPECT_GT(chair.iteration, balance_until);
    EXPECT_EQ(chair.iteration, reference.stop);
    EXPECT_EQ(chair.warm.rho_eur_per_kw2, reference.steps[reference.stop].rho);
    expect_agreement(ours, exchange);

    older.parameters.balance_rho = Balance::gross;
    Exchange without(older);
    without.run();
    EXPECT_EQ(without.cleared.at(older.chair).outcome, Outcome::partial);
}

TEST(Session, ComputesWhatPlainAdmmInOneLoopComputes) {
    for (const Balance balance : {Balance::none, Balance::gross, Balance::stalled}) {
        for (const std::uint64_t seed : {1, 2, 3}) {
            Scene ours = scene(4, 3, 12, seed), theirs = scene(4, 3, 12, seed);
            ours.parameters.balance_rho = theirs.parameters.balance_rho = balance;
            ours.parameters.rho_eur_per_kw2 = theirs.parameters.rho_eur_per_kw2 = 0.2;
            Exchange exchange(ours);
            exchange.run();
            const Reference reference(theirs, 500);
            ASSERT_GT(reference.stop, 10u) << "a session that is over at once shows nothing";
            const Cleared& chair = exchange.cleared.at(ours.chair);
            ASSERT_EQ(chair.outcome, Outcome::converged);
            ASSERT_EQ(chair.iteration, reference.stop);
            const Reference::Step& end = reference.steps[reference.stop];
            EXPECT_EQ(chair.warm.rho_eur_per_kw2, end.rho);
            EXPECT_EQ(end.rho != 0.2, balance != Balance::none);
            EXPECT_LT((chair.y_eur_per_kw - end.y).cwiseAbs().maxCoeff(), 1e-12);
            for (const auto& [party, x] : end.x)
                EXPECT_LT((exchange.cleared.at(party).x_kw - x).cwiseAbs().maxCoeff(), 1e-9);
            expect_agreement(ours, exchange);
        }
    }
}

/// The same numbers seen as two channels: row 2 i + c is the c-th half of the device's row i.
class Halved final : public model::Device {
  public:
    explicit Halved(std::unique_ptr<model::Device> whole) : whole_(std::move(whole)) {}

    Eigen::Index rows() const override { return 2 * whole_->rows(); }

    Eigen::Index channels() const override { return 2; }

    Eigen::Index intervals() const override { return whole_->intervals() / 2; }

    model::ProxStatus prox(const Schedules& target,
                           const Eigen::VectorXd& penalty,
                           Schedules& x) override {
        const Schedules wide =
            target.reshaped<Eigen::RowMajor>(whole_->rows(), whole_->intervals());
        const Eigen::VectorXd once = penalty(Eigen::seqN(0, whole_->rows(), 2));
        EXPECT_TRUE(once == penalty(Eigen::seqN(1, whole_->rows(), 2)));
        Schedules answer(wide.rows(), wide.cols());
        const auto status = whole_->prox(wide, once, answer);
        x = answer.reshaped<Eigen::RowMajor>(rows(), intervals());
        return status;
    }

    double cost(const Schedules& x) const override {
        return whole_->cost(x.reshaped<Eigen::RowMajor>(whole_->rows(), whole_->intervals()));
    }

  private:
    std::unique_ptr<model::Device> whole_;
};

TEST(Session, TwoChannelsAreTwiceAsManyNumbersPerTerminal) {
    Scene one = scene(3, 3, 16), two = scene(3, 3, 16);
    two.parameters.channels = 2;
    two.parameters.horizon = 8;
    for (auto& [party, device] : two.devices)
        device = std::make_unique<Halved>(std::move(device));
    Exchange single(one), pair(two);
    single.run();
    pair.run();
    ASSERT_EQ(single.cleared.at(one.chair).outcome, Outcome::converged);
    for (const auto& [party, cleared] : single.cleared) {
        const Cleared& other = pair.cleared.at(party);
        EXPECT_EQ(cleared.iteration, other.iteration);
        EXPECT_EQ(cleared.primal_residual_kw, other.primal_residual_kw);
        for (std::size_t terminal = 0; terminal < cleared.members.size(); ++terminal) {
            EXPECT_TRUE(terminal_values(cleared.x_kw, terminal, one.parameters) ==
                        terminal_values(other.x_kw, terminal, two.parameters));
            EXPECT_TRUE(terminal_values(cleared.y_eur_per_kw, terminal, one.parameters) ==
                        terminal_values(other.y_eur_per_kw, terminal, two.parameters));
        }
    }
    EXPECT_EQ(pair.sent(PartyId{1}, 1).words.size(), 17u);
}

TEST(Session, OrderAndRepetitionOfMessagesChangeNothing) {
    Scene plain = scene(3, 3, 8);
    Exchange straight(plain);
    straight.run();
    ASSERT_EQ(straight.cleared.at(plain.chair).outcome, Outcome::converged);
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Scene again = scene(3, 3, 8);
        Exchange shuffled(again, seed);
        shuffled.duplicates = 0.3;
        shuffled.run();
        EXPECT_EQ(shuffled.silences, 0u);
        EXPECT_GT(shuffled.verdicts[Verdict::duplicate], 0u);
        EXPECT_EQ(shuffled.verdicts[Verdict::malformed] + shuffled.verdicts[Verdict::contradiction],
                  0u);
        expect_same(straight, shuffled);
    }
}

TEST(Session, MasksMakeNoDifferenceToTheResult) {
    Scene masked = scene(3, 4, 8), bare = scene(3, 4, 8);
    bare.masked = false;
    Exchange one(masked), other(bare);
    one.run();
    other.run();
    expect_same(one, other);
}

double chi_square(const std::vector<MaskedShare>& shares) {
    std::array<double, 256> count{};
    double bytes = 0;
    for (const MaskedShare& share : shares)
        for (const std::uint64_t word : share.words)
            for (int byte = 0; byte < 8; ++byte, ++bytes)
                ++count[(word >> (8 * byte)) & 0xff];
    double out = 0;
    for (const double seen : count)
        out += (seen - bytes / 256) * (seen - bytes / 256) / (bytes / 256);
    return out;
}

TEST(Session, NoMembersMessagesAloneTellAnything) {
    // χ² with 255 degrees of freedom: mean 255, standard deviation 22.6; five of them either way.
    const auto uniform = [](double x) { return x > 142 && x < 368; };
    Scene masked = scene(2, 3, 96), bare = scene(2, 3, 96);
    bare.masked = false;
    Exchange hidden(masked), open(bare);
    hidden.run();
    open.run();
    for (const auto& [party, shares] : hidden.traffic) {
        EXPECT_TRUE(uniform(chi_square(shares))) << party.value << ": " << chi_square(shares);
        EXPECT_FALSE(uniform(chi_square(open.traffic.at(party))));
        std::set<std::uint64_t> seen;
        std::size_t words = 0;
        for (const MaskedShare& share : shares) {
            seen.insert(share.words.begin(), share.words.end());
            words += share.words.size();
        }
        EXPECT_EQ(seen.size(), words) << "a word was sent twice";
    }
    for (const MaskedShare& share : hidden.traffic.at(PartyId{1}))
        EXPECT_FALSE(share.notice.has_value());
}

TEST(Session, PaperPresetOnOneNetByHand) {
    // f1 = (x − 2)²/2, f2 = x²/2, ρ = 1: z1 = 1 − 2^-k, y = 1 − 2^-k, so targets of x1 stay 0 and
    // those of x2 are −2 (1 − 2^-k).
    Scene two;
    two.parameters = Parameters::paper();
    two.parameters.horizon = 1;
    two.parameters.rho_eur_per_kw2 = 1;
    two.parameters.iterations_max = 12;
    two.parameters.primal_tolerance_kw = 1e-9;
    two.seats = {{.net = NetId{0}, .members = {{PartyId{0}, 1}, {PartyId{1}, 1}}}};
    two.devices.emplace(PartyId{0}, std::make_unique<Quadratic>(Schedules::Constant(1, 1, 2), 1));
    two.devices.emplace(PartyId{1}, std::make_unique<Quadratic>(Schedules::Zero(1, 1), 1));
    Exchange exchange(two);
    exchange.run();
    const auto& first = static_cast<const Quadratic&>(*two.devices.at(PartyId{0})).targets;
    const auto& second = static_cast<const Quadratic&>(*two.devices.at(PartyId{1})).targets;
    ASSERT_GE(second.size(), 12u);
    for (std::size_t k = 0; k < 12; ++k) {
        EXPECT_EQ(first[k](0, 0), 0) << k;
        EXPECT_EQ(second[k](0, 0), -2 * (1 - std::ldexp(1, -static_cast<int>(k)))) << k;
    }
    const Cleared& home = exchange.cleared.at(PartyId{1});
    EXPECT_EQ(home.outcome, Outcome::partial);
    EXPECT_EQ(home.iteration, 11u);
    EXPECT_EQ(home.y_eur_per_kw(0, 0), 1 - std::ldexp(1, -11));
    EXPECT_EQ(home.x_kw(0, 0), -(1 - std::ldexp(1, -10)));
}

/// x_A + x_B = 0: a lossless line.
class Line final : public model::Device {
  public:
    Eigen::Index rows() const override { return 2; }

    Eigen::Index intervals() const override { return 1; }

    model::ProxStatus prox(const Schedules& target, const Eigen::VectorXd&, Schedules& x) override {
        targets.push_back(target);
        x(0, 0) = (target(0, 0) - target(1, 0)) / 2;
        x(1, 0) = -x(0, 0);
        return model::ProxStatus::solved;
    }

    double cost(const Schedules&) const override { return 0; }

    std::vector<Schedules> targets;
};

TEST(Session, PaperPresetOnATwoNetLineByHand) {
    // Homes (x − 2)²/2 on net A and x²/2 on net B, ρ = 1. Three iterations by hand:
    //   k   x1   x2     line        r_A   r_B    y_A    y_B
    //   1   1    0      0, 0        1     0      .5     0
    //   2   1    0      −.5, .5     .5    .5     .75    .25
    //   3   1    −.25   −.75, .75   .25   .5     .875   .5
    // and the optimum: x1 = 1, x2 = −1, price 1 everywhere.
    Scene line;
    line.parameters = Parameters::paper();
    line.parameters.horizon = 1;
    line.parameters.rho_eur_per_kw2 = 1;
    line.parameters.privacy_members_min = 1;
    line.seats = {{.net = NetId{0}, .members = {{PartyId{0}, 1}, {PartyId{1}, 1}}},
                  {.net = NetId{1}, .members = {{PartyId{0}, 1}, {PartyId{2}, 1}}}};
    line.devices.emplace(PartyId{0}, std::make_unique<Line>());
    line.devices.emplace(PartyId{1}, std::make_unique<Quadratic>(Schedules::Constant(1, 1, 2), 1));
    line.devices.emplace(PartyId{2}, std::make_unique<Quadratic>(Schedules::Zero(1, 1), 1));
    Exchange exchange(line);
    exchange.run();
    const auto& a = static_cast<const Quadratic&>(*line.devices.at(PartyId{1})).targets;
    const auto& b = static_cast<const Quadratic&>(*line.devices.at(PartyId{2})).targets;
    const auto& between = static_cast<const Line&>(*line.devices.at(PartyId{0})).targets;
    const std::vector<double> at_a{0, 0, 0, 0}, at_b{0, 0, -.5, -1}, line_a{0, -1, -1.5, -1.75},
        line_b{0, 0, 0, 0};
    for (std::size_t k = 0; k < 4; ++k) {
        EXPECT_EQ(a[k](0, 0), at_a[k]) << k;
        EXPECT_EQ(b[k](0, 0), at_b[k]) << k;
        EXPECT_EQ(between[k](0, 0), line_a[k]) << k;
        EXPECT_EQ(between[k](1, 0), line_b[k]) << k;
    }
    const Cleared& end = exchange.cleared.at(PartyId{0});
    EXPECT_EQ(end.outcome, Outcome::converged);
    EXPECT_NEAR(exchange.cleared.at(PartyId{1}).x_kw(0, 0), 1, 2e-3);
    EXPECT_NEAR(exchange.cleared.at(PartyId{2}).x_kw(0, 0), -1, 2e-3);
    EXPECT_NEAR(end.y_eur_per_kw(0, 0), 1, 2e-3);
    EXPECT_NEAR(end.y_eur_per_kw(1, 0), 1, 2e-3);
}

TEST(Session, AWarmStartIsFasterAndEndsAtTheSamePrices) {
    Scene cold = scene(3, 3, 8);
    Exchange first(cold);
    first.run();
    Scene warm = scene(3, 3, 8);
    for (const auto& [party, cleared] : first.cleared)
        warm.starts.emplace(party, cleared.warm);
    Exchange second(warm);
    second.run();
    const Cleared &before = first.cleared.at(cold.chair), &after = second.cleared.at(warm.chair);
    EXPECT_EQ(after.outcome, Outcome::converged);
    EXPECT_LT(after.iteration, before.iteration / 3);
    EXPECT_LT((after.y_eur_per_kw - before.y_eur_per_kw).cwiseAbs().maxCoeff(), 1e-3);
}

}  // namespace
}  // namespace kilter::market::session_test
