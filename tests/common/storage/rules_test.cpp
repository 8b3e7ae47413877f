// Replicas that know different versions of a rule, when the log activates the newer one.
#include <gtest/gtest.h>

#include "common/consensus/seen_ids.hpp"
#include "common/settlement/certified_docket.hpp"
#include "common/settlement/docket_state.hpp"
#include "tests/common/storage/cluster.hpp"

namespace kilter::storage {
namespace {

using governance::Opinion;

struct RulesTest : testing::Test {
    TemporaryDirectory directory;
    std::uint64_t seq = 0;

    static settlement::Genesis genesis() {
        settlement::Genesis out = settlement::neighbourhood();
        out.constitution =
            governance::Constitution::of_operator_and_regulator(
                settlement::grid_operator().public_key(), settlement::party(4, 0).public_key())
                .encode();
        return out;
    }

    /// A program that knows version 1 of the ledger's rule alone does not guess.
    static void expect_not_read_by_version_1(StoredCluster& cluster, std::uint32_t activated) {
        const settlement::Genesis document = cluster.genesis();
        cluster.stop(3);
        const auto store = LogStore::open(cluster.file(3), document);
        ASSERT_TRUE(store.ok()) << store.error().message;
        governance::KnownRules older = governance::known_rules();
        older["ledger"] = 1;
        const settlement::Ledger ledger(document, older);
        const auto image = store->load(ledger);
        ASSERT_FALSE(image.ok());
        EXPECT_NE(image.error().message.find("version " + std::to_string(activated) +
                                             " of rule 'ledger'"),
                  std::string::npos)
            << image.error().message;
    }

