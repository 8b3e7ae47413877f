/// The second of an auditor's two passes, for one net: that every bill follows from the commitments on the log and the
/// cleared prices, and that the commitments of the net add up. Nothing is shown but what bills and sums say.
///
/// A home's three sums are checked with one equation. With random ρ, ρ′ from the log's own root,
///
///     Σₜ (λᴿₜ + ρ·μᴿₜ + ρ′)·Cₜ  +  Σₜ (λᴰₜ − λᴿₜ + ρ·(μᴰₜ − μᴿₜ))·Dₜ  =  (a + ρ·u + ρ′·q)·B + (r_a + ρ·r_u + ρ′·r_q)·H
///
/// for reads C and positions D, prices λ at the net and μ at the tie, real time R and day ahead D, and the claimed charge a,
/// upstream value u and energy q. Entries in the log's order; nets are independent of one another.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/settlement/audit_context.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/settlement/open_sums.hpp"
#include "common/settlement/surplus.hpp"

namespace kilter::settlement {

struct HomeVerdict {
    PublicKey home;
    Bill bill;  ///< as claimed
    Bill owed;  ///< with its corrections
    bool holds = false;
    std::string fault;            ///< what is wrong; empty when it holds
    std::size_t substituted = 0;  ///< intervals that were not measured
};

struct NetVerdict {
    NetId net;
    std::vector<HomeVerdict> homes;  ///< every home with a bill or a read of the period
    OpenSums::Result reads;
    OpenSums::Result positions;
    std::uint64_t commitments = 0;  ///< that were weighted
};

class NetAudit {
  public:
    /// `context` is complete and must outlive this. `challenge`: e.g. the log's root at its end.
    NetAudit(const AuditContext& context, NetId net, const Digest& challenge);

    /// Of this net, by this author.
    void add(const PublicKey& author, const MeterReads& reads);
    void add(const PublicKey& author, const Position& position);

    /// REQUIRES: everything was added.
    [[nodiscard]] NetVerdict finish() const;

  private:
    /// What one Wh of a read or a position weighs in an interval; nothing: it has no price.
    struct Weights {
        bool priced = false;
        crypto::Scalar read;
        crypto::Scalar position;
    };

    struct Account {
        const BillClaim* claim = nullptr;
        crypto::Point sum;
        std::size_t reads = 0;
        std::size_t substituted = 0;
        std::set<IntervalIndex> days;  ///< ends of days with its position
        std::map<IntervalIndex, crypto::Point>
            replaced;  ///< first commitments of corrected intervals
        std::string fault;
    };

    [[nodiscard]] Weights weights_of(IntervalIndex interval) const;
    Account& account(const ServicePoint& point);
    void weigh(Account& account, const CommittedSeries& series, bool positions);
    /// Whether this opens to these sums.
    [[nodiscard]] bool opens(const crypto::Point& sum, const Bill& bill) const;
    /// With the newest commitments in place of those that were corrected.
    [[nodiscard]] crypto::Point corrected_sum(const Account& account,
                                              const ServicePoint& point) const;
    [[nodiscard]] std::string fault_of(const Account& account,
                                       const ServicePoint& point,
                                       const Result<Bill>& owed) const;

    const AuditContext& context_;
    NetId net_;
    Digest challenge_;
    crypto::Scalar rho_upstream_;
    crypto::Scalar rho_energy_;
    std::vector<Weights> weights_;  ///< per interval of the period
    std::map<ServicePoint, Account> accounts_;
    OpenSums reads_;
    OpenSums positions_;
    std::vector<std::uint64_t> epochs_;  ///< named by the reads of an interval; 0: none yet
    std::uint64_t commitments_ = 0;
};

/// The feeder's settlement from the bills that hold; and whether energies agree: over nets whose every interval opened, the
/// bills' energies are the opened sums.
struct FeederVerdict {
    Settlement settlement;
    std::size_t homes = 0;
    std::vector<std::string> faults;
    std::uint64_t commitments = 0;
    std::size_t opened = 0;  ///< net-intervals whose read sums are proven
    std::size_t closed = 0;
    std::size_t substituted = 0;
    std::size_t corrected = 0;  ///< bills that were
};

/// REQUIRES: all nets of one feeder. `neighbours`: what trades over ties come to. Error: the settlement is out of range.
Result<FeederVerdict> conclude(const std::vector<NetVerdict>& nets,
                               std::vector<NeighbourDue> neighbours = {});
/// Of all trades that bind the log, in this period. Error: as due_of().
Result<std::vector<NeighbourDue>> neighbours_due(const AuditContext& context);

}  // namespace kilter::settlement
