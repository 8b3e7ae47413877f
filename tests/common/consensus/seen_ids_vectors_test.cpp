// The roots that a second program computes (tests/vectors/seen_ids).
#include <fstream>

#include <gtest/gtest.h>

#include "common/consensus/seen_ids.hpp"

namespace kilter::consensus::seen_ids_vectors_test {
namespace {

TEST(SeenIdsVectors, ASecondProgramComesToTheSameRoots) {
    std::ifstream in(std::string(KILTER_SOURCE_DIR) + "/tests/vectors/seen_ids/seen_ids.txt");
    ASSERT_TRUE(in);
    std::shared_ptr<const MapState> state;
    std::optional<SeenIds> block;
    int roots = 0;
    for (std::string word; in >> word;) {
        UnixMs time = 0;
        std::string digits;
        if (word == "begin") {
            in >> time >> digits;
            state = std::make_shared<MapState>(nothing_seen(time, SeenForm::lists));
        } else if (word == "block") {
            in >> time;
            block.emplace(*state, time);
            continue;
        } else if (word == "id") {
            SealedEntry entry;
            in >> digits >> entry.entry.expires_ms;
            entry.id = *fixed_from_hex<EntryId>(digits);
            ASSERT_EQ(block->judge(*state->map(), entry).admission, Admission::ready);
            block->add(entry);
            continue;
        } else {
            ASSERT_EQ(word, "root");
            in >> digits;
            crypto::MerkleMap map = *state->map();
            SeenSetPtr seen = block->finish(map, SeenForm::lists);
            state = std::make_shared<MapState>(std::move(map), std::move(seen));
        }
        EXPECT_EQ(to_hex(state->root().view()), digits) << "root " << roots;
        ++roots;
    }
    EXPECT_EQ(roots, 7);
}

}  // namespace
}  // namespace kilter::consensus::seen_ids_vectors_test
