#include "common/crypto/sum_mask.hpp"

namespace kilter::crypto {

Result<MaskedOpening> SumMasks::mask(std::int64_t energy_wh,
                                     const Scalar& blinding,
                                     std::span<const PublicKey> keys,
                                     ByteView context) {
    ByteWriter set;
    for (const PublicKey& key : keys)
        set.raw(key.view());
    const Bytes message =
        ByteWriter{}.raw(context).raw(digest("kilter sum set", set.bytes()).view()).bytes();
    MaskedOpening out{static_cast<std::uint64_t>(energy_wh), blinding};
    for (const PublicKey& other : keys) {
        if (other == identity_.public_key()) continue;
        auto found = secrets_.find(other);
        if (found == secrets_.end()) {
            auto shared = identity_.shared_secret(other);
            if (!shared) return shared.error();
            found = secrets_.emplace(other, *shared).first;
        }
        const ByteView secret = found->second.view();
        const Digest energy = keyed_digest("kilter sum e", secret, message);
        const std::uint64_t word = ByteReader(energy.view()).u64();
        const Scalar part = hash_to_scalar("kilter sum r", secret, message);
        const bool lower = identity_.public_key() < other;
        out.energy += lower ? word : ~word + 1;
        out.blinding = lower ? add(out.blinding, part) : subtract(out.blinding, part);
    }
    return out;
}

MaskedOpening add(const MaskedOpening& a, const MaskedOpening& b) {
    return {a.energy + b.energy, add(a.blinding, b.blinding)};
}

}  // namespace kilter::crypto
