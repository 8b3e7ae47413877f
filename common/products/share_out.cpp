#include "common/products/share_out.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace kilter::products {

namespace {

std::int64_t narrow(Wide value) {
    KILTER_CHECK(value >= std::numeric_limits<std::int64_t>::min() &&
                     value <= std::numeric_limits<std::int64_t>::max(),
                 "an amount beyond 64 bits");
    return static_cast<std::int64_t>(value);
}

}  // namespace

MicroEur charge(Wh energy_wh, std::int64_t price_micro_eur_per_kwh) {
    const Wide milli = Wide{energy_wh} * price_micro_eur_per_kwh;
    return narrow((milli + (milli < 0 ? -500 : 500)) / 1000);
}

std::int64_t muldiv(std::int64_t a, std::int64_t b, std::int64_t c) {
    KILTER_CHECK(c > 0, "muldiv divides by what is not positive");
    return narrow(Wide{a} * b / c);
}

std::vector<std::int64_t> share_out(std::int64_t total, std::span<const std::int64_t> weights) {
    std::vector<std::int64_t> parts(weights.size(), 0);
    Wide sum = 0;
    for (const std::int64_t weight : weights) {
        KILTER_CHECK(weight >= 0, "a negative weight");
        sum += weight;
    }
    if (sum == 0 || total == 0) return parts;
    const Wide amount = total < 0 ? -Wide{total} : Wide{total};
    std::vector<Wide> remainder(weights.size());
    Wide left = amount;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const Wide product = amount * weights[i];
        parts[i] = narrow(product / sum);
        remainder[i] = product % sum;
        left -= parts[i];
    }
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
    for (std::size_t i = 0; left > 0; ++i, --left)
        ++parts[order[i]];
    if (total < 0)
        for (std::int64_t& part : parts)
            part = -part;
    return parts;
}

std::vector<std::int64_t> share_out_within(std::int64_t total,
                                           std::span<const std::int64_t> weights,
                                           std::span<const std::int64_t> bounds) {
    KILTER_CHECK(total >= 0 && bounds.size() == weights.size(), "nothing to share out within");
    std::vector<std::int64_t> parts(weights.size(), 0);
    for (std::int64_t left = total; left > 0;) {
        std::vector<std::int64_t> open(weights.size(), 0);
        for (std::size_t i = 0; i < weights.size(); ++i)
            if (parts[i] < bounds[i]) open[i] = weights[i];
        const auto offered = share_out(left, open);
        std::int64_t placed = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const std::int64_t taken = std::min(offered[i], bounds[i] - parts[i]);
            parts[i] += taken;
            placed += taken;
        }
        if (placed == 0) break;
        left -= placed;
    }
    return parts;
}

}  // namespace kilter::products
