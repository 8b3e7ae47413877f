/// From the market's floating point to the ledger's integers, and a session's name as bytes. One
/// place, so that every member signs the same numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/market/session.hpp"

namespace kilter::market {

/// "kilter session" | chain | interval | opening: what masks and salts of one session are derived
/// from.
Bytes session_bytes(ByteView chain, const SessionId& session);

/// Price = dual / interval length, in micro-EUR/kWh, rounded to nearest (halves away from zero).
std::vector<std::int64_t> prices_micro_eur_per_kwh(const model::Series& y_eur_per_kw,
                                                   double interval_h);

/// Consumption per interval in Wh, rounded likewise; positive = import.
std::vector<std::int64_t> energies_wh(const model::Series& schedule_kw, double interval_h);

/// Whether every price is one a market can have: at most limits::price_eur_per_kwh_max either way.
bool plausible_prices(const model::Series& y_eur_per_kw, double interval_h);

/// "converged", "partial", "excluded", "abandoned".
const char* name_of(Outcome outcome);

/// "interval/opening", for people.
std::string name_of(const SessionId& session);

}  // namespace kilter::market
