#include "common/consensus/state_proof.hpp"

#include "common/base/limits.hpp"
#include "common/consensus/application.hpp"

namespace kilter::consensus {

std::optional<StateProof> make_state_proof(const Finalised& final,
                                           const LedgerState& state,
                                           ByteView key,
                                           std::vector<EpochProof> epochs) {
    if (state.map() == nullptr || state.root() != final.block->header.state_root)
        return std::nullopt;
    const Bytes* value = state.map()->find(key);
    if (value == nullptr) return std::nullopt;
    if (epochs.size() > final.block->header.epoch) epochs.resize(final.block->header.epoch);
    return StateProof{{final.block->header, final.descendants, final.certificate},
                      *value,
                      *state.map()->prove(key),
                      std::move(epochs)};
}

Result<void> verify(const StateProof& proof,
                    ByteView key,
                    const ChainId& chain,
                    const ValidatorSet& genesis) {
    const Header& header = proof.certified.header;
    EpochTable epochs(chain, genesis);
    for (const EpochProof& epoch : proof.epochs)
        if (!epochs.extend(epoch)) return Error{"the proof of an epoch does not hold"};
    const EpochTable::Member* epoch = epochs.find(header.epoch);
    if (epoch == nullptr || epochs.newest() != header.epoch)
        return Error{"it is of another log, or of an epoch that it does not prove"};
    if (verify(proof.certified, chain, epoch->validators) != HeaderVerdict::certified)
        return Error{"no quorum of this log has made its block final"};
    if (!crypto::proves(proof.path, header.state_root, key, proof.value))
        return Error{"the state after its block does not hold this"};
    return {};
}

Bytes encode(const StateProof& proof) {
    ByteWriter out;
    write(out, proof.certified);
    out.u32(static_cast<std::uint32_t>(proof.value.size())).raw(proof.value);
    out.u32(static_cast<std::uint32_t>(proof.path.size())).raw(proof.path);
    out.u16(static_cast<std::uint16_t>(proof.epochs.size()));
    for (const EpochProof& epoch : proof.epochs)
        write(out, epoch);
    return std::move(out).bytes();
}

Result<StateProof> decode_state_proof(ByteView bytes) {
    const Error malformed_proof{"the state's proof is malformed; ask another coordinator for it"};
    if (bytes.size() > limits::state_proof_bytes_max) return malformed_proof;
    ByteReader in(bytes);
    auto certified = read_certified_header(in);
    if (!certified) return malformed_proof;
    StateProof out{*std::move(certified), {}, {}, {}};
    out.value = to_bytes(in.raw(in.u32()));
    out.path = to_bytes(in.raw(in.u32()));
    for (std::size_t left = in.u16(); left > 0 && !in.failed(); --left) {
        auto epoch = read_epoch_proof(in);
        if (!epoch) return malformed_proof;
        out.epochs.push_back(*std::move(epoch));
    }
    if (!in.complete()) return malformed_proof;
    return out;
}

}  // namespace kilter::consensus
