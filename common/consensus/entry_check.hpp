/// What can be said about an entry without a state: its author signed it for this log, and its content is well formed.
/// Expensive, thread-safe, and done once per entry and replica: by the host's workers before a message reaches the
/// replica, or by the replica.
///
/// Two types of entries are the log's own; the application only applies its general rules to them. Whether the members of
/// an epoch signed what is in them is for the execution to judge (block_execution.hpp): it depends on the epoch.
#pragma once

#include <functional>
#include <span>

#include "common/consensus/application.hpp"
#include "common/consensus/epoch.hpp"

namespace kilter::consensus {

inline constexpr EntryType evidence_entry =
    201;  ///< two votes that contradict each other; author: a validator

/// Whether the log itself gives entries of this type their meaning.
[[nodiscard]] bool is_own_type(EntryType type);

/// The entries that come with it were checked: verify_entries() says so, nobody else can. Default: nobody looked.
class Verified {
  public:
    Verified() = default;

    explicit operator bool() const { return verified_; }

  private:
    friend Verified verify_entries(std::span<const EntryPtr> entries,
                                   const ChainId& chain,
                                   const Application& application,
                                   const std::function<bool(const SealedEntry&)>& known);
    bool verified_ = false;
};

/// The error is for the submitter.
[[nodiscard]] Result<void> check_entry(const SealedEntry& entry,
                                       const ChainId& chain,
                                       const Application& application);

/// Not verified when one of them fails. `known` (may be empty): this very entry passed before.
[[nodiscard]] Verified verify_entries(std::span<const EntryPtr> entries,
                                      const ChainId& chain,
                                      const Application& application,
                                      const std::function<bool(const SealedEntry&)>& known = {});

/// Not signed, without an expiry. Semantic key: "evidence|" epoch "|" view "|" signer, so that each is on the log once.
[[nodiscard]] Entry evidence_as_entry(const Evidence& evidence);
/// Strict and total; signatures are not checked.
[[nodiscard]] std::optional<Evidence> decode_evidence(ByteView body);

}  // namespace kilter::consensus
