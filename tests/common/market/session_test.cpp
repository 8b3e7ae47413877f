#include "common/market/session.hpp"

#include <array>
#include <set>
#include <tuple>

#include "neighbourhood.hpp"
#include <gtest/gtest.h>

namespace kilter::market::session_test {
namespace {

using namespace test;

/// Everyone who cleared has the same outcome, iterate and, bit for bit, prices; and their z sum to
/// zero.
void expect_agreement(const Scene& scene, const Exchange& exchange) {
    const Cleared& chair = exchange.cleared.at(scene.chair);
    for (std::size_t n = 0; n < scene.seats.size(); ++n) {
        const auto row = static_cast<Eigen::Index>(n);
        Eigen::RowVectorXd sum = chair.warm.z_kw.row(row);
        for (const PartyId party : chair.members[n]) {
            if (party == scene.chair) continue;
            const Cleared& home = exchange.cleared.at(party);
            EXPECT_EQ(home.outcome, chair.outcome);
            EXPECT_EQ(home.iteration, chair.iteration);
            EXPECT_EQ(home.members.front(), chair.members[n]);
            EXPECT_EQ(home.warm.rho_eur_per_kw2, chair.warm.rho_eur_per_kw2);
            EXPECT_EQ(home.primal_residual_kw, chair.primal_residual_kw);
            EXPECT_TRUE(home.y_eur_per_kw.row(0) == chair.y_eur_per_kw.row(row)) << "net " << n;
            sum += home.warm.z_kw.row(0);
        }
        EXPECT_LT(sum.cwiseAbs().maxCoeff(), 1e-9);
    }
}

/// The same results, bit for bit, at everyone.
void expect_same(const Exchange& a, const Exchange& b) {
    ASSERT_EQ(a.cleared.size(), b.cleared.size());
    for (const auto& [party, cleared] : a.cleared) {
        const Cleared& other = b.cleared.at(party);
        EXPECT_EQ(cleared.iteration, other.iteration);
        EXPECT_TRUE(cleared.x_kw == other.x_kw && cleared.y_eur_per_kw == other.y_eur_per_kw);
    }
}

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

TEST(Session, AHomeThatFallsSilentIsDroppedAtWhateverIteration) {
    Scene whole = scene(3, 4, 6);
    Exchange undisturbed(whole);
    undisturbed.run();
    const std::uint32_t last = undisturbed.cleared.at(whole.chair).iteration;
    const PartyId dead{2};

    // The market without that home altogether: the drop must lead to the same optimum.
    Scene rest = scene(3, 4, 6);
    std::erase_if(rest.seats[0].members,
                  [&](const Member& member) { return member.party == dead; });
    rest.devices.erase(dead);
    rest.parameters.primal_tolerance_kw = rest.parameters.dual_tolerance = 1e-5;
    Exchange without(rest);
    without.run();

    for (std::uint32_t at = 1; at <= last; ++at) {
        Scene faulty = scene(3, 4, 6);
        Exchange exchange(faulty, at);
        exchange.loses = [&](PartyId from, PartyId, const MaskedShare& share) {
            return from == dead && share.iteration >= at;
        };
        exchange.run();
        const Cleared& chair = exchange.cleared.at(faulty.chair);
        ASSERT_EQ(chair.outcome, Outcome::converged) << at;
        EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}, {1}, {3}, {4}})) << at;
        EXPECT_EQ(chair.members[1].size(), 5u);
        EXPECT_EQ(exchange.cleared.at(dead).outcome, Outcome::excluded) << at;
        EXPECT_GE(chair.iteration, at);
        EXPECT_EQ(exchange.silences, 1u);
        expect_agreement(faulty, exchange);
        EXPECT_LT((chair.y_eur_per_kw - without.cleared.at(rest.chair).y_eur_per_kw)
                      .cwiseAbs()
                      .maxCoeff(),
                  1e-3)
            << at;
    }
}

