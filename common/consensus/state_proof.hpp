/// Proof that the ledger's state held a pair after a block that is final: what a light client needs to know a fact of the
/// state, not just an entry. Worth the same from anybody.
#pragma once

#include "common/consensus/light_client.hpp"
#include "common/crypto/merkle_map.hpp"

namespace kilter::consensus {

struct StateProof {
    CertifiedHeader certified;
    Bytes value;
    Bytes path;  ///< crypto::MerkleMap::prove() in the state with header.state_root
    std::vector<EpochProof> epochs;  ///< from epoch 1 to the header's
    bool operator==(const StateProof&) const = default;
};

/// Of the state after this block. None: the state is no map, or has no such key.
std::optional<StateProof> make_state_proof(const Finalised& final,
                                           const LedgerState& state,
                                           ByteView key,
                                           std::vector<EpochProof> epochs = {});

/// Total. Error: why it does not prove that `key` had the value at that height of the log of `genesis`' validators.
Result<void> verify(const StateProof& proof,
                    ByteView key,
                    const ChainId& chain,
                    const ValidatorSet& genesis);

Bytes encode(const StateProof& proof);
/// Strict and total; verify() checks the rest.
Result<StateProof> decode_state_proof(ByteView bytes);

}  // namespace kilter::consensus
