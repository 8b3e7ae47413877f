/// One replica of the log: Simplex with justified proposals (Chan & Pass 2023; docs/protocol). A
/// pure state machine: no clock, disk, socket, thread or chance inside; the same inputs give the
/// same outputs. Quiescent when there is no work.
///
/// Questions and where they are answered: who voted what (tally), may I sign this (signer), which
/// block may follow which (block_tree), which entries wait (mempool), when does a view end and how
/// does a lost replica find back (here).
///
/// The whole host:
// clang-format off
///
///     auto store = LogStore::open(file, genesis);              // these two report damage
///     auto image = store->load(ledger);
///     Replica replica(config_of(genesis), std::move(identity), ledger, *std::move(image));
///     Outputs out = replica.step(Started{}, now());
///     for (;;) {
///         store->apply(out.persist);                           // one transaction, or abort
///         for (auto& s : out.send) transport.send(s.to, encode(s.message));
///         for (auto& l : out.letters) transport.send(l.to, encode(l.message));
///         for (auto& s : out.serve)
///             if (auto answer = store->answer(s.ask)) transport.send(s.to, encode(*answer));
///         for (auto& a : out.arm) timers.arm(a.timer, a.delay_ms);  // replaces its kind
///         for (auto& f : out.finalised) deliver(f);
///         if (out.halt) stop(*out.halt);
///         out = {};
///         for (const Input& input : inbox.wait(256)) out.append(replica.step(input, now()));
///     }
// clang-format on
#pragma once

#include <memory>

#include "common/consensus/effects.hpp"
#include "common/consensus/parameters.hpp"

namespace kilter::consensus {

struct Config {
    ChainId chain;
    ValidatorSet validators;  ///< of genesis
    Parameters parameters;
    UnixMs genesis_ms = 0;  ///< the first block's time is later than this
};

/// For status pages and tests.
struct ReplicaStatus {
    View view = 0;
    View final_view = 0;
    Height final_height = 0;
    EntryIndex entries = 0;  ///< final
    std::size_t mempool = 0;
    bool has_work = false;
    bool halted = false;
};

class Replica {
  public:
    /// `application` must outlive the replica. A key that is not in the current epoch's set only follows (a learner).
    /// REQUIRES: the image is this chain's (LogStore::load saw to it).
    Replica(Config config,
            crypto::Identity identity,
            const Application& application,
            DurableImage image);
    ~Replica();
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;
    Replica(Replica&&) noexcept;
    Replica& operator=(Replica&&) noexcept;

    /// Total over any input. `now` only bounds proposal times and stamps own ones; it may jump.
    Outputs step(const Input& input, UnixMs now);

    /// outsider: not a member of the current epoch.
    [[nodiscard]] ReplicaIndex index() const;
    /// Of the current epoch: what indices in messages and outputs refer to. Changes within a step.
    [[nodiscard]] const ValidatorSet& validators() const;
    [[nodiscard]] Epoch epoch() const;
    /// All epochs that are proved here; a replica that is behind may know later ones than its own.
    [[nodiscard]] const EpochTable& epochs() const;
    [[nodiscard]] ReplicaStatus status() const;
    /// The final ledger state.
    [[nodiscard]] const StatePtr& state() const;

  private:
    class Core;
    std::unique_ptr<Core> core_;
};

}  // namespace kilter::consensus
