#include "common/market/clearing.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/limits.hpp"

namespace kilter::market {

namespace {

std::vector<std::int64_t> rounded(const model::Series& values, double factor) {
    std::vector<std::int64_t> out;
    out.reserve(static_cast<std::size_t>(values.size()));
    for (const double value : values)
        out.push_back(std::llround(value * factor));
    return out;
}

}  // namespace

Bytes session_bytes(ByteView chain, const SessionId& session) {
    return ByteWriter{}
        .text("kilter session")
        .raw(chain)
        .i64(session.interval)
        .u32(session.opening)
        .bytes();
}

std::vector<std::int64_t> prices_micro_eur_per_kwh(const model::Series& y_eur_per_kw,
                                                   double interval_h) {
    return rounded(y_eur_per_kw, 1e6 / interval_h);
}

std::vector<std::int64_t> energies_wh(const model::Series& schedule_kw, double interval_h) {
    return rounded(schedule_kw, 1e3 * interval_h);
}

bool plausible_prices(const model::Series& y_eur_per_kw, double interval_h) {
    const double most = limits::price_eur_per_kwh_max * interval_h;
    return std::all_of(y_eur_per_kw.begin(), y_eur_per_kw.end(),
                       [most](double y) { return std::abs(y) <= most; });
}

const char* name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::converged:
            return "converged";
        case Outcome::partial:
            return "partial";
        case Outcome::excluded:
            return "excluded";
        case Outcome::abandoned:
            return "abandoned";
    }
    return "unknown";
}

std::string name_of(const SessionId& session) {
    return std::to_string(session.interval) + "/" + std::to_string(session.opening);
}

}  // namespace kilter::market
