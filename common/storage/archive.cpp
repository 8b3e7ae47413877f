#include "common/storage/archive.hpp"

#include <bit>

#include "common/consensus/block_tree.hpp"

namespace kilter::storage {

using consensus::EpochProof;
using consensus::FinalBlock;
using consensus::Height;

namespace {
constexpr const char* archive_suffix = ".blocks";
constexpr const char* origin_suffix = ".origin";
constexpr std::string_view origin_magic = "kilter origin 1\n";
constexpr std::uintmax_t archive_bytes_max = std::uintmax_t{4} << 30;
constexpr std::uintmax_t origin_bytes_max = 4'096;

void write(ByteWriter& out, const crypto::MerkleFrontier& log) {
    out.u64(log.size());
    for (const crypto::Digest& peak : log.peaks())
        out.raw(peak.view());
}

std::optional<crypto::MerkleFrontier> read_frontier(ByteReader& in) {
    const std::uint64_t size = in.u64();
    std::vector<crypto::Digest> peaks;
    for (int i = 0; i < std::popcount(size) && !in.failed(); ++i)
        peaks.push_back(in.fixed<crypto::Digest>());
    if (in.failed()) return std::nullopt;
    return crypto::MerkleFrontier::from(size, std::move(peaks));
}

bool begins_with(ByteReader& in, std::string_view magic) {
    const ByteView found = in.raw(magic.size());
    return !in.failed() && std::equal(found.begin(), found.end(), as_bytes(magic).begin());
}
}  // namespace

Bytes encode(const ArchiveFile& stretch) {
    ByteWriter out;
    out.text(archive_magic).raw(stretch.chain.view());
    out.u32(static_cast<std::uint32_t>(stretch.blocks.size()));
    write(out, stretch.before);
    out.u16(static_cast<std::uint16_t>(stretch.epochs.size()));
    for (const EpochProof& proof : stretch.epochs)
        consensus::write(out, proof);
    for (const FinalBlock& block : stretch.blocks) {
        ByteWriter one;
        consensus::write(one, block);
        out.u32(static_cast<std::uint32_t>(one.bytes().size())).raw(one.bytes());
    }
    return std::move(out).bytes();
}

Result<ArchiveFile> decode_archive(ByteView bytes, const std::string& name) {
    const Error damaged{name + " is no archive of this version, or is damaged"};
    ByteReader in(bytes);
    if (!begins_with(in, archive_magic)) return damaged;
    ArchiveFile out;
    out.chain = in.fixed<consensus::ChainId>();
    const std::size_t count = in.u32();
    auto before = read_frontier(in);
    if (!before) return damaged;
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

Result<ArchiveFile> read_archive(const std::filesystem::path& file) {
    const Result<Bytes> bytes = read_whole(file, archive_bytes_max);
    if (!bytes) return bytes.error();
    return decode_archive(*bytes, file.string());
}

void Archive::write(const ArchiveFile& stretch) const {
    const Height first = stretch.blocks.front().block->header.height;
    write_durably(file_of_height(directory_, first, archive_suffix), encode(stretch));
}

void Archive::begin_above(Height height, const crypto::MerkleFrontier& log) const {
    ByteWriter out;
    out.text(origin_magic);
    storage::write(out, log);
    write_durably(file_of_height(directory_, height, origin_suffix), out.bytes());
}

std::optional<crypto::MerkleFrontier> Archive::origin(Height height) const {
    const auto bytes =
        read_whole(file_of_height(directory_, height, origin_suffix), origin_bytes_max);
    if (!bytes) return std::nullopt;
    ByteReader in(*bytes);
    auto log = begins_with(in, origin_magic) ? read_frontier(in) : std::nullopt;
    return in.complete() ? log : std::nullopt;
}

Result<void> Archive::check() const {
    for (const Height height : heights_in(directory_, origin_suffix))
        if (!origin(height))
            return Error{file_of_height(directory_, height, origin_suffix).string() +
                         " is damaged: restore it from a backup of this machine. Without one, "
                         "remove it: the coordinator goes on, but keeps all later blocks in its "
                         "database instead of archives"};
    return {};
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
    if (auto log = origin(height)) return log;
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
        if (!consensus::justified(block, epochs,
                                  [&](const consensus::Cert& cert) { return epochs.holds(cert); }))
            return fail("its justifying certificates are missing or wrong");
        if (const auto& cert = final.certificate;
            cert &&
            (cert->kind != consensus::VoteKind::final || cert->hash != block.hash ||
             cert->view != header.view || cert->epoch != header.epoch || !epochs.holds(*cert)))
            return fail("its final certificate does not hold");
        const auto* next = epochs.find(header.epoch + 1);
        certified = final.certificate || (next != nullptr && next->proof->end.header == header);
        parent = &header;
    }
    if (!certified) return Error{"the archive's last block has no final certificate"};
    return {};
}

}  // namespace kilter::storage
