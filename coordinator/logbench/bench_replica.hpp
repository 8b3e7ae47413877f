/// One replica as a process of its own, for measuring: the same host, store and transport as the coordinator's, with a
/// ledger of opaque entries instead of the market. Writes its height and number of final entries to DIR/replica-<i>/progress
/// twice a second (a learner: fifty times).
#pragma once

#include "coordinator/log/log_host.hpp"
#include "coordinator/logbench/site.hpp"

namespace kilter::coordinator {

struct BenchReplica {
    std::filesystem::path directory;
    std::size_t index = 0;
    Mode mode = Mode::full;
    unsigned workers = 1;
    consensus::Parameters parameters = log_parameters;

    /// Until SIGTERM. Error: a file, a port, a store.
    [[nodiscard]] Result<void> run() const;
};

struct Progress {
    std::uint64_t height = 0;
    std::uint64_t entries = 0;
};

/// Of a replica that writes it; zeros before the first time.
Progress progress_of(const Site& site, std::size_t replica);

/// The first bytes of an id: enough to tell the entries of one run apart.
std::uint64_t tag_of(const consensus::EntryId& id);

/// In order mode, replica to client: the tags of entries that became final, in one ConsensusMessage.
Bytes encode_finals(const std::vector<std::uint64_t>& tags);
std::vector<std::uint64_t> decode_finals(ByteView bytes);

}  // namespace kilter::coordinator
