/// A log as billing and auditing read it: verified, then gone through once for prices, parties and bills, and, for an
/// audit, once more for the commitments, net by net on several threads.
#pragma once

#include <filesystem>
#include <vector>

#include "common/settlement/disclosure.hpp"
#include "common/settlement/net_audit.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/period.hpp"

namespace kilter::cli {

class SettledLog {
  public:
    using PublicKey = settlement::PublicKey;

    /// PATH is a store (log.db) or a coordinator's directory, running or not. Everything in it is checked against the genesis
    /// document in it. Error: it cannot be read, or does not hold (then `log verify` says more); no such period.
    static Result<SettledLog> open(const std::filesystem::path& path, std::string_view period);

    [[nodiscard]] const settlement::Genesis& genesis() const { return store_.genesis(); }

    [[nodiscard]] const settlement::AuditReport& report() const { return report_; }

    [[nodiscard]] const Period& period() const { return period_; }

    [[nodiscard]] std::int64_t interval_s() const { return interval_s_; }

    [[nodiscard]] const settlement::AuditContext& context() const { return context_; }

    [[nodiscard]] const std::vector<std::pair<PublicKey, settlement::Disclosure>>& disclosures()
        const {
        return disclosures_;
    }

    /// The second pass. REQUIRES: threads > 0.
    [[nodiscard]] Result<std::vector<settlement::NetVerdict>> audit(unsigned threads) const;

    /// What counts of one meter's intervals of the period: its commitments, with corrections. Error: a block that cannot be read.
    [[nodiscard]] Result<std::map<IntervalIndex, crypto::Point>> commitments(
        const PublicKey& meter) const;

    /// The commitments of one home's day-ahead positions in the period. Error: a block that cannot be read.
    [[nodiscard]] Result<std::map<IntervalIndex, crypto::Point>> positions(
        const PublicKey& home) const;

    /// The height at which an interval's first net was cleared; nothing: none was.
    [[nodiscard]] std::optional<consensus::Height> cleared_at(IntervalIndex interval) const;
    /// Every case that the log's docket has decided, by the height from which it is in force.
    [[nodiscard]] Result<std::vector<governance::Case>> decisions() const;

    /// First interval and id of the newest reads entry that holds this interval of the meter.
    /// Error: none does, or a block cannot be read.
    [[nodiscard]] Result<std::pair<IntervalIndex, consensus::EntryId>> reads_entry(
        const PublicKey& meter, IntervalIndex interval) const;

  private:
    SettledLog(storage::LogStore store, Period period, std::int64_t interval_s);
    Result<void> for_each_entry(const std::function<void(const consensus::EntryPtr&)>& visit) const;

    storage::LogStore store_;
    Period period_;
    std::int64_t interval_s_;
    settlement::AuditReport report_;
    settlement::AuditContext context_;
    std::vector<std::pair<PublicKey, settlement::Disclosure>> disclosures_;
    std::map<IntervalIndex, consensus::Height> cleared_at_;
};

}  // namespace kilter::cli
