#include "common/consensus/validator_set.hpp"

#include <set>

#include "common/base/limits.hpp"

namespace kilter::consensus {

std::optional<ReplicaIndex> ValidatorSet::index_of(const PublicKey& key) const {
    for (std::size_t i = 0; i < validators.size(); ++i)
        if (validators[i].key == key) return static_cast<ReplicaIndex>(i);
    return std::nullopt;
}

Result<void> ValidatorSet::validate() const {
    if (validators.empty() || validators.size() > limits::replicas_max)
        return Error{"a validator set has 1 to " + std::to_string(limits::replicas_max) +
                     " members, this one has " + std::to_string(validators.size())};
    std::set<PublicKey> keys;
    for (const Validator& validator : validators) {
        if (!keys.insert(validator.key).second)
            return Error{"validator " + short_hex(validator.key.view()) + " is listed twice"};
        if (validator.endpoint.size() > limits::endpoint_bytes_max)
            return Error{"the endpoint of validator " + short_hex(validator.key.view()) +
                         " is too long"};
    }
    return {};
}

Digest ValidatorSet::hash() const {
    return crypto::digest("valset", encode());
}

Bytes ValidatorSet::encode() const {
    ByteWriter out;
    out.u16(static_cast<std::uint16_t>(validators.size()));
    for (const Validator& validator : validators)
        out.raw(validator.key.view())
            .u16(static_cast<std::uint16_t>(validator.endpoint.size()))
            .text(validator.endpoint);
    return std::move(out).bytes();
}

Result<ValidatorSet> ValidatorSet::read(ByteReader& reader) {
    ValidatorSet out;
    const std::size_t count = reader.u16();
    if (count > limits::replicas_max) return Error{"the validator set has too many members"};
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        Validator validator;
        validator.key = reader.fixed<PublicKey>();
        const ByteView endpoint = reader.raw(reader.u16());
        validator.endpoint.assign(endpoint.begin(), endpoint.end());
        out.validators.push_back(std::move(validator));
    }
    if (reader.failed()) return Error{"the validator set is cut short"};
    if (auto valid = out.validate(); !valid) return valid.error();
    return out;
}

}  // namespace kilter::consensus
