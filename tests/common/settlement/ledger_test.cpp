#include "common/settlement/ledger.hpp"

#include <map>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement {
namespace {

using consensus::Admission;
using consensus::EntryPtr;
using consensus::StatePtr;
using consensus::Verdict;

constexpr UnixMs hour_ms = 3'600'000;

struct LedgerTest : testing::Test {
    Ledger ledger{neighbourhood()};
    StatePtr state = ledger.initial();
    UnixMs time_ms = start_ms + 1'000;

    /// check() and apply() as a replica does; on success the state moves on.
    Verdict append(const EntryPtr& entry) {
        EXPECT_TRUE(consensus::verify(*entry, ledger.chain()));
        if (auto content = ledger.check(entry->entry); !content)
            return {Admission::refused, content.error().message};
        const auto execution = ledger.begin(state, time_ms);
        Verdict verdict = execution->apply(*entry);
        if (verdict.admission == Admission::ready) state = execution->finish();
        return verdict;
    }

    EntryPtr of(const Roster& roster) const {
        return make_entry(roster, ledger.chain(), 1, time_ms + hour_ms, grid_operator());
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
    const EntryPtr first = of(roster_of(1));
    EXPECT_EQ(append(first).admission, Admission::ready);
    EXPECT_EQ(roster_epoch(*state), 1u);
    EXPECT_EQ(*roster(*state, 1), roster_of(1));
    const EntryPtr cleared = of(cleared_of(ledger.chain(), 7, 1));
    EXPECT_EQ(append(cleared).admission, Admission::ready);
    EXPECT_TRUE(ledger.contains(*state, cleared->id));
    EXPECT_EQ(entry_with_key(*state, cleared_key(7, NetId{1})), cleared->id);
    expect_refused(cleared, "on the log already");
    expect_refused(of(cleared_of(ledger.chain(), 7, 1), 2), "same key");
    EXPECT_EQ(append(of(cleared_of(ledger.chain(), 8, 1), 3)).admission, Admission::ready);
}

TEST_F(LedgerTest, RostersComeInOrderFromTheOperatorWithEnrolledKeys) {
    EXPECT_EQ(append(of(roster_of(2))).admission, Admission::later);
    EXPECT_EQ(append(of(roster_of(1))).admission, Admission::ready);
    expect_refused(make_entry(roster_of(2), ledger.chain(), 1, time_ms + 1, coordinator(0)),
                   "operator");
    Roster bad = roster_of(2);
    bad.members[0].key = home(42).public_key();
    expect_refused(of(bad), "not enrolled");
    bad = roster_of(2);
    bad.members[0].role = Role::coordinator;
    expect_refused(of(bad), "not enrolled in that role");
    bad = roster_of(2);
    bad.members[1] = bad.members[0];
    expect_refused(of(bad), "listed twice");
    bad = roster_of(2);
    bad.members[0].weight_milli = 0;
    expect_refused(of(bad), "no weight");
    EXPECT_EQ(append(of(roster_of(2))).admission, Admission::ready);
    EXPECT_EQ(*roster(*state, 1), roster_of(1)) << "older rosters stay";
}

TEST_F(LedgerTest, AClearedNetNeedsItsRosterItsHomesAndTheirSignatures) {
    EXPECT_EQ(append(of(cleared_of(ledger.chain(), 7, 1))).admission, Admission::later);
    ASSERT_EQ(append(of(roster_of(1))).admission, Admission::ready);
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
    consensus::Entry entry = of(roster_of(1))->entry;
    entry.key = roster_key(2);
    consensus::sign(entry, ledger.chain(), grid_operator());
    expect_refused(consensus::seal(entry), "does not name its epoch");
    entry.type = 99;
    consensus::sign(entry, ledger.chain(), grid_operator());
    expect_refused(consensus::seal(entry), "unknown");
}

TEST_F(LedgerTest, ExpiryBoundsReplayAndIdsAreForgottenAfterIt) {
    const UnixMs expiry = time_ms + hour_ms;
    expect_refused(make_entry(roster_of(1), ledger.chain(), 1, time_ms - 1, grid_operator()),
                   "expired");
    expect_refused(
        make_entry(roster_of(1), ledger.chain(), 1, time_ms + 25 * hour_ms, grid_operator()),
        "a day");
    const EntryPtr entry = make_entry(roster_of(1), ledger.chain(), 1, expiry, grid_operator());
    ASSERT_EQ(append(entry).admission, Admission::ready);
    time_ms = expiry;
    expect_refused(entry, "already");
    time_ms = expiry + 2 * 60'000;
    ASSERT_EQ(append(of(roster_of(2))).admission, Admission::ready);
    EXPECT_FALSE(ledger.contains(*state, entry->id)) << "forgotten";
    expect_refused(entry, "expired");
}

TEST_F(LedgerTest, TheRootDependsOnTheContentAndNotOnTheBlocks) {
    const std::vector<EntryPtr> entries{of(roster_of(1)), of(cleared_of(ledger.chain(), 1, 0)),
                                        of(cleared_of(ledger.chain(), 1, 1))};
    const auto together = ledger.begin(state, time_ms);
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
    const Bytes roster = encode(roster_of(3));
    const Bytes cleared = encode(cleared_of(chain, 5, 1));
    EXPECT_EQ(*decode_roster(roster), roster_of(3));
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
    EXPECT_EQ(genesis.role_of(home(3).public_key()), Role::home);
    EXPECT_EQ(genesis.role_of(home(33).public_key()), std::nullopt);
    other = genesis;
    std::swap(other.enrolled[0], other.enrolled[1]);
    EXPECT_NE(other.validate().error().message.find("ascending"), std::string::npos);
    other = genesis;
    other.validators.validators[0].key = home(0).public_key();
    EXPECT_NE(other.validate().error().message.find("not enrolled as a coordinator"),
              std::string::npos);
    Bytes bytes = genesis.encode();
    bytes.push_back(0);
    EXPECT_FALSE(Genesis::decode(bytes).ok());
    bytes.resize(bytes.size() - 2);
    EXPECT_FALSE(Genesis::decode(bytes).ok());
}

}  // namespace
}  // namespace kilter::settlement
