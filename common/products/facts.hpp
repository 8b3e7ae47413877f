/// What products are derived from: integers with a kind, a name and an interval. Everything else follows, so a mistake is
/// always some of these, and a correction is other values for them.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::products {

// The numbers are in correction documents: never reused.
enum class FactKind : std::uint8_t {
    read_wh = 1,         ///< of a home, positive = import
    scheduled_wh = 2,    ///< of a home, cleared
    price = 3,           ///< of a net, micro-EUR/kWh
    read_varh = 4,       ///< of a home
    requested_varh = 5,  ///< of a home
    called_wh = 6,       ///< of a home: demand response
    band_wh = 7,         ///< of a home: flexibility offered
    activated_wh = 8,    ///< "pool": of the bands together
    held_wh = 9,         ///< of a home: reserve
    need_wh = 10,        ///< "alert": > 0 is an alert
    car_wh = 11,         ///< of a host: what a guest's car took
    tariff = 12,         ///< by name, from this interval on
    rule = 13,           ///< version of a rule, from this interval on
};

inline constexpr std::uint8_t fact_kinds = 13;

/// "read_wh", ...
const char* name_of(FactKind kind);
Result<FactKind> fact_kind_named(const std::string& name);

struct Fact {
    FactKind kind{};
    std::string name;
    std::int64_t interval = 0;
    std::int64_t value = 0;
    auto operator<=>(const Fact&) const = default;
};

class Facts {
  public:
    /// Replaces what was there.
    void set(const Fact& fact);

    /// 0 when nobody has said anything.
    [[nodiscard]] std::int64_t at(FactKind kind,
                                  const std::string& name,
                                  std::int64_t interval) const;
    /// The newest that is not after this interval; `otherwise` before the first.
    [[nodiscard]] std::int64_t since(FactKind kind,
                                     const std::string& name,
                                     std::int64_t interval,
                                     std::int64_t otherwise = 0) const;

    [[nodiscard]] std::int64_t tariff(const std::string& name, std::int64_t interval) const {
        return since(FactKind::tariff, name, interval);
    }

    [[nodiscard]] std::size_t size() const { return count_; }

    bool operator==(const Facts&) const = default;

  private:
    using Series = std::map<std::int64_t, std::int64_t>;
    std::map<std::pair<FactKind, std::string>, Series> series_;
    std::size_t count_ = 0;
};

}  // namespace kilter::products
