#include "coordinator/cli/book_file.hpp"

#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/crypto/identity.hpp"

namespace kilter::cli::book_file_test {
namespace {

const std::string zeros(64, '0');

const char* const book = R"({
 "contracts": {"nets": 2, "lines": [[1, 0]],
               "homes": [{"account": "ana", "net": 1, "shares": true, "coefficient_ppm": 500000},
                         {"account": "roof", "net": 1, "shares": true, "gram_co2_per_kwh": 40}]},
 "facts": [["tariff", "sharing.price", 0, 120000], ["price", "1", 7, 210000],
           ["read_wh", "ana", 7, 500], ["read_wh", "roof", 7, -700]],
 "settled": [[7, 8]]})";

struct BookFile : testing::Test {
    std::filesystem::path file = std::filesystem::path(testing::TempDir()) /
                                 ("book_file_test-" + std::to_string(::getpid()) + ".json");

    std::filesystem::path with(const std::string& content) {
        std::ofstream(file) << content;
        return file;
    }

    void SetUp() override { crypto::initialise(); }

    void TearDown() override { std::filesystem::remove(file); }
};

TEST_F(BookFile, TheExampleSettlesAndIsCorrected) {
    auto books = load_books(with(book));
    ASSERT_TRUE(books.ok()) << books.error().message;
    EXPECT_EQ(books->balances().at("roof"), 60'000 + 42'000);
    EXPECT_EQ(books->balances().at("ana"), -60'000);
    const auto correction = load_correction(with(R"({"kind": "wrong read", "replaces": ")" + zeros +
                                                 R"(", "facts": [["read_wh", "ana", 7, 400]]})"));
    ASSERT_TRUE(correction.ok()) << correction.error().message;
    EXPECT_EQ(correction->subject, governance::Subject::wrong_read);
    const auto cascade = books->cascade("wrong read", correction->facts);
    ASSERT_TRUE(cascade.ok());
    EXPECT_EQ(cascade->intervals, std::vector<std::int64_t>{7});
    EXPECT_EQ(cascade->gained_micro_eur.at("ana"), 12'000);
    EXPECT_EQ(cascade->certificates_wh.at("ana"), -100);
}

TEST_F(BookFile, WhatIsWrongInAFileIsNamed) {
    const auto said = [&](const std::string& content) {
        const auto correction = load_correction(with(content));
        return correction ? std::string() : correction.error().message;
    };
    EXPECT_NE(said("{").find("is not JSON"), std::string::npos);
    EXPECT_NE(said(R"({"kind": "typo"})").find("use wrong read"), std::string::npos);
    EXPECT_NE(said(R"({"kind": "wrong read"})").find("replaces"), std::string::npos);
    EXPECT_NE(said(R"({"kind": "wrong read", "replaces": "00"})").find("64 hexadecimal"),
              std::string::npos);
    EXPECT_NE(said(R"({"kind": "wrong read", "replaces": ")" + zeros +
                   R"(", "facts": [["reading", "ana", 7, 1]]})")
                  .find("no kind of fact"),
              std::string::npos);
    EXPECT_FALSE(load_books(with(R"({"contracts": {}})")));
}

TEST(Correction, IsDecidedByTheCaseThatNamesItsDigestAndByNoOther) {
    crypto::initialise();
    settlement::Correction correction{governance::Subject::faulty_meter,
                                      crypto::digest("test", Bytes{1}),
                                      {{products::FactKind::read_wh, "ana", 7, 400}}};
    governance::Case one;
    one.number = 5;
    one.proposal.action = settlement::action_of(correction);
    EXPECT_EQ(settlement::decided_by(correction, {one}, 100), std::nullopt) << "still open";
    one.state = governance::CaseState::adopted;
    one.effective = 101;
    EXPECT_EQ(settlement::decided_by(correction, {one}, 100), std::nullopt);
    EXPECT_EQ(settlement::decided_by(correction, {one}, 101), 5u);
    correction.facts[0].value = 401;
    EXPECT_EQ(settlement::decided_by(correction, {one}, 101), std::nullopt);
}

}  // namespace
}  // namespace kilter::cli::book_file_test
