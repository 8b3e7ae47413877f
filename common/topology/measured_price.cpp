#include "common/topology/measured_price.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "common/topology/files.hpp"

namespace kilter::topology {
namespace {

constexpr std::size_t half_hours = 48;

}  // namespace

// Rows are MID,provider,yyyymmdd,settlement period,price,volume; two providers, of which one trades.
Result<PriceCourse> load_price_course(const std::filesystem::path& data_folder) {
    const auto path = data_folder / "profiles" / "price_gb_mid" / "MID_2018-10-30.csv";
    auto text = read_text_file(path);
    if (!text) return text.error();
    PriceCourse out{"measured: GB market index price of 2018-10-30", {}};
    std::istringstream lines(*text);
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        if (line.rfind("MID,APXMIDP,", 0) != 0) continue;
        std::istringstream fields(line);
        std::vector<std::string> field(5);
        for (std::string& value : field)
            std::getline(fields, value, ',');
        double price = 0;
        const char* end = field[4].data() + field[4].size();
        const auto read = std::from_chars(field[4].data(), end, price);
        if (read.ec != std::errc{} || read.ptr != end || !std::isfinite(price) ||
            field[3] != std::to_string(out.per_mwh.size() + 1))
            return Error{path.string() + ":" + std::to_string(number) +
                         ": expected settlement period " + std::to_string(out.per_mwh.size() + 1) +
                         " and a price; fetch the data again"};
        out.per_mwh.push_back(price);
    }
    if (out.per_mwh.size() != half_hours)
        return Error{path.string() + ": holds " + std::to_string(out.per_mwh.size()) +
                     " half hours instead of 48; fetch the data again"};
    return out;
}

PriceCourse available_price_course() {
    if (const auto folder = data_folder())
        if (auto course = load_price_course(*folder)) return *std::move(course);
    return {};
}

model::Network with_price_course(model::Network network, const PriceCourse& course) {
    auto& own = network.tie.price_eur_per_kwh;
    if (course.per_mwh.empty() || own.empty()) return network;
    const auto [own_low, own_high] = std::minmax_element(own.begin(), own.end());
    const auto [low, high] = std::minmax_element(course.per_mwh.begin(), course.per_mwh.end());
    if (*own_high <= *own_low || *high <= *low) return network;
    const double scale = (*own_high - *own_low) / (*high - *low);
    const double floor = *own_low;
    for (std::size_t t = 0; t < own.size(); ++t)
        own[t] = floor + scale * (course.per_mwh[t * course.per_mwh.size() / own.size()] - *low);
    return network;
}

}  // namespace kilter::topology
