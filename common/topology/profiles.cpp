#include "common/topology/profiles.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string_view>

#include "common/base/prng.hpp"
#include "common/topology/files.hpp"

namespace kilter::topology {
namespace {

/// kW per kWp in the best quarter hour of a June day: what measured shapes are scaled to.
constexpr double best_quarter_kw_per_kwp = 0.85;
constexpr std::size_t minutes = 1'440;
constexpr std::size_t minutes_per_interval = minutes / profile_intervals;

/// Splits off the part before the next `separator`.
std::string_view take(std::string_view& rest, char separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return out;
}

/// A table of 1440 minutes: a header row and an index column, then one column per series.
/// Quarter-hour means.
Result<std::vector<std::vector<double>>> read_minutes(const std::filesystem::path& path) {
    auto text = read_text_file(path);
    if (!text) return text.error();
    std::string_view rest = *text;
    const std::string_view header = take(rest, '\n');
    const auto columns = static_cast<std::size_t>(std::count(header.begin(), header.end(), ','));
    std::vector<std::vector<double>> series(columns, std::vector<double>(profile_intervals, 0.0));
    for (std::size_t minute = 0; minute < minutes; ++minute) {
        std::string_view line = take(rest, '\n');
        const auto wrong = [&](const std::string& what) {
            return Error{path.string() + ":" + std::to_string(minute + 2) + ": " + what +
                         "; expected 1440 rows of an index and " + std::to_string(columns) +
                         " numbers"};
        };
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (line.empty()) return wrong("the file ends after " + std::to_string(minute) + " rows");
        if (static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) != columns)
            return wrong("wrong number of columns");
        take(line, ',');
        for (std::size_t column = 0; column < columns; ++column) {
            const std::string_view field = take(line, ',');
            double value = 0;
            const auto read = std::from_chars(field.data(), field.data() + field.size(), value);
            if (read.ec != std::errc{} || read.ptr != field.data() + field.size() ||
                !std::isfinite(value) || value < 0)
                return wrong("column " + std::to_string(column + 2) + " is \"" +
                             std::string(field) + "\", which is no number of at least 0");
            series[column][minute / minutes_per_interval] +=
                value / static_cast<double>(minutes_per_interval);
        }
    }
    return series;
}

/// A bump of height 1 at `hour`, `width` hours wide, on the 24-hour circle.
double bump(double at, double hour, double width) {
    const double distance = std::remainder(at - hour, 24.0) / width;
    return std::exp(-distance * distance);
}

}  // namespace

Result<Profiles> load_profiles(const std::filesystem::path& data_folder) {
    const std::filesystem::path folder = data_folder / "profiles" / "open_uk";
    auto load = read_minutes(folder / "Loads_1min_2013JUN.csv");
    if (!load) return load.error();
    auto pv = read_minutes(folder / "PVpu_1min_2013JUN.csv");
    if (!pv) return pv.error();
    Profiles profiles;
    profiles.source = "measured: EPGOxford/OPEN households and PV sites, one day of June 2013";
    profiles.measured = true;
    profiles.load_kw = std::move(*load);
    // Half of the sites report nothing, and the others' ratings are not in the data (values pass 2
    // "per unit"): only their shape is used.
    for (std::vector<double>& site : *pv) {
        const double best = *std::max_element(site.begin(), site.end());
        if (best < 0.05) continue;
        for (double& value : site)
            value *= best_quarter_kw_per_kwp / best;
        profiles.pv_per_kwp.push_back(std::move(site));
    }
    if (profiles.load_kw.empty() || profiles.pv_per_kwp.empty())
        return Error{folder.string() + ": the files hold no series; fetch the data again"};
    return profiles;
}

Profiles generated_profiles(std::uint64_t seed) {
    Prng random(seed ^ 0x70726f66696c6573ULL);
    Profiles profiles;
    profiles.source = "generated, not measured (seed " + std::to_string(seed) + ")";
    const double interval_h = 24.0 / static_cast<double>(profile_intervals);
    for (int household = 0; household < 100; ++household) {
        const double base = random.uniform(0.12, 0.3);
        const double morning = random.uniform(0.05, 0.35);
        const double evening = random.uniform(0.1, 0.6);
        const double morning_hour = random.uniform(6.5, 9);
        const double evening_hour = random.uniform(17, 22);
        std::vector<double> day(profile_intervals);
        for (std::size_t t = 0; t < day.size(); ++t) {
            const double hour = (static_cast<double>(t) + 0.5) * interval_h;
            const double kettle = random.chance(0.06) ? random.uniform(0.3, 1.5) : 0;
            day[t] = (base + morning * bump(hour, morning_hour, 1.2) +
                      evening * bump(hour, evening_hour, 2)) *
                         random.uniform(0.85, 1.15) +
                     kettle;
        }
        profiles.load_kw.push_back(std::move(day));
    }
    for (int site = 0; site < 50; ++site) {
        const double clear = random.uniform(0.6, 0.9);
        const double noon = random.uniform(11.5, 13.5);
        std::vector<double> day(profile_intervals);
        for (std::size_t t = 0; t < day.size(); ++t) {
            const double hour = (static_cast<double>(t) + 0.5) * interval_h;
            const double sun = std::max(0.0, std::cos((hour - noon) * std::numbers::pi / 16));
            const double cloud = random.chance(0.15) ? random.uniform(0.4, 0.9) : 1;
            day[t] = clear * std::pow(sun, 1.5) * cloud;
        }
        profiles.pv_per_kwp.push_back(std::move(day));
    }
    return profiles;
}

Profiles available_profiles(std::uint64_t seed) {
    if (const auto folder = data_folder()) {
        auto measured = load_profiles(*folder);
        if (measured) return *std::move(measured);
    }
    return generated_profiles(seed);
}

}  // namespace kilter::topology
