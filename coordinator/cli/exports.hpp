/// Bills and settlements in the forms that other programs read.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/settlement/bid_curve.hpp"
#include "common/settlement/home_account.hpp"
#include "common/settlement/metering.hpp"
#include "common/settlement/net_audit.hpp"

namespace kilter::cli {

/// One row per interval. Columns: interval, starts_utc, import_wh, export_wh, quality, position_wh, the four prices in
/// micro-EUR/kWh, charge_nano_eur.
std::string bill_csv(const std::vector<settlement::BillLine>& lines,
                     const std::map<IntervalIndex, settlement::MeteredInterval>& reads,
                     std::int64_t interval_s);

/// Green Button, "Download My Data": NAESB ESPI 1.1 in an Atom feed: a usage point with a meter reading each for what was
/// delivered to the home and what was received from it, in Wh, with the quality of every interval; and a usage summary with
/// the bill. `id` names the service point: a UUID in hex.
std::string green_button_xml(const std::string& id,
                             const std::vector<settlement::BillLine>& lines,
                             const std::map<IntervalIndex, settlement::MeteredInterval>& reads,
                             std::int64_t due_micro_eur,
                             std::int64_t interval_s,
                             std::int64_t updated_ms);

/// One row per home: key, first interval, intervals, energy_wh, charge, surplus and due in micro-EUR, and whether it holds.
std::string settlement_csv(const settlement::FeederVerdict& verdict,
                           const std::vector<settlement::NetVerdict>& nets);

/// Proven sums of nets per interval, where at least `floor` homes are behind one; what nets with fewer consumed is given for
/// all of them together, if they reach the floor. Columns: interval, net (or "others"), homes, energy_wh.
std::string aggregates_csv(const std::vector<settlement::NetVerdict>& nets,
                           IntervalIndex first,
                           std::size_t floor);

/// The feeder's day-ahead bid per UTC hour of the day, from the proven sums of positions in the period: "up to this price it
/// takes so much in a quarter hour". Only points behind which as many homes are as behind any, and at least `floor`, count.
/// Columns: hour_utc, price_micro_eur_per_kwh, energy_wh, points, homes.
std::string bids_csv(const std::vector<settlement::NetVerdict>& nets,
                     const settlement::PriceBook& prices,
                     std::size_t floor);

nlohmann::ordered_json bill_json(const settlement::Bill& bill);

}  // namespace kilter::cli
