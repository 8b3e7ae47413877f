#include "common/storage/snapshot_store.hpp"

#include <algorithm>

namespace kilter::storage {

namespace {
constexpr std::string_view magic = "kilter snapshot 1\n";
constexpr const char* snapshot_suffix = ".snapshot";
constexpr std::size_t kept = 2;
constexpr std::uintmax_t snapshot_bytes_max = std::uintmax_t{8} << 30;
}  // namespace

void SnapshotStore::write(const consensus::Snapshot& snapshot) const {
    const consensus::Header& header = snapshot.manifest.certified.header;
    const auto outline =
        crypto::MerkleOutline::decode(snapshot.manifest.outline, header.state_root);
    KILTER_CHECK(outline.has_value(), "a snapshot is of the state its header names");
    ByteWriter manifest;
    consensus::write(manifest, snapshot.manifest);
    ByteWriter out;
    out.text(magic).u32(static_cast<std::uint32_t>(manifest.bytes().size())).raw(manifest.bytes());
    for (std::size_t i = 0; i < outline->pieces(); ++i) {
        const Bytes piece = snapshot.state->map()->piece(*outline, i);
        out.u32(static_cast<std::uint32_t>(piece.size())).raw(piece);
    }
    write_durably(file_of_height(directory_, header.height, snapshot_suffix), out.bytes());
    std::vector<consensus::Height> all = heights();
    for (std::size_t i = 0; i + kept < all.size(); ++i)
        remove(all[i]);
}

void SnapshotStore::remove(consensus::Height height) const {
    std::error_code ignored;  // one too many does no harm
    std::filesystem::remove(file_of_height(directory_, height, snapshot_suffix), ignored);
}

std::vector<consensus::Height> SnapshotStore::heights() const {
    return heights_in(directory_, snapshot_suffix);
}

Result<StoredSnapshot> SnapshotStore::read(consensus::Height height) const {
    const std::filesystem::path file = file_of_height(directory_, height, snapshot_suffix);
    Result<Bytes> bytes = read_whole(file, snapshot_bytes_max);
    if (!bytes) return bytes.error();
    const Error damaged{file.string() +
                        " is damaged; remove it if an older snapshot and all blocks since are "
                        "there, else fetch the log anew"};
    ByteReader in(*bytes);
    const ByteView found = in.raw(magic.size());
    if (in.failed() || !std::equal(found.begin(), found.end(), as_bytes(magic).begin()))
        return damaged;
    ByteReader manifest_in(in.raw(in.u32()));
    auto manifest = consensus::read_manifest(manifest_in);
    if (in.failed() || !manifest || !manifest_in.complete() ||
        manifest->certified.header.height != height)
        return damaged;
    const auto outline =
        crypto::MerkleOutline::decode(manifest->outline, manifest->certified.header.state_root);
    if (!outline) return damaged;
    StoredSnapshot out{*std::move(manifest), {}};
    for (std::size_t i = 0; i < outline->pieces(); ++i) {
        out.pieces.push_back(to_bytes(in.raw(in.u32())));
        if (in.failed() || !outline->fits(i, out.pieces.back())) return damaged;
    }
    if (!in.complete()) return damaged;
    return out;
}

}  // namespace kilter::storage
