/// The docket with the proof that it is the log's at some height: how homes and outsiders learn what is in force.
#pragma once

#include "common/consensus/state_proof.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

struct CertifiedDocket {
    governance::Docket docket;
    consensus::Height height = 0;               ///< of the block after which it was so
    consensus::Header header;                   ///< of that block; none for genesis' own
    std::vector<consensus::EpochProof> epochs;  ///< up to that block's
};

/// `proof`: an encoded consensus::StateProof. Total. Error: why this does not prove that the log of `genesis` ever had it.
Result<CertifiedDocket> certified_docket(const Genesis& genesis, ByteView proof);

}  // namespace kilter::settlement
