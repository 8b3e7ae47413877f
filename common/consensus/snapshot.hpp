/// A final state in a form that travels: everything a replica needs to go on from a height without the blocks below it.
#pragma once

#include "common/consensus/epoch.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/merkle_map.hpp"

namespace kilter::consensus {

/// What a snapshot consists of, provable piece by piece against the certified header.
struct Manifest {
    CertifiedHeader certified;
    crypto::MerkleFrontier log;  ///< over all entries up to and with the header's block
    Bytes outline;               ///< of the state (crypto::MerkleOutline)
    bool operator==(const Manifest&) const = default;
};

void write(ByteWriter& out, const Manifest& manifest);
std::optional<Manifest> read_manifest(ByteReader& in);

/// None: the header is a closing block's, or not certified by its epoch's validators, or frontier or outline are not what it commits to.
std::optional<crypto::MerkleOutline> check(const Manifest& manifest, const EpochTable& epochs);

}  // namespace kilter::consensus
