#include "coordinator/core/charter.hpp"

namespace kilter::coordinator {

Result<Charter> Charter::create(const crypto::Identity& identity,
                                settlement::Genesis genesis,
                                model::Network network) {
    auto parameters = market::Parameters::decode(genesis.market_parameters);
    if (!parameters) return Error{"genesis: market parameters: " + parameters.error().message};
    if (parameters->channels != 1)
        return Error{
            "genesis: this market trades reactive power (channels = 2), which this "
            "version's feeder does not"};
    if (auto valid = network.validate(); !valid) return valid.error();
    if (network.nets.size() > settlement::feeder_nets_max)
        return Error{"feeder " + network.name + " has " + std::to_string(network.nets.size()) +
                     " nets, more than the " + std::to_string(settlement::feeder_nets_max) +
                     " that a log can tell apart: split it"};
    const auto chain = crypto::Digest::from(genesis.chain_id().view());
    auto members = genesis.validators;
    return Charter{identity,          std::move(genesis),   std::move(network),
                   *parameters,       parameters->digest(), chain,
                   std::move(members)};
}

}  // namespace kilter::coordinator
