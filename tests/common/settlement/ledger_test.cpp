#include "common/settlement/ledger.hpp"

#include <map>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::ledger_test {
namespace {

using consensus::Admission;
using consensus::EntryPtr;
using consensus::StatePtr;
using consensus::Verdict;

constexpr UnixMs hour_ms = 3'600'000;

struct LedgerTest : testing::Test {
    Ledger ledger{neighbourhood()};
    StatePtr state = ledger.initial();
    consensus::Height height = 1;
    UnixMs time_ms = start_ms + 1'000;

    /// check() and apply() as a replica does; on success the state moves on.
    Verdict append(const EntryPtr& entry) {
        EXPECT_TRUE(consensus::verify(*entry, ledger.chain()));
        return execute_alone(ledger, state, height, time_ms, entry);
    }

    EntryPtr of(const RosterChange& change) const {
        return make_entry(change, ledger.chain(), 1, time_ms + hour_ms, grid_operator());
    }

    /// The next change of the newest roster.
    RosterChange next(std::vector<Removal> removals, std::vector<RosterMember> grants) const {
        auto change = make_change(roster(*state), std::move(removals), std::move(grants));
        EXPECT_TRUE(change.ok()) << change.error().message;
        return *std::move(change);
    }

    EntryPtr of(const ClearedNet& cleared, std::uint64_t seq = 1) const {
        return make_entry(cleared, ledger.chain(), seq, time_ms + hour_ms, coordinator(0));
    }

