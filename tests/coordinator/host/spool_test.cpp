// The folder in which an operator puts what shall go on the log.
#include "coordinator/host/spool.hpp"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "common/settlement/entries.hpp"

namespace kilter::coordinator::spool_test {
namespace {

using Names = std::vector<std::string>;

struct SpoolTest : testing::Test {
    SpoolTest() { std::filesystem::create_directories(folder); }

    ~SpoolTest() override { std::filesystem::remove_all(folder); }

    void put(const std::string& name, const Bytes& bytes) const {
        std::ofstream(folder / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }

    [[nodiscard]] consensus::EntryPtr entry(consensus::EntryType type) const {
        return settlement::make_entry(type, {}, Bytes{1, 2, 3}, chain, 1, 1'700'000'000'000,
                                      author);
    }

    [[nodiscard]] Names names() const {
        Names out;
        for (const auto& file : std::filesystem::directory_iterator(folder))
            out.push_back(file.path().filename());
        std::ranges::sort(out);
        return out;
    }

    /// Those submitted, when `final` of them are.
    std::vector<consensus::EntryId> submitted(const std::vector<consensus::EntryId>& final = {}) {
        std::vector<consensus::EntryId> out;
        for (const auto& one :
             spool.entries([&](const auto& id) { return std::ranges::count(final, id) > 0; }))
            out.push_back(one->id);
        return out;
    }

    std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) /
        (std::string("spool-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    consensus::ChainId chain;
    crypto::Identity author = crypto::Identity::generate();
    Spool spool{folder, chain};
};

using Ids = std::vector<consensus::EntryId>;
using consensus::SubmissionStatus;

TEST_F(SpoolTest, an_entry_lies_there_until_it_is_final) {
    const auto change = entry(settlement::roster_change_entry);
    put("grant.entry", change->encoded);
    put("notes.txt", {1});
    EXPECT_EQ(submitted(), Ids{change->id});
    EXPECT_TRUE(spool.has_roster_change());
    spool.on_answer({change->id, SubmissionStatus::accepted, {}});
    EXPECT_FALSE(spool.has_roster_change()) << "it is in the log's hands";
    EXPECT_EQ(submitted(), Ids{change->id}) << "and again: it is not final";
    EXPECT_EQ(names(), (Names{"grant.entry", "notes.txt"}));
    EXPECT_EQ(submitted({change->id}), Ids{});
    EXPECT_EQ(names(), Names{"notes.txt"});
}

TEST_F(SpoolTest, a_refused_entry_is_put_aside_and_not_submitted_again) {
    const auto refused = entry(settlement::cleared_net_entry);
    put("late.entry", refused->encoded);
    EXPECT_EQ(submitted(), Ids{refused->id});
    EXPECT_FALSE(spool.has_roster_change());
    spool.on_answer({refused->id, SubmissionStatus::refused, "its hour is over"});
    EXPECT_EQ(names(), Names{"late.refused"});
    EXPECT_EQ(submitted(), Ids{});
}

TEST_F(SpoolTest, an_answer_about_another_entry_changes_nothing) {
    const auto own = entry(settlement::roster_change_entry);
    put("grant.entry", own->encoded);
    EXPECT_EQ(submitted(), Ids{own->id});
    spool.on_answer({entry(settlement::cleared_net_entry)->id, SubmissionStatus::refused, "no"});
    EXPECT_EQ(names(), Names{"grant.entry"});
}

TEST_F(SpoolTest, what_is_no_entry_is_put_aside) {
    auto bytes = entry(settlement::roster_change_entry)->encoded;
    bytes.pop_back();
    put("torn.entry", bytes);
    EXPECT_EQ(submitted(), Ids{});
    EXPECT_EQ(names(), Names{"torn.refused"});
}

TEST_F(SpoolTest, proofs_of_epochs_are_of_this_log_or_put_aside) {
    consensus::ChainId other;
    other.bytes[0] = 1;
    put("own.epochs", encode(consensus::EpochsFile{chain, {}}));
    put("other.epochs", encode(consensus::EpochsFile{other, {}}));
    put("torn.epochs", {1, 2, 3});
    const auto epochs = spool.epochs();
    ASSERT_EQ(epochs.size(), 1U);
    EXPECT_EQ(epochs[0].file, folder / "own.epochs");
    EXPECT_EQ(names(), (Names{"other.refused", "own.epochs", "torn.refused"}));
}

TEST_F(SpoolTest, a_folder_that_is_not_there_holds_nothing) {
    std::filesystem::remove_all(folder);
    EXPECT_EQ(submitted(), Ids{});
    EXPECT_TRUE(spool.epochs().empty());
}

}  // namespace
}  // namespace kilter::coordinator::spool_test
