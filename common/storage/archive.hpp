/// Final blocks that left the database, a file per stretch. A file is checked without the log: its blocks chain, the first
/// one's log root follows from the frontier, and the last one is final by a certificate or an epoch's proof.
///
///     "kilter archive 1\n" | chain 32 | count u32 | frontier before the first block: size u64, its peaks |
///     epoch proofs: count u16, each | per block: length u32 | final block
#pragma once

#include <optional>
#include <string_view>

#include "common/consensus/block.hpp"
#include "common/consensus/epoch.hpp"
#include "common/crypto/merkle.hpp"
#include "common/storage/durable_file.hpp"

namespace kilter::storage {

inline constexpr std::string_view archive_magic = "kilter archive 1\n";

struct ArchiveFile {
    consensus::ChainId chain;
    crypto::MerkleFrontier before;
    std::vector<consensus::EpochProof> epochs;  ///< of all epochs up to the last block's end
    std::vector<consensus::FinalBlock> blocks;  ///< consecutive heights, at least one
};

Bytes encode(const ArchiveFile& stretch);
/// Error: not of this form, to the last byte. `name` is for the error.
Result<ArchiveFile> decode_archive(ByteView bytes, const std::string& name);

class Archive {
  public:
    explicit Archive(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Durable on return; ends the process on any failure. The file is named after the first height.
    void write(const ArchiveFile& stretch) const;
    /// The log here begins above this height: what is below it came as a snapshot. Durable on return.
    ///
    ///     HEIGHT.origin: "kilter origin 1\n" | frontier over all entries up to there: size u64, its peaks
    void begin_above(consensus::Height height, const crypto::MerkleFrontier& log) const;
    /// The frontiers are readable: without one the archive could not go on where it begins. Error: the first damaged file,
    /// and what to do.
    [[nodiscard]] Result<void> check() const;
    /// Error: not archived here, or damaged.
    [[nodiscard]] Result<consensus::FinalBlock> block(consensus::Height height) const;
    /// The frontier over all entries up to and with this block. None: the archive neither ends with it nor begins above it.
    [[nodiscard]] std::optional<crypto::MerkleFrontier> after(consensus::Height height) const;

  private:
    [[nodiscard]] std::optional<crypto::MerkleFrontier> origin(consensus::Height height) const;

    std::filesystem::path directory_;
    mutable std::optional<ArchiveFile> open_;  // the one last read
};

Result<ArchiveFile> read_archive(const std::filesystem::path& file);
/// The light client's check of a whole file, with nothing but genesis. The error names the block.
Result<void> verify(const ArchiveFile& stretch,
                    const consensus::ChainId& chain,
                    const consensus::ValidatorSet& genesis);

}  // namespace kilter::storage