TEST(Session, OneLostMessageToTheChairMakesTheOthersUndoOneNetStep) {
    // The others had the message and went on; the chair did not and decides.
    for (const std::uint32_t at : {1u, 2u, 7u}) {
        Scene faulty = scene(2, 4, 6);
        Exchange exchange(faulty);
        const PartyId unheard{3};
        exchange.loses = [&](PartyId from, PartyId to, const MaskedShare& share) {
            return from == unheard && to == faulty.chair && share.iteration >= at;
        };
        exchange.run();
        EXPECT_EQ(exchange.cleared.at(unheard).outcome, Outcome::excluded);
        const Cleared& chair = exchange.cleared.at(faulty.chair);
        EXPECT_EQ(chair.outcome, Outcome::converged);
        EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}, {1}, {2}, {4}}));
        expect_agreement(faulty, exchange);

        // No mask ever covers two plaintexts: same place, same words.
        std::map<std::tuple<PartyId, NetId, std::uint32_t, std::uint16_t>, MaskedShare> sent;
        for (const auto& [party, shares] : exchange.traffic)
            for (const MaskedShare& share : shares) {
                const auto [there, fresh] = sent.emplace(
                    std::tuple(party, share.net, share.iteration, share.attempt), share);
                EXPECT_TRUE(fresh || there->second == share);
            }
    }
}

TEST(Session, AMemberCutOffFromAnotherHomeIsTheOneDropped) {
    Scene faulty = scene(2, 4, 6);
    Exchange exchange(faulty);
    exchange.loses = [](PartyId from, PartyId to, const MaskedShare& share) {
        return from == PartyId{1} && to == PartyId{4} && share.iteration == 5;
    };
    exchange.run();
    EXPECT_EQ(exchange.cleared.at(PartyId{4}).outcome, Outcome::excluded);
    EXPECT_EQ(exchange.cleared.at(faulty.chair).members[0],
              (std::vector<PartyId>{{0}, {1}, {2}, {3}}));
    EXPECT_EQ(exchange.cleared.at(faulty.chair).outcome, Outcome::converged);
    expect_agreement(faulty, exchange);
}

TEST(Session, SeveralFallSilentOneAfterTheOther) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Scene faulty = scene(3, 5, 4, seed);
        Exchange exchange(faulty, seed);
        // Party 1 at once, 2 in the re-attempt of that very iteration, 7 and 11 later and together.
        exchange.loses = [](PartyId from, PartyId, const MaskedShare& share) {
            return (from == PartyId{1} && share.iteration >= 3) ||
                   (from == PartyId{2} && share.attempt >= 1) ||
                   (from == PartyId{7} && share.iteration >= 9) ||
                   (from == PartyId{11} && share.iteration >= 9);
        };
        exchange.run();
        const Cleared& chair = exchange.cleared.at(faulty.chair);
        EXPECT_EQ(chair.outcome, Outcome::converged);
        EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}, {3}, {4}, {5}}));
        EXPECT_EQ(chair.members[1], (std::vector<PartyId>{{0}, {6}, {8}, {9}, {10}}));
        EXPECT_EQ(chair.members[2], (std::vector<PartyId>{{0}, {12}, {13}, {14}, {15}}));
        for (const std::uint32_t party : {1, 2, 7, 11})
            EXPECT_EQ(exchange.cleared.at(PartyId{party}).outcome, Outcome::excluded);
        expect_agreement(faulty, exchange);
    }
}

TEST(Session, ANetTooSmallForPrivacyIsLeftByAllItsHomes) {
    Scene faulty = scene(2, 3, 4);
    faulty.parameters.privacy_members_min = 3;
    Exchange exchange(faulty);
    exchange.loses = [](PartyId from, PartyId, const MaskedShare& share) {
        return from == PartyId{1} && share.iteration >= 4;
    };
    exchange.run();
    const Cleared& chair = exchange.cleared.at(faulty.chair);
    EXPECT_EQ(chair.outcome, Outcome::converged);
    EXPECT_EQ(chair.members[0], (std::vector<PartyId>{{0}}));
    EXPECT_LT(chair.x_kw.row(0).cwiseAbs().maxCoeff(), 5e-2) << "the terminal settles at zero";
    for (const std::uint32_t party : {1, 2, 3})
        EXPECT_EQ(exchange.cleared.at(PartyId{party}).outcome, Outcome::excluded);
    expect_agreement(faulty, exchange);
}

