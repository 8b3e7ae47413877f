// Files beside a log's database that travel: archives and snapshots. Refused, or canonical; and checking one never fails but
// with an error.

#include "common/storage/archive.hpp"
#include "common/storage/snapshot_store.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kilter::ByteView bytes(data, size);
    const kilter::Bytes original = kilter::to_bytes(bytes);
    if (const auto archive = kilter::storage::decode_archive(bytes, "archive")) {
        KILTER_CHECK(kilter::storage::encode(*archive) == original,
                     "an accepted archive re-encodes to itself");
        (void)kilter::storage::verify(*archive, archive->chain, {});
    }
    if (const auto snapshot = kilter::storage::decode_snapshot(bytes)) {
        KILTER_CHECK(kilter::storage::encode(*snapshot) == original,
                     "an accepted snapshot re-encodes to itself");
        const auto outline = kilter::crypto::MerkleOutline::decode(
            snapshot->manifest.outline, snapshot->manifest.certified.header.state_root);
        KILTER_CHECK(outline && outline->join(snapshot->pieces),
                     "the pieces of an accepted snapshot are a state");
    }
    return 0;
}
