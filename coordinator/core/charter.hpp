/// What a feeder's host is created with: who it is, on which log, under which agreed parameters, and the network it feeds.
/// The parameters change between sessions when the docket says so, the members when an epoch of the log ends; nothing else
/// does.
#pragma once

#include "common/crypto/identity.hpp"
#include "common/market/parameters.hpp"
#include "common/model/network.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::coordinator {

/// Whether the feeder has this net of the log's.
inline bool feeds(const model::Network& feeder, NetId net) {
    return settlement::feeder_of(net) == feeder.number &&
           settlement::position_of(net) < feeder.nets.size();
}

struct Charter {
    const crypto::Identity& identity;  ///< must outlive the charter
    settlement::Genesis genesis;
    model::Network network;
    market::Parameters parameters;     ///< in force: at first genesis', decoded
    crypto::Digest parameters_digest;  ///< what openings name
    crypto::Digest chain;              ///< names the log in messages
    consensus::ValidatorSet members;   ///< who orders the log: at first genesis'

    /// Whether this feeder has the net.
    [[nodiscard]] bool feeds(NetId net) const { return coordinator::feeds(network, net); }

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
