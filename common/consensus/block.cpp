#include "common/consensus/block.hpp"

#include "common/base/limits.hpp"

namespace kilter::consensus {

Bytes encode(const Header& header) {
    ByteWriter out;
    write(out, header);
    return std::move(out).bytes();
}

BlockHash hash(const Header& header) {
    return BlockHash::from(crypto::digest("hdr", encode(header)).view());
}

BlockHash genesis_hash(const ChainId& chain) {
    return BlockHash::from(chain.view());
}

std::vector<Digest> leaves(const Block& block) {
    std::vector<Digest> out;
    out.reserve(block.entries.size());
    for (const EntryPtr& entry : block.entries)
        out.push_back(entry->leaf);
    return out;
}

void write(ByteWriter& out, const Header& header) {
    out.raw(header.chain.view())
        .u64(header.epoch)
        .u64(header.view)
        .u64(header.parent_view)
        .raw(header.parent_hash.view())
        .u64(header.height)
        .u64(header.first_index)
        .u32(header.count)
        .raw(header.payload_root.view())
        .raw(header.log_root.view())
        .raw(header.state_root.view())
        .i64(header.time_ms)
        .u16(header.proposer)
        .raw(header.validators.view())
        .raw(header.next_validators.view())
        .u8(header.closing ? 1 : 0);
}

void write(ByteWriter& out, const Block& block) {
    write(out, block.header);
    for (const EntryPtr& entry : block.entries)
        out.u32(static_cast<std::uint32_t>(entry->encoded.size())).raw(entry->encoded);
    out.u8(block.justification.parent ? 1 : 0);
    if (block.justification.parent) write(out, *block.justification.parent);
    out.u16(static_cast<std::uint16_t>(block.justification.skips.size()));
    for (const Cert& skip : block.justification.skips)
        write(out, skip);
}

void write(ByteWriter& out, const FinalBlock& final) {
    write(out, *final.block);
    out.u8(final.certificate ? 1 : 0);
    if (final.certificate) write(out, *final.certificate);
}

std::optional<Header> read_header(ByteReader& in) {
    Header header;
    header.chain = in.fixed<ChainId>();
    header.epoch = in.u64();
    header.view = in.u64();
    header.parent_view = in.u64();
    header.parent_hash = in.fixed<BlockHash>();
    header.height = in.u64();
    header.first_index = in.u64();
    header.count = in.u32();
    header.payload_root = in.fixed<Digest>();
    header.log_root = in.fixed<Digest>();
    header.state_root = in.fixed<Digest>();
    header.time_ms = in.i64();
    header.proposer = in.u16();
    header.validators = in.fixed<Digest>();
    header.next_validators = in.fixed<Digest>();
    const std::uint8_t closing = in.u8();
    header.closing = closing == 1;
    if (in.failed() || closing > 1) return std::nullopt;
    return header;
}

std::optional<std::vector<EntryPtr>> read_entries(ByteReader& in,
                                                  std::size_t count,
                                                  EntryCache* cache) {
    std::vector<EntryPtr> entries;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const ByteView encoded = in.raw(in.u32());
        bytes += encoded.size();
        if (in.failed() || bytes > limits::block_bytes_max) return std::nullopt;
        Result<EntryPtr> entry = cache ? cache->decode(encoded) : decode_sealed(encoded);
        if (!entry) return std::nullopt;
        entries.push_back(*std::move(entry));
    }
    return entries;
}

std::optional<BlockPtr> read_block(ByteReader& in, EntryCache* cache) {
    const std::optional<Header> header = read_header(in);
    if (!header || header->count > limits::block_entries_max) return std::nullopt;
    auto block = std::make_shared<Block>();
    block->header = *header;
    auto entries = read_entries(in, header->count, cache);
    if (!entries) return std::nullopt;
    block->entries = *std::move(entries);
    const std::uint8_t has_parent = in.u8();
    if (has_parent > 1) return std::nullopt;
    if (has_parent == 1) {
        block->justification.parent = read_cert(in);
        if (!block->justification.parent) return std::nullopt;
    }
    const std::size_t skips = in.u16();
    if (in.failed() || skips > limits::skips_attached_max) return std::nullopt;
    for (std::size_t i = 0; i < skips; ++i) {
        std::optional<Cert> skip = read_cert(in);
        if (!skip) return std::nullopt;
        block->justification.skips.push_back(std::move(*skip));
    }
    block->hash = hash(*header);
    return block;
}

std::optional<FinalBlock> read_final_block(ByteReader& in) {
    std::optional<BlockPtr> block = read_block(in);
    if (!block) return std::nullopt;
    FinalBlock final{std::move(*block), std::nullopt};
    const std::uint8_t certified = in.u8();
    if (in.failed() || certified > 1) return std::nullopt;
    if (certified == 1) {
        final.certificate = read_cert(in);
        if (!final.certificate || final.certificate->kind != VoteKind::final ||
            final.certificate->hash != final.block->hash ||
            final.certificate->view != final.block->header.view)
            return std::nullopt;
    }
    return final;
}

}  // namespace kilter::consensus
