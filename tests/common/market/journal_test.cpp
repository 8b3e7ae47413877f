// A coordinator that follows the chair by its journals alone comes to the same end, and takes none that cannot be of this
// session: it is lost then, and does not take the chair over.
#include <gtest/gtest.h>

#include "tests/common/market/neighbourhood.hpp"

namespace kilter::market::journal_test {
namespace {

using namespace test;

constexpr PartyId heir{100};

Scene scene_of(Method method) {
    Scene out = scene(2, 3, 6);
    out.masked = false;
    out.parameters.method = method;
    return out;
}

/// The heir beside the chair of such a scene, with the same device and the same homes.
class Follower {
  public:
    explicit Follower(Method method) : scene_(scene_of(method)) {
        Terms terms = scene_.terms();
        terms.hosts = {scene_.chair, heir};
        terms.chair = heir;
        std::vector<Seat> seats = scene_.seats;
        for (Seat& seat : seats) {
            for (Member& member : seat.members)
                if (member.party == scene_.chair) member.party = heir;
            std::sort(seat.members.begin(), seat.members.end(),
                      [](const Member& a, const Member& b) { return a.party < b.party; });
        }
        model::Device& device = *scene_.devices.at(scene_.chair);
        session_.emplace(
            terms, heir, seats, device, nullptr,
            WarmState::cold(device.rows(), device.intervals(), scene_.parameters.rho_eur_per_kw2));
        session_->step(Follow{});
    }

    Outputs hear(const Journal& journal) { return session_->step(Journaled{journal}); }

    [[nodiscard]] bool lost() const { return session_->lost(); }

  private:
    Scene scene_;
    std::optional<Session> session_;
};

struct Journals : testing::TestWithParam<Method> {
    Journals() { exchange.run(); }

    /// Lost for this in the place of the journal of iteration 3, and not without it.
    void expect_lost(const char* why, const std::function<void(Journal&)>& damage) {
        Follower follower(GetParam());
        for (const Journal& journal : exchange.journals) {
            if (journal.iteration > 4) break;
            Journal told = journal;
            if (journal.iteration == 3) {
                EXPECT_FALSE(follower.lost()) << why;
                damage(told);
            }
            EXPECT_FALSE(follower.hear(told).cleared) << why;
        }
        EXPECT_TRUE(follower.lost()) << why;
    }

    Scene scene = scene_of(GetParam());
    Exchange exchange{scene};
};

TEST_P(Journals, TellTheSameEnd) {
    ASSERT_EQ(exchange.cleared.at(scene.chair).outcome, Outcome::converged);
    Follower follower(GetParam());
    std::optional<Cleared> end;
    for (const Journal& journal : exchange.journals)
        if (auto cleared = follower.hear(journal).cleared) end = std::move(cleared);
    EXPECT_FALSE(follower.lost());
    ASSERT_TRUE(end);
    const Cleared& chair = exchange.cleared.at(scene.chair);
    EXPECT_EQ(end->iteration, chair.iteration);
    EXPECT_EQ(end->x_kw, chair.x_kw);
    EXPECT_EQ(end->y_eur_per_kw, chair.y_eur_per_kw);
    EXPECT_EQ(end->imbalance_kw, chair.imbalance_kw);
}

TEST_P(Journals, AreOfThisSession) {
    ASSERT_GT(exchange.cleared.at(scene.chair).iteration, 4U);
    using Words = std::vector<std::uint64_t>;
    for (const std::size_t net : {0U, 1U}) {
        const auto with_words = [&](const std::function<void(Words&)>& damage) {
            return [=](Journal& journal) { damage(journal.nets[net].words); };
        };
        expect_lost("a word short", with_words([](Words& words) { words.pop_back(); }));
        expect_lost("a word more", with_words([](Words& words) { words.push_back(0); }));
        expect_lost("no words", with_words([](Words& words) { words.clear(); }));
        expect_lost("twice", with_words([](Words& words) {
                        const Words all = words;
                        words.insert(words.end(), all.begin(), all.end());
                    }));
        expect_lost("a home less", [&](Journal& journal) { journal.nets[net].homes.pop_back(); });
        expect_lost("another home",
                    [&](Journal& journal) { journal.nets[net].homes.back() = PartyId{99}; });
    }
    expect_lost("a net less", [](Journal& journal) { journal.nets.pop_back(); });
    expect_lost("no nets, and no end", [](Journal& journal) { journal.nets.clear(); });
    expect_lost("one left out", [](Journal& journal) { journal.iteration = 4; });
}

INSTANTIATE_TEST_SUITE_P(Methods,
                         Journals,
                         testing::Values(Method::proximal, Method::accelerated, Method::priced));

}  // namespace
}  // namespace kilter::market::journal_test
