#include "common/settlement/surplus.hpp"

#include <algorithm>
#include <limits>

#include "common/base/wide.hpp"
#include "common/settlement/metering.hpp"

namespace kilter::settlement {

namespace {
constexpr std::int64_t nano_per_micro = 1'000;

template <class Integer>
Integer rounded_down(Integer nano) {
    const Integer micro = nano / nano_per_micro;
    return nano % nano_per_micro < 0 ? micro - 1 : micro;
}

bool fits(Wide value) {
    return value >= std::numeric_limits<std::int64_t>::min() &&
           value <= std::numeric_limits<std::int64_t>::max();
}
}  // namespace

Result<Settlement> settle(std::vector<std::pair<PublicKey, Bill>> bills) {
    std::sort(bills.begin(), bills.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    Settlement out;
    Wide charged = 0;
    Wide upstream_nano = 0;
    Wide energy = 0;
    for (const auto& [home, bill] : bills) {
        const std::int64_t charge = rounded_down(bill.charge_nano_eur.value);
        out.homes.push_back({home, charge, 0, 0});
        charged += charge;
        upstream_nano += bill.upstream_nano_eur.value;
        energy += bill.energy_wh.value;
    }
    const Wide upstream = rounded_down(upstream_nano);
    if (!fits(charged) || !fits(upstream) || !fits(charged - upstream) || !fits(energy))
        return Error{"the sums of these bills are beyond what a settlement can hold"};
    out.upstream_micro_eur = static_cast<std::int64_t>(upstream);
    out.surplus_micro_eur = static_cast<std::int64_t>(charged - upstream);
    out.energy_wh = static_cast<std::int64_t>(energy);
    if (out.homes.empty()) return out;
    const auto parts = even_parts(out.surplus_micro_eur, out.homes.size());
    for (std::size_t i = 0; i < out.homes.size(); ++i) {
        out.homes[i].surplus_micro_eur = parts[i];
        out.homes[i].due_micro_eur = out.homes[i].charge_micro_eur - parts[i];
    }
    return out;
}

}  // namespace kilter::settlement