    consensus::EntryId propose(StoredCluster& cluster, const governance::Action& action) {
        const auto entry = settlement::make_entry(
            governance::Proposal{action, 0, ""}, cluster.chain(), ++seq,
            settlement::start_ms + cluster.now_ms + 60'000, settlement::grid_operator());
        cluster.submit(0, entry);
        cluster.run(1'000);
        return entry->id;
    }

    void approve(StoredCluster& cluster, const consensus::EntryId& id) {
        cluster.submit(
            0, settlement::make_entry(governance::Statement{id, Opinion::approve}, cluster.chain(),
                                      ++seq, settlement::start_ms + cluster.now_ms + 60'000,
                                      settlement::party(4, 0)));
        cluster.run(1'000);
    }
};

TEST_F(RulesTest, AReplicaThatDoesNotKnowAnActivatedRuleStopsBeforeItAndTheOthersGoOn) {
    StoredCluster cluster(genesis(), directory.path);
    governance::KnownRules newer = governance::known_rules();
    newer["network"] = 2;
    for (std::size_t i = 0; i < 3; ++i)
        cluster.knowledge[i] = newer;
    cluster.knowledge[3] = governance::known_rules();
    cluster.start_all();
    const auto id = propose(cluster, governance::SetRule{"network", 2});
    approve(cluster, id);
    const auto decided = settlement::docket(*cluster.replica(0).state(), genesis());
    ASSERT_NE(decided.find(id), nullptr);
    const consensus::Height height = decided.find(id)->effective;
    for (int i = 0; i < 8; ++i)
        propose(cluster, governance::SetTariff{"filler", i});

    ASSERT_EQ(cluster.halts.size(), 1u);
    const std::string& said = cluster.halts.at(3);
    EXPECT_NE(said.find("from height " + std::to_string(height) +
                        " on the log follows version 2 of rule 'network'"),
              std::string::npos)
        << said;
    EXPECT_EQ(cluster.store(3).height(), height - 1) << "the last block it knows the rules for";
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_GT(cluster.store(i).height(), height + 2);
        EXPECT_EQ(cluster.replica(i).state()->root(), cluster.replica(0).state()->root());
    }

    // It stays so over a restart, and a newer program goes on from there.
    cluster.stop(3);
    cluster.halts.clear();
    cluster.start(3);
    EXPECT_TRUE(cluster.halts.contains(3));
    cluster.stop(3);
    cluster.halts.clear();
    cluster.knowledge[3] = newer;
    cluster.start(3);
    cluster.run(10'000);
    EXPECT_TRUE(cluster.halts.empty());
    EXPECT_EQ(cluster.store(3).height(), cluster.store(0).height());
    EXPECT_EQ(cluster.replica(3).state()->root(), cluster.replica(0).state()->root());

    // So does the outsider's check: this program does not know version 2.
    const auto checked = cluster.store(0).verify();
    ASSERT_FALSE(checked.ok());
    EXPECT_NE(checked.error().message.find("version 2 of rule 'network'"), std::string::npos)
        << checked.error().message;
}

TEST_F(RulesTest, AnOldLogKeepsIdsAsListsFromTheHeightThatTheDocketSays) {
    StoredCluster cluster(genesis(), directory.path);
    cluster.start_all();
    for (int i = 0; i < 5; ++i)
        propose(cluster, governance::SetTariff{"filler", i});
    const auto form = [&](std::size_t i) {
        return consensus::seen_form(*cluster.replica(i).state()->map());
    };
    const auto early = propose(cluster, governance::SetTariff{"early", 1});
    const auto id = propose(cluster, governance::SetRule{"ledger", 2});
    approve(cluster, id);
    const auto decided = settlement::docket(*cluster.replica(0).state(), genesis());
    const consensus::Height height = decided.find(id)->effective;
    for (int i = 0; cluster.store(0).height() + 1 < height; ++i)
        propose(cluster, governance::SetTariff{"before", i});
    EXPECT_EQ(form(0), consensus::SeenForm::pairs);
    EXPECT_EQ(cluster.replica(0).state()->seen(), nullptr);
    propose(cluster, governance::SetTariff{"after", 1});
    ASSERT_EQ(cluster.store(0).height(), height);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(form(i), consensus::SeenForm::lists);
        EXPECT_EQ(cluster.replica(i).state()->root(), cluster.replica(0).state()->root());
        EXPECT_TRUE(consensus::seen(*cluster.replica(i).state(), early)) << "not forgotten";
    }
    cluster.stop(2);
    cluster.start(2);
    EXPECT_TRUE(consensus::seen(*cluster.replica(2).state(), early)) << "nor after a restart";
    propose(cluster, governance::SetTariff{"later", 1});
    EXPECT_EQ(cluster.replica(2).state()->root(), cluster.replica(0).state()->root());
    const auto checked = cluster.store(0).verify();
    EXPECT_TRUE(checked.ok()) << checked.error().message;

    expect_not_read_by_version_1(cluster, 2);
}

TEST_F(RulesTest, ANewLogBeginsWithTheNewestRule) {
    settlement::Genesis newest = genesis();
    newest.begin_with(settlement::newest_ledger());
    const auto read = settlement::Genesis::decode(newest.encode());
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, newest);
    EXPECT_NE(newest.chain_id(), genesis().chain_id());
    settlement::Genesis plain = settlement::neighbourhood();
    plain.begin_with(settlement::newest_ledger());
    const auto plain_read = settlement::Genesis::decode(plain.encode());
    ASSERT_TRUE(plain_read.ok()) << plain_read.error().message;
    EXPECT_EQ(*plain_read, plain);
    EXPECT_EQ(plain.rules().versions.at("ledger"), 3u);

    StoredCluster cluster(newest, directory.path);
    cluster.start_all();
    propose(cluster, governance::SetTariff{"first", 1});
    EXPECT_EQ(consensus::seen_form(*cluster.replica(0).state()->map()), consensus::SeenForm::lists);
    const auto checked = cluster.store(0).verify();
    EXPECT_TRUE(checked.ok()) << checked.error().message;
    expect_not_read_by_version_1(cluster, settlement::newest_ledger());
}

TEST_F(RulesTest, TheDocketIsProvedToWhoKnowsGenesisAlone) {
    StoredCluster cluster(genesis(), directory.path);
    cluster.start_all();
    const auto id = propose(cluster, governance::SetTariff{"network.use", 21'000});
    const consensus::Finalised& last = cluster.finalised[1].back();
    const auto proof =
        consensus::make_state_proof(last, *cluster.replica(1).state(), settlement::docket_key());
    ASSERT_TRUE(proof.has_value());
    const Bytes bytes = consensus::encode(*proof);
    const auto shown = settlement::certified_docket(genesis(), bytes);
    ASSERT_TRUE(shown.ok()) << shown.error().message;
    EXPECT_NE(shown->docket.find(id), nullptr);
    EXPECT_EQ(shown->height, last.block->header.height);
    EXPECT_FALSE(settlement::certified_docket(settlement::neighbourhood(), bytes))
        << "another log's";
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
        Bytes bent = bytes;
        bent[at] ^= 1;
        EXPECT_FALSE(settlement::certified_docket(genesis(), bent)) << at;
    }
}

}  // namespace
}  // namespace kilter::storage
