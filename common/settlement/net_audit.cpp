#include "common/settlement/net_audit.hpp"

#include <algorithm>

namespace kilter::settlement {

namespace {

crypto::Scalar challenge_scalar(const Digest& challenge, std::string_view name) {
    return crypto::hash_to_scalar("audit bills", challenge.view(), as_bytes(name));
}

crypto::Scalar plus_product(const crypto::Scalar& sum,
                            const crypto::Scalar& weight,
                            const crypto::Scalar& value) {
    return crypto::add(sum, crypto::multiply(weight, value));
}

std::string home_name(const PublicKey& home) {
    return "home " + short_hex(home.view());
}

}  // namespace

NetAudit::NetAudit(const AuditContext& context, NetId net, const Digest& challenge)
    : context_(context),
      net_(net),
      challenge_(challenge),
      rho_upstream_(challenge_scalar(challenge, "upstream")),
      rho_energy_(challenge_scalar(challenge, "energy")),
      reads_(context.prices().first(), context.prices().end()),
      positions_(context.prices().first(), context.prices().end()) {
    for (IntervalIndex t = context.prices().first(); t < context.prices().end(); ++t)
        weights_.push_back(weights_of(t));
    epochs_.resize(weights_.size());
    for (const auto& [point, key] : context.homes(net))
        if (context.claim(point) != nullptr) account(point);
}

NetAudit::Weights NetAudit::weights_of(IntervalIndex interval) const {
    const PriceBook& prices = context_.prices();
    const auto real_time = prices.real_time(net_, interval);
    if (!real_time) return {};
    const crypto::Scalar net = crypto::scalar_of(real_time->net);
    const crypto::Scalar tie = crypto::scalar_of(real_time->tie);
    Weights out{true, crypto::add(plus_product(net, rho_upstream_, tie), rho_energy_), {}};
    const DayAheadRecord* record = prices.day_ahead(net_, interval);
    if (record == nullptr || interval < record->first || interval >= record->end()) return out;
    const auto ahead = prices.day_ahead_prices(*record, interval);
    if (!ahead) return {};
    out.position = plus_product(crypto::subtract(crypto::scalar_of(ahead->net), net), rho_upstream_,
                                crypto::subtract(crypto::scalar_of(ahead->tie), tie));
    return out;
}

NetAudit::Account& NetAudit::account(const ServicePoint& point) {
    Account& out = accounts_[point];
    out.claim = context_.claim(point);
    return out;
}

void NetAudit::weigh(Account& account, const CommittedSeries& series, bool positions) {
    if (account.claim == nullptr) return;
    const IntervalIndex first = std::max(series.first, account.claim->bill.first);
    const IntervalIndex end = std::min(series.end(), context_.prices().end());
    std::vector<crypto::Scalar> weights;
    std::vector<crypto::Point> points;
    for (IntervalIndex t = first; t < end; ++t) {
        const Weights& one = weights_[static_cast<std::size_t>(t - context_.prices().first())];
        if (!one.priced && account.fault.empty())
            account.fault = "the log has no price for interval " + std::to_string(t);
        weights.push_back(positions ? one.position : one.read);
        points.push_back(series.intervals[static_cast<std::size_t>(t - series.first)].commitment);
    }
    account.sum = crypto::add(account.sum, crypto::weighted_sum(weights, points));
    commitments_ += points.size();
}

void NetAudit::add(const PublicKey& author, const MeterReads& reads) {
    const RosterMember* meter = context_.party(author);
    if (meter == nullptr) return;
    const CommittedSeries& series = reads.series;
    const IntervalIndex first = std::max(series.first, context_.prices().first());
    const IntervalIndex end = std::min(series.end(), context_.prices().end());
    if (first >= end) return;
    Account& mine = account(meter->service_point);
    weigh(mine, series, false);
    const auto& set = context_.meters(net_, series.roster_epoch);
    const auto* changed = context_.corrected(meter->service_point);
    const bool member = std::binary_search(set.begin(), set.end(), author);
    for (IntervalIndex t = first; t < end; ++t) {
        const auto index = static_cast<std::size_t>(t - series.first);
        ++mine.reads;
        if (changed != nullptr && mine.claim != nullptr && t >= mine.claim->bill.first &&
            changed->contains(t))
            mine.replaced[t] = series.intervals[index].commitment;
        if (reads.qualities[index] != Quality::measured) ++mine.substituted;
        reads_.add(t, series.intervals[index]);
        std::uint64_t& epoch = epochs_[static_cast<std::size_t>(t - context_.prices().first())];
        if (!member || (epoch != 0 && &context_.meters(net_, epoch) != &set)) reads_.spoil(t);
        epoch = series.roster_epoch;
    }
}

void NetAudit::add(const PublicKey& author, const Position& position) {
    const RosterMember* home = context_.party(author);
    const CommittedSeries& series = position.series;
    const DayAheadRecord* record = context_.prices().day_ahead(net_, series.first);
    if (home == nullptr || record == nullptr || !is_signed_in(*record, author, position)) return;
    Account& mine = account(home->service_point);
    mine.days.insert(day_end(series.first, context_.prices().interval_s()));
    weigh(mine, series, true);
    for (std::size_t t = 0; t < series.intervals.size(); ++t)
        positions_.add(series.first + static_cast<IntervalIndex>(t), series.intervals[t]);
}

bool NetAudit::opens(const crypto::Point& sum, const Bill& bill) const {
    crypto::Opening claimed;
    for (const auto& [weight, part] : {std::pair{crypto::scalar_of(1), &bill.charge_nano_eur},
                                       {rho_upstream_, &bill.upstream_nano_eur},
                                       {rho_energy_, &bill.energy_wh}}) {
        claimed.energy = plus_product(claimed.energy, weight, crypto::scalar_of(part->value));
        claimed.blinding = plus_product(claimed.blinding, weight, part->blinding);
    }
    return sum == crypto::commit(claimed);
}

crypto::Point NetAudit::corrected_sum(const Account& account, const ServicePoint& point) const {
    const auto* newest = context_.corrected(point);
    crypto::Point out = account.sum;
    for (const auto& [t, first] : account.replaced) {
        const crypto::Point change = crypto::subtract(newest->at(t), first);
        const Weights& one = weights_[static_cast<std::size_t>(t - context_.prices().first())];
        out = crypto::add(out, crypto::multiply(one.read, change));
    }
    return out;
}

std::string NetAudit::fault_of(const Account& account,
                               const ServicePoint& point,
                               const Result<Bill>& owed) const {
    if (account.claim == nullptr) return "there is no bill of it for this period";
    const Bill& bill = account.claim->bill;
    if (!account.fault.empty()) return account.fault;
    // Before its first bill a home may have reads that no bill of this period covers.
    if (account.reads < bill.intervals)
        return "the log has " + std::to_string(account.reads) + " reads for a bill of " +
               std::to_string(bill.intervals) + " intervals";
    const auto records = context_.prices().day_ahead_records().find(net_);
    if (records != context_.prices().day_ahead_records().end())
        for (const auto& [midnight, record] : records->second) {
            const bool concerns = record.end() > bill.first && record.first < bill.end();
            const bool in_it =
                std::any_of(record.members.begin(), record.members.end(), [&](const auto& one) {
                    const RosterMember* party = context_.party(one.first);
                    return party != nullptr && party->service_point == point;
                });
            if (concerns && in_it && !account.days.contains(midnight))
                return "its position in the day-ahead record of interval " +
                       std::to_string(record.first) + " is not on the log";
        }
    if (!opens(account.sum, bill))
        return "the bill does not follow from its reads and the cleared prices";
    if (!owed) return owed.error().message;
    if (!account.replaced.empty() && account.claim->corrections.empty())
        return "its reads were corrected, and its bill was not";
    if (!account.claim->corrections.empty() && !opens(corrected_sum(account, point), *owed))
        return "the bill's corrections do not follow from its corrected reads";
    return {};
}

NetVerdict NetAudit::finish() const {
    NetVerdict out;
    out.net = net_;
    out.commitments = commitments_;
    const auto homes = context_.homes(net_);
    for (const auto& [point, account] : accounts_) {
        HomeVerdict home;
        if (account.claim != nullptr) {
            home.home = account.claim->home;
            home.bill = account.claim->bill;
        } else if (const auto known = homes.find(point); known != homes.end()) {
            home.home = known->second;
        }
        Result<Bill> owed = home.bill;
        if (account.claim != nullptr)
            for (const BillCorrection& correction : account.claim->corrections)
                if (owed) owed = corrected(Bill(*owed), correction);
        home.fault = fault_of(account, point, owed);
        if (owed) home.owed = *owed;
        home.holds = home.fault.empty();
        home.substituted = account.substituted;
        out.homes.push_back(std::move(home));
    }
    std::vector<std::size_t> meters(weights_.size());
    std::vector<std::size_t> members(weights_.size());
    const auto enough = [](std::size_t set) { return set < sum_members_min ? 0 : set; };
    for (std::size_t t = 0; t < weights_.size(); ++t) {
        meters[t] = enough(context_.meters(net_, epochs_[t]).size());
        const IntervalIndex interval = context_.prices().first() + static_cast<IntervalIndex>(t);
        const DayAheadRecord* record = context_.prices().day_ahead(net_, interval);
        if (record != nullptr) members[t] = enough(record->members.size());
    }
    const Digest here =
        crypto::keyed_digest("audit net", challenge_.view(), ByteWriter{}.u32(net_.value).bytes());
    out.reads = reads_.open(meters, here.view());
    out.positions = positions_.open(members, here.view());
    return out;
}

Result<std::vector<NeighbourDue>> neighbours_due(const AuditContext& context) {
    std::vector<NeighbourDue> out;
    for (const TieDeal& deal : context.deals()) {
        const auto due = due_of(deal, context.prices());
        if (!due) return due.error();
        if (*due) out.push_back(**due);
    }
    return out;
}

Result<FeederVerdict> conclude(const std::vector<NetVerdict>& nets,
                               std::vector<NeighbourDue> neighbours) {
    FeederVerdict out;
    std::vector<std::pair<PublicKey, Bill>> bills;
    for (const NetVerdict& net : nets) {
        const std::string name = "net " + name_of(net.net) + ": ";
        std::int64_t billed_wh = 0;
        bool all_hold = true;
        for (const HomeVerdict& home : net.homes) {
            ++out.homes;
            out.substituted += home.substituted;
            all_hold = all_hold && home.holds;
            if (!home.holds) {
                out.faults.push_back(name + home_name(home.home) + ": " + home.fault);
                continue;
            }
            billed_wh += home.bill.energy_wh.value;
            if (home.owed != home.bill) ++out.corrected;
            bills.emplace_back(home.home, home.owed);
        }
        for (const auto& [sums, what] :
             {std::pair{&net.reads, "reads"}, {&net.positions, "positions"}})
            if (!sums->wrong.empty())
                out.faults.push_back(name + "the commitments of its " + what +
                                     " do not add up in " + std::to_string(sums->wrong.size()) +
                                     " intervals, the first " + std::to_string(sums->wrong[0]));
        if (all_hold && net.reads.closed == 0 && net.reads.wrong.empty() &&
            net.reads.energy_wh != billed_wh)
            out.faults.push_back(name + "its bills are for " + std::to_string(billed_wh) +
                                 " Wh, its reads add up to " + std::to_string(net.reads.energy_wh));
        out.commitments += net.commitments;
        out.opened += net.reads.opened;
        out.closed += net.reads.closed;
    }
    auto settlement = settle(std::move(bills), std::move(neighbours));
    if (!settlement) return settlement.error();
    out.settlement = *std::move(settlement);
    return out;
}

}  // namespace kilter::settlement
