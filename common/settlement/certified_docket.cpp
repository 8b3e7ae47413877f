#include "common/settlement/certified_docket.hpp"

#include "common/settlement/docket_state.hpp"

namespace kilter::settlement {

Result<CertifiedDocket> certified_docket(const Genesis& genesis, ByteView proof) {
    auto read = consensus::decode_state_proof(proof);
    if (!read) return read.error();
    if (auto held = consensus::verify(*read, docket_key(), genesis.chain_id(), genesis.validators);
        !held)
        return held.error();
    auto docket = governance::Docket::decode(read->value);
    if (!docket) return docket.error();
    const consensus::Header& header = read->certified.header;
    return CertifiedDocket{*std::move(docket), header.height, header, std::move(read->epochs)};
}

}  // namespace kilter::settlement
