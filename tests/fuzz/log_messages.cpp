// Whatever another replica, a client or a store may hand to the log: refused, or canonical.

#include "common/consensus/entry_check.hpp"
#include "common/consensus/light_client.hpp"
#include "common/consensus/message.hpp"
#include "common/settlement/genesis.hpp"

namespace {

template <class Value>
void check_round_trip(const kilter::Result<Value>& decoded, kilter::ByteView bytes) {
    if (decoded)
        KILTER_CHECK(encode(*decoded) == kilter::to_bytes(bytes),
                     "what was accepted re-encodes to itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kilter::ByteView bytes(data, size);
    check_round_trip(kilter::consensus::decode(bytes), bytes);
    check_round_trip(kilter::consensus::decode_entry(bytes), bytes);
    check_round_trip(kilter::consensus::decode_receipt(bytes), bytes);
    check_round_trip(kilter::consensus::decode_consistency_proof(bytes), bytes);
    check_round_trip(kilter::consensus::decode_epoch_change(bytes), bytes);
    if (const auto evidence = kilter::consensus::decode_evidence(bytes))
        KILTER_CHECK(
            kilter::consensus::evidence_as_entry(*evidence).body == kilter::to_bytes(bytes),
            "evidence re-encodes to itself");
    const auto epochs = kilter::consensus::decode_epochs_file(bytes);
    check_round_trip(epochs, bytes);
    if (epochs && !epochs->proofs.empty()) {
        // As if the first members had stayed, which they have in the corpus.
        kilter::consensus::EpochTable table(epochs->chain, epochs->proofs.front().next);
        (void)table.learn(epochs->proofs);
        KILTER_CHECK(table.newest() <= epochs->proofs.size(), "an epoch for each proof at most");
    }
    if (const auto genesis = kilter::settlement::Genesis::decode(bytes))
        KILTER_CHECK(genesis->encode() == kilter::to_bytes(bytes), "genesis re-encodes to itself");
    // An outline leads to the root that follows from it, or is refused whatever is claimed.
    (void)kilter::crypto::MerkleOutline::decode(bytes, {});
    return 0;
}
