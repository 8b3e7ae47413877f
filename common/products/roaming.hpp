/// Charging away from home, rule "roaming" version 1: a car charges at somebody else's connection and its owner pays. The
/// host's read holds the car's energy; the session's record, signed by both, says how much of each interval was the car's.
///
/// The host is billed as read, and the owner makes it whole: per interval the car's energy at the price of the host's net,
/// plus the host's fee per kWh. The car cannot have taken more than was read there.
#pragma once

#include "common/base/result.hpp"
#include "common/products/transfer.hpp"

namespace kilter::products {

struct RoamingInterval {
    Wh host_read_wh = 0;  ///< positive = import; may be below the car's energy if the host fed in
    Wh host_feed_in_wh = 0;                    ///< behind the meter and metered apart, >= 0
    Wh car_wh = 0;                             ///< >= 0
    std::int64_t price_micro_eur_per_kwh = 0;  ///< of the host's net
};

struct RoamingSession {
    Account host;
    Account owner;
    std::int64_t fee_micro_eur_per_kwh = 0;
    std::vector<RoamingInterval> intervals;
};

struct Roamed {
    Wh energy_wh = 0;
    MicroEur energy_micro_eur = 0;
    MicroEur fee_micro_eur = 0;
    Transfers transfers;
};

/// Error: an interval in which the car would have taken more than went through the host's meter.
Result<Roamed> settle_roaming(const RoamingSession& session);

}  // namespace kilter::products
