#include "common/products/facts.hpp"

namespace kilter::products {

namespace {
constexpr const char* fact_names[] = {
    "read_wh",   "scheduled_wh", "price",        "read_varh", "requested_varh",
    "called_wh", "band_wh",      "activated_wh", "held_wh",   "need_wh",
    "car_wh",    "tariff",       "rule"};
}  // namespace

const char* name_of(FactKind kind) {
    return fact_names[static_cast<std::size_t>(kind) - 1];
}

Result<FactKind> fact_kind_named(const std::string& name) {
    for (std::uint8_t i = 1; i <= fact_kinds; ++i)
        if (name == fact_names[i - 1]) return static_cast<FactKind>(i);
    return Error{"there is no kind of fact \"" + name + "\""};
}

void Facts::set(const Fact& fact) {
    if (series_[{fact.kind, fact.name}].insert_or_assign(fact.interval, fact.value).second)
        ++count_;
}

std::int64_t Facts::at(FactKind kind, const std::string& name, std::int64_t interval) const {
    const auto series = series_.find({kind, name});
    if (series == series_.end()) return 0;
    const auto found = series->second.find(interval);
    return found == series->second.end() ? 0 : found->second;
}

std::int64_t Facts::since(FactKind kind,
                          const std::string& name,
                          std::int64_t interval,
                          std::int64_t otherwise) const {
    const auto series = series_.find({kind, name});
    if (series == series_.end()) return otherwise;
    const auto after = series->second.upper_bound(interval);
    return after == series->second.begin() ? otherwise : std::prev(after)->second;
}

}  // namespace kilter::products
