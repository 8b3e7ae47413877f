/// The first of an auditor's two passes over the log: who was who, what the prices were, and what the homes claim. Entries
/// in the log's order, checked by the log's own audit (audit.hpp).
#pragma once

#include <map>

#include "common/settlement/corrected_reads.hpp"
#include "common/settlement/price_book.hpp"
#include "common/settlement/roster.hpp"
#include "common/settlement/tie_trade.hpp"

namespace kilter::settlement {

/// What a home has put on the log for the period.
struct BillClaim {
    PublicKey home;
    Bill bill;
    std::vector<BillCorrection> corrections;  ///< by number
};

class AuditContext {
  public:
    /// Of the period [first, end). REQUIRES: as PriceBook.
    AuditContext(IntervalIndex first, IntervalIndex end, std::int64_t interval_s);

    /// Entries of other kinds than it needs change nothing.
    void add(const consensus::Entry& entry);

    [[nodiscard]] const PriceBook& prices() const { return prices_; }

    /// The newest certificate that a key ever had; null: none.
    [[nodiscard]] const RosterMember* party(const PublicKey& key) const;
    /// Meters of a net on the roster of an epoch, ascending.
    [[nodiscard]] const std::vector<PublicKey>& meters(NetId net, std::uint64_t epoch) const;
    /// Homes that any roster had on a net, by service point: the newest key of each.
    [[nodiscard]] std::map<ServicePoint, PublicKey> homes(NetId net) const;
    /// The bill that ends with the period; null: none.
    [[nodiscard]] const BillClaim* claim(const ServicePoint& point) const;
    /// What the newest corrections say of a service point's intervals; null: nothing was corrected.
    [[nodiscard]] const std::map<IntervalIndex, crypto::Point>* corrected(
        const ServicePoint& point) const;

    /// Trades over ties that bind this log, in its order.
    [[nodiscard]] const std::vector<TieDeal>& deals() const { return deals_; }

    /// Nets that any home or meter was ever on, ascending.
    [[nodiscard]] std::vector<NetId> nets() const;

  private:
    void add(const RosterChange& change);
    void add(const PublicKey& author, const CorrectedReads& reads);

    PriceBook prices_;
    Roster roster_;
    std::map<PublicKey, RosterMember> parties_;
    std::map<NetId, std::map<ServicePoint, PublicKey>> homes_;
    std::map<NetId, std::map<std::uint64_t, std::vector<PublicKey>>> meters_;  // where they change
    std::map<ServicePoint, BillClaim> claims_;
    std::map<ServicePoint, std::map<IntervalIndex, crypto::Point>> corrected_;
    std::vector<TieDeal> deals_;
};

}  // namespace kilter::settlement
