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
    const auto chain = crypto::Digest::from(genesis.chain_id().view());
    auto members = genesis.validators;
    return Charter{identity,          std::move(genesis),   std::move(network),
                   *parameters,       parameters->digest(), chain,
                   std::move(members)};
}

}  // namespace kilter::coordinator
