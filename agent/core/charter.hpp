/// What a home's gateway is created with: who it is, on which log, under which agreed parameters. The parameters change
/// between sessions when the docket says so; nothing else does.
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

    /// Error: parameters invalid.
    static Result<Charter> create(const crypto::Identity& identity, settlement::Genesis genesis);

    /// Other parameters from the next session on. REQUIRES: decided by the log, so valid.
    void follow(const Bytes& market_parameters);

    /// Length of a market interval in hours: what lies between a dual (EUR/kW) and a price (EUR/kWh).
    [[nodiscard]] double interval_h() const { return parameters.interval_s / 3600.0; }

    [[nodiscard]] bool is_validator(const crypto::PublicKey& key) const {
        return genesis.validators.index_of(key).has_value();
    }

    /// Why the receipt does not prove that its entry is on this log, or nothing.
    [[nodiscard]] std::optional<std::string> fault(const consensus::Receipt& receipt) const;
};

}  // namespace kilter::agent
