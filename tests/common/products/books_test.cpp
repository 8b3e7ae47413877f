// Three months of a street, with everything wrong that can be, put right afterwards: the books end where those of a street
// without a fault end, account by account, product by product, certificate by certificate.
#include "common/products/books.hpp"

#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::products::books_test {
namespace {

constexpr std::int64_t day = 96;
constexpr std::int64_t start = 1'978'176;
constexpr std::int64_t days = 92;
constexpr std::int64_t end = start + days * day;

Contracts street() {
    Contracts out;
    out.nets = 3;
    out.lines = {{1, 0}, {2, 1}};
    out.homes = {
        {"ana", 1, true, 400'000, false, 0, ""},     {"ben", 1, true, 350'000, false, 0, ""},
        {"cem", 2, false, 0, false, 0, "car-owner"}, {"dia", 2, true, 0, false, 40, ""},
        {"eva", 2, true, 250'000, false, 40, ""},    {"fin", 1, false, 0, true, 0, ""}};
    return out;
}

// What was really so.
std::vector<Fact> truth(std::int64_t t, Prng& prng) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(prng.below(n)); };
    std::vector<Fact> out;
    const auto say = [&](FactKind kind, const std::string& name, std::int64_t value) {
        out.push_back({kind, name, t, value});
    };
    const bool sun = t % day > 28 && t % day < 72;
    const bool evening = t % day > 68 && t % day < 84;
    for (const char* net : {"0", "1", "2"})
        say(FactKind::price, net, 180'000 + below(90'000));
    for (const char* home : {"ana", "ben", "cem", "dia", "eva", "fin"}) {
        const bool roof = std::string(home) == "dia" || std::string(home) == "eva";
        const std::int64_t read = roof && sun ? -below(900) : 60 + below(400);
        say(FactKind::read_wh, home, read);
        say(FactKind::scheduled_wh, home, read + below(120) - 30);
        say(FactKind::read_varh, home, below(160) - 80);
        say(FactKind::requested_varh, home, evening ? 60 : 0);
        if (evening && (std::string(home) == "ana" || std::string(home) == "ben")) {
            say(FactKind::called_wh, home, 80);
            say(FactKind::band_wh, home, 120);
        }
        if (std::string(home) == "eva" || std::string(home) == "cem")
            say(FactKind::held_wh, home, 100);
        if (std::string(home) == "cem" && evening) say(FactKind::car_wh, home, read / 2);
    }
    if (evening) say(FactKind::activated_wh, "pool", 60 + below(120));
    if (t % (7 * day) == 70) say(FactKind::need_wh, "alert", 150);
    return out;
}

