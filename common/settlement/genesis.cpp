#include "common/settlement/genesis.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace kilter::settlement {

namespace {
constexpr std::string_view magic = "kilter genesis 2";
}  // namespace

ChainId Genesis::chain_id() const {
    return ChainId::from(crypto::digest("genesis", encode()).view());
}

Digest Genesis::market_digest() const {
    return crypto::digest("market", market_parameters);
}

governance::Rules Genesis::rules() const {
    governance::Rules out;
    out.market_parameters = market_parameters;
    out.versions = versions;
    out.constitution = governance::Constitution::of_operator(operator_key);
    if (constitution.empty()) return out;
    auto named = governance::Constitution::decode(constitution);
    KILTER_CHECK(named.ok(), "a genesis that was not validated");
    out.constitution = *std::move(named);
    return out;
}

void Genesis::begin_with(std::uint32_t ledger_version) {
    versions.erase(ledger_rule);
    if (ledger_version > 1) versions[ledger_rule] = ledger_version;
}

std::uint32_t newest_ledger() {
    return governance::known_rules().at(ledger_rule);
}

std::uint32_t ledger_version(const governance::KnownRules& versions) {
    const auto found = versions.find(ledger_rule);
    return found == versions.end() ? 1 : found->second;
}

Result<void> Genesis::validate() const {
    if (time_ms < 0) return Error{"genesis: time_ms must not be negative"};
    if (auto valid = validators.validate(); !valid)
        return Error{"genesis: " + valid.error().message};
    if (!crypto::curve_key(operator_key))
        return Error{"genesis: the operator's key is not a valid Ed25519 key"};
    if (!constitution.empty()) {
        const auto named = governance::Constitution::decode(constitution);
        const Result<void> sound = named ? named->check_keys() : named.error();
        if (!sound) return Error{"genesis: " + sound.error().message};
    }
    for (const auto& [rule, version] : versions)
        if (const auto sound = governance::check(governance::SetRule{rule, version}); !sound)
            return Error{"genesis: " + sound.error().message};
    if (encode().size() > limits::genesis_bytes_max)
        return Error{"genesis: the document is too large"};
    return {};
}

Bytes Genesis::encode() const {
    ByteWriter out;
    out.text(magic).i64(time_ms).raw(operator_key.view()).raw(validators.encode());
    out.u32(static_cast<std::uint32_t>(market_parameters.size())).raw(market_parameters);
    out.u32(static_cast<std::uint32_t>(extension.size())).raw(extension);
    if (!constitution.empty() || !versions.empty())
        out.u32(static_cast<std::uint32_t>(constitution.size())).raw(constitution);
    if (versions.empty()) return std::move(out).bytes();
    out.u16(static_cast<std::uint16_t>(versions.size()));
    for (const auto& [rule, version] : versions)
        out.u8(static_cast<std::uint8_t>(rule.size())).text(rule).u32(version);
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
    genesis.market_parameters = to_bytes(in.raw(in.u32()));
    genesis.extension = to_bytes(in.raw(in.u32()));
    if (in.left() > 0) {
        genesis.constitution = to_bytes(in.raw(in.u32()));
        const std::size_t rules = in.left() > 0 ? in.u16() : 0;
        if (genesis.constitution.empty() && rules == 0)
            return Error{"genesis: an empty constitution is left out of the document"};
        for (std::size_t i = 0; i < rules && !in.failed(); ++i) {
            const ByteView name = in.raw(in.u8());
            genesis.versions.emplace(std::string(name.begin(), name.end()), in.u32());
        }
    }
    if (!in.complete())
        return Error{"genesis: the document is cut short or has bytes after its end"};
    if (!std::ranges::equal(genesis.encode(), bytes))
        return Error{"genesis: the document is not in its one form"};
    if (auto valid = genesis.validate(); !valid) return valid.error();
    return genesis;
}

consensus::Config config_of(const Genesis& genesis, const consensus::Parameters& parameters) {
    return {genesis.chain_id(), genesis.validators, parameters, genesis.time_ms};
}

}  // namespace kilter::settlement
