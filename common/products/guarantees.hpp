/// Guarantees of origin and carbon per kWh, rule "guarantees" version 1.
///
/// For every interval what homes feed in is issued as certificates of that source, and what everybody consumes is supplied by
/// the cleared flows: from the feeder's own production first, in proportion to consumption, the rest from the grid above with
/// its carbon. What the feeder exports carries its certificates away in the same proportion as what stays. So a kWh has one
/// origin, its carbon follows it, and certificates = production, Wh by Wh.
///
/// A certificate is a number of Wh of one source and interval with an owner. It can be split, transferred, and retired once:
/// a retired one is nobody's any more.
#pragma once

#include <map>

#include "common/base/result.hpp"
#include "common/products/transfer.hpp"

namespace kilter::products {

struct Origin {
    Account producer;
    std::int64_t interval = 0;
    std::int64_t gram_co2_per_kwh = 0;
    auto operator<=>(const Origin&) const = default;
};

struct ProducedEnergy {
    Account producer;
    Wh produced_wh = 0;  ///< >= 0, fed in
    std::int64_t gram_co2_per_kwh = 0;
};

struct ConsumedEnergy {
    Account account;
    Wh consumed_wh = 0;  ///< >= 0
};

struct OriginInterval {
    std::int64_t interval = 0;
    std::vector<ProducedEnergy> produced;
    std::vector<ConsumedEnergy> consumed;
    Account export_account;                  ///< who takes what leaves the feeder
    std::int64_t grid_gram_co2_per_kwh = 0;  ///< of what comes from above
};

struct Footprint {
    Account account;
    Wh local_wh = 0;
    Wh grid_wh = 0;
    std::int64_t milligram_co2 = 0;
};

struct Certified {
    /// Who gets how much of which origin: consumers their local part, the export account the rest.
    std::map<Account, std::map<Origin, Wh>> issued;
    std::vector<Footprint> footprints;  ///< per consumer
};

/// REQUIRES: energies >= 0.
Certified certify(const OriginInterval& interval);

/// Who owns which certificates, and what was retired for whom.
class CertificateBook {
  public:
    /// Error: an origin of it was issued before; nothing has changed.
    Result<void> issue(const Certified& certified);
    /// What was issued should have been something else. Whoever no longer has what is taken back owes it: its holding is
    /// below zero until it gets as much again.
    void correct(const Certified& issued, const Certified& should_be);

    /// Error: the owner has not that much of this origin.
    Result<void> transfer(const Account& from,
                          const Account& to,
                          const Origin& origin,
                          Wh energy_wh);
    /// For good: it leaves circulation in the owner's name.
    Result<void> retire(const Account& owner, const Origin& origin, Wh energy_wh);

    /// Below zero: owed.
    [[nodiscard]] Wh owned(const Account& owner, const Origin& origin) const;
    [[nodiscard]] Wh retired(const Account& owner, const Origin& origin) const;

    /// In circulation and retired together: what was ever issued.
    [[nodiscard]] Wh issued(const Origin& origin) const;

    bool operator==(const CertificateBook&) const = default;

  private:
    using Holdings = std::map<Account, std::map<Origin, Wh>>;
    static Result<void> take(Holdings& holdings,
                             const Account& owner,
                             const Origin& origin,
                             Wh energy_wh);

    Holdings owned_;
    Holdings retired_;
};

}  // namespace kilter::products
