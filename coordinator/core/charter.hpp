/// What a feeder's host is created with: who it is, on which log, under which agreed parameters, and the network it feeds.
/// The parameters change between sessions when the docket says so, the members when an epoch of the log ends; nothing else
/// does.
#pragma once

#include "common/crypto/identity.hpp"
#include "common/market/parameters.hpp"
#include "common/model/network.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::coordinator {

struct Charter {
    const crypto::Identity& identity;  ///< must outlive the charter
    settlement::Genesis genesis;
    model::Network network;
    market::Parameters parameters;     ///< in force: at first genesis', decoded
    crypto::Digest parameters_digest;  ///< what openings name
    crypto::Digest chain;              ///< names the log in messages
    consensus::ValidatorSet members;   ///< who orders the log: at first genesis'

    /// This coordinator's place among them; none before an epoch names it, and after one that does not.
    [[nodiscard]] std::optional<consensus::ReplicaIndex> index() const {
        return members.index_of(identity.public_key());
    }

    /// Error: parameters or network invalid.
    static Result<Charter> create(const crypto::Identity& identity,
                                  settlement::Genesis genesis,
                                  model::Network network);
};

/// Length of a market interval in hours: what lies between a dual (EUR/kW) and a price (EUR/kWh).
inline double interval_h(const market::Parameters& parameters) {
    return parameters.interval_s / 3600.0;
}

}  // namespace kilter::coordinator
