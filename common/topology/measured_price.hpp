/// A measured course of the price at the tie: the day a wholesale market really had, at the level of a feeder's own file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/model/network.hpp"

namespace kilter::topology {

/// One day of wholesale prices from midnight UTC, as measured.
struct PriceCourse {
    std::string source;  ///< for people
    std::vector<double>
        per_mwh;  ///< half hours, in the market's currency; empty: nothing measured here
};

/// The half-hourly market index prices of 30 October 2018 in `data_folder`/profiles/price_gb_mid (Elexon/APX through
/// EPGOxford/OPEN, Apache-2.0; a day on which British time was UTC). Error: names the file and line.
Result<PriceCourse> load_price_course(const std::filesystem::path& data_folder);

/// load_price_course where the data folder (files.hpp) has it, else an empty course.
PriceCourse available_price_course();

/// The network with that course at its tie, mapped so that lowest and highest price are those of the network's own
/// series. Unchanged for an empty course, or where the network's own price never changes.
model::Network with_price_course(model::Network network, const PriceCourse& course);

}  // namespace kilter::topology
