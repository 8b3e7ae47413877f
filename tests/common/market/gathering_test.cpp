#include "common/market/gathering.hpp"

#include <gtest/gtest.h>

namespace kilter::market::gathering_test {
namespace {

constexpr PartyId chair{0}, self{1}, second{2}, third{3};
constexpr NetId net{5};
constexpr std::size_t width = 3;

Gathering gathering(PartyId who = self, const Gathering::Words& words = {.for_all = width}) {
    return {{.net = net, .members = {{chair, 0.5}, {self, 1}, {second, 1}, {third, 10}}},
            who,
            chair,
            words};
}

MaskedShare share(PartyId from, std::uint32_t iteration, std::uint64_t word = 7) {
    MaskedShare out{.net = net,
                    .from = from,
                    .iteration = iteration,
                    .attempt = 0,
                    .members = {chair, self, second, third},
                    .words = std::vector<std::uint64_t>(width, word),
                    .notice = {}};
    if (from == chair) {
        out.notice = Notice{};
        out.notice->about_iteration = iteration > 2 ? iteration - 2 : 0;
    }
    return out;
}

MaskedShare retry(MaskedShare of, std::vector<PartyId> members) {
    of.attempt = 1;
    of.members = std::move(members);
    return of;
}

TEST(Gathering, SumsWhatEveryoneSentModulo64Bits) {
    Gathering at = gathering();
    at.keep_own(share(self, 4, UINT64_MAX));
    EXPECT_EQ(at.receive(share(second, 4, 3), 4), Verdict::accepted);
    EXPECT_EQ(at.awaited(4), (std::vector<PartyId>{chair, third}));
    EXPECT_EQ(at.receive(share(third, 4, 5), 4), Verdict::accepted);
    EXPECT_FALSE(at.complete(4));
    EXPECT_EQ(at.receive(share(chair, 4, 2), 4), Verdict::accepted);
    ASSERT_TRUE(at.complete(4));
    EXPECT_EQ(at.sum(4), (std::vector<std::uint64_t>(width, 9)));
    EXPECT_EQ(at.inverse_weights(), 2 + 1 + 1 + 0.1);
    EXPECT_EQ(at.own_weight(), 1);
}

TEST(Gathering, TheChairSumsAnswersThatNeighboursDoNotGet) {
    const Gathering::Words words{.for_all = width, .from_chair = 1, .to_chair = 2};
    const auto answer = [](PartyId from, std::uint64_t word) {
        MaskedShare out = share(from, 4, word);
        out.words.resize(width + 2, 10 * word);
        return out;
    };
    Gathering at = gathering(chair, words);
    at.expect_answers(true);
    at.keep_own(answer(chair, 1));
    EXPECT_EQ(at.receive(share(second, 4, 3), 4), Verdict::malformed) << "without its answer";
    EXPECT_EQ(at.receive(answer(self, 2), 4), Verdict::accepted);
    EXPECT_EQ(at.receive(answer(second, 3), 4), Verdict::accepted);
    EXPECT_EQ(at.awaited(4), (std::vector<PartyId>{third}));
    EXPECT_EQ(at.receive(answer(third, 5), 4), Verdict::accepted);
    EXPECT_EQ(at.sum(4), (std::vector<std::uint64_t>{11, 11, 11, 110, 110}));

    at.expect_answers(false);
    at.keep_own(share(chair, 5, 1));
    EXPECT_EQ(at.receive(answer(self, 2), 5), Verdict::duplicate) << "of iteration 4, told again";
    for (const PartyId home : {self, second, third})
        EXPECT_EQ(at.receive(share(home, 5, 1), 5), Verdict::accepted);
    EXPECT_EQ(at.sum(5), (std::vector<std::uint64_t>(width, 4)));

    Gathering home = gathering(self, {.for_all = width, .from_chair = 1});
    home.expect_answers(true);
    EXPECT_EQ(home.receive(answer(second, 3), 4), Verdict::malformed)
        << "not a neighbour's to know";
    EXPECT_EQ(home.receive(share(chair, 4), 4), Verdict::malformed) << "without prices";
    MaskedShare priced = share(chair, 4);
    priced.words.push_back(1);
    EXPECT_EQ(home.receive(priced, 4), Verdict::accepted);
    home.keep_own(answer(self, 2));
    EXPECT_EQ(home.receive(share(second, 4, 3), 4), Verdict::accepted);
    EXPECT_EQ(home.receive(share(third, 4, 5), 4), Verdict::accepted);
    EXPECT_EQ(home.sum(4), (std::vector<std::uint64_t>(width, 2 + 3 + 5 + 7)));
}

TEST(Gathering, JudgesWhatItCannotUse) {
    Gathering at = gathering();
    EXPECT_EQ(at.receive(share(PartyId{9}, 4), 4), Verdict::not_a_member);
    EXPECT_EQ(at.receive(share(self, 4), 4), Verdict::not_a_member);
    EXPECT_EQ(at.receive(share(second, 2), 4), Verdict::duplicate) << "long over";
    EXPECT_EQ(at.receive(share(second, 6), 4), Verdict::malformed) << "nobody can be two ahead";
    EXPECT_EQ(at.receive(share(second, 0), 0), Verdict::malformed);

    MaskedShare narrow = share(second, 4);
    narrow.words.pop_back();
    MaskedShare stranger = share(second, 4);
    stranger.members.push_back(PartyId{9});
    MaskedShare unsorted = share(second, 4);
    std::swap(unsorted.members[0], unsorted.members[1]);
    MaskedShare smaller = share(second, 4);
    smaller.members.pop_back();
    MaskedShare speaks = share(second, 4);
    speaks.notice = Notice{};
    MaskedShare mute = share(chair, 4);
    mute.notice.reset();
    MaskedShare off = share(chair, 4);
    off.notice->about_iteration = 3;
    MaskedShare future = share(chair, 4);
    future.notice->about_iteration = future.notice->stop_iteration = 4;
    MaskedShare odd = share(chair, 4);
    odd.notice->about_iteration = odd.notice->stop_iteration = 2;
    odd.notice->outcome = Outcome::abandoned;
    for (const MaskedShare& bad :
         {narrow, stranger, unsorted, smaller, speaks, mute, off, future, odd})
        EXPECT_EQ(at.receive(bad, 4), Verdict::malformed);
    EXPECT_EQ(at.awaited(4).size(), 4u) << "nothing of it was kept";
}

TEST(Gathering, TellsARepetitionFromAContradiction) {
    Gathering at = gathering();
    EXPECT_EQ(at.receive(share(second, 4), 4), Verdict::accepted);
    EXPECT_EQ(at.receive(share(second, 4), 4), Verdict::duplicate);
    EXPECT_EQ(at.receive(share(second, 4, 8), 4), Verdict::contradiction);
    EXPECT_EQ(at.receive(share(second, 5), 4), Verdict::early);
    EXPECT_EQ(at.receive(share(second, 4, 8), 5), Verdict::contradiction)
        << "also of the one before";
    EXPECT_EQ(at.receive(share(chair, 4), 4), Verdict::accepted);
    MaskedShare other_word = share(chair, 4);
    other_word.notice->primal_square = 1;
    EXPECT_EQ(at.receive(other_word, 4), Verdict::contradiction);
}

TEST(Gathering, ALaterAttemptReplacesAndWaitsForItsSet) {
    Gathering at = gathering();
    at.keep_own(share(self, 4));
    EXPECT_EQ(at.receive(share(second, 4), 4), Verdict::accepted);
    // The others' new attempt may come before the chair's.
    EXPECT_EQ(at.receive(retry(share(second, 4), {chair, self, second}), 4), Verdict::accepted);
    EXPECT_EQ(at.receive(share(second, 4), 4), Verdict::duplicate) << "the older attempt";
    EXPECT_FALSE(at.complete(4));
    EXPECT_EQ(at.receive(retry(share(chair, 4), {chair, self, second}), 4), Verdict::accepted);
    at.restrict_to({chair, self, second}, 1);
    EXPECT_EQ(at.awaited(4), (std::vector<PartyId>{self}));
    at.keep_own(retry(share(self, 4), {chair, self, second}));
    EXPECT_TRUE(at.complete(4));
    EXPECT_EQ(at.inverse_weights(), 2 + 1 + 1);
    EXPECT_EQ(at.receive(share(third, 4), 4), Verdict::duplicate) << "expelled";
    EXPECT_FALSE(at.takes_part(third));
    EXPECT_TRUE(at.sat_here(third));
}

TEST(Gathering, SetsThatNoLongerFitAreForgotten) {
    Gathering at = gathering();
    EXPECT_EQ(at.receive(retry(share(chair, 4), {chair, self, third}), 4), Verdict::accepted);
    at.restrict_to({chair, self, second}, 1);
    EXPECT_EQ(at.from_chair(4), nullptr);
    EXPECT_EQ(at.awaited(4).size(), 3u);
}

TEST(Gathering, NobodysAttemptIsAheadOfTheChairs) {
    Gathering at = gathering(chair);
    EXPECT_EQ(at.receive(retry(share(second, 4), {chair, second}), 4), Verdict::malformed);
    Gathering home = gathering();
    EXPECT_EQ(home.receive(retry(share(second, 4), {chair, second}), 4), Verdict::malformed)
        << "a set without the receiver";
}

}  // namespace
}  // namespace kilter::market::gathering_test
