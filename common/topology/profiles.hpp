/// Household and PV series of one day, measured or generated: what neighbourhoods are drawn from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::topology {

/// Each series is one day from midnight UTC, 96 quarter hours, mean power per quarter hour.
struct Profiles {
    std::string source;  ///< for people: where the numbers come from, or that they are generated
    bool measured = false;
    std::vector<std::vector<double>> load_kw;  ///< one per household, ≥ 0
    std::vector<std::vector<double>>
        pv_per_kwp;  ///< one per site: kW per kW of rated power, within [0, 1.2]
};

/// Intervals of one profile day.
inline constexpr std::size_t profile_intervals = 96;

/// The measured series of `data_folder`/profiles/open_uk (EPGOxford/OPEN, June 2013, Apache-2.0:
/// 1-minute series of households and PV sites, averaged to quarter hours). Error: names the file
/// and line that is missing or wrong.
Result<Profiles> load_profiles(const std::filesystem::path& data_folder);

/// Invented series, for machines without the data: 100 households with morning and evening peaks,
/// 50 clear to cloudy PV sites. The same on every machine for the same seed.
Profiles generated_profiles(std::uint64_t seed);

/// load_profiles where the data folder (files.hpp) has them, else generated_profiles(seed);
/// `source` says which.
Profiles available_profiles(std::uint64_t seed);

}  // namespace kilter::topology
