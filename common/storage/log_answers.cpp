// What a store tells peers, agents and auditors.
#include <algorithm>

#include "common/base/limits.hpp"
#include "common/storage/log_content.hpp"
#include "common/storage/log_rows.hpp"

namespace kilter::storage {

using crypto::Digest;

namespace {
constexpr std::size_t range_head_bytes = 1 + 2;  // tag, count
constexpr std::size_t cert_bytes_max =
    1 + 2 * 8 + 32 + 8 + limits::replicas_max * crypto::Signature::size;
constexpr std::size_t final_block_bytes_max =
    consensus::header_bytes + limits::block_bytes_max + 4 * limits::block_entries_max + 1 +
    cert_bytes_max + 2 + limits::skips_attached_max * cert_bytes_max + 1 + cert_bytes_max;
constexpr std::size_t tail_bytes_max =
    (1 + limits::descendants_max) * consensus::header_bytes + 1 + cert_bytes_max;
static_assert(range_head_bytes + std::max(final_block_bytes_max, limits::range_bytes_max) +
                  tail_bytes_max <=
              limits::consensus_payload_bytes_max);
}  // namespace

std::optional<consensus::Message> LogStore::answer(const consensus::Ask& ask) const {
    Content& c = *content_;
    if (const auto* get = std::get_if<consensus::GetPiece>(&ask)) {
        if (!c.served || c.served->manifest.certified.header.height != get->height) {
            const auto heights = c.snapshots.heights();
            if (std::find(heights.begin(), heights.end(), get->height) == heights.end())
                return std::nullopt;
            c.served = c.sound(c.snapshots.read(get->height));
        }
        if (get->number >= c.served->pieces.size()) return std::nullopt;
        return consensus::Piece{get->height, get->number, c.served->pieces[get->number]};
    }
    const auto& get = std::get<consensus::GetRange>(ask);
    if (auto blocks = range(get)) return *std::move(blocks);
    const auto heights = c.snapshots.heights();
    if (heights.empty() || heights.back() < get.from) return std::nullopt;
    c.served = c.sound(c.snapshots.read(heights.back()));
    return c.served->manifest;
}

// Everybody has the same blocks, so an answer that is too long for a message would end one replica after the other. Counted
// is what is sent: blocks with their certificates, of which 128 skips of 64 members alone are half a megabyte.
std::optional<consensus::Range> LogStore::range(const consensus::GetRange& range) const {
    Content& c = *content_;
    const Height to = std::min(range.to, c.sound(c.height()));
    if (range.from == 0) return std::nullopt;
    consensus::Range out;
    std::size_t bytes = range_head_bytes;
    std::size_t certified = 0;  // blocks up to and with the last one that needs no tail
    std::size_t within = 0;     // blocks that fit into range_bytes_max, but at least one
    for (Height h = range.from; h <= to && out.blocks.size() < limits::range_blocks_max; ++h) {
        Result<FinalBlock> held = c.final_block(h);
        if (!held) break;  // pruned
        bytes += bytes_of(*held).size();
        // Past the budget, go on only to reach a certificate, and while that fits.
        const bool fits = bytes <= limits::range_bytes_max || out.blocks.empty();
        if (!fits && (certified > 0 || bytes > limits::consensus_payload_bytes_max)) break;
        out.blocks.push_back(*std::move(held));
        if (fits) within = out.blocks.size();
        if (!consensus::needs_tail(out.blocks)) certified = out.blocks.size();
    }
    out.blocks.resize(certified > 0 ? certified : within);
    if (out.blocks.empty()) return std::nullopt;
    if (certified > 0) return out;
    auto last = c.certified(out.blocks.back());
    if (!last) return std::nullopt;
    out.tail = consensus::CertifiedHeader{last->block->header, std::move(last->descendants),
                                          std::move(last->certificate)};
    return out;
}

std::optional<consensus::Receipt> LogStore::receipt(const EntryId& id) const {
    Content& c = *content_;
    const auto place = c.sound(c.find(id));
    if (!place) return std::nullopt;
    const std::size_t position = place->position;
    Result<FinalBlock> held = c.final_block(place->height);
    if (!held) return std::nullopt;  // pruned and not archived
    const FinalBlock final = *std::move(held);
    if (position >= final.block->entries.size() || final.block->entries[position]->id != id)
        die(c.database->file(), "the index of entries is damaged");
    const auto done = c.certified(final);
    if (!done) return std::nullopt;
    std::vector<consensus::EpochProof> proofs = c.epochs();
    proofs.resize(final.block->header.epoch);
    return consensus::make_receipt(*done, position, proofs);
}

std::optional<consensus::ConsistencyProof> LogStore::consistency(Height older, Height newer) const {
    Content& c = *content_;
    if (older == 0 || older > newer || newer > c.sound(c.height())) return std::nullopt;
    std::vector<Digest> all;
    std::optional<consensus::CertifiedHeader> sides[2];
    std::size_t old_size = 0;
    for (Height h = 1; h <= newer; ++h) {
        Result<FinalBlock> final = c.final_block(h);
        if (!final) return std::nullopt;
        for (const Digest& leaf : consensus::leaves(*final->block))
            all.push_back(leaf);
        for (const Height side : {older, newer}) {
            if (h != side) continue;
            const auto done = c.certified(*final);
            if (!done) return std::nullopt;
            sides[h == older ? 0 : 1] = consensus::CertifiedHeader{
                final->block->header, done->descendants, done->certificate};
        }
        if (h == older) old_size = all.size();
    }
    if (older == newer) sides[1] = sides[0];
    consensus::ConsistencyProof proof{*sides[0], *sides[1], {}, c.epochs()};
    proof.epochs.resize(sides[1]->header.epoch);
    if (old_size > 0) proof.path = crypto::consistency_path(all, old_size);
    return proof;
}

std::optional<consensus::Receipt> LogStore::receipt_for_key(ByteView key) const {
    Content& c = *content_;
    if (!c.sound(c.select_key.restart().bind(key).row())) return std::nullopt;
    const Bytes id = c.select_key.blob(0);
    c.select_key.restart();
    if (id.size() != EntryId::size) die(c.database->file(), "the index of keys is damaged");
    return receipt(EntryId::from(id));
}

}  // namespace kilter::storage
