/// What a home's gateway is created with: who it is, on which log, under which agreed parameters. The parameters change
/// between sessions when the docket says so, the coordinators when an epoch of the log ends; nothing else does.
#pragma once

#include <optional>
#include <string>

#include "common/consensus/light_client.hpp"
#include "common/crypto/identity.hpp"
#include "common/market/parameters.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::agent {

struct Charter {
    const crypto::Identity& identity;  ///< must outlive the charter
    settlement::Genesis genesis;
    market::Parameters parameters;     ///< in force: at first genesis', decoded
    crypto::Digest parameters_digest;  ///< what openings must name
    crypto::Digest chain;              ///< names the log in messages
    consensus::EpochTable epochs;      ///< of the log, as far as proved to this home

    /// Error: parameters invalid.
    static Result<Charter> create(const crypto::Identity& identity, settlement::Genesis genesis);

    /// Other parameters from the next session on. REQUIRES: decided by the log, so valid.
    void follow(const Bytes& market_parameters);

    /// Length of a market interval in hours: what lies between a dual (EUR/kW) and a price (EUR/kWh).
    [[nodiscard]] double interval_h() const { return parameters.interval_s / 3600.0; }

    /// The coordinators of the newest epoch known.
    [[nodiscard]] const consensus::ValidatorSet& validators() const { return epochs.members(); }

    [[nodiscard]] bool is_validator(const crypto::PublicKey& key) const {
        return validators().index_of(key).has_value();
    }

    /// Why the receipt does not prove that its entry is on this log, or nothing.
    [[nodiscard]] std::optional<std::string> fault(const consensus::Receipt& receipt) const;
    /// Why a block's certificate is worth nothing although it verifies, or nothing: its epoch had ended below it.
    [[nodiscard]] std::optional<std::string> fault(const consensus::Header& header) const;
};

}  // namespace kilter::agent
