// Whom a home follows when the chair is late: the coordinator whose turn it is, with a first word as it must be, and nobody
// else. A session that really changes hands: tests/simulator.
#include <gtest/gtest.h>

#include "tests/common/market/neighbourhood.hpp"

namespace kilter::market::succession_test {
namespace {

constexpr PartyId chair{0}, self{1}, neighbour{2}, first_heir{100}, second_heir{101};

struct Succession : testing::Test {
    Succession() {
        scene.masked = false;
        exchange = std::make_unique<test::Exchange>(scene);
        Terms terms = scene.terms();
        terms.hosts = {chair, first_heir, second_heir};
        exchange->sessions.erase(self);
        exchange->sessions.emplace(
            self, Session(terms, self, scene.seats_of(self), *scene.devices.at(self), nullptr,
                          WarmState::cold(1, scene.parameters.horizon,
                                          scene.parameters.rho_eur_per_kw2)));
        for (auto& [party, session] : exchange->sessions)
            exchange->give(party, Begin{});
        while (home().iteration() < 4)
            exchange->deliver();
        late = exchange->sent(chair, home().iteration() - 1);
    }

    Session& home() { return exchange->sessions.at(self); }

    // What the chair said last, from the heir, as the first of an attempt of this generation.
    [[nodiscard]] MaskedShare from(PartyId heir, std::uint16_t generation) const {
        MaskedShare out = late;
        out.from = heir;
        out.attempt = static_cast<std::uint16_t>(generation << 8);
        out.members = {self, neighbour, heir};
        return out;
    }

    void expect_refused(const MaskedShare& share, const char* why) {
        const PartyId before = home().chair();
        const std::uint32_t iteration = home().iteration();
        const Outputs out = home().step(ShareReceived{share});
        EXPECT_TRUE(out.send.empty()) << why;
        EXPECT_FALSE(out.cleared) << why;
        EXPECT_EQ(home().chair(), before) << why;
        EXPECT_EQ(home().iteration(), iteration) << why;
    }

    test::Scene scene = test::scene(1, 2, 3);
    std::unique_ptr<test::Exchange> exchange;
    MaskedShare late;
};

TEST_F(Succession, WhoseTurnItIsIsFollowed) {
    const Outputs out = home().step(ShareReceived{from(first_heir, 1)});
    EXPECT_EQ(home().chair(), first_heir);
    EXPECT_EQ(home().generation(), 1);
    ASSERT_FALSE(out.send.empty());
    EXPECT_EQ(out.send.front().share.attempt, 1 << 8);
    EXPECT_EQ(out.send.front().share.members, (std::vector<PartyId>{self, neighbour, first_heir}));
}

TEST_F(Succession, NobodyIsFollowedOutOfTurn) {
    expect_refused(from(second_heir, 1), "the first one's turn");
    expect_refused(from(first_heir, 2), "the second one's turn");
    expect_refused(from(first_heir, 3), "the chair's own turn");
    expect_refused(from(PartyId{102}, 1), "not a host");
    expect_refused(from(neighbour, 1), "a home");
    expect_refused(from(first_heir, 0), "no later attempt");
}

TEST_F(Succession, ButLaterTurnsMayComeFirst) {
    home().step(ShareReceived{from(second_heir, 2)});
    EXPECT_EQ(home().chair(), second_heir) << "the first heir is silent as well";
    expect_refused(from(first_heir, 1), "its turn is over");
    home().step(ShareReceived{from(first_heir, 4)});
    EXPECT_EQ(home().chair(), first_heir) << "of the next round";
}

TEST_F(Succession, AFirstWordThatCannotBeOneIsNotFollowed) {
    MaskedShare share = from(first_heir, 1);
    share.notice.reset();
    expect_refused(share, "no notice");
    share = from(first_heir, 1);
    share.words.pop_back();
    expect_refused(share, "too few words");
    share = from(first_heir, 1);
    share.members = {chair, self, neighbour, first_heir};
    expect_refused(share, "two chairs");
    share.members = {neighbour, first_heir};
    expect_refused(share, "without this home");
    share.members = {self, neighbour};
    expect_refused(share, "without itself");
    share.members = {self, PartyId{9}, first_heir};
    expect_refused(share, "a stranger among them");
    share.members = {self, first_heir};
    expect_refused(share, "fewer homes than privacy wants");
    share = from(first_heir, 1);
    share.iteration = home().iteration() + 1;
    share.notice->about_iteration = share.iteration - 2;
    expect_refused(share, "an iteration that nobody can have reached");
    home().step(ShareReceived{from(first_heir, 1)});
    EXPECT_EQ(home().chair(), first_heir) << "and none of this stands in its way";
}

TEST_F(Succession, TheLateChairIsNotHeardAgain) {
    home().step(ShareReceived{from(first_heir, 1)});
    expect_refused(late, "its own attempt is over");
    MaskedShare next = late;
    ++next.iteration;
    next.notice->about_iteration = next.iteration - 2;
    expect_refused(next, "it goes on");
    expect_refused(from(chair, 2), "the second one's turn");
}

}  // namespace
}  // namespace kilter::market::succession_test
