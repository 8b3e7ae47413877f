#include "common/crypto/pedersen.hpp"

namespace kilter::crypto {

const Point& blinding_generator() {
    static const Point h = hash_to_point("kilter pedersen", as_bytes("blinding"));
    return h;
}

Point commit(const Opening& opening) {
    return add(multiply_base(opening.energy), multiply(opening.blinding, blinding_generator()));
}

Point commit(std::int64_t energy_wh, const Scalar& blinding) {
    return commit({scalar_of(energy_wh), blinding});
}

Point weighted_sum(std::span<const Scalar> weights, std::span<const Point> points) {
    KILTER_CHECK(weights.size() == points.size(), "every point has one weight");
    Point out;
    for (std::size_t t = 0; t < points.size(); ++t)
        if (!weights[t].is_zero() && !points[t].is_zero())
            out = add(out, multiply(weights[t], points[t]));
    return out;
}

}  // namespace kilter::crypto
