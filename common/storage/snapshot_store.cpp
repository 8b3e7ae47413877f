#include "common/storage/snapshot_store.hpp"

#include <algorithm>

namespace kilter::storage {

namespace {
constexpr std::string_view magic = "kilter snapshot 1\n";
constexpr const char* snapshot_suffix = ".snapshot";
constexpr std::size_t kept = 2;
constexpr std::uintmax_t snapshot_bytes_max = std::uintmax_t{8} << 30;
}  // namespace

Bytes encode(const StoredSnapshot& snapshot) {
    ByteWriter manifest;
    consensus::write(manifest, snapshot.manifest);
    ByteWriter out;
    out.text(magic).u32(static_cast<std::uint32_t>(manifest.bytes().size())).raw(manifest.bytes());
    for (const Bytes& piece : snapshot.pieces)
        out.u32(static_cast<std::uint32_t>(piece.size())).raw(piece);
    return std::move(out).bytes();
}

void SnapshotStore::write(const consensus::Snapshot& snapshot) const {
    const consensus::Header& header = snapshot.manifest.certified.header;
    const auto outline =
        crypto::MerkleOutline::decode(snapshot.manifest.outline, header.state_root);
    KILTER_CHECK(outline.has_value(), "a snapshot is of the state its header names");
    StoredSnapshot stored{snapshot.manifest, {}};
    for (std::size_t i = 0; i < outline->pieces(); ++i)
        stored.pieces.push_back(snapshot.state->map()->piece(*outline, i));
    write_durably(file_of_height(directory_, header.height, snapshot_suffix), encode(stored));
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

std::optional<StoredSnapshot> decode_snapshot(ByteView bytes) {
    ByteReader in(bytes);
    const ByteView found = in.raw(magic.size());
    if (in.failed() || !std::equal(found.begin(), found.end(), as_bytes(magic).begin()))
        return std::nullopt;
    ByteReader manifest_in(in.raw(in.u32()));
    auto manifest = consensus::read_manifest(manifest_in);
    if (in.failed() || !manifest || !manifest_in.complete()) return std::nullopt;
    const auto outline =
        crypto::MerkleOutline::decode(manifest->outline, manifest->certified.header.state_root);
    if (!outline) return std::nullopt;
    StoredSnapshot out{*std::move(manifest), {}};
    for (std::size_t i = 0; i < outline->pieces(); ++i) {
        out.pieces.push_back(to_bytes(in.raw(in.u32())));
        if (in.failed() || !outline->fits(i, out.pieces.back())) return std::nullopt;
    }
    if (!in.complete()) return std::nullopt;
    return out;
}

Result<StoredSnapshot> SnapshotStore::read(consensus::Height height) const {
    const std::filesystem::path file = file_of_height(directory_, height, snapshot_suffix);
    const Result<Bytes> bytes = read_whole(file, snapshot_bytes_max);
    if (!bytes) return bytes.error();
    auto snapshot = decode_snapshot(*bytes);
    if (!snapshot || snapshot->manifest.certified.header.height != height)
        return Error{file.string() +
                     " is damaged; remove it if an older snapshot and all blocks since are "
                     "there, else fetch the log anew"};
    return *std::move(snapshot);
}

}  // namespace kilter::storage