std::vector<Fact> tariffs() {
    std::vector<Fact> out;
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::int64_t>>{{"sharing.price", 120'000},
                                                           {"sharing.fixed", 1},
                                                           {"response.price", 300'000},
                                                           {"response.penalty", 100'000},
                                                           {"response.tolerance_wh", 10},
                                                           {"flexibility.reservation", 20'000},
                                                           {"flexibility.activation", 250'000},
                                                           {"flexibility.shortfall", 400'000},
                                                           {"flexibility.fee_ppm", 100'000},
                                                           {"reactive.service", 30'000},
                                                           {"reactive.excess", 15'000},
                                                           {"reactive.tan_phi_ppm", 484'322},
                                                           {"reserve.holding", 4'000},
                                                           {"reserve.price.eva", 200'000},
                                                           {"reserve.price.cem", 300'000},
                                                           {"network.rate", 12'000},
                                                           {"roaming.fee", 30'000},
                                                           {"prepaid.price", 250'000},
                                                           {"grid.gram_co2", 380}})
        out.push_back({FactKind::tariff, name, start, value});
    out.push_back({FactKind::rule, "sharing", start + 20 * day, 2});
    return out;
}

struct ThreeMonths : testing::Test {
    Books clean{street()};
    Books faulty{street()};
    // Corrections, by what they correct.
    std::vector<std::pair<std::string, std::vector<Fact>>> corrections{
        {"faulty meter of ana", {}},
        {"wrong read of cem", {}},
        {"false schedule of ben", {}},
        {"wrong tariff", {{FactKind::tariff, "network.rate", start + 45 * day, 12'000}}},
        {"wrong rule", {{FactKind::rule, "sharing", start + 20 * day, 2}}}};

    // What was recorded instead.
    std::vector<Fact> recorded(std::vector<Fact> facts) {
        for (Fact& fact : facts) {
            const std::int64_t on = (fact.interval - start) / day;
            std::vector<Fact>* correction = nullptr;
            const Fact right = fact;
            if (fact.kind == FactKind::read_wh && fact.name == "ana" && on >= 3) {
                fact.value = fact.value * 55 / 100;  // a phase is missing
                correction = &corrections[0].second;
            } else if (fact.kind == FactKind::read_wh && fact.name == "fin" &&
                       fact.interval == start + 50 * day + 7) {
                fact.value = 90'000;
                correction = &corrections[1].second;
            } else if (fact.kind == FactKind::scheduled_wh && fact.name == "ben" && on >= 30 &&
                       on < 36) {
                fact.value += 300;  // to be paid for saving it
                correction = &corrections[2].second;
            }
            if (correction != nullptr && right.value != fact.value) correction->push_back(right);
        }
        return facts;
    }

    void SetUp() override {
        std::vector<Fact> known = tariffs();
        ASSERT_TRUE(clean.learn(known).ok());
        known.pop_back();  // the rule's version
        known.push_back({FactKind::tariff, "network.rate", start + 45 * day, 21'000});
        ASSERT_TRUE(faulty.learn(known).ok());
        Prng prng(20);
        for (std::int64_t month = 0; month < 3; ++month) {
            const std::int64_t first = start + month * 31 * day;
            const std::int64_t until = std::min(end, first + 31 * day);
            for (std::int64_t t = first; t < until; ++t) {
                const std::vector<Fact> facts = truth(t, prng);
                ASSERT_TRUE(clean.learn(facts).ok());
                ASSERT_TRUE(faulty.learn(recorded(facts)).ok());
            }
            const auto settled = clean.settle(first, until);
            ASSERT_TRUE(settled.ok()) << settled.error().message;
            ASSERT_TRUE(faulty.settle(first, until).ok());
            // Certificates move on before anybody knows that they are wrong.
            for (std::int64_t t = first; t < until; t += 5) {
                const Origin origin{"dia", t, 40};
                const Wh both = std::min(clean.certificates().owned("ben", origin),
                                         faulty.certificates().owned("ben", origin));
                if (both < 2) continue;
                for (Books* books : {&clean, &faulty}) {
                    EXPECT_TRUE(books->certificates().retire("ben", origin, both / 2));
                    EXPECT_TRUE(
                        books->certificates().transfer("ben", "ana", origin, both - both / 2));
                }
            }
        }
    }
};

TEST_F(ThreeMonths, EndWhereAHistoryWithoutTheFaultEnds) {
    ASSERT_NE(faulty.balances(), clean.balances());
    ASSERT_FALSE(faulty.certificates() == clean.certificates());
    EXPECT_GT(corrections[0].second.size(), 8'000U);
    EXPECT_EQ(corrections[1].second.size(), 1U);
    const std::vector<Posting> settled = faulty.postings();
    ASSERT_EQ(settled.size(), 3U);

    // In whatever order the faults are found, the meter's in two parts.
    std::set<std::string> products_moved;
    auto& meter = corrections[0].second;
    const auto half = meter.begin() + static_cast<std::ptrdiff_t>(meter.size() / 2);
    std::vector<Fact> later(half, meter.end());
    meter.erase(half, meter.end());
    corrections.emplace_back("faulty meter of ana, second half", std::move(later));
    for (const std::size_t which : {4U, 0U, 3U, 2U, 5U, 1U}) {
        const auto& [cause, facts] = corrections[which];
        const auto before = faulty.balances();
        const auto dry = faulty.cascade(cause, facts);
        ASSERT_TRUE(dry.ok()) << dry.error().message;
        EXPECT_EQ(faulty.balances(), before) << "a dry run changes nothing";
        EXPECT_FALSE(dry->posting.transfers.empty()) << cause;
        MicroEur sum = 0;
        for (const auto& [account, gained] : dry->gained_micro_eur)
            sum += gained;
        EXPECT_EQ(sum, 0) << cause;
        const auto done = faulty.correct(cause, facts);
        ASSERT_TRUE(done.ok());
        EXPECT_EQ(done->posting.transfers, dry->posting.transfers) << "as the dry run said";
        EXPECT_EQ(done->intervals, dry->intervals);
        for (const auto& [product, moved] : done->moved_micro_eur)
            products_moved.insert(product);
    }
    for (const char* product :
         {"energy", "sharing", "response", "flexibility", "reactive", "network", "prepaid"})
        EXPECT_TRUE(products_moved.contains(product)) << product << " was not touched";

    EXPECT_EQ(faulty.balances(), clean.balances());
    EXPECT_EQ(faulty.balances_by_product(), clean.balances_by_product());
    EXPECT_TRUE(faulty.certificates() == clean.certificates());
    for (std::size_t i = 0; i < settled.size(); ++i)
        EXPECT_EQ(faulty.postings()[i].transfers, settled[i].transfers) << "nothing is rewritten";
    EXPECT_EQ(faulty.postings().size(), 3 + corrections.size());
    // A correction that says what is known already does nothing.
    const auto again = faulty.cascade("again", corrections[0].second);
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->intervals.empty());
    EXPECT_TRUE(again->posting.transfers.empty());
}

TEST_F(ThreeMonths, WhatIsSettledIsNotLearntAnewAndMoneyIsConserved) {
    EXPECT_FALSE(faulty.learn({{FactKind::read_wh, "ana", start + 5, 1}}));
    EXPECT_FALSE(faulty.learn({{FactKind::tariff, "network.rate", end - 1, 1}}));
    EXPECT_TRUE(faulty.learn({{FactKind::tariff, "network.rate", end, 1}}));
    EXPECT_FALSE(faulty.settle(end - 1, end));
    for (const Books* books : {&clean, &faulty}) {
        MicroEur sum = 0;
        for (const auto& [account, gained] : books->balances())
            sum += gained;
        EXPECT_EQ(sum, 0);
    }
}

// Random faults, corrected in random order, several times over.
TEST(Corrections, EndAtTheTruthWhateverHappenedBefore) {
    Prng prng(21);
    for (int round = 0; round < 8; ++round) {
        Books clean(street());
        Books faulty(street());
        ASSERT_TRUE(clean.learn(tariffs()).ok());
        ASSERT_TRUE(faulty.learn(tariffs()).ok());
        std::vector<Fact> right;
        for (std::int64_t t = start; t < start + 2 * day; ++t) {
            std::vector<Fact> facts = truth(t, prng);
            ASSERT_TRUE(clean.learn(facts).ok());
            for (Fact& fact : facts) {
                const bool may_be_wrong = fact.kind == FactKind::scheduled_wh ||
                                          fact.kind == FactKind::price ||
                                          (fact.kind == FactKind::read_wh && fact.name != "cem");
                if (!may_be_wrong || !prng.chance(0.1)) continue;
                right.push_back(fact);
                fact.value += static_cast<std::int64_t>(prng.below(400)) - 200;
            }
            ASSERT_TRUE(faulty.learn(facts).ok());
        }
        ASSERT_TRUE(clean.settle(start, start + 2 * day).ok());
        ASSERT_TRUE(faulty.settle(start, start + 2 * day).ok());
        for (int wrong = 0; wrong < 3; ++wrong) {  // corrections that were themselves mistaken
            Fact fact = right[prng.below(right.size())];
            fact.value += 17;
            ASSERT_TRUE(faulty.correct("a mistake", {fact}).ok());
        }
        while (!right.empty()) {
            const std::size_t part = 1 + prng.below(right.size());
            const auto from = right.end() - static_cast<std::ptrdiff_t>(part);
            ASSERT_TRUE(faulty.correct("part", {from, right.end()}).ok());
            right.erase(from, right.end());
        }
        EXPECT_EQ(faulty.balances_by_product(), clean.balances_by_product());
        EXPECT_TRUE(faulty.certificates() == clean.certificates());
    }
}

}  // namespace
}  // namespace kilter::products::books_test
