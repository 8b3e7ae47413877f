// Two ends and whatever may lie between them.
#include "common/transport/sealed_link.hpp"

#include <gtest/gtest.h>

namespace kilter::transport::sealed_link_test {
namespace {

using Verdict = SealedLink::Verdict;

struct End {
    crypto::Identity identity;
    std::unique_ptr<Run> run;
    std::optional<SealedLink> link;

    explicit End(crypto::Identity self) : identity(std::move(self)) {}

    void begin(const End& peer, UnixMs at_ms) {
        link.reset();
        run = std::make_unique<Run>(Run{.began_ms = at_ms});
        link = *SealedLink::to(peer.identity.public_key(), identity, *run);
    }
};

crypto::Identity drawn() {
    crypto::initialise();
    return crypto::Identity::generate();
}

struct SealedLinkTest : testing::Test {
    End a{drawn()};
    End b{drawn()};

    void SetUp() override {
        a.begin(b, 1'000);
        b.begin(a, 1'001);
    }

    // As hubs do: whoever is asked to introduces itself. Both are up in the end.
    static void introduce(End& first, End& second) {
        End* from = &first;
        End* to = &second;
        for (bool due = true; due; std::swap(from, to))
            due = to->link->open(from->link->introduction()).introduce;
        EXPECT_TRUE(first.link->up());
        EXPECT_TRUE(second.link->up());
    }

    static wire::Message saying(std::uint64_t number) { return wire::Hello{{}, number}; }

    static std::optional<std::uint64_t> heard(End& at, const Bytes& sealed) {
        const auto opened = at.link->open(sealed);
        if (opened.verdict != Verdict::message) return std::nullopt;
        return std::get<wire::Hello>(*opened.message).roster_epoch;
    }
};

TEST_F(SealedLinkTest, two_ends_that_have_met_hear_each_other) {
    EXPECT_FALSE(a.link->up());
    introduce(a, b);
    EXPECT_EQ(heard(b, a.link->seal(saying(1))), 1u);
    EXPECT_EQ(heard(a, b.link->seal(saying(2))), 2u);
    const Bytes third = a.link->seal(saying(3));
    EXPECT_EQ(heard(b, a.link->seal(saying(4))), 4u);
    EXPECT_EQ(heard(b, third), 3u) << "late is no matter";
}

TEST_F(SealedLinkTest, the_same_words_are_never_the_same_bytes) {
    introduce(a, b);
    std::set<Bytes> seen;
    for (int run = 0; run < 3; ++run) {
        for (int i = 0; i < 50; ++i)
            EXPECT_TRUE(seen.insert(a.link->seal(saying(7))).second);
        a.begin(b, 2'000 + run);
        introduce(a, b);
    }
    EXPECT_NE(a.link->introduction(), a.link->introduction());
}

TEST_F(SealedLinkTest, introductions_that_crossed_or_were_lost_are_made_up_for) {
    const Bytes of_a = a.link->introduction();
    const Bytes of_b = b.link->introduction();
    EXPECT_TRUE(a.link->open(of_b).introduce);
    EXPECT_TRUE(b.link->open(of_a).introduce);
    EXPECT_FALSE(a.link->up());
    EXPECT_TRUE(b.link->open(a.link->introduction()).introduce) << "a is not sure yet";
    EXPECT_TRUE(b.link->up());
    EXPECT_FALSE(a.link->up()) << "the answer was lost";
    EXPECT_TRUE(b.link->open(a.link->introduction()).introduce) << "so it is asked for again";
    EXPECT_FALSE(a.link->open(b.link->introduction()).introduce);
    EXPECT_TRUE(a.link->up());
}

TEST_F(SealedLinkTest, nothing_of_what_is_said_can_be_seen) {
    introduce(a, b);
    const Bytes words(64, 0x5A);
    const Bytes sealed = a.link->seal(wire::Submit{words});
    EXPECT_TRUE(std::search(sealed.begin(), sealed.end(), words.begin(), words.begin() + 8) ==
                sealed.end());
    for (const End* one : {&a, &b}) {
        const Bytes introduction = one->link->introduction();
        const ByteView key = one->run->identity.public_key().view();
        EXPECT_TRUE(std::search(introduction.begin(), introduction.end(), key.begin(),
                                key.begin() + 8) == introduction.end());
    }
}

TEST_F(SealedLinkTest, any_changed_byte_is_refused) {
    introduce(a, b);
    const Bytes letter = a.link->seal(saying(1));
    const Bytes introduction = a.link->introduction();
    for (const Bytes* whole : {&letter, &introduction})
        for (std::size_t at = 0; at < whole->size(); ++at) {
            Bytes changed = *whole;
            changed[at] ^= 0x10;
            EXPECT_EQ(b.link->open(changed).verdict, Verdict::unreadable) << at;
        }
    for (std::size_t size = 0; size < letter.size(); ++size)
        EXPECT_EQ(b.link->open(ByteView(letter).first(size)).verdict, Verdict::unreadable);
    EXPECT_EQ(heard(b, letter), 1u) << "and the true one counts after all these";
}

TEST_F(SealedLinkTest, what_was_heard_is_not_heard_again) {
    introduce(a, b);
    const Bytes letter = a.link->seal(saying(1));
    EXPECT_EQ(heard(b, letter), 1u);
    EXPECT_EQ(b.link->open(letter).verdict, Verdict::replayed);
}

TEST_F(SealedLinkTest, what_is_turned_round_or_given_to_another_is_refused) {
    End c{drawn()};
    c.begin(a, 1'002);
    End a_to_c{crypto::Identity::from_seed(a.identity.seed())};
    a_to_c.begin(c, 1'000);
    introduce(a, b);
    introduce(a_to_c, c);
    const Bytes letter = a.link->seal(saying(1));
    EXPECT_EQ(a.link->open(letter).verdict, Verdict::unreadable) << "to its sender";
    EXPECT_EQ(c.link->open(letter).verdict, Verdict::unreadable) << "to a third";
    EXPECT_EQ(c.link->open(a.link->introduction()).verdict, Verdict::unreadable);
    EXPECT_EQ(a.link->open(a.link->introduction()).verdict, Verdict::unreadable);
}

TEST_F(SealedLinkTest,
       a_restarted_end_meets_the_other_again_and_hears_nothing_of_its_earlier_life) {
    introduce(a, b);
    const Bytes letter = a.link->seal(saying(1));
    const Bytes introduction = a.link->introduction();
    EXPECT_EQ(heard(b, letter), 1u);
    b.begin(a, 5'000);
    const auto opened = b.link->open(letter);
    EXPECT_EQ(opened.verdict, Verdict::unreadable);
    EXPECT_TRUE(opened.introduce) << "so the other end learns of it";
    EXPECT_EQ(b.link->open(introduction).verdict, Verdict::introduced) << "it is still a's run";
    EXPECT_FALSE(b.link->up());
    introduce(b, a);
    EXPECT_EQ(b.link->open(letter).verdict, Verdict::unreadable);
    EXPECT_EQ(heard(b, a.link->seal(saying(2))), 2u);
    EXPECT_EQ(heard(a, b.link->seal(saying(3))), 3u);
}

TEST_F(SealedLinkTest, a_recorded_introduction_takes_nobody_back) {
    introduce(a, b);
    const Bytes former = a.link->introduction();
    const Bytes letter = a.link->seal(saying(1));
    EXPECT_EQ(heard(b, letter), 1u);
    a.begin(b, 5'000);
    introduce(a, b);
    EXPECT_EQ(b.link->open(former).verdict, Verdict::replayed);
    EXPECT_EQ(b.link->open(letter).verdict, Verdict::unreadable);
    EXPECT_TRUE(b.link->up());
    EXPECT_EQ(heard(b, a.link->seal(saying(2))), 2u);
}

TEST_F(SealedLinkTest, a_letter_within_a_letter_is_refused) {
    introduce(a, b);
    const auto ends = std::pair{a.identity.public_key(), b.identity.public_key()};
    const Bytes nested = a.link->seal(wire::Relayed{ends.first, ends.second, Bytes(10, 1)});
    EXPECT_EQ(b.link->open(nested).verdict, Verdict::unreadable);
    EXPECT_EQ(b.link->open(a.link->seal(wire::Presence{1})).verdict, Verdict::unreadable);
}

}  // namespace
}  // namespace kilter::transport::sealed_link_test
