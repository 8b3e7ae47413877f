#include "common/settlement/neighbour_log.hpp"

namespace kilter::settlement {

Bytes encode(const Anchor& anchor) {
    ByteWriter out;
    out.raw(anchor.chain.view());
    consensus::write(out, anchor.head);
    out.u16(static_cast<std::uint16_t>(anchor.epochs.size()));
    for (const consensus::EpochProof& proof : anchor.epochs)
        consensus::write(out, proof);
    return std::move(out).bytes();
}

Result<Anchor> decode_anchor(ByteView bytes) {
    ByteReader in(bytes);
    Anchor out;
    out.chain = in.fixed<ChainId>();
    auto head = consensus::read_certified_header(in);
    if (!head) return Error{"anchor: its head is malformed"};
    out.head = *std::move(head);
    const std::size_t epochs = in.u16();
    for (std::size_t i = 0; i < epochs && !in.failed(); ++i) {
        auto proof = consensus::read_epoch_proof(in);
        if (!proof) return Error{"anchor: the proof of an epoch is malformed"};
        out.epochs.push_back(*std::move(proof));
    }
    if (!in.complete()) return Error{"anchor: cut short or followed by other bytes"};
    return out;
}

AnchorVerdict verify(const Anchor& anchor, const MembersOf& members_of) {
    const consensus::Header& header = anchor.head.header;
    consensus::Epoch epoch =
        anchor.epochs.empty() ? header.epoch : anchor.epochs.front().end.header.epoch;
    auto members = members_of(epoch);
    if (!members) return AnchorVerdict::unknown_epoch;
    std::optional<consensus::ValidatorSet> of_head;
    bool outlived = false;
    for (const consensus::EpochProof& proof : anchor.epochs) {
        if (!consensus::ends(proof, anchor.chain, epoch, *members))
            return AnchorVerdict::not_certified;
        if (epoch++ == header.epoch) {
            of_head = std::move(members);
            outlived = header.height > proof.end.header.height;
        }
        members = proof.next;
    }
    if (epoch == header.epoch) of_head = std::move(members);
    if (!of_head || consensus::verify(anchor.head, anchor.chain, *of_head) !=
                        consensus::HeaderVerdict::certified)
        return AnchorVerdict::not_certified;
    if (header.closing) return AnchorVerdict::closing;
    return outlived ? AnchorVerdict::outlived : AnchorVerdict::certified;
}

const char* describe(AnchorVerdict verdict) {
    switch (verdict) {
        case AnchorVerdict::certified:
            return "it is certified";
        case AnchorVerdict::unknown_epoch:
            return "its proofs of the other log's epochs do not begin with one that this log "
                   "knows: anchor an earlier block of that log first, or take the proof from "
                   "'kilter log prove'";
        case AnchorVerdict::not_certified:
            return "no quorum of the other log's coordinators certified this head";
        case AnchorVerdict::closing:
            return "this head is a closing block, which is no part of the other log: anchor a "
                   "later block";
        case AnchorVerdict::outlived:
            return "the epoch of the other log whose coordinators certified this head ended below "
                   "it: anchor a block of a later epoch";
    }
    return "";
}

AnchoredHead head_of(const Anchor& anchor) {
    const consensus::Header& header = anchor.head.header;
    return {header.height, consensus::hash(header), header.log_root};
}

Bytes neighbour_log_key(const ChainId& chain) {
    return ByteWriter{}.text("neighbour|").raw(chain.view()).bytes();
}

Bytes anchor_key(const ChainId& chain, consensus::Height height) {
    return ByteWriter{}.text("anchor|").raw(chain.view()).u64(height).bytes();
}

consensus::EntryPtr make_entry(const Genesis& neighbour,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(neighbour_log_entry, neighbour_log_key(neighbour.chain_id()),
                      neighbour.encode(), chain, seq, expires_ms, author);
}

consensus::EntryPtr make_entry(const Anchor& anchor,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(anchor_entry, anchor_key(anchor.chain, anchor.head.header.height),
                      encode(anchor), chain, seq, expires_ms, author);
}

}  // namespace kilter::settlement
