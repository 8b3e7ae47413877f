// Over random histories with the faults that meters and sessions have: what homes pay is what the grid above is owed, energy
// in is energy out, every bill holds for an outsider, whatever is falsified is found, and replay gives the same state.
#include <gtest/gtest.h>

#include "tests/common/settlement/village.hpp"

namespace kilter::settlement::conservation_test {
namespace {

__extension__ using Amount = __int128;

/// What the grid above is owed, from the meters alone: tie prices times what the village drew, in two settlements.
std::int64_t owed_upstream_nano(const Village& village) {
    Amount out = 0;
    for (const Village::Home& home : village.homes)
        for (IntervalIndex t = village.first(); t < village.end(); ++t) {
            const std::int64_t now = village.prices.real_time(home.net, t)->tie;
            const std::int64_t read = home.account.reads.at(t).energy_wh;
            out += Amount{now} * read;
            const auto position = home.account.positions.find(t);
            if (position == home.account.positions.end()) continue;
            const auto* record = village.prices.day_ahead(home.net, t);
            out += Amount{village.prices.day_ahead_prices(*record, t)->tie - now} *
                   position->second.energy_wh;
        }
    return static_cast<std::int64_t>(out);
}

std::int64_t floor_micro(std::int64_t nano) {
    return nano / 1'000 - (nano % 1'000 < 0 ? 1 : 0);
}

class Conservation : public testing::TestWithParam<std::uint64_t> {
  protected:
    Village village{{.seed = GetParam()}};
};

TEST_P(Conservation, MoneyInIsMoneyOutAndEveryBillHolds) {
    const FeederVerdict verdict = village.audit(village.entries);
    EXPECT_EQ(verdict.faults, std::vector<std::string>{});
    EXPECT_EQ(verdict.homes, village.homes.size());
    const Settlement& settlement = verdict.settlement;
    ASSERT_EQ(settlement.homes.size(), village.homes.size());
    std::int64_t due = 0;
    std::int64_t returned = 0;
    for (const HomeDue& home : settlement.homes) {
        due += home.due_micro_eur;
        returned += home.surplus_micro_eur;
        EXPECT_EQ(home.due_micro_eur, home.charge_micro_eur - home.surplus_micro_eur);
        EXPECT_LE(std::abs(home.surplus_micro_eur - settlement.homes.back().surplus_micro_eur), 1);
    }
    EXPECT_EQ(due, floor_micro(owed_upstream_nano(village)));
    EXPECT_EQ(due, settlement.upstream_micro_eur);
    EXPECT_EQ(returned, settlement.surplus_micro_eur);
}

TEST_P(Conservation, EnergyInIsEnergyOut) {
    const FeederVerdict verdict = village.audit(village.entries);
    std::int64_t drawn = 0;
    for (const auto& [interval, wh] : village.tie_wh)
        drawn += wh;
    EXPECT_EQ(verdict.settlement.energy_wh, drawn);
    EXPECT_EQ(verdict.opened, 2 * 40u);
    EXPECT_EQ(verdict.closed, 0u);
    for (const Village::Home& home : village.homes) {
        EXPECT_EQ(home.account.reads.size(), 40u);
        EXPECT_EQ(home.account.reads.begin()->first, village.first());
    }
}

TEST_P(Conservation, ReplayFromGenesisGivesTheSameState) {
    Prng random(GetParam());
    consensus::StatePtr state = village.ledger.initial();
    for (std::size_t i = 0; i < village.entries.size();) {
        const auto execution = village.ledger.begin(state, 1, start_ms + 1'000);
        const auto count = std::min<std::size_t>(village.entries.size() - i, 1 + random.below(9));
        for (std::size_t end = i + count; i < end; ++i)
            ASSERT_EQ(execution->apply(*village.entries[i]).admission, consensus::Admission::ready);
        state = execution->finish();
    }
    EXPECT_EQ(state->root(), village.state->root());
}

TEST_P(Conservation, WhateverIsFalsifiedIsFound) {
    Prng random(GetParam());
    const auto faults_when = [&](consensus::EntryType type, const auto& falsify) {
        std::vector<consensus::EntryPtr> log = village.entries;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < log.size(); ++i)
            if (log[i]->entry.type == type) places.push_back(i);
        consensus::Entry entry = log[places[random.below(places.size())]]->entry;
        const std::size_t place =
            static_cast<std::size_t>(std::find_if(log.begin(), log.end(),
                                                  [&](const auto& one) {
                                                      return one->entry.author == entry.author &&
                                                             one->entry.key == entry.key;
                                                  }) -
                                     log.begin());
        entry.body = falsify(entry.body);
        log[place] = consensus::seal(entry);
        return village.audit(log).faults;
    };
    const auto bill = [&](const auto& change) {
        return faults_when(bill_entry, [&](const Bytes& body) {
            Bill out = *decode_bill(body);
            change(out);
            return encode(out);
        });
    };
    const auto one = crypto::scalar_of(1);
    EXPECT_EQ(bill([](Bill&) {}).size(), 0u);
    EXPECT_EQ(bill([](Bill& b) { ++b.charge_nano_eur.value; }).size(), 1u);
    EXPECT_EQ(bill([](Bill& b) { --b.upstream_nano_eur.value; }).size(), 1u);
    EXPECT_EQ(bill([](Bill& b) { ++b.energy_wh.value; }).size(), 1u);
    EXPECT_EQ(bill([&](Bill& b) {
                  b.energy_wh.blinding = crypto::add(b.energy_wh.blinding, one);
              }).size(),
              1u);
    EXPECT_EQ(bill([](Bill& b) {  // what one sum gains the other loses
                  ++b.charge_nano_eur.value;
                  --b.upstream_nano_eur.value;
              })
                  .size(),
              1u);
    // Another commitment: the bill fails, and so does the net's sum.
    EXPECT_EQ(faults_when(meter_reads_entry,
                          [&](const Bytes& body) {
                              MeterReads out = *decode_meter_reads(body);
                              out.series.intervals[0].commitment =
                                  crypto::add(out.series.intervals[0].commitment,
                                              crypto::commit(1, crypto::Scalar{}));
                              return encode(out);
                          })
                  .size(),
              2u);
    // Another masked energy: the net's sum fails.
    EXPECT_EQ(faults_when(meter_reads_entry,
                          [](const Bytes& body) {
                              MeterReads out = *decode_meter_reads(body);
                              ++out.series.intervals[0].opening.energy;
                              return encode(out);
                          })
                  .size(),
              1u);
    // A position that is not what was signed counts as none.
    EXPECT_EQ(faults_when(position_entry,
                          [&](const Bytes& body) {
                              Position out = *decode_position(body);
                              out.series.intervals[0].commitment =
                                  crypto::commit(1, crypto::Scalar{});
                              return encode(out);
                          })
                  .size(),
              1u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Conservation, testing::Range(std::uint64_t{1}, std::uint64_t{5}));

TEST(Village, HasEveryKindOfRead) {
    std::map<ReadOutcome, int> outcomes;
    for (std::uint64_t seed = 1; seed < 4; ++seed)
        for (const Village::Home& home : Village({.seed = seed}).homes)
            for (const auto& [outcome, count] : home.outcomes)
                outcomes[outcome] += count;
    for (const ReadOutcome outcome :
         {ReadOutcome::measured, ReadOutcome::rolled_over, ReadOutcome::filled_gap,
          ReadOutcome::duplicate, ReadOutcome::out_of_order, ReadOutcome::contradicts,
          ReadOutcome::impossible})
        EXPECT_GT(outcomes[outcome], 0) << name_of(outcome);
}

}  // namespace
}  // namespace kilter::settlement::conservation_test
