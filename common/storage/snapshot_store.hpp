/// Snapshots beside the log's database, one file each; the newest two are kept. They hold nothing of the journal.
///
///     "kilter snapshot 1\n" | manifest length u32 | manifest | per piece: length u32 | bytes
#pragma once

#include "common/consensus/effects.hpp"
#include "common/storage/durable_file.hpp"

namespace kilter::storage {

struct StoredSnapshot {
    consensus::Manifest manifest;
    std::vector<Bytes> pieces;
};

Bytes encode(const StoredSnapshot& snapshot);
/// None: not of this form to the last byte, or pieces that are not the manifest's. Its certificate is not looked at.
std::optional<StoredSnapshot> decode_snapshot(ByteView bytes);

class SnapshotStore {
  public:
    explicit SnapshotStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Durable on return; ends the process on any failure.
    void write(const consensus::Snapshot& snapshot) const;
    /// Ascending.
    [[nodiscard]] std::vector<consensus::Height> heights() const;
    void remove(consensus::Height height) const;
    /// Error: damaged, with the file's name. Pieces are checked against the manifest, the manifest's certificate is not.
    [[nodiscard]] Result<StoredSnapshot> read(consensus::Height height) const;

  private:
    std::filesystem::path directory_;
};

}  // namespace kilter::storage