    void expect_refused(const EntryPtr& entry, const std::string& reason) {
        const consensus::Digest before = state->root();
        const Verdict verdict = append(entry);
        EXPECT_EQ(verdict.admission, Admission::refused);
        EXPECT_NE(verdict.reason.find(reason), std::string::npos) << verdict.reason;
        EXPECT_EQ(state->root(), before);
    }
};

TEST_F(LedgerTest, ARosterAndAClearedNetAreAppendedOnce) {
    EXPECT_EQ(roster_epoch(*state), 0u);
    EXPECT_EQ(append(of(first_change())).admission, Admission::ready);
    EXPECT_EQ(roster_epoch(*state), 1u);
    EXPECT_EQ(roster(*state), first_roster());
    const EntryPtr cleared = of(cleared_of(ledger.chain(), 7, 1));
    EXPECT_EQ(append(cleared).admission, Admission::ready);
    EXPECT_TRUE(ledger.contains(*state, cleared->id));
    EXPECT_EQ(entry_with_key(*state, cleared_key(7, NetId{1})), cleared->id);
    expect_refused(cleared, "on the log already");
    expect_refused(of(cleared_of(ledger.chain(), 7, 1), 2), "same key");
    EXPECT_EQ(append(of(cleared_of(ledger.chain(), 8, 1), 3)).admission, Admission::ready);
}

TEST_F(LedgerTest, ChangesComeInOrderAndFromTheOperator) {
    RosterChange second = first_change();
    second.epoch = 2;
    EXPECT_EQ(append(of(second)).admission, Admission::later);
    expect_refused(make_entry(first_change(), ledger.chain(), 1, time_ms + 1, coordinator(0)),
                   "operator");
    expect_refused(make_entry(first_change(), ledger.chain(), 1, time_ms + 1, home(0)), "operator");
    EXPECT_EQ(append(of(first_change())).admission, Admission::ready);
    EXPECT_EQ(append(of(next({}, {certificate(6, NetId{1})}))).admission, Admission::ready);
    EXPECT_EQ(roster_epoch(*state), 2u);
    EXPECT_EQ(roster(*state).members.size(), 8u);
    expect_refused(make_entry(first_change(), ledger.chain(), 9, time_ms + 2, grid_operator()),
                   "same key");
}

TEST_F(LedgerTest, AChangeThatMakesNoSenseIsRefused) {
    RosterChange bad = first_change();
    bad.grants[1] = bad.grants[0];
    expect_refused(of(bad), "listed twice");
    bad = first_change();
    bad.grants[0].weight_milli = 0;
    expect_refused(of(bad), "no weight");
    bad = first_change();
    bad.grants[0].service_point = {};
    expect_refused(of(bad), "no service point");
    bad = first_change();
    bad.grants[0].valid_until_ms = bad.grants[0].valid_from_ms;
    expect_refused(of(bad), "ends before it begins");
    bad = first_change();
    bad.grants[1].service_point = bad.grants[0].service_point;
    expect_refused(of(bad), "another home has");
    bad = first_change();
    bad.grants.pop_back();
    expect_refused(of(bad), "does not lead to the roster it names");
    bad = first_change();
    bad.grants.clear();
    expect_refused(of(bad), "changes nothing");
    bad = first_change();
    bad.removals.push_back({home(9).public_key(), true});
    expect_refused(of(bad), "cannot leave");
}

TEST_F(LedgerTest, EveryMemberHoldsACertificateThatIsValidAtTheBlocksTime) {
    RosterMember early = certificate(0, NetId{0});
    early.valid_from_ms = time_ms + 1;
    expect_refused(of(next({}, {early})), "not valid yet");
    RosterMember brief = certificate(0, NetId{0});
    brief.valid_until_ms = time_ms + 1;
    ASSERT_EQ(append(of(next({}, {brief}))).admission, Admission::ready);
    ++time_ms;
    expect_refused(of(next({}, {certificate(1, NetId{0})})), "has expired");
    ASSERT_EQ(append(of(next({}, {certificate(0, NetId{0}), certificate(1, NetId{0})}))).admission,
              Admission::ready)
        << "renewed in the same change";
    EXPECT_EQ(roster(*state).members[0], certificate(0, NetId{0})) << "in its old place";
}

TEST_F(LedgerTest, ARevokedKeyNeverReturnsAndARemovedOneMay) {
    ASSERT_EQ(append(of(first_change())).admission, Admission::ready);
    ASSERT_EQ(append(of(next({{home(0).public_key(), true}, {home(1).public_key(), false}}, {})))
                  .admission,
              Admission::ready);
    EXPECT_EQ(roster(*state).find(home(0).public_key()), nullptr);
    EXPECT_EQ(revoked_keys(*state), std::vector<PublicKey>{home(0).public_key()});
    expect_refused(of(next({}, {certificate(0, NetId{0})})), "was revoked");
    EXPECT_EQ(append(of(next({}, {certificate(1, NetId{0})}))).admission, Admission::ready);
}

TEST_F(LedgerTest, ANewKeyTakesTheServicePointOfTheOneItReplaces) {
    ASSERT_EQ(append(of(first_change())).admission, Admission::ready);
    RosterMember successor = certificate(7, NetId{0});
    successor.service_point = certificate(0, NetId{0}).service_point;
    EXPECT_FALSE(make_change(roster(*state), {}, {successor}).ok());
    ASSERT_EQ(append(of(next({{home(0).public_key(), true}}, {successor}))).admission,
              Admission::ready);
    EXPECT_EQ(*roster(*state).find(home(7).public_key()), successor);
}

TEST_F(LedgerTest, WhoLeftMayFinishASessionThatHadBegunAndNoOther) {
    ASSERT_EQ(append(of(first_change())).admission, Admission::ready);
    RosterMember moved = certificate(3, NetId{0});
    ASSERT_EQ(append(of(next({{home(0).public_key(), true}}, {moved}))).admission,
              Admission::ready);
    time_ms += 120'000;
    EXPECT_EQ(append(of(cleared_of(ledger.chain(), 7, 0))).admission, Admission::ready);
    EXPECT_EQ(append(of(cleared_of(ledger.chain(), 7, 1))).admission, Admission::ready);
    ClearedNet later = cleared_of(ledger.chain(), 8, 0);
    later.roster_epoch = 2;
    expect_refused(of(later), "not a home of net 0");
    ++time_ms;
    expect_refused(of(cleared_of(ledger.chain(), 8, 0)), "not a home of net 0");
    expect_refused(of(cleared_of(ledger.chain(), 8, 1)), "not a home of net 1");
}

TEST_F(LedgerTest, NoRecordNamesAHomeWhoseCertificateHasEnded) {
    ASSERT_EQ(append(of(first_change())).admission, Admission::ready);
    time_ms = certificate(3, NetId{1}).valid_until_ms;
    expect_refused(of(cleared_of(ledger.chain(), 8, 1)), "not valid at the block's time");
}

TEST_F(LedgerTest, AClearedNetNeedsItsRosterItsHomesAndTheirSignatures) {
    EXPECT_EQ(append(of(cleared_of(ledger.chain(), 7, 1))).admission, Admission::later);
    ASSERT_EQ(append(of(first_change())).admission, Admission::ready);
    const ClearedNet good = cleared_of(ledger.chain(), 7, 1);
    ClearedNet bad = good;
    bad.prices_micro_eur_per_kwh[1] += 1;
    expect_refused(of(bad), "did not sign");
    bad = good;
    bad.members[0].commitment.bytes[9] ^= 1;
    expect_refused(of(bad), "did not sign");
    bad = cleared_of(ledger.chain(), 7, 0);
    bad.net = NetId{1};  // homes of net 0 that sign for net 1
    for (ClearedMember& member : bad.members)
        for (std::uint8_t i = 0; i < 6; ++i)
            if (home(i).public_key() == member.key)
                member.signature = home(i).sign(clearing_statement(ledger.chain(), 7, 0, bad.net,
                                                                   57, bad.prices_micro_eur_per_kwh,
                                                                   member.commitment));
    expect_refused(of(bad), "not a home of net 1");
    expect_refused(make_entry(good, ledger.chain(), 1, time_ms + 1, home(0)), "only a coordinator");
    expect_refused(make_entry(good, ledger.chain(), 1, time_ms + 1, home(77)),
                   "only a coordinator");
    bad = good;
    bad.roster_epoch = 0;
    expect_refused(of(bad), "epoch 0");
    bad.roster_epoch = 2;
    EXPECT_EQ(append(of(bad)).admission, Admission::later);
    EXPECT_EQ(append(of(good)).admission, Admission::ready);
}

TEST_F(LedgerTest, AKeyThatDoesNotNameTheContentIsRefused) {
    consensus::Entry entry = of(first_change())->entry;
    entry.key = roster_key(2);
    consensus::sign(entry, ledger.chain(), grid_operator());
    expect_refused(consensus::seal(entry), "does not name its epoch");
    entry.type = 99;
    consensus::sign(entry, ledger.chain(), grid_operator());
    expect_refused(consensus::seal(entry), "unknown");
}

TEST_F(LedgerTest, ExpiryBoundsReplayAndIdsAreForgottenAfterIt) {
    const UnixMs expiry = time_ms + hour_ms;
    expect_refused(make_entry(first_change(), ledger.chain(), 1, time_ms - 1, grid_operator()),
                   "expired");
    expect_refused(
        make_entry(first_change(), ledger.chain(), 1, time_ms + 25 * hour_ms, grid_operator()),
        "a day");
    const EntryPtr entry = make_entry(first_change(), ledger.chain(), 1, expiry, grid_operator());
    ASSERT_EQ(append(entry).admission, Admission::ready);
    time_ms = expiry;
    expect_refused(entry, "already");
    time_ms = expiry + 2 * 60'000;
    ASSERT_EQ(append(of(next({}, {certificate(6, NetId{1})}))).admission, Admission::ready);
    EXPECT_FALSE(ledger.contains(*state, entry->id)) << "forgotten";
    expect_refused(entry, "expired");
}

TEST_F(LedgerTest, TheRootDependsOnTheContentAndNotOnTheBlocks) {
    const std::vector<EntryPtr> entries{of(first_change()), of(cleared_of(ledger.chain(), 1, 0)),
                                        of(cleared_of(ledger.chain(), 1, 1))};
    const auto together = ledger.begin(state, height, time_ms);
    for (const EntryPtr& entry : entries)
        ASSERT_EQ(together->apply(*entry).admission, Admission::ready);
    const consensus::Digest one_block = together->finish()->root();
    for (const EntryPtr& entry : entries)
        ASSERT_EQ(append(entry).admission, Admission::ready);
    EXPECT_EQ(state->root(), one_block);
    EXPECT_NE(state->root(), ledger.initial()->root());
}

TEST(Bodies, ComeBackTheSameAndNothingElseDecodes) {
    const ChainId chain = neighbourhood().chain_id();
    const Bytes roster = encode(first_roster());
    const Bytes cleared = encode(cleared_of(chain, 5, 1));
    EXPECT_EQ(*decode_roster(roster), first_roster());
    EXPECT_EQ(encode(*decode_cleared_net(cleared)), cleared);
    for (std::size_t size = 0; size < roster.size(); ++size)
        EXPECT_FALSE(decode_roster(ByteView{roster}.first(size)).ok()) << size;
    for (std::size_t size = 0; size < cleared.size(); ++size)
        EXPECT_FALSE(decode_cleared_net(ByteView{cleared}.first(size)).ok()) << size;
    ClearedNet unordered = cleared_of(chain, 5, 1);
    std::swap(unordered.members[0], unordered.members[1]);
    EXPECT_FALSE(decode_cleared_net(encode(unordered)).ok());
}

TEST(GenesisTest, IsCanonicalAndSaysWhatIsWrong) {
    const Genesis genesis = neighbourhood();
    const Result<Genesis> decoded = Genesis::decode(genesis.encode());
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(*decoded, genesis);
    Genesis other = genesis;
    other.market_parameters[0] ^= 1;
    EXPECT_NE(other.chain_id(), genesis.chain_id());
    Bytes bytes = genesis.encode();
    bytes.push_back(0);
    EXPECT_FALSE(Genesis::decode(bytes).ok());
    bytes.erase(bytes.end() - 2, bytes.end());
    EXPECT_FALSE(Genesis::decode(bytes).ok());
}

}  // namespace
}  // namespace kilter::settlement::ledger_test
