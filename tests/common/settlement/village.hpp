// A village whose homes trade, are metered, hold day-ahead positions and are billed, drawn from a seed, with the faults that
// meters have: everything through the ledger, entry by entry, and beside it the same money counted in the clear.
#pragma once

#include <map>
#include <vector>

#include "common/base/prng.hpp"
#include "common/settlement/home_account.hpp"
#include "common/settlement/metering.hpp"
#include "common/settlement/net_audit.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement {

struct VillageOptions {
    std::uint64_t seed = 1;
    std::uint8_t nets = 2;
    std::uint8_t homes_per_net = 3;
    IntervalIndex first = 96'000 + 70;  ///< not at midnight: the period has parts of two days
    std::uint32_t intervals = 40;
};

class Village {
  public:
    struct Home {
        crypto::Identity key;
        crypto::Identity meter;
        NetId net;
        ServicePoint point;
        std::optional<RegisterRead> newest;
        RegisterRead shown;  ///< what the registers say now
        HomeAccount account;
        std::map<ReadOutcome, int> outcomes;
    };

    explicit Village(const VillageOptions& options)
        : prices(options.first, options.first + options.intervals, interval_s),
          options_(options),
          random_(options.seed) {
        found();
        for (IntervalIndex t = first(); t < end(); ++t)
            live_through(t);
        for (Home& home : homes)
            flush(home);
        for (Home& home : homes)
            append(make_entry(bill_of(home), ledger.chain(), ++seq_, later(), home.key));
    }

    [[nodiscard]] IntervalIndex first() const { return options_.first; }

    [[nodiscard]] IntervalIndex end() const { return options_.first + options_.intervals; }

    [[nodiscard]] Bill bill_of(const Home& home) const {
        auto bill = make_bill(home.account, prices, first(), end());
        EXPECT_TRUE(bill.ok()) << bill.error().message;
        return *bill;
    }

    /// An outsider's audit of these entries.
    [[nodiscard]] FeederVerdict audit(const std::vector<consensus::EntryPtr>& log) const {
        AuditContext context(first(), end(), interval_s);
        for (const auto& sealed : log)
            context.add(sealed->entry);
        std::vector<NetVerdict> verdicts;
        for (const NetId net : context.nets()) {
            NetAudit one(context, net, crypto::digest("test", as_bytes("challenge")));
            for (const auto& sealed : log) {
                const consensus::Entry& entry = sealed->entry;
                if (entry.type == meter_reads_entry) {
                    const auto reads = *decode_meter_reads(entry.body);
                    if (reads.series.net == net) one.add(entry.author, reads);
                } else if (entry.type == position_entry) {
                    const auto position = *decode_position(entry.body);
                    if (position.series.net == net) one.add(entry.author, position);
                }
            }
            verdicts.push_back(one.finish());
        }
        return *conclude(verdicts);
    }

    static constexpr std::int64_t interval_s = 900;
    Ledger ledger{neighbourhood()};
    consensus::StatePtr state = ledger.initial();
    std::vector<consensus::EntryPtr> entries;
    std::vector<Home> homes;
    PriceBook prices;
    std::map<IntervalIndex, std::int64_t> tie_wh;  ///< what the village really drew, by its meters

  private:
    [[nodiscard]] UnixMs later() const { return start_ms + 3'600'000; }

