/// Where the processes of one measurement find each other: a directory with a genesis document, which names everybody, and
/// one directory per replica.
///
///     DIR/genesis.bin   DIR/replica-<i>/{key, log.db, stderr}
///
/// Replicas 0 to n - 1 are the validators; replica n is no member: it learns. The client is the operator of
/// the document.
#pragma once

#include <filesystem>

#include "common/crypto/identity.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::coordinator {

enum class Mode : std::uint8_t {
    /// Every replica checks every entry's signature, every vote is on the disk before it is sent, clients get receipts.
    full,
    /// Ordering alone: no signature of an entry is checked, nothing is synchronised to disk, entries are empty, and clients
    /// hand in and are answered in batches.
    order,
};

/// Per peer and direction: a block's receipts fit.
inline constexpr int queue_messages = 20'000;

struct Site {
    std::filesystem::path directory;
    settlement::Genesis genesis;
    std::string client;   ///< endpoint
    std::string learner;  ///< endpoint
    crypto::PublicKey learner_key;

    [[nodiscard]] std::size_t replicas() const { return genesis.validators.size(); }

    [[nodiscard]] std::filesystem::path replica(std::size_t i) const {
        return directory / ("replica-" + std::to_string(i));
    }

    [[nodiscard]] std::filesystem::path store(std::size_t i) const { return replica(i) / "log.db"; }
};

/// Writes keys and genesis; `ports` consecutive ones on 127.0.0.1 from `first_port`: replicas, learner, client.
Result<Site> make_site(const std::filesystem::path& directory,
                       std::size_t replicas,
                       int first_port,
                       const crypto::Identity& client);
Result<Site> load_site(const std::filesystem::path& directory);

}  // namespace kilter::coordinator
