// The whole of it over random histories: a village that trades, is metered with faults, changes tariffs and versions of rules,
// is billed, corrected, and settles its products. Money in = money out, energy likewise, no certificate twice, and what was
// corrected ends where a village without the faults would have ended.
#include <gtest/gtest.h>

#include "common/products/books.hpp"
#include "tests/common/settlement/village.hpp"

namespace kilter::settlement::whole_money_test {
namespace {

using products::Fact;
using products::FactKind;

class WholeMoney : public testing::TestWithParam<std::uint64_t> {
  protected:
    Village village{{.seed = GetParam(), .decisions = 6, .corrections = 5}};

    [[nodiscard]] std::string name(const Village::Home& home) const {
        return short_hex(home.key.public_key().view());
    }

    [[nodiscard]] products::Contracts contracts() const {
        products::Contracts out;
        out.nets = 3;  // the root and the village's two
        out.lines = {{1, 0}, {2, 1}};
        std::size_t number = 0;
        for (const Village::Home& home : village.homes) {
            out.homes.push_back({name(home), home.net.value + 1, number % 2 == 0, 300'000,
                                 number == 3, static_cast<std::int64_t>(10 * number), ""});
            if (number == 1) out.homes.back().guest = name(village.homes[4]);
            ++number;
        }
        return out;
    }

