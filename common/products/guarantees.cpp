#include "common/products/guarantees.hpp"

#include <algorithm>

namespace kilter::products {

namespace {

Wh held(const std::map<Account, std::map<Origin, Wh>>& holdings,
        const Account& owner,
        const Origin& origin) {
    const auto of_owner = holdings.find(owner);
    if (of_owner == holdings.end()) return 0;
    const auto of_origin = of_owner->second.find(origin);
    return of_origin == of_owner->second.end() ? 0 : of_origin->second;
}

}  // namespace

Certified certify(const OriginInterval& interval) {
    Certified out;
    std::vector<std::int64_t> consumed;
    Wh demand = 0;
    Wh production = 0;
    for (const ConsumedEnergy& one : interval.consumed) {
        KILTER_CHECK(one.consumed_wh >= 0, "a negative consumption");
        consumed.push_back(one.consumed_wh);
        demand += one.consumed_wh;
    }
    for (const ProducedEnergy& one : interval.produced) {
        KILTER_CHECK(one.produced_wh >= 0, "a negative production");
        production += one.produced_wh;
    }
    const Wh local = std::min(demand, production);
    auto local_parts = share_out(local, consumed);
    for (std::size_t i = 0; i < consumed.size(); ++i)
        out.footprints.push_back({interval.consumed[i].account, local_parts[i],
                                  consumed[i] - local_parts[i],
                                  (consumed[i] - local_parts[i]) * interval.grid_gram_co2_per_kwh});
    // Every source is shared out over what consumers still lack and what is exported, so that both
    // sides' sums are exact.
    std::vector<std::int64_t> lacking = local_parts;
    lacking.push_back(production - local);
    for (const ProducedEnergy& source : interval.produced) {
        const Origin origin{source.producer, interval.interval, source.gram_co2_per_kwh};
        const auto parts = share_out_within(source.produced_wh, lacking, lacking);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            lacking[i] -= parts[i];
            if (parts[i] == 0) continue;
            const bool leaves = i == consumed.size();
            out.issued[leaves ? interval.export_account : interval.consumed[i].account][origin] +=
                parts[i];
            if (!leaves) out.footprints[i].milligram_co2 += parts[i] * source.gram_co2_per_kwh;
        }
    }
    return out;
}

Result<void> CertificateBook::issue(const Certified& certified) {
    for (const auto& [owner, origins] : certified.issued)
        for (const auto& [origin, energy_wh] : origins)
            if (issued(origin) != 0)
                return Error{"guarantees: the production of " + origin.producer + " in interval " +
                             std::to_string(origin.interval) + " has its certificates already"};
    correct({}, certified);
    return {};
}

void CertificateBook::correct(const Certified& issued, const Certified& should_be) {
    const auto add = [&](const Certified& certified, Wh sign) {
        for (const auto& [owner, origins] : certified.issued)
            for (const auto& [origin, energy_wh] : origins) {
                auto& of_owner = owned_[owner];
                if ((of_owner[origin] += sign * energy_wh) == 0) of_owner.erase(origin);
            }
    };
    add(should_be, 1);
    add(issued, -1);
    std::erase_if(owned_, [](const auto& one) { return one.second.empty(); });
}

Result<void> CertificateBook::take(Holdings& holdings,
                                   const Account& owner,
                                   const Origin& origin,
                                   Wh energy_wh) {
    const Wh there = held(holdings, owner, origin);
    if (energy_wh <= 0 || energy_wh > there)
        return Error{"guarantees: " + owner + " has " + std::to_string(there) +
                     " Wh of this origin, not " + std::to_string(energy_wh)};
    auto& of_owner = holdings[owner];
    if ((of_owner[origin] -= energy_wh) == 0) of_owner.erase(origin);
    if (of_owner.empty()) holdings.erase(owner);
    return {};
}

Result<void> CertificateBook::transfer(const Account& from,
                                       const Account& to,
                                       const Origin& origin,
                                       Wh energy_wh) {
    if (auto taken = take(owned_, from, origin, energy_wh); !taken) return taken;
    auto& of_receiver = owned_[to];
    if ((of_receiver[origin] += energy_wh) == 0) of_receiver.erase(origin);
    if (of_receiver.empty()) owned_.erase(to);
    return {};
}

Result<void> CertificateBook::retire(const Account& owner, const Origin& origin, Wh energy_wh) {
    if (auto taken = take(owned_, owner, origin, energy_wh); !taken) return taken;
    retired_[owner][origin] += energy_wh;
    return {};
}

Wh CertificateBook::owned(const Account& owner, const Origin& origin) const {
    return held(owned_, owner, origin);
}

Wh CertificateBook::retired(const Account& owner, const Origin& origin) const {
    return held(retired_, owner, origin);
}

Wh CertificateBook::issued(const Origin& origin) const {
    Wh sum = 0;
    for (const Holdings* holdings : {&owned_, &retired_})
        for (const auto& [owner, origins] : *holdings)
            sum += held(*holdings, owner, origin);
    return sum;
}

}  // namespace kilter::products
