/// What the log asks of the ledger above it. Pure and const: the same entries in the same order
/// give the same state on every machine. States are immutable and cheap to branch, because
/// unfinalised blocks need states of their own.
#pragma once

#include <memory>
#include <string>

#include "common/consensus/entry.hpp"
#include "common/consensus/seen_set.hpp"
#include "common/crypto/merkle_map.hpp"

namespace kilter::consensus {

/// An immutable ledger state.
class LedgerState {
  public:
    LedgerState() = default;
    LedgerState(const LedgerState&) = delete;
    LedgerState& operator=(const LedgerState&) = delete;
    virtual ~LedgerState() = default;
    /// A digest of the content alone.
    [[nodiscard]] virtual Digest root() const = 0;

    /// Null: this ledger's states cannot travel, and its validators never change.
    [[nodiscard]] virtual const crypto::MerkleMap* map() const { return nullptr; }

    /// The ids of the map's lists; null: there are none (seen_ids.hpp).
    [[nodiscard]] virtual SeenSetPtr seen() const { return nullptr; }
};

/// A state that is a map. The keys that start with "log|" are the log's own, all others the application's.
class MapState final : public LedgerState {
  public:
    /// From elsewhere.
    explicit MapState(crypto::MerkleMap map);

    /// After a block. REQUIRES: `seen` holds what the map's lists do.
    MapState(crypto::MerkleMap map, SeenSetPtr seen)
        : map_(std::move(map)), seen_(std::move(seen)) {}

    [[nodiscard]] Digest root() const override { return map_.root(); }

    [[nodiscard]] const crypto::MerkleMap* map() const override { return &map_; }

    [[nodiscard]] SeenSetPtr seen() const override { return seen_; }

  private:
    crypto::MerkleMap map_;
    SeenSetPtr seen_;
};

using StatePtr = std::shared_ptr<const LedgerState>;

enum class Admission : std::uint8_t {
    ready,    ///< valid now
    later,    ///< refers to something the log does not hold yet: keep it, try again after the next
              ///< block
    refused,  ///< never valid
};

struct Verdict {
    Admission admission = Admission::ready;
    std::string reason;  ///< one sentence unless ready
};

/// One block being executed on top of one state.
class Execution {
  public:
    Execution() = default;
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;
    virtual ~Execution() = default;
    /// Applies the entry iff ready; otherwise changes nothing. REQUIRES: the entry passed check()
    /// and its signature.
    virtual Verdict apply(const SealedEntry& entry) = 0;
    /// The state after the entries applied. Once.
    virtual StatePtr finish() = 0;
};

class Application {
  public:
    Application() = default;
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    virtual ~Application() = default;

    /// What needs no state: the body is well formed and the signatures inside it verify. Expensive
    /// and thread-safe; each replica does it once per entry. The error is for the submitter.
    [[nodiscard]] virtual Result<void> check(const Entry& entry) const = 0;
    [[nodiscard]] virtual StatePtr initial() const = 0;
    /// The block's height and time; entries are refused once expired at it.
    [[nodiscard]] virtual std::unique_ptr<Execution> begin(const StatePtr& parent,
                                                           Height height,
                                                           UnixMs time_ms) const = 0;

    /// Whether this program can execute a block at this height on top of this state, or is too old for what the log has
    /// decided. A replica whose next final block it cannot execute halts with the error, which says what to do.
    [[nodiscard]] virtual Result<void> understands(const LedgerState& /*parent*/,
                                                   Height /*height*/) const {
        return {};
    }

    /// Whether the final state already holds this entry.
    [[nodiscard]] virtual bool contains(const LedgerState& state, const EntryId& id) const = 0;
};

}  // namespace kilter::consensus