TEST(Session, AHomeRefusesASumOverFewerHomesThanItAllows) {
    Scene two = scene(1, 3, 4);
    Exchange exchange(two);
    exchange.give(PartyId{1}, Begin{});
    MaskedShare lonely{.net = two.seats[0].net,
                       .from = two.chair,
                       .iteration = 1,
                       .attempt = 1,
                       .members = {two.chair, PartyId{1}},
                       .words = std::vector<std::uint64_t>(5, 0),
                       .notice = Notice{}};
    Outputs out = exchange.sessions.at(PartyId{1}).step(ShareReceived{lonely});
    EXPECT_EQ(out.verdict, Verdict::malformed);
    EXPECT_TRUE(out.send.empty());
    lonely.members = {two.chair, PartyId{1}, PartyId{3}};
    out = exchange.sessions.at(PartyId{1}).step(ShareReceived{lonely});
    EXPECT_EQ(out.verdict, Verdict::accepted);
    ASSERT_EQ(out.send.size(), 1u);
    EXPECT_EQ(out.send[0].share.members, lonely.members);
    EXPECT_EQ(out.send[0].share.attempt, 1);
}

TEST(Session, AnExcludedMembersLateMessageIsHarmlessAndAnswered) {
    Scene faulty = scene(2, 4, 4), same = scene(2, 4, 4);
    Exchange exchange(faulty), quiet(same);
    const auto dies = [](PartyId from, PartyId, const MaskedShare& share) {
        return from == PartyId{2} && share.iteration >= 3;
    };
    exchange.loses = quiet.loses = dies;
    quiet.run();
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    exchange.give(faulty.chair, SilenceElapsed{});
    const MaskedShare late = exchange.sent(PartyId{2}, 3);
    Outputs answer = exchange.sessions.at(faulty.chair).step(ShareReceived{late});
    EXPECT_EQ(answer.verdict, Verdict::duplicate);
    EXPECT_EQ(answer.expel, (std::vector<Expulsion>{{.net = late.net, .party = PartyId{2}}}));
    EXPECT_TRUE(answer.send.empty());
    // The others may count it before they hear of the drop: then they undo that net step.
    for (const std::uint32_t home : {1, 3, 4})
        exchange.give(PartyId{home}, ShareReceived{late});
    EXPECT_EQ(exchange.verdicts[Verdict::malformed] + exchange.verdicts[Verdict::contradiction],
              0u);
    while (!exchange.packets.empty())
        exchange.deliver();
    expect_same(quiet, exchange);
}

TEST(Session, ASessionThatAllHomesLeaveIsAbandoned) {
    Scene left = scene(2, 4, 4);
    Exchange exchange(left);
    exchange.loses = [&](PartyId from, PartyId, const MaskedShare&) { return from != left.chair; };
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    const Outputs out = exchange.sessions.at(left.chair).step(SilenceElapsed{});
    ASSERT_TRUE(out.cleared.has_value());
    EXPECT_EQ(out.cleared->outcome, Outcome::abandoned);
    EXPECT_NE(out.cleared->explanation.find("All homes were silent"), std::string::npos);
    EXPECT_EQ(out.expel.size(), 8u);
}

TEST(Session, TheDeadlineStopsEveryoneAtTheBestCommonIterate) {
    for (const std::size_t delivered : {250u, 400u, 777u, 1200u}) {
        Scene slow = scene(3, 3, 6);
        slow.parameters.primal_tolerance_kw = slow.parameters.dual_tolerance = 1e-7;
        Exchange exchange(slow, 3);
        for (auto& [party, session] : exchange.sessions)
            exchange.give(party, Begin{});
        for (std::size_t i = 0; i < delivered; ++i)
            exchange.deliver();
        ASSERT_FALSE(exchange.cleared.contains(slow.chair));
        exchange.give(slow.chair, DeadlineElapsed{});
        while (!exchange.packets.empty())
            exchange.deliver();
        ASSERT_EQ(exchange.cleared.size(), exchange.sessions.size()) << delivered;
        const Cleared& chair = exchange.cleared.at(slow.chair);
        EXPECT_EQ(chair.outcome, Outcome::partial);
        EXPECT_GT(chair.primal_residual_kw, 0);
        EXPECT_FALSE(chair.explanation.empty());
        expect_agreement(slow, exchange);
    }
}

TEST(Session, TheDeadlineBeforeAnyCommonIterateAbandons) {
    Scene slow = scene(1, 3, 4);
    Exchange exchange(slow);
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    exchange.give(slow.chair, DeadlineElapsed{});
    EXPECT_EQ(exchange.cleared.at(slow.chair).outcome, Outcome::abandoned);
    exchange.give(PartyId{1}, DeadlineElapsed{});
    EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
    EXPECT_FALSE(exchange.cleared.at(PartyId{1}).explanation.empty());
}