    /// What the village's log and its meters say of an interval.
    [[nodiscard]] std::vector<Fact> facts(bool corrected) const {
        std::vector<Fact> out;
        const auto set = [&](FactKind kind, const std::string& of, IntervalIndex t,
                             std::int64_t value) {
            out.push_back({kind, of, t, value});
        };
        for (const auto& [tariff, value] : {std::pair{"sharing.price", 120'000},
                                            {"response.price", 300'000},
                                            {"response.penalty", 100'000},
                                            {"response.tolerance_wh", 50},
                                            {"flexibility.reservation", 20'000},
                                            {"flexibility.activation", 250'000},
                                            {"flexibility.shortfall", 400'000},
                                            {"flexibility.fee_ppm", 100'000},
                                            {"reactive.service", 30'000},
                                            {"reactive.excess", 15'000},
                                            {"reactive.tan_phi_ppm", 484'322},
                                            {"reserve.holding", 10'000},
                                            {"network.rate", 20'000},
                                            {"roaming.fee", 30'000},
                                            {"prepaid.price", 250'000},
                                            {"grid.gram_co2", 380}})
            set(FactKind::tariff, tariff, village.first(), value);
        for (const Decision& one : village.decided)
            set(one.is_rule ? FactKind::rule : FactKind::tariff, one.name, one.interval, one.value);
        Prng random(GetParam() + 99);
        for (IntervalIndex t = village.first(); t < village.end(); ++t) {
            for (const std::uint32_t net : {0u, 1u})
                set(FactKind::price, std::to_string(net + 1), t,
                    village.prices.real_time(NetId{net}, t)->net);
            const bool alert = random.chance(0.2);
            set(FactKind::need_wh, "alert", t, alert ? 700 : 0);
            set(FactKind::activated_wh, "pool", t, static_cast<std::int64_t>(random.below(900)));
            for (const Village::Home& home : village.homes) {
                const HomeAccount& account = corrected ? home.account : home.first_account;
                set(FactKind::read_wh, name(home), t, account.reads.at(t).energy_wh);
                const auto position = account.positions.find(t);
                set(FactKind::scheduled_wh, name(home), t,
                    position == account.positions.end() ? 0 : position->second.energy_wh);
                set(FactKind::called_wh, name(home), t,
                    static_cast<std::int64_t>(random.below(300)));
                set(FactKind::band_wh, name(home), t, 150);
                set(FactKind::held_wh, name(home), t, static_cast<std::int64_t>(random.below(400)));
                set(FactKind::read_varh, name(home), t,
                    static_cast<std::int64_t>(random.below(900)) - 400);
            }
        }
        return out;
    }

    /// Only those that differ.
    [[nodiscard]] std::vector<Fact> corrections() const {
        const auto wrong = facts(false);
        std::vector<Fact> out;
        for (const Fact& right : facts(true))
            if (std::find(wrong.begin(), wrong.end(), right) == wrong.end()) out.push_back(right);
        return out;
    }

    [[nodiscard]] products::Books settled(bool corrected) const {
        products::Books out(contracts());
        EXPECT_TRUE(out.learn(facts(corrected)).ok());
        const auto done = out.settle(village.first(), village.end());
        EXPECT_TRUE(done.ok()) << done.error().message;
        return out;
    }
};

TEST_P(WholeMoney, BillsAndCorrectionsPayWhatIsOwedAndEndWhereNoFaultWould) {
    const FeederVerdict verdict = village.audit(village.entries);
    EXPECT_EQ(verdict.faults, std::vector<std::string>{});
    EXPECT_GT(verdict.corrected, 0u);
    std::vector<std::pair<PublicKey, Bill>> faultless;
    std::int64_t drawn = 0;
    for (const Village::Home& home : village.homes)
        faultless.emplace_back(home.key.public_key(), village.bill_of(home));
    for (const auto& [interval, wh] : village.tie_wh)
        drawn += wh;
    const Settlement expected = *settle(faultless);
    EXPECT_EQ(verdict.settlement.homes, expected.homes);
    EXPECT_EQ(verdict.settlement.upstream_micro_eur, expected.upstream_micro_eur);
    EXPECT_EQ(verdict.settlement.energy_wh, drawn);
    std::int64_t due = 0;
    for (const HomeDue& home : verdict.settlement.homes)
        due += home.due_micro_eur;
    EXPECT_EQ(due, verdict.settlement.upstream_micro_eur);
}

TEST_P(WholeMoney, ProductsConserveMoneyAndCertificatesAndCorrectToTheSameBooks) {
    products::Books books = settled(false);
    const products::Books faultless = settled(true);
    const auto corrected = books.correct("village", corrections());
    ASSERT_TRUE(corrected.ok()) << corrected.error().message;
    EXPECT_FALSE(corrected->intervals.empty());
    std::int64_t sum = 0;
    for (const auto& [account, gained] : books.balances())
        sum += gained;
    EXPECT_EQ(sum, 0);
    EXPECT_EQ(books.balances_by_product(), faultless.balances_by_product());
    EXPECT_EQ(books.certificates(), faultless.certificates());
}

TEST_P(WholeMoney, NoCertificateIsThereTwiceWhateverHappensToIt) {
    products::Books books = settled(false);
    Prng random(GetParam() + 7);
    const auto producers = contracts().homes;
    const auto origin_of = [&](std::size_t i, IntervalIndex t) {
        return products::Origin{producers[i].account, t, producers[i].gram_co2_per_kwh};
    };
    std::size_t moved = 0;
    for (int step = 0; step < 400; ++step) {
        const auto origin =
            origin_of(random.below(producers.size()),
                      village.first() + static_cast<IntervalIndex>(random.below(40)));
        const auto& from = producers[random.below(producers.size())].account;
        const auto& to = producers[random.below(producers.size())].account;
        const std::int64_t has = books.certificates().owned(from, origin);
        if (has <= 0) {
            EXPECT_FALSE(books.certificates().retire(from, origin, 1).ok()) << "it has none";
            continue;
        }
        const auto some =
            1 + static_cast<std::int64_t>(random.below(static_cast<std::size_t>(has)));
        const auto done = random.chance(0.5)
                              ? books.certificates().retire(from, origin, some)
                              : books.certificates().transfer(from, to, origin, some);
        EXPECT_TRUE(done.ok());
        EXPECT_FALSE(books.certificates().retire(from, origin, has + 1).ok());
        ++moved;
    }
    EXPECT_GT(moved, 20u);
    const auto as_metered = [&](bool corrected) {
        for (std::size_t i = 0; i < village.homes.size(); ++i)
            for (IntervalIndex t = village.first(); t < village.end(); ++t) {
                const auto& home = village.homes[i];
                const std::int64_t read =
                    (corrected ? home.account : home.first_account).reads.at(t).energy_wh;
                EXPECT_EQ(books.certificates().issued(origin_of(i, t)),
                          std::max<std::int64_t>(0, -read));
            }
    };
    as_metered(false);
    ASSERT_TRUE(books.correct("village", corrections()).ok());
    as_metered(true);
}

TEST_P(WholeMoney, EveryReplicaHasTheSameStateHoweverItsBlocksAreCut) {
    for (std::uint64_t replica = 0; replica < 4; ++replica) {
        const Ledger ledger{neighbourhood()};
        Prng random(10 * GetParam() + replica);
        consensus::StatePtr state = ledger.initial();
        for (std::size_t i = 0; i < village.entries.size();) {
            const auto height = village.heights[i];
            const auto execution = ledger.begin(state, height, start_ms + 1'000);
            const std::size_t end =
                std::min<std::size_t>(village.entries.size(), i + 1 + random.below(9));
            for (; i < end && village.heights[i] == height; ++i)
                ASSERT_EQ(execution->apply(*village.entries[i]).admission,
                          consensus::Admission::ready);
            state = execution->finish();
        }
        EXPECT_EQ(state->root(), village.state->root()) << "replica " << replica;
    }
}

TEST_P(WholeMoney, AFalseCorrectionIsFoundOrRefused) {
    const auto with = [&](consensus::EntryType type, const auto& falsify) {
        auto log = village.entries;
        for (auto& sealed : log)
            if (sealed->entry.type == type) {
                consensus::Entry entry = sealed->entry;
                entry.body = falsify(entry.body);
                sealed = consensus::seal(entry);
                break;
            }
        return village.audit(log).faults;
    };
    EXPECT_EQ(with(bill_correction_entry,
                   [](const Bytes& body) {
                       BillCorrection out = *decode_bill_correction(body);
                       ++out.charge_nano_eur.value;
                       return encode(out);
                   })
                  .size(),
              1u);
    // What the docket has not decided, the log refuses; and other reads than decided are not what it decided.
    for (const auto& sealed : village.entries) {
        if (sealed->entry.type != corrected_reads_entry) continue;
        CorrectedReads reads = *decode_corrected_reads(sealed->entry.body);
        reads.commitments[0] = crypto::commit(1, crypto::scalar_of(5));
        const auto forged = make_entry(reads, village.ledger.chain(), 1'000'000,
                                       start_ms + 3'600'000, village.homes[0].key);
        ASSERT_TRUE(village.ledger.check(forged->entry).ok());
        const auto execution =
            village.ledger.begin(village.state, village.heights.back(), start_ms + 1'000);
        const auto verdict = execution->apply(*forged);
        EXPECT_EQ(verdict.admission, consensus::Admission::refused);
        EXPECT_NE(verdict.reason.find("does not decide"), std::string::npos) << verdict.reason;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WholeMoney, testing::Range(std::uint64_t{1}, std::uint64_t{7}));

}  // namespace
}  // namespace kilter::settlement::whole_money_test
