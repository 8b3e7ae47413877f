#include "common/settlement/members_document.hpp"

#include <gtest/gtest.h>

#include "common/consensus/block_execution.hpp"
#include "common/settlement/ledger.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::members_document_test {
namespace {

struct MembersDocuments : testing::Test {
    MembersDocuments() {
        present = genesis.validators;
        next = present;
        next.validators[3] = {coordinator(4).public_key(), "tcp://h:2"};
        document = {genesis.chain_id(), 0, next, {}};
    }

    Result<void> checked(const MembersDocument& one, const crypto::MerkleMap& map) const {
        const consensus::MapState state(map);
        return check_members(one, {genesis, 0, present, state, 1});
    }

    [[nodiscard]] crypto::MerkleMap roster_with(std::uint8_t newcomer) const {
        Roster roster;
        roster.epoch = 1;
        RosterMember member{coordinator(newcomer).public_key(), Role::coordinator, NetId{0}, 1'000,
                            "tcp://h:2"};
        roster.members.push_back(member);
        return crypto::MerkleMap{}
            .with(ByteWriter{}.text("roster").bytes(), encode(roster))
            .with(ByteWriter{}.text("epoch").bytes(), ByteWriter{}.u64(1).bytes());
    }

    static void expect(const Result<void>& result, const std::string& words) {
        ASSERT_FALSE(result.ok()) << words;
        EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
    }

    Genesis genesis = neighbourhood();
    consensus::ValidatorSet present, next;
    MembersDocument document;
};

TEST_F(MembersDocuments, textIsWhatWasRead) {
    for (const std::uint8_t i : {std::uint8_t{0}, std::uint8_t{2}})
        ASSERT_TRUE(sign_members(document, present, coordinator(i)).ok());
    const std::string text = document.text();
    const auto read = MembersDocument::parse(text);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, document);
    const auto commented = MembersDocument::parse(text + "\n# passed on by post\n");
    ASSERT_TRUE(commented.ok());
    EXPECT_EQ(*commented, document);
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        std::string bent = text;
        bent[i] = static_cast<char>(bent[i] ^ 1);
        const auto other = MembersDocument::parse(bent);
        if (!other) continue;
        EXPECT_NE(other->text(), text) << i;
    }
}

TEST_F(MembersDocuments, whatTheLogWouldRefuseIsNotSigned) {
    const auto map = roster_with(4);
    EXPECT_TRUE(checked(document, map).ok());
    MembersDocument other = document;
    other.epoch = 1;
    expect(checked(other, map), "ends epoch 1, and the log is in epoch 0");
    other = document;
    other.chain.bytes[0] ^= 1;
    expect(checked(other, map), "is for the log");
    other = document;
    other.next = present;
    expect(checked(other, map), "changes nothing");
    expect(checked(document, roster_with(5)), "grant it first");
    expect(checked(document,
                   map.with(
                       ByteWriter{}.text("log|was").raw(coordinator(4).public_key().view()).bytes(),
                       {})),
           "was a member and left");
    genesis.constitution = governance::Constitution::of_operator_and_regulator(genesis.operator_key,
                                                                               home(8).public_key())
                               .encode();
    document.chain = genesis.chain_id();
    expect(checked(document, map), "the docket has not decided on this set");
}

TEST_F(MembersDocuments, aQuorumOfSignaturesMakesTheChange) {
    expect(sign_members(document, present, coordinator(4)), "is not of the present set");
    ASSERT_TRUE(sign_members(document, present, coordinator(0)).ok());
    expect(sign_members(document, present, coordinator(0)), "has signed it already");
    ASSERT_TRUE(sign_members(document, present, coordinator(2)).ok());
    EXPECT_FALSE(
        consensus::check(epoch_change(document, present), genesis.chain_id(), present).ok())
        << "two of four";
    ASSERT_TRUE(sign_members(document, present, coordinator(1)).ok());
    EXPECT_TRUE(check_signatures(document, genesis.chain_id(), present).ok());
    const auto change = epoch_change(document, present);
    EXPECT_EQ(change.signers, 0b111u);
    EXPECT_TRUE(consensus::check(change, genesis.chain_id(), present).ok());

    MembersDocument other = document;
    other.epoch = 1;
    expect(check_signatures(other, genesis.chain_id(), present), "does not hold");
    other = document;
    other.signatures[coordinator(4).public_key()] = {};
    expect(check_signatures(other, genesis.chain_id(), present),
           "is no coordinator of the present set");
}

}  // namespace
}  // namespace kilter::settlement::members_document_test
