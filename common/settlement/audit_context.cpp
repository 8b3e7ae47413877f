#include "common/settlement/audit_context.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace kilter::settlement {

AuditContext::AuditContext(IntervalIndex first, IntervalIndex end, std::int64_t interval_s)
    : prices_(first, end, interval_s) {}

void AuditContext::add(const consensus::Entry& entry) {
    if (entry.type == roster_change_entry) {
        if (const auto change = decode_roster_change(entry.body)) add(*change);
    } else if (entry.type == cleared_net_entry) {
        if (const auto record = decode_cleared_net(entry.body)) prices_.add(*record);
    } else if (entry.type == tie_prices_entry) {
        if (const auto tie = decode_tie_prices(entry.body)) prices_.add(*tie);
    } else if (entry.type == bill_entry) {
        const auto bill = decode_bill(entry.body);
        const RosterMember* home = party(entry.author);
        if (bill && home != nullptr && bill->first >= prices_.first() &&
            bill->end() == prices_.end())
            claims_[home->service_point] = {entry.author, *bill, {}};
    } else if (entry.type == corrected_reads_entry) {
        if (const auto reads = decode_corrected_reads(entry.body)) add(entry.author, *reads);
    } else if (entry.type == bill_correction_entry) {
        const auto correction = decode_bill_correction(entry.body);
        const RosterMember* home = party(entry.author);
        const auto claim = home == nullptr ? claims_.end() : claims_.find(home->service_point);
        if (correction && claim != claims_.end() && claim->second.home == entry.author &&
            claim->second.bill.first == correction->first)
            claim->second.corrections.push_back(*correction);
    } else if (entry.type == neighbour_receipt_entry) {
        if (const auto receipt = decode_neighbour_receipt(entry.body))
            if (auto deal = deal_of(*receipt)) deals_.push_back(*std::move(deal));
    }
}

void AuditContext::add(const PublicKey& author, const CorrectedReads& reads) {
    const RosterMember* by = party(author);
    const RosterMember* meter = party(reads.meter);
    if (by == nullptr || meter == nullptr || meter->role != Role::meter ||
        meter->service_point != by->service_point)
        return;
    for (std::size_t k = 0; k < reads.commitments.size(); ++k) {
        const IntervalIndex t = reads.first + static_cast<IntervalIndex>(k);
        if (t >= prices_.first() && t < prices_.end())
            corrected_[by->service_point][t] = reads.commitments[k];
    }
}

const std::map<IntervalIndex, crypto::Point>* AuditContext::corrected(
    const ServicePoint& point) const {
    const auto found = corrected_.find(point);
    return found == corrected_.end() ? nullptr : &found->second;
}

void AuditContext::add(const RosterChange& change) {
    auto after = apply(roster_, change);
    if (!after) return;
    roster_ = *std::move(after);
    std::map<NetId, std::vector<PublicKey>> meters;
    for (auto& [net, by_epoch] : meters_)
        meters[net];
    for (const RosterMember& member : roster_.members) {
        parties_[member.key] = member;
        if (member.role == Role::home) homes_[member.net][member.service_point] = member.key;
        if (member.role == Role::meter) meters[member.net].push_back(member.key);
    }
    for (auto& [net, keys] : meters) {
        std::sort(keys.begin(), keys.end());
        auto& by_epoch = meters_[net];
        if (by_epoch.empty() || by_epoch.rbegin()->second != keys)
            by_epoch[roster_.epoch] = std::move(keys);
    }
}

const RosterMember* AuditContext::party(const PublicKey& key) const {
    const auto found = parties_.find(key);
    return found == parties_.end() ? nullptr : &found->second;
}

const std::vector<PublicKey>& AuditContext::meters(NetId net, std::uint64_t epoch) const {
    static const std::vector<PublicKey> nobody;
    const auto found = meters_.find(net);
    if (found == meters_.end()) return nobody;
    const auto after = found->second.upper_bound(epoch);
    return after == found->second.begin() ? nobody : std::prev(after)->second;
}

std::map<ServicePoint, PublicKey> AuditContext::homes(NetId net) const {
    const auto found = homes_.find(net);
    return found == homes_.end() ? std::map<ServicePoint, PublicKey>{} : found->second;
}

const BillClaim* AuditContext::claim(const ServicePoint& point) const {
    const auto found = claims_.find(point);
    return found == claims_.end() ? nullptr : &found->second;
}

std::vector<NetId> AuditContext::nets() const {
    std::set<NetId> out;
    for (const auto& [net, homes] : homes_)
        out.insert(net);
    for (const auto& [net, meters] : meters_)
        out.insert(net);
    return {out.begin(), out.end()};
}

}  // namespace kilter::settlement