    void append(consensus::EntryPtr entry) {
        const auto content = ledger.check(entry->entry);
        ASSERT_TRUE(content.ok()) << content.error().message;
        const auto execution = ledger.begin(state, 1, start_ms + 1'000);
        const auto verdict = execution->apply(*entry);
        ASSERT_EQ(verdict.admission, consensus::Admission::ready) << verdict.reason;
        state = execution->finish();
        entries.push_back(std::move(entry));
    }

    void found() {
        std::vector<RosterMember> members{
            {coordinator(0).public_key(), Role::coordinator, NetId{0}, 333, "tcp://x"}};
        for (std::uint8_t i = 0; i < options_.nets * options_.homes_per_net; ++i) {
            const NetId net{i / std::uint32_t{options_.homes_per_net}};
            RosterMember member = certificate(i, net);
            members.push_back(member);
            homes.push_back(
                {home(i), party(4, i), net, member.service_point, {}, {}, {net, {}, {}}, {}});
            member.key = homes.back().meter.public_key();
            member.role = Role::meter;
            members.push_back(member);
            homes.back().shown.interval = first() - 1;
            // Close to where registers begin again.
            homes.back().shown.import_wh = limits_.register_wh - 1 - random_.below(40'000);
            homes.back().shown.export_wh = random_.below(1'000);
            homes.back().newest = homes.back().shown;
        }
        for (const RosterChange& change : first_changes(members))
            append(make_entry(change, ledger.chain(), change.epoch, later(), grid_operator()));
    }

    std::vector<PublicKey> keys(NetId net, bool meters) const {
        std::vector<PublicKey> out;
        for (const Home& one : homes)
            if (one.net == net)
                out.push_back(meters ? one.meter.public_key() : one.key.public_key());
        std::sort(out.begin(), out.end());
        return out;
    }

    crypto::Scalar draw_scalar() {
        return crypto::hash_to_scalar("test", crypto::digest("test", as_bytes("key")).view(),
                                      ByteWriter{}.u64(random_.next()).bytes());
    }

    // ---- the market ------------------------------------------------------------------------------
    std::int64_t draw_price() { return static_cast<std::int64_t>(random_.below(500'000)) - 50'000; }

    void clear(NetId net, IntervalIndex t) {
        ClearedNet record;
        record.interval = t;
        record.net = net;
        record.roster_epoch = 1;
        record.outcome = Outcome::converged;
        for (int ahead = 0; ahead < 96; ++ahead)
            record.prices_micro_eur_per_kwh.push_back(draw_price());
        const bool is_day_ahead = prices.day_ahead(net, t) == nullptr;
        const auto set = keys(net, false);
        std::vector<Position> positions;
        for (Home& one : homes) {
            if (one.net != net) continue;
            ClearedMember member;
            member.key = one.key.public_key();
            member.commitment = crypto::digest("test", ByteWriter{}.u64(random_.next()).bytes());
            if (is_day_ahead) {
                positions.push_back(position_of(one, t, set));
                member.commitment = digest_of_commitments(positions.back().series);
            }
            member.signature = one.key.sign(clearing_statement(
                ledger.chain(), t, 0, net, 0, record.prices_micro_eur_per_kwh, member.commitment));
            record.members.push_back(member);
        }
        std::sort(record.members.begin(), record.members.end(),
                  [](const auto& a, const auto& b) { return a.key < b.key; });
        prices.add(record);
        append(make_entry(record, ledger.chain(), ++seq_, later(), coordinator(0)));
        std::size_t next = 0;
        for (const Home& one : homes)
            if (one.net == net && is_day_ahead)
                append(make_entry(positions[next++], ledger.chain(), ++seq_, later(), one.key));
    }

    Position position_of(Home& one, IntervalIndex t, const std::vector<PublicKey>& set) {
        Position out;
        out.series = {t, one.net, 1, {}};
        crypto::SumMasks masks(one.key);
        for (IntervalIndex k = t; k < day_end(t, interval_s); ++k) {
            const KnownEnergy energy{static_cast<std::int64_t>(random_.below(4'000)) - 2'000,
                                     draw_scalar()};
            one.account.positions[k] = energy;
            out.series.intervals.push_back(
                *committed(energy.energy_wh, energy.blinding, masks, set,
                           mask_context(ledger.chain(), MaskedFor::positions, one.net, k)));
        }
        return out;
    }

    void live_through(IntervalIndex t) {
        TiePrices tie{t, {}};
        for (int ahead = 0; ahead < 96; ++ahead)
            tie.prices_micro_eur_per_kwh.push_back(draw_price());
        if (t == first() || !random_.chance(0.1)) {  // else the newest earlier ones count
            prices.add(tie);
            append(make_entry(tie, ledger.chain(), ++seq_, later(), coordinator(0)));
        }
        for (std::uint8_t net = 0; net < options_.nets; ++net)
            if (!random_.chance(0.1)) clear(NetId{net}, t);  // a session may have failed
        for (Home& one : homes)
            count(one, t);
    }

    // ---- meters ----------------------------------------------------------------------------------
    void count(Home& one, IntervalIndex t) {
        one.shown.interval = t;
        one.shown.import_wh =
            (one.shown.import_wh + static_cast<std::int64_t>(random_.below(3'000))) %
            limits_.register_wh;
        one.shown.export_wh += static_cast<std::int64_t>(random_.below(1'500));
        if (random_.chance(0.15) && t + 1 < end()) return;  // the read is lost
        RegisterRead read = one.shown;
        if (random_.chance(0.05)) read.import_wh += 1'000'000;  // a fault of the meter
        if (random_.chance(0.05)) read.export_wh = -1;
        take(one, read);
        if (random_.chance(0.1)) take(one, read);
        if (random_.chance(0.1)) take(one, {t - 1, 5, 5});
        if (random_.chance(0.1)) take(one, {t, read.import_wh ^ 1, read.export_wh});
    }

    void take(Home& one, const RegisterRead& read) {
        const ReadResult result = follow(one.newest, read, limits_);
        ++one.outcomes[result.outcome];
        if (!counts(result.outcome)) return;
        one.newest = read;
        for (const MeteredInterval& interval : result.intervals)
            waiting_[one.meter.public_key()].push_back(interval);
        if (random_.chance(0.5)) flush(one);
    }

    void flush(Home& one) {
        auto& intervals = waiting_[one.meter.public_key()];
        while (!intervals.empty()) {
            const auto count = std::min<std::size_t>(
                intervals.size(), 1 + static_cast<std::size_t>(random_.below(20)));
            const auto set = keys(one.net, true);
            crypto::SumMasks masks(one.meter);
            MeterReads reads;
            reads.series = {intervals.front().interval, one.net, 1, {}};
            reads.begins = reads.series.first == first();
            for (std::size_t i = 0; i < count; ++i) {
                const MeteredInterval& metered = intervals[i];
                const KnownEnergy energy{metered.energy_wh(), draw_scalar()};
                one.account.reads[metered.interval] = energy;
                tie_wh[metered.interval] += energy.energy_wh;
                reads.series.intervals.push_back(*committed(
                    energy.energy_wh, energy.blinding, masks, set,
                    mask_context(ledger.chain(), MaskedFor::reads, one.net, metered.interval)));
                reads.qualities.push_back(metered.quality);
            }
            append(make_entry(reads, ledger.chain(), ++seq_, later(), one.meter));
            intervals.erase(intervals.begin(), intervals.begin() + static_cast<long>(count));
        }
    }

    VillageOptions options_;
    Prng random_;
    MeterLimits limits_;
    std::uint64_t seq_ = 0;
    std::map<PublicKey, std::vector<MeteredInterval>> waiting_;
};

}  // namespace kilter::settlement
