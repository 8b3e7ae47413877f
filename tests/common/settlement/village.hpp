// A village whose homes trade, are metered, hold day-ahead positions and are billed, drawn from a seed, with the faults that
// meters have: everything through the ledger, entry by entry, and beside it the same money counted in the clear.
#pragma once

#include <map>
#include <vector>

#include "common/base/prng.hpp"
#include "common/settlement/corrected_reads.hpp"
#include "common/settlement/governance_entries.hpp"
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
    std::uint32_t decisions = 0;    ///< tariffs and versions of rules set while the village lives
    std::uint32_t corrections = 0;  ///< of reads and bills, after the bills
};

/// A tariff or a version of a rule that came into force before the village lived through an interval.
struct Decision {
    IntervalIndex interval = 0;
    std::string name;
    std::int64_t value = 0;
    bool is_rule = false;
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
        HomeAccount first_account = {};  ///< before corrections
        Bill owed = {};                  ///< with corrections
        std::uint32_t corrections = 0;
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
        for (Home& home : homes) {
            home.first_account = home.account;
            home.owed = bill_of(home);
            append(make_entry(home.owed, ledger.chain(), ++seq_, later(), home.key));
        }
        for (std::uint32_t i = 0; i < options_.corrections; ++i)
            correct(homes[random_.below(homes.size())]);
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
    std::vector<consensus::Height> heights;  ///< of the block of each
    std::vector<Decision> decided;
    std::vector<Home> homes;
    PriceBook prices;
    std::map<IntervalIndex, std::int64_t> tie_wh;  ///< what the village really drew, by its meters

  private:
    [[nodiscard]] UnixMs later() const { return start_ms + 3'600'000; }

    void append(consensus::EntryPtr entry) {
        const auto content = ledger.check(entry->entry);
        ASSERT_TRUE(content.ok()) << content.error().message;
        const auto execution = ledger.begin(state, height_, start_ms + 1'000);
        const auto verdict = execution->apply(*entry);
        ASSERT_EQ(verdict.admission, consensus::Admission::ready) << verdict.reason;
        state = execution->finish();
        entries.push_back(std::move(entry));
        heights.push_back(height_);
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

    // ---- rules and corrections -------------------------------------------------------------------
    // In force for what comes after. The number of its case.
    std::uint32_t decide(const governance::Action& action) {
        append(make_entry(governance::Proposal{action, 0, "village"}, ledger.chain(), ++seq_,
                          later(), grid_operator()));
        height_ += 3;
        return docket(*state, ledger.genesis()).cases();
    }

    void decide_something(IntervalIndex t) {
        Decision one{t, "sharing.price", static_cast<std::int64_t>(random_.below(200'000)), false};
        if (random_.chance(0.3))
            one = {t, "sharing", 1 + static_cast<std::int64_t>(random_.below(2)), true};
        else if (random_.chance(0.5))
            one.name = "network.rate";
        decide(one.is_rule ? governance::Action(governance::SetRule{
                                 one.name, static_cast<std::uint32_t>(one.value)})
                           : governance::Action(governance::SetTariff{one.name, one.value}));
        decided.push_back(one);
    }

    void correct(Home& one) {
        const auto span = 1 + random_.below(9);
        const auto from = first() + static_cast<IntervalIndex>(random_.below(options_.intervals));
        const auto until = std::min(end(), from + static_cast<IntervalIndex>(span));
        CorrectedReads reads{0, one.meter.public_key(), 0, from, {}};
        consensus::EntryId wrong;
        for (const auto& sealed : entries) {
            if (sealed->entry.type != meter_reads_entry ||
                sealed->entry.author != one.meter.public_key())
                continue;
            const auto series = decode_meter_reads(sealed->entry.body)->series;
            if (series.first > from || from >= series.end()) continue;
            reads.entry_first = series.first;
            wrong = sealed->id;
        }
        for (IntervalIndex t = from; t < until; ++t) {
            const KnownEnergy right{static_cast<std::int64_t>(random_.below(4'000)) - 1'500,
                                    draw_scalar()};
            tie_wh[t] += right.energy_wh - one.account.reads.at(t).energy_wh;
            one.account.reads[t] = right;
            reads.commitments.push_back(crypto::commit(right.energy_wh, right.blinding));
        }
        reads.decided_by = decide(action_of(reads,
                                            random_.chance(0.5) ? governance::Subject::wrong_read
                                                                : governance::Subject::faulty_meter,
                                            wrong));
        append(make_entry(reads, ledger.chain(), ++seq_, later(),
                          random_.chance(0.5) ? one.key : one.meter));
        const Bill after = bill_of(one);
        append(make_entry(*difference(one.owed, after, ++one.corrections), ledger.chain(), ++seq_,
                          later(), one.key));
        one.owed = after;
    }

    void live_through(IntervalIndex t) {
        if (random_.below(options_.intervals) < options_.decisions) decide_something(t);
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
    consensus::Height height_ = 1;
    std::map<PublicKey, std::vector<MeteredInterval>> waiting_;
};

}  // namespace kilter::settlement
