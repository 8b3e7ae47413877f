#include "agent/core/charter.hpp"

namespace kilter::agent {

Result<Charter> Charter::create(const crypto::Identity& identity, settlement::Genesis genesis) {
    auto parameters = market::Parameters::decode(genesis.market_parameters);
    if (!parameters) return Error{"genesis: market parameters: " + parameters.error().message};
    if (parameters->channels != 1)
        return Error{
            "genesis: this market trades reactive power (channels = 2), which this "
            "version's homes do not"};
    const auto chain = crypto::Digest::from(genesis.chain_id().view());
    consensus::EpochTable epochs(genesis.chain_id(), genesis.validators);
    return Charter{identity, std::move(genesis), *parameters, parameters->digest(),
                   chain,    std::move(epochs)};
}

void Charter::follow(const Bytes& market_parameters) {
    const auto decided = market::Parameters::decode(market_parameters);
    KILTER_CHECK(decided.ok(), "the log holds market parameters that do not decode");
    parameters = *decided;
    parameters_digest = parameters.digest();
}

std::optional<std::string> Charter::fault(const consensus::Receipt& receipt) const {
    const auto verdict = consensus::verify(receipt, epochs);
    if (verdict == consensus::ReceiptVerdict::valid) return fault(receipt.header);
    return std::string(consensus::describe(verdict));
}

std::optional<std::string> Charter::fault(const consensus::Header& header) const {
    if (!epochs.outlived(header)) return std::nullopt;
    return "its block is certified by coordinators whose epoch had ended";
}

}  // namespace kilter::agent
