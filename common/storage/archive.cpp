#include "common/storage/archive.hpp"

#include <bit>

#include "common/consensus/block_tree.hpp"

namespace kilter::storage {

using consensus::EpochProof;
using consensus::FinalBlock;
using consensus::Height;

namespace {
constexpr const char* archive_suffix = ".blocks";
constexpr std::uintmax_t archive_bytes_max = std::uintmax_t{4} << 30;
}  // namespace

void Archive::write(const ArchiveFile& stretch) const {
    ByteWriter out;
    out.text(archive_magic).raw(stretch.chain.view());
    out.u32(static_cast<std::uint32_t>(stretch.blocks.size())).u64(stretch.before.size());
    for (const crypto::Digest& peak : stretch.before.peaks())
        out.raw(peak.view());
    out.u16(static_cast<std::uint16_t>(stretch.epochs.size()));
    for (const EpochProof& proof : stretch.epochs)
        consensus::write(out, proof);
    for (const FinalBlock& block : stretch.blocks) {
        ByteWriter one;
        consensus::write(one, block);
        out.u32(static_cast<std::uint32_t>(one.bytes().size())).raw(one.bytes());
    }
    const Height first = stretch.blocks.front().block->header.height;
    write_durably(file_of_height(directory_, first, archive_suffix), out.bytes());
}

Result<ArchiveFile> read_archive(const std::filesystem::path& file) {
    Result<Bytes> bytes = read_whole(file, archive_bytes_max);
    if (!bytes) return bytes.error();
    const Error damaged{file.string() + " is no archive of this version, or is damaged"};
    ByteReader in(*bytes);
    const ByteView found = in.raw(archive_magic.size());
    if (in.failed() || !std::equal(found.begin(), found.end(), as_bytes(archive_magic).begin()))
        return damaged;
    ArchiveFile out;
    out.chain = in.fixed<consensus::ChainId>();
    const std::size_t count = in.u32();
    const std::uint64_t size = in.u64();
    std::vector<crypto::Digest> peaks;
    for (int i = 0; i < std::popcount(size) && !in.failed(); ++i)
        peaks.push_back(in.fixed<crypto::Digest>());
    auto before = crypto::MerkleFrontier::from(size, std::move(peaks));
    if (in.failed() || !before) return damaged;
    out.before = *std::move(before);
    for (std::size_t left = in.u16(); left > 0; --left) {
        auto proof = consensus::read_epoch_proof(in);
        if (!proof) return damaged;
        out.epochs.push_back(*std::move(proof));
    }
    for (std::size_t i = 0; i < count; ++i) {
        ByteReader one(in.raw(in.u32()));
        auto block = consensus::read_final_block(one);
        if (in.failed() || !block || !one.complete()) return damaged;
        out.blocks.push_back(*std::move(block));
    }
    if (!in.complete() || out.blocks.empty()) return damaged;
    return out;
}

Result<FinalBlock> Archive::block(Height height) const {
    const auto holds = [&](const std::optional<ArchiveFile>& stretch) {
        if (!stretch) return false;
        const Height first = stretch->blocks.front().block->header.height;
        return height >= first && height < first + stretch->blocks.size();
    };
    if (!holds(open_)) {
        std::optional<Height> start;
        for (const Height first : heights_in(directory_, archive_suffix))
            if (first <= height) start = first;
        if (!start) return Error{"block " + std::to_string(height) + " is not held any more"};
        Result<ArchiveFile> read = read_archive(file_of_height(directory_, *start, archive_suffix));
        if (!read) return read.error();
        open_ = *std::move(read);
        if (!holds(open_)) return Error{"block " + std::to_string(height) + " is not archived"};
    }
    return open_->blocks[height - open_->blocks.front().block->header.height];
}

std::optional<crypto::MerkleFrontier> Archive::after(Height height) const {
    const auto last = block(height);
    if (!last || open_->blocks.back().block->header.height != height) return std::nullopt;
    crypto::MerkleFrontier log = open_->before;
    for (const FinalBlock& final : open_->blocks)
        for (const consensus::EntryPtr& entry : final.block->entries)
            log.append(entry->leaf);
    return log;
}

Result<void> verify(const ArchiveFile& stretch,
                    const consensus::ChainId& chain,
                    const consensus::ValidatorSet& genesis) {
    if (stretch.chain != chain) return Error{"the archive is of another log"};
    consensus::EpochTable epochs(chain, genesis);
    for (const EpochProof& proof : stretch.epochs)
        if (!epochs.extend(proof)) return Error{"an epoch's proof in the archive does not hold"};
    crypto::MerkleFrontier log = stretch.before;
    const consensus::Header* parent = nullptr;
    bool certified = false;
    for (const FinalBlock& final : stretch.blocks) {
        const consensus::Block& block = *final.block;
        const consensus::Header& header = block.header;
        const auto fail = [&](const char* what) {
            return Error{"block " + std::to_string(header.height) + ": " + what};
        };
        if (header.chain != chain || epochs.find(header.epoch) == nullptr ||
            header.validators != epochs.find(header.epoch)->validators.hash())
            return fail("it is of another log or epoch");
        if (parent != nullptr &&
            (header.parent_hash != hash(*parent) || header.height != parent->height + 1))
            return fail("it does not follow the block before it");
        if (header.first_index != log.size() || !consensus::body_fits(block))
            return fail("its entries are not those its header commits to");
        for (const consensus::EntryPtr& entry : block.entries) {
            if (!consensus::verify(*entry, chain)) return fail("an entry is not its author's");
            log.append(entry->leaf);
        }
        if (log.root() != header.log_root) return fail("its log root does not follow");
        if (final.certificate && !epochs.holds(*final.certificate))
            return fail("its final certificate does not hold");
        const auto* next = epochs.find(header.epoch + 1);
        certified = final.certificate || (next != nullptr && next->proof->end.header == header);
        parent = &header;
    }
    if (!certified) return Error{"the archive's last block has no final certificate"};
    return {};
}

}  // namespace kilter::storage
