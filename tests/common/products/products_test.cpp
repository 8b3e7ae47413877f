// The worked examples of docs/products.md, number for number, and what every product conserves.
#include <numeric>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/products/flexibility.hpp"
#include "common/products/guarantees.hpp"
#include "common/products/network.hpp"
#include "common/products/prepaid.hpp"
#include "common/products/reactive.hpp"
#include "common/products/reserve.hpp"
#include "common/products/response.hpp"
#include "common/products/roaming.hpp"
#include "common/products/sharing.hpp"

namespace kilter::products::products_test {
namespace {

std::int64_t sum(const std::vector<std::int64_t>& values) {
    return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

MicroEur net(const Transfers& transfers, const Account& account) {
    const auto all = balances(transfers);
    const auto found = all.find(account);
    return found == all.end() ? 0 : found->second;
}

void expect_conserved(const Transfers& transfers) {
    MicroEur total = 0;
    for (const auto& [account, gained] : balances(transfers))
        total += gained;
    EXPECT_EQ(total, 0);
    for (const Transfer& one : transfers) {
        EXPECT_GT(one.amount_micro_eur, 0);
        EXPECT_NE(one.from, one.to);
    }
}

std::vector<std::int64_t> drawn(Prng& prng, std::size_t count, std::uint64_t below) {
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(static_cast<std::int64_t>(prng.below(below)));
    return out;
}

// ---- division ------------------------------------------------------------------------------------------------------

TEST(ShareOut, TheExampleAndExactSums) {
    EXPECT_EQ(share_out(100, std::vector<std::int64_t>{1, 1, 1}),
              (std::vector<std::int64_t>{34, 33, 33}));
    EXPECT_EQ(share_out(-100, std::vector<std::int64_t>{1, 1, 1}),
              (std::vector<std::int64_t>{-34, -33, -33}));
    EXPECT_EQ(share_out(7, std::vector<std::int64_t>{0, 0}), (std::vector<std::int64_t>{0, 0}));
    EXPECT_EQ(charge(1, 1'500), 2);
    EXPECT_EQ(charge(-1, 1'500), -2);
    Prng prng(1);
    for (int i = 0; i < 2'000; ++i) {
        const auto weights = drawn(prng, 1 + prng.below(9), 1'000);
        const auto total = static_cast<std::int64_t>(prng.below(1u << 30)) - (1 << 29);
        const auto parts = share_out(total, weights);
        if (sum(weights) == 0) continue;
        EXPECT_EQ(sum(parts), total);
        for (std::size_t k = 0; k < parts.size(); ++k) {
            const Wide exact = Wide{total} * weights[k];
            const Wide error = Wide{parts[k]} * sum(weights) - exact;
            EXPECT_LT(error < 0 ? -error : error, Wide{sum(weights)}) << "off by a unit or more";
        }
        const auto bounds = drawn(prng, weights.size(), 500);
        const std::int64_t amount = total < 0 ? -total : total;
        const auto within = share_out_within(amount, weights, bounds);
        std::int64_t room = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) {
            EXPECT_LE(within[k], bounds[k]);
            if (weights[k] > 0) room += bounds[k];
        }
        EXPECT_EQ(sum(within), std::min(amount, room));
    }
}

TEST(Transfers, TheDifferenceLeadsFromOneToTheOther) {
    Prng prng(2);
    const Account names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 500; ++i) {
        Transfers before;
        Transfers after;
        for (Transfers* list : {&before, &after})
            for (std::size_t k = prng.below(8); k > 0; --k)
                pay(*list, names[prng.below(4)], names[prng.below(4)],
                    static_cast<MicroEur>(prng.below(2'000)) - 1'000, prng.chance(0.5) ? "x" : "y");
        Transfers both = before;
        const Transfers delta = difference(before, after);
        both.insert(both.end(), delta.begin(), delta.end());
        EXPECT_TRUE(difference(both, after).empty());
        EXPECT_TRUE(difference(before, before).empty());
        expect_conserved(delta);
    }
}

// ---- sharing -------------------------------------------------------------------------------------------------------

SharingInterval shared_roof(Coefficients coefficients) {
    SharingInterval out;
    out.coefficients = coefficients;
    out.price_micro_eur_per_kwh = 120'000;
    out.members = {{"ana", 500, 500'000}, {"ben", 300, 300'000}, {"cem", 100, 200'000}};
    out.producers = {{"roof", 700}};
    return out;
}

TEST(Sharing, TheExamples) {
    const auto fixed = share(shared_roof(Coefficients::fixed));
    ASSERT_TRUE(fixed.ok());
    EXPECT_EQ(fixed->allocated_wh, (std::vector<Wh>{350, 210, 100}));  // cem could have had 140
    EXPECT_EQ(net(fixed->transfers, "roof"), 79'200);
    EXPECT_EQ(net(fixed->transfers, "ana"), -42'000);
    SharingInterval again = shared_roof(Coefficients::fixed);
    again.version = 2;
    EXPECT_EQ(share(again)->allocated_wh, (std::vector<Wh>{375, 225, 100}));
    again.version = 3;
    EXPECT_FALSE(share(again));
    const auto dynamic = share(shared_roof(Coefficients::dynamic));
    ASSERT_TRUE(dynamic.ok());
    EXPECT_EQ(dynamic->allocated_wh, (std::vector<Wh>{389, 233, 78}));
    EXPECT_EQ(net(dynamic->transfers, "roof"), 84'000);
    SharingInterval greedy = shared_roof(Coefficients::fixed);
    greedy.members[0].coefficient_ppm = 600'000;
    EXPECT_FALSE(share(greedy));
}

TEST(Sharing, NobodyIsAllocatedMoreThanThereIsOrThanHeConsumes) {
    Prng prng(3);
    for (int i = 0; i < 1'000; ++i) {
        SharingInterval interval;
        interval.version = 1 + static_cast<std::uint32_t>(prng.below(2));
        interval.coefficients = prng.chance(0.5) ? Coefficients::fixed : Coefficients::dynamic;
        interval.price_micro_eur_per_kwh = static_cast<std::int64_t>(prng.below(400'000));
        const std::size_t members = 1 + prng.below(6);
        for (std::size_t k = 0; k < members; ++k)
            interval.members.push_back(
                {"m" + std::to_string(k), static_cast<Wh>(prng.below(900)),
                 static_cast<std::int64_t>(prng.below(million / members + 1))});
        for (std::size_t k = prng.below(4); k > 0; --k)
            interval.producers.push_back(
                {"p" + std::to_string(k), static_cast<Wh>(prng.below(1'500))});
        const auto shared = share(interval);
        ASSERT_TRUE(shared.ok());
        expect_conserved(shared->transfers);
        Wh produced = 0;
        for (std::size_t j = 0; j < interval.producers.size(); ++j) {
            produced += interval.producers[j].fed_in_wh;
            EXPECT_LE(shared->sold_wh[j], interval.producers[j].fed_in_wh);
        }
        Wh demand = 0;
        for (std::size_t k = 0; k < members; ++k) {
            EXPECT_LE(shared->allocated_wh[k], interval.members[k].consumed_wh);
            demand += interval.members[k].consumed_wh;
        }
        EXPECT_EQ(sum(shared->allocated_wh), sum(shared->sold_wh));
        EXPECT_LE(sum(shared->allocated_wh), produced);
        const bool wastes_nothing = sum(shared->allocated_wh) == std::min(produced, demand);
        EXPECT_TRUE(wastes_nothing || interval.coefficients == Coefficients::fixed);
    }
}

// ---- response, flexibility, reactive, reserve ----------------------------------------------------------------------

TEST(Response, TheExample) {
    const Call call{"ana", "dso", 400, 50, 300'000, 100'000};
    const Response all = respond(call, 1'000, 550);
    EXPECT_EQ(all.delivered_wh, 400);
    EXPECT_EQ(net(all.transfers, "ana"), 120'000);
    const Response some = respond(call, 1'000, 800);
    EXPECT_EQ(some.delivered_wh, 200);
    EXPECT_EQ(some.missing_wh, 150);
    EXPECT_EQ(net(some.transfers, "ana"), 60'000 - 15'000);
    const Response none = respond(call, 1'000, 1'200);
    EXPECT_EQ(net(none.transfers, "ana"), -35'000);
    EXPECT_EQ(respond(call, -500, -900).delivered_wh, 400) << "feeding in more is consuming less";
}

TEST(Flexibility, TheExampleDirectAndAsAPortfolio) {
    Reservation direct;
    direct.buyer = "dso";
    direct.activated_wh = 300;
    direct.reservation_micro_eur_per_kwh = 20'000;
    direct.activation_micro_eur_per_kwh = 250'000;
    direct.shortfall_micro_eur_per_kwh = 400'000;
    direct.homes = {{"ana", 500, 900, 650}};
    const auto alone = activate(direct);
    ASSERT_TRUE(alone.ok());
    EXPECT_EQ(alone->delivered_wh, 250);
    EXPECT_EQ(alone->shortfall_wh, 50);
    EXPECT_EQ(net(alone->transfers, "ana"), 10'000 + 62'500 - 20'000);

    Reservation pool = direct;
    pool.aggregator = "pool";
    pool.fee_ppm = 100'000;
    pool.activated_wh = 600;
    pool.homes = {{"ana", 500, 900, 650}, {"ben", 500, 800, 400}};
    const auto together = activate(pool);
    ASSERT_TRUE(together.ok());
    EXPECT_EQ(together->delivered_wh, 600) << "ben makes up for ana";
    EXPECT_EQ(together->shortfall_wh, 0);
    EXPECT_EQ(net(together->transfers, "dso"), -(20'000 + 150'000));
    EXPECT_EQ(net(together->transfers, "pool"), 2'000 + 15'000);
    EXPECT_EQ(net(together->transfers, "ana"), 9'000 + 51'923);
    EXPECT_EQ(net(together->transfers, "ben"), 9'000 + 83'077);
    expect_conserved(together->transfers);
    pool.activated_wh = 1'001;
    EXPECT_FALSE(activate(pool));
    pool.aggregator.clear();
    EXPECT_FALSE(activate(pool));
}

TEST(Flexibility, APortfolioIsNeverWorseThanItsHomesAloneWhileAllGoTheRightWay) {
    Prng prng(4);
    for (int i = 0; i < 1'000; ++i) {
        Reservation pool;
        pool.buyer = "dso";
        pool.aggregator = "pool";
        pool.fee_ppm = static_cast<std::int64_t>(prng.below(300'000));
        pool.reservation_micro_eur_per_kwh = 20'000;
        pool.activation_micro_eur_per_kwh = 250'000;
        pool.shortfall_micro_eur_per_kwh = 400'000;
        const bool all_right_way = prng.chance(0.7);
        std::vector<std::int64_t> bands;
        for (std::size_t k = 0; k < 1 + prng.below(5); ++k) {
            const auto scheduled = static_cast<Wh>(prng.below(2'000));
            const auto less = static_cast<Wh>(prng.below(1'200)) - (all_right_way ? 0 : 400);
            pool.homes.push_back({"h" + std::to_string(k), static_cast<Wh>(prng.below(600)),
                                  scheduled, scheduled - less});
            bands.push_back(pool.homes.back().band_wh);
        }
        pool.activated_wh = static_cast<Wh>(prng.below(static_cast<std::uint64_t>(sum(bands)) + 1));
        const auto together = activate(pool);
        ASSERT_TRUE(together.ok());
        expect_conserved(together->transfers);
        EXPECT_EQ(together->delivered_wh + together->shortfall_wh, pool.activated_wh);
        if (!all_right_way) continue;
        const auto asked = share_out(pool.activated_wh, bands);
        MicroEur alone = 0;
        for (std::size_t k = 0; k < pool.homes.size(); ++k) {
            Reservation one = pool;
            one.aggregator.clear();
            one.activated_wh = asked[k];
            one.homes = {pool.homes[k]};
            alone += net(activate(one)->transfers, pool.homes[k].account);
        }
        EXPECT_GE(-net(together->transfers, "dso") + static_cast<MicroEur>(3 * bands.size()), alone)
            << "up to a rounding of each charge";
    }
}

TEST(Reactive, TheExample) {
    const ReactiveTerms terms{"dso", 30'000, 15'000, 484'322};
    const Reactive asked = settle_reactive(terms, {"ana", 300, 250, 1'000});
    EXPECT_EQ(asked.delivered_varh, 250);
    EXPECT_EQ(asked.excess_varh, 0);
    EXPECT_EQ(net(asked.transfers, "ana"), 7'500);
    const Reactive unasked = settle_reactive(terms, {"ana", 0, 600, 1'000});
    EXPECT_EQ(unasked.delivered_varh, 0);
    EXPECT_EQ(unasked.excess_varh, 116);
    EXPECT_EQ(net(unasked.transfers, "ana"), -1'740);
    EXPECT_EQ(settle_reactive(terms, {"ana", -300, 250, 1'000}).delivered_varh, 0)
        << "the wrong way round";
}

TEST(Reserve, TheExample) {
    ReserveInterval interval;
    interval.grid_operator = "dso";
    interval.need_wh = 900;
    interval.holding_micro_eur_per_kwh = 10'000;
    interval.offers = {{"ana", 500, 200'000, 500},
                       {"ben", 600, 300'000, 200},
                       {"cem", 300, 300'000, 300},
                       {"dia", 800, 900'000, 0}};
    const Reserve quiet = call_reserve(interval);
    EXPECT_EQ(net(quiet.transfers, "dso"), -22'000);
    interval.alert = true;
    const Reserve alert = call_reserve(interval);
    EXPECT_EQ(alert.called_wh, (std::vector<Wh>{500, 267, 133, 0}));
    EXPECT_EQ(alert.marginal_micro_eur_per_kwh, 300'000);
    EXPECT_EQ(alert.unmet_wh, 0);
    EXPECT_EQ(net(alert.transfers, "ana"), 5'000 + 150'000);
    EXPECT_EQ(net(alert.transfers, "ben"), 6'000 + 60'000 - 20'100);
    EXPECT_EQ(net(alert.transfers, "cem"), 3'000 + 39'900);
    expect_conserved(alert.transfers);
    interval.need_wh = 5'000;
    EXPECT_EQ(call_reserve(interval).unmet_wh, 2'800);
}

// ---- network -------------------------------------------------------------------------------------------------------

TEST(Network, TheExample) {
    NetworkInterval interval;
    interval.grid_operator = "dso";
    interval.nets = 3;
    interval.root = 0;
    interval.lines = {{1, 0, 20'000}, {2, 1, 10'000}};
    interval.homes = {{"ana", 1, 600}, {"ben", 2, 500}, {"cem", 2, -300}};
    const auto use = charge_network(interval);
    ASSERT_TRUE(use.ok());
    EXPECT_EQ(use->flow_wh, (std::vector<Wh>{800, 200}));
    EXPECT_EQ(net(use->transfers, "ana"), -8'727);
    EXPECT_EQ(net(use->transfers, "ben"), -(7'273 + 2'000));
    EXPECT_EQ(net(use->transfers, "cem"), 0) << "it relieves both lines";
    EXPECT_EQ(net(use->transfers, "dso"), 18'000);
    interval.lines[1].above = 2;
    EXPECT_FALSE(charge_network(interval));
    interval.lines.pop_back();
    EXPECT_FALSE(charge_network(interval));
}

TEST(Network, EveryLinesCostIsPaidAndNoneByWhoRelievesIt) {
    Prng prng(5);
    for (int i = 0; i < 500; ++i) {
        NetworkInterval interval;
        interval.grid_operator = "dso";
        interval.nets = 2 + prng.below(8);
        for (std::size_t net_id = 1; net_id < interval.nets; ++net_id)
            interval.lines.push_back(
                {net_id, prng.below(net_id), static_cast<std::int64_t>(prng.below(50'000))});
        for (std::size_t k = 0; k < prng.below(12); ++k)
            interval.homes.push_back({"h" + std::to_string(k), prng.below(interval.nets),
                                      static_cast<Wh>(prng.below(2'000)) - 1'000});
        const auto use = charge_network(interval);
        ASSERT_TRUE(use.ok());
        expect_conserved(use->transfers);
        MicroEur cost = 0;
        for (std::size_t l = 0; l < interval.lines.size(); ++l)
            cost += charge(std::abs(use->flow_wh[l]), interval.lines[l].rate_micro_eur_per_kwh);
        EXPECT_EQ(net(use->transfers, "dso"), cost);
    }
}

// ---- guarantees ----------------------------------------------------------------------------------------------------

TEST(Guarantees, TheExample) {
    OriginInterval interval;
    interval.interval = 7;
    interval.produced = {{"roof", 600, 40}, {"mill", 200, 11}};
    interval.consumed = {{"ana", 750}, {"ben", 250}};
    interval.export_account = "above";
    interval.grid_gram_co2_per_kwh = 380;
    const Certified certified = certify(interval);
    const Origin roof{"roof", 7, 40};
    const Origin mill{"mill", 7, 11};
    EXPECT_EQ(certified.issued.at("ana").at(roof), 450);
    EXPECT_EQ(certified.issued.at("ana").at(mill), 150);
    EXPECT_EQ(certified.issued.at("ben").at(roof), 150);
    EXPECT_EQ(certified.footprints[0].local_wh, 600);
    EXPECT_EQ(certified.footprints[0].grid_wh, 150);
    EXPECT_EQ(certified.footprints[0].milligram_co2, 450 * 40 + 150 * 11 + 150 * 380);

    CertificateBook book;
    ASSERT_TRUE(book.issue(certified));
    EXPECT_FALSE(book.issue(certified)) << "no certificate twice";
    ASSERT_TRUE(book.transfer("ana", "ben", roof, 50));
    ASSERT_TRUE(book.retire("ben", roof, 200));
    EXPECT_FALSE(book.retire("ben", roof, 1)) << "retired once";
    EXPECT_FALSE(book.transfer("ben", "ana", roof, 1));
    EXPECT_FALSE(book.transfer("ana", "ben", roof, -5));
    EXPECT_EQ(book.retired("ben", roof), 200);
    EXPECT_EQ(book.issued(roof), 600);
}

TEST(Guarantees, CertificatesAreTheProductionWhateverIsDoneWithThem) {
    Prng prng(6);
    CertificateBook book;
    for (int t = 0; t < 300; ++t) {
        OriginInterval interval;
        interval.interval = t;
        interval.export_account = "above";
        interval.grid_gram_co2_per_kwh = 380;
        for (std::size_t k = 0; k < 1 + prng.below(3); ++k)
            interval.produced.push_back({"p" + std::to_string(k), static_cast<Wh>(prng.below(900)),
                                         static_cast<std::int64_t>(prng.below(90))});
        for (std::size_t k = 0; k < 1 + prng.below(5); ++k)
            interval.consumed.push_back(
                {"c" + std::to_string(k), static_cast<Wh>(prng.below(700))});
        const Certified certified = certify(interval);
        for (std::size_t k = 0; k < interval.consumed.size(); ++k) {
            const Footprint& print = certified.footprints[k];
            EXPECT_EQ(print.local_wh + print.grid_wh, interval.consumed[k].consumed_wh);
            Wh local = 0;
            if (const auto mine = certified.issued.find(print.account);
                mine != certified.issued.end())
                for (const auto& [origin, energy_wh] : mine->second)
                    local += energy_wh;
            EXPECT_EQ(local, print.local_wh);
        }
        ASSERT_TRUE(book.issue(certified));
        for (int move = 0; move < 6; ++move) {
            const Account from = "c" + std::to_string(prng.below(5));
            const ProducedEnergy& source = interval.produced[prng.below(interval.produced.size())];
            const Origin origin{source.producer, t, source.gram_co2_per_kwh};
            const auto energy_wh = static_cast<Wh>(prng.below(300));
            const Wh had = book.owned(from, origin);
            const bool done = prng.chance(0.5)
                                  ? book.retire(from, origin, energy_wh).ok()
                                  : book.transfer(from, "above", origin, energy_wh).ok();
            EXPECT_EQ(done, energy_wh > 0 && energy_wh <= had);
        }
        for (const ProducedEnergy& source : interval.produced)
            EXPECT_EQ(book.issued({source.producer, t, source.gram_co2_per_kwh}),
                      source.produced_wh);
    }
}

// ---- roaming, prepaid ----------------------------------------------------------------------------------------------

TEST(Roaming, TheExample) {
    const RoamingSession session{
        "host", "owner", 30'000, {{3'000, 0, 2'750, 210'000}, {1'000, 1'900, 2'750, 90'000}}};
    const auto roamed = settle_roaming(session);
    ASSERT_TRUE(roamed.ok());
    EXPECT_EQ(roamed->energy_wh, 5'500);
    EXPECT_EQ(roamed->energy_micro_eur, 577'500 + 247'500);
    EXPECT_EQ(roamed->fee_micro_eur, 165'000);
    EXPECT_EQ(net(roamed->transfers, "host"), 990'000);
    RoamingSession claimed = session;
    claimed.intervals[0].car_wh = 3'001;
    EXPECT_FALSE(settle_roaming(claimed));
}

TEST(Prepaid, TheExample) {
    EXPECT_EQ(share_fairly(1'000, {100, 400, 900}), (std::vector<Wh>{100, 400, 500}));
    EXPECT_EQ(share_fairly(1'000, {100, 600, 900}), (std::vector<Wh>{100, 450, 450}));
    EXPECT_EQ(share_fairly(2'000, {100, 600, 900}), (std::vector<Wh>{100, 600, 900}));
    const PrepaidTerms terms{250'000, 200};
    PrepaidAccount account;
    top_up(account, 500'000);
    EXPECT_EQ(allowance(account, terms), 2'200);
    draw(account, terms, 2'100);
    EXPECT_EQ(account.credit_micro_eur, -25'000);
    EXPECT_EQ(allowance(account, terms), 100);
    draw(account, terms, 100);
    EXPECT_EQ(allowance(account, terms), 0);
    begin_day(account);
    EXPECT_EQ(allowance(account, terms), 200);
    top_up(account, 100'000);
    EXPECT_EQ(allowance(account, terms), 200 + 200) << "the debt is paid back first";
}

TEST(Prepaid, CreditIsWhatWasPaidLessWhatWasChargedAndShortageIsShared) {
    Prng prng(7);
    const PrepaidTerms terms{250'000, 200};
    PrepaidAccount account;
    for (int i = 0; i < 2'000; ++i) {
        if (prng.chance(0.1)) begin_day(account);
        if (prng.chance(0.3)) top_up(account, 1 + static_cast<MicroEur>(prng.below(90'000)));
        const Wh may = allowance(account, terms);
        draw(account, terms, static_cast<Wh>(prng.below(static_cast<std::uint64_t>(may) + 1)));
        EXPECT_EQ(account.credit_micro_eur, account.paid_micro_eur - account.charged_micro_eur);
        EXPECT_LE(account.lifeline_used_wh, terms.lifeline_wh_per_day);

        const auto demand = drawn(prng, 1 + prng.below(7), 1'000);
        const auto supply = static_cast<Wh>(prng.below(4'000));
        const auto got = share_fairly(supply, demand);
        EXPECT_EQ(sum(got), std::min(supply, sum(demand)));
        for (std::size_t a = 0; a < demand.size(); ++a) {
            EXPECT_LE(got[a], demand[a]);
            for (std::size_t b = 0; b < demand.size(); ++b)
                EXPECT_TRUE(got[a] == demand[a] || got[b] <= got[a] + 1)
                    << "nobody has more than who lacks";
        }
    }
}

}  // namespace
}  // namespace kilter::products::products_test
