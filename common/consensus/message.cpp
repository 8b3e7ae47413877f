#include "common/consensus/message.hpp"

#include "common/base/limits.hpp"

namespace kilter::consensus {

namespace {
// The tag is the alternative's position, so the order of Message is part of the protocol.
struct Writer {
    ByteWriter& out;

    void operator()(const Proposal& proposal) const {
        write(out, proposal.vote);
        write(out, *proposal.block);
    }

    void operator()(const Vote& vote) const { write(out, vote); }

    void operator()(const Cert& cert) const { write(out, cert); }

    void operator()(const Status& status) const {
        out.u64(status.epoch)
            .u64(status.view)
            .u64(status.final_view)
            .u64(status.final_height)
            .raw(status.final_hash.view());
    }

    void operator()(const GetBlock& get) const { out.raw(get.hash.view()); }

    void operator()(const BlockReply& reply) const { write(out, *reply.block); }

    void operator()(const GetRange& get) const { out.u64(get.from).u64(get.to); }

    void operator()(const Range& range) const {
        out.u16(static_cast<std::uint16_t>(range.blocks.size()));
        for (const FinalBlock& final : range.blocks)
            write(out, final);
        if (range.tail) write(out, *range.tail);
    }

    void operator()(const Submit& submit) const {
        out.u16(static_cast<std::uint16_t>(submit.entries.size()));
        for (const EntryPtr& entry : submit.entries)
            out.u32(static_cast<std::uint32_t>(entry->encoded.size())).raw(entry->encoded);
    }

    void operator()(const EpochProof& proof) const { write(out, proof); }

    void operator()(const Manifest& manifest) const { write(out, manifest); }

    void operator()(const GetPiece& get) const { out.u64(get.height).u32(get.number); }

    void operator()(const Piece& piece) const {
        out.u64(piece.height).u32(piece.number).raw(piece.bytes);
    }
};

std::optional<Message> read_proposal(ByteReader& in, EntryCache* cache) {
    std::optional<Vote> vote = read_vote(in);
    if (!vote) return std::nullopt;
    std::optional<BlockPtr> block = read_block(in, cache);
    if (!block) return std::nullopt;
    return Proposal{std::move(*block), *vote};
}

std::optional<Message> read_range(ByteReader& in) {
    const std::size_t count = in.u16();
    if (count == 0 || count > limits::range_blocks_max) return std::nullopt;
    Range range;
    for (std::size_t i = 0; i < count; ++i) {
        std::optional<FinalBlock> final = read_final_block(in);
        if (!final) return std::nullopt;
        range.blocks.push_back(std::move(*final));
    }
    if (!needs_tail(range.blocks)) return range;
    range.tail = read_certified_header(in);
    // Without descendants its certificate would be the block's own.
    if (!range.tail || range.tail->header != range.blocks.back().block->header ||
        range.tail->descendants.empty())
        return std::nullopt;
    return range;
}

std::optional<Message> read_submit(ByteReader& in, EntryCache* cache) {
    const std::size_t count = in.u16();
    if (count == 0 || count > limits::block_entries_max) return std::nullopt;
    auto entries = read_entries(in, count, cache);
    if (!entries) return std::nullopt;
    return Submit{*std::move(entries)};
}

std::optional<Message> read_message(ByteReader& in, EntryCache* cache) {
    switch (in.u8()) {
        case 0:
            return read_proposal(in, cache);
        case 1:
            return read_vote(in);
        case 2:
            return read_cert(in);
        case 3: {
            Status status;
            status.epoch = in.u64();
            status.view = in.u64();
            status.final_view = in.u64();
            status.final_height = in.u64();
            status.final_hash = in.fixed<BlockHash>();
            return status;
        }
        case 4:
            return GetBlock{in.fixed<BlockHash>()};
        case 5: {
            std::optional<BlockPtr> block = read_block(in);
            if (!block) return std::nullopt;
            return BlockReply{std::move(*block)};
        }
        case 6: {
            GetRange get;
            get.from = in.u64();
            get.to = in.u64();
            return get;
        }
        case 7:
            return read_range(in);
        case 8:
            return read_submit(in, cache);
        case 9:
            return read_epoch_proof(in);
        case 10:
            return read_manifest(in);
        case 11: {
            GetPiece get;
            get.height = in.u64();
            get.number = in.u32();
            return get;
        }
        case 12: {
            Piece piece;
            piece.height = in.u64();
            piece.number = in.u32();
            piece.bytes = to_bytes(in.raw(in.left()));
            return piece;
        }
    }
    return std::nullopt;
}
}  // namespace

bool needs_tail(const std::vector<FinalBlock>& blocks) {
    const FinalBlock& last = blocks.back();
    return !last.certificate && last.block->header.next_validators.is_zero();
}

Bytes encode(const Message& message) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(message.index()));
    std::visit(Writer{out}, message);
    return std::move(out).bytes();
}

Result<Message> decode(ByteView bytes, EntryCache* cache) {
    if (bytes.size() > limits::message_bytes_max)
        return Error{"a replica's message of " + std::to_string(bytes.size()) +
                     " bytes is larger than allowed"};
    ByteReader in(bytes);
    std::optional<Message> message = read_message(in, cache);
    if (!message || !in.complete())
        return Error{"a replica's message is malformed; is the peer running another version?"};
    return std::move(*message);
}

}  // namespace kilter::consensus
