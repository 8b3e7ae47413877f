/// The document a log starts from. Its digest is the chain id, so whoever knows the chain id knows
/// all of this.
#pragma once

#include "common/consensus/replica.hpp"
#include "common/governance/known_rules.hpp"

namespace kilter::settlement {

using consensus::ChainId;
using consensus::Digest;
using consensus::PublicKey;

/// The rule that the ledger itself is (ledger.hpp).
inline constexpr const char* ledger_rule = "ledger";

/// Its newest version that this program knows: what new logs begin with.
std::uint32_t newest_ledger();
/// The one among these versions of rules; 1 where none was set.
std::uint32_t ledger_version(const governance::KnownRules& versions);

struct Genesis {
    UnixMs time_ms = 0;                  ///< no block is earlier
    PublicKey operator_key;              ///< signs changes of the roster: who may trade
    consensus::ValidatorSet validators;  ///< the coordinators that order the log, with endpoints
    Bytes market_parameters;             ///< market::Parameters::encode(), opaque here
    Bytes constitution;  ///< governance::Constitution::encode(); empty: the operator decides alone
    governance::KnownRules
        versions;     ///< of rules that begin above version 1; empty in old documents
    Bytes extension;  ///< opaque to the log, e.g. a digest of the topology; may be empty

    /// H("genesis", encode()).
    [[nodiscard]] ChainId chain_id() const;
    [[nodiscard]] Digest market_digest() const;
    /// What is in force before anything was decided. REQUIRES: validate().
    [[nodiscard]] governance::Rules rules() const;

    /// The error names what is wrong.
    [[nodiscard]] Result<void> validate() const;
    [[nodiscard]] Bytes encode() const;
    /// Strict and total; what decodes is valid and re-encodes to itself.
    static Result<Genesis> decode(ByteView bytes);

    /// The version of the ledger's own rule that the log begins with.
    void begin_with(std::uint32_t ledger_version);

    bool operator==(const Genesis&) const = default;
};

/// The replica's configuration that follows from a genesis.
consensus::Config config_of(const Genesis& genesis, const consensus::Parameters& parameters = {});

}  // namespace kilter::settlement
