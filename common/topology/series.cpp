#include "common/topology/series.hpp"

#include "common/base/number.hpp"

namespace kilter::topology {

std::vector<double> read_daily(TomlTable table,
                               std::string_view key,
                               Range range,
                               std::int64_t interval_s) {
    const std::vector<double> given = table.required<std::vector<double>>(key, range);
    const auto intervals = static_cast<std::size_t>(day_s / interval_s);
    if (given.empty() || intervals % given.size() != 0) {
        if (table.has(key))
            table.fail(key, std::string(key) + " has " + std::to_string(given.size()) +
                                " numbers; give one per hour (24) or one per interval (" +
                                std::to_string(intervals) + ")");
        return std::vector<double>(intervals);
    }
    std::vector<double> daily(intervals);
    for (std::size_t t = 0; t < intervals; ++t)
        daily[t] = given[t * given.size() / intervals];
    return daily;
}

void read_tie(TomlTable table, model::Tie& tie, std::int64_t interval_s) {
    tie.import_max_kw =
        table.optional<double>("import_max_kw", tie.import_max_kw, Range::not_negative());
    tie.export_max_kw =
        table.optional<double>("export_max_kw", tie.export_max_kw, Range::not_negative());
    tie.slope_eur_per_kwh_kw =
        table.optional<double>("slope_eur_per_kwh_kw", 0, Range::not_negative());
    tie.price_eur_per_kwh = read_daily(table, "price_eur_per_kwh", Range::any(), interval_s);
}

}  // namespace kilter::topology
