/// Corrected reads on their way to the docket: which entry was wrong, and the commitments that shall count. Nothing secret.
#pragma once

#include <filesystem>

#include "common/settlement/corrected_reads.hpp"

namespace kilter::cli {

struct RereadDocument {
    consensus::EntryId replaces;  ///< the reads entry
    settlement::CorrectedReads reads;
};

Result<void> write_reread(const std::filesystem::path& file, const RereadDocument& document);
Result<RereadDocument> read_reread(const std::filesystem::path& file);

}  // namespace kilter::cli
