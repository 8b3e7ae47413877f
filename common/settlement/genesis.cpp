#include "common/settlement/genesis.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace kilter::settlement {

namespace {
constexpr std::string_view magic = "kilter genesis 1";
constexpr std::size_t enrolled_max = 16'384;
}  // namespace

ChainId Genesis::chain_id() const {
    return ChainId::from(crypto::digest("genesis", encode()).view());
}

Digest Genesis::market_digest() const {
    return crypto::digest("market", market_parameters);
}

std::optional<Role> Genesis::role_of(const PublicKey& key) const {
    const auto found =
        std::lower_bound(enrolled.begin(), enrolled.end(), key,
                         [](const Enrolled& e, const PublicKey& k) { return e.key < k; });
    if (found == enrolled.end() || found->key != key) return std::nullopt;
    return found->role;
}

Result<void> Genesis::validate() const {
    if (time_ms < 0) return Error{"genesis: time_ms must not be negative"};
    if (auto valid = validators.validate(); !valid)
        return Error{"genesis: " + valid.error().message};
    if (enrolled.size() > enrolled_max)
        return Error{"genesis: " + std::to_string(enrolled.size()) +
                     " enrolled keys are more than the allowed " + std::to_string(enrolled_max)};
    for (std::size_t i = 0; i < enrolled.size(); ++i) {
        const std::string name = short_hex(enrolled[i].key.view());
        if (i > 0 && !(enrolled[i - 1].key < enrolled[i].key))
            return Error{"genesis: enrolled keys must be distinct and ascending, " + name +
                         " is not"};
        if (!crypto::curve_key(enrolled[i].key))
            return Error{"genesis: enrolled key " + name + " is not a valid Ed25519 key"};
    }
    for (const consensus::Validator& validator : validators.validators)
        if (role_of(validator.key) != Role::coordinator)
            return Error{"genesis: validator " + short_hex(validator.key.view()) +
                         " is not enrolled as a coordinator"};
    if (!crypto::curve_key(operator_key))
        return Error{"genesis: the operator's key is not a valid Ed25519 key"};
    if (encode().size() > limits::genesis_bytes_max)
        return Error{"genesis: the document is too large"};
    return {};
}

Bytes Genesis::encode() const {
    ByteWriter out;
    out.text(magic).i64(time_ms).raw(operator_key.view()).raw(validators.encode());
    out.u32(static_cast<std::uint32_t>(enrolled.size()));
    for (const Enrolled& party : enrolled)
        out.raw(party.key.view()).u8(static_cast<std::uint8_t>(party.role));
    out.u32(static_cast<std::uint32_t>(market_parameters.size())).raw(market_parameters);
    out.u32(static_cast<std::uint32_t>(extension.size())).raw(extension);
    return std::move(out).bytes();
}

Result<Genesis> Genesis::decode(ByteView bytes) {
    if (bytes.size() > limits::genesis_bytes_max)
        return Error{"genesis: the document is too large"};
    ByteReader in(bytes);
    const ByteView found = in.raw(magic.size());
    if (in.failed() || !std::equal(found.begin(), found.end(), as_bytes(magic).begin()))
        return Error{"this is not a genesis document of this version of kilter"};
    Genesis genesis;
    genesis.time_ms = in.i64();
    genesis.operator_key = in.fixed<PublicKey>();
    Result<consensus::ValidatorSet> validators = consensus::ValidatorSet::read(in);
    if (!validators) return Error{"genesis: " + validators.error().message};
    genesis.validators = *std::move(validators);
    const std::size_t count = in.u32();
    if (count > enrolled_max) return Error{"genesis: too many enrolled keys"};
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        Enrolled party;
        party.key = in.fixed<PublicKey>();
        const std::uint8_t role = in.u8();
        if (role < 1 || role > 2) return Error{"genesis: an enrolled key has an unknown role"};
        party.role = static_cast<Role>(role);
        genesis.enrolled.push_back(party);
    }
    genesis.market_parameters = to_bytes(in.raw(in.u32()));
    genesis.extension = to_bytes(in.raw(in.u32()));
    if (!in.complete())
        return Error{"genesis: the document is cut short or has bytes after its end"};
    if (auto valid = genesis.validate(); !valid) return valid.error();
    return genesis;
}

consensus::Config config_of(const Genesis& genesis, const consensus::Parameters& parameters) {
    return {genesis.chain_id(), genesis.validators, parameters, genesis.time_ms};
}

}  // namespace kilter::settlement