TEST(Session, RunningOutOfIterationsIsPartialAtTheBestOne) {
    Scene short_one = scene(2, 3, 6), theirs = scene(2, 3, 6);
    short_one.parameters.iterations_max = theirs.parameters.iterations_max = 9;
    Exchange exchange(short_one);
    exchange.run();
    const Cleared& chair = exchange.cleared.at(short_one.chair);
    EXPECT_EQ(chair.outcome, Outcome::partial);
    expect_agreement(short_one, exchange);
    const Terms terms = theirs.terms();
    const Reference reference(theirs, 9);
    const auto badness_at = [&](std::uint32_t k) {
        const Reference::Step& step = reference.steps[k];
        return badness(terms, residuals_of(terms, step.primal_square, step.dual_square, step.rho,
                                           terms.parameters.alpha));
    };
    for (std::uint32_t k = 2; k <= 8; ++k)
        EXPECT_GE(badness_at(k), badness_at(chair.iteration)) << k;
    EXPECT_GE(chair.iteration, 2u);
    EXPECT_LE(chair.iteration, 8u);
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

TEST(Session, AChairThatLiesAboutWhatAHomeCanSeeIsNotFollowed) {
    for (const bool stops : {false, true}) {
        Scene plain = scene(1, 3, 4);
        Exchange exchange(plain);
        exchange.loses = [&](PartyId from, PartyId, const MaskedShare& share) {
            return from == plain.chair && share.iteration >= 5;
        };
        for (auto& [party, session] : exchange.sessions)
            exchange.give(party, Begin{});
        while (!exchange.packets.empty())
            exchange.deliver();
        // The chair's fifth message was lost; this one says less imbalance than the home's net had.
        MaskedShare lie = exchange.sent(plain.chair, 5);
        ASSERT_GT(lie.notice->primal_square, 0u);
        lie.notice->primal_square = 0;
        if (stops) lie.notice->stop_iteration = lie.notice->about_iteration;
        exchange.give(PartyId{1}, ShareReceived{lie});
        ASSERT_TRUE(exchange.cleared.contains(PartyId{1}));
        EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
        EXPECT_NE(exchange.cleared.at(PartyId{1}).explanation.find("smaller imbalance"),
                  std::string::npos);
    }
}

TEST(Session, AStopAtAnIterateNobodyKeepsIsNotFollowed) {
    Scene plain = scene(1, 3, 4);
    plain.parameters.primal_tolerance_kw = 1e-9;  // not over before iterate 3 is forgotten
    Exchange exchange(plain);
    exchange.loses = [&](PartyId from, PartyId, const MaskedShare& share) {
        return from == plain.chair && share.iteration >= 13;
    };
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    MaskedShare old = exchange.sent(plain.chair, 13);
    old.notice->about_iteration = old.notice->stop_iteration = 3;
    old.notice->outcome = Outcome::partial;
    exchange.give(PartyId{1}, ShareReceived{old});
    ASSERT_TRUE(exchange.cleared.contains(PartyId{1}));
    EXPECT_EQ(exchange.cleared.at(PartyId{1}).outcome, Outcome::abandoned);
    EXPECT_FALSE(exchange.cleared.at(PartyId{1}).explanation.empty());
}

TEST(Session, AnEndedSessionDoesNothingMore) {
    Scene plain = scene(1, 3, 4);
    Exchange exchange(plain);
    exchange.run();
    for (const Input& input :
         {Input{Begin{}}, Input{SilenceElapsed{}}, Input{DeadlineElapsed{}}, Input{Expelled{}}}) {
        const Outputs out = exchange.sessions.at(plain.chair).step(input);
        EXPECT_TRUE(out.send.empty() && !out.cleared && out.expel.empty());
    }
}

TEST(Session, WaitsForNobodyButThoseWhoAreMissing) {
    Scene plain = scene(2, 2, 4);
    Exchange exchange(plain);
    exchange.loses = [](PartyId from, PartyId, const MaskedShare&) { return from == PartyId{3}; };
    for (auto& [party, session] : exchange.sessions)
        exchange.give(party, Begin{});
    while (!exchange.packets.empty())
        exchange.deliver();
    const Session& chair = exchange.sessions.at(plain.chair);
    EXPECT_EQ(chair.iteration(), 1u);
    EXPECT_EQ(chair.awaited(), (std::vector<std::vector<PartyId>>{{}, {PartyId{3}}}));
    EXPECT_EQ(exchange.sessions.at(PartyId{1}).iteration(), 2u) << "its own net was complete";
}

}  // namespace
}  // namespace kilter::market::session_test
