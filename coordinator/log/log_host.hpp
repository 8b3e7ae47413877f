/// One replica of the log as a process runs it: the core, its store, its timers and the workers that check entries, on a
/// loop and a hub that belong to the process around it.
///
/// One loop turn: messages and entries come in through receive() and submit(); finish_turn() commits what the core wants
/// durable in one transaction, only then sends, and then tells LogEvents what became of it. Entries' signatures are checked
/// by the workers before the core sees them; what arrives while they are at it makes the next batch.
///
/// Back-pressure: a coordinator with more than entries_waiting_max entries at its workers answers try_later, and drops what
/// others pass on (whoever took those entries proposes them, and passes them on again).
#pragma once

#include <memory>
#include <string>

#include "common/consensus/replica.hpp"
#include "common/runtime/loop.hpp"
#include "common/storage/log_store.hpp"
#include "common/transport/hub.hpp"
#include "coordinator/log/entry_workers.hpp"

namespace kilter::coordinator {

inline constexpr std::size_t entries_waiting_max = 8'192;

/// A replica's timing here. Batches form by themselves while signatures are checked and blocks are on their way, so a leader
/// does not wait for company: that would be most of what a lonely entry takes.
inline constexpr consensus::Parameters log_parameters{.batch_wait_ms = 0};

/// What the log tells the process around it, once it is durable. Callbacks may submit.
class LogEvents {
  public:
    LogEvents() = default;
    LogEvents(const LogEvents&) = delete;
    LogEvents& operator=(const LogEvents&) = delete;
    virtual ~LogEvents() = default;

    virtual void on_final(const consensus::Finalised& final) = 0;
    /// One per entry submitted; final and accepted ones are told of by on_final, whenever that is.
    virtual void on_answer(const consensus::SubmissionAnswer& answer) = 0;

    /// Whether a key that is no member of a known epoch may speak about the log: a coordinator that learns, missed the end
    /// of its epoch, or is of one that this replica does not know.
    [[nodiscard]] virtual bool may_learn(const crypto::PublicKey& key) const {
        (void)key;
        return false;
    }

    /// The replica knows the members of a later epoch, replica().epochs(), with whom it has to be able to speak.
    virtual void on_epochs_proved() {}

    /// The state is a received snapshot's: the blocks up to it are not delivered.
    virtual void on_jump() = 0;
    /// The log has stopped for a person to look at.
    virtual void on_halt(const std::string& reason) = 0;
};

class LogHost {
  public:
    /// Loop, hub, application and events must outlive the host; the hub admits and links to the validators (the
    /// process's business, since it admits others too).
    LogHost(runtime::Loop& loop,
            transport::Hub& hub,
            storage::LogStore store,
            consensus::Replica replica,
            const consensus::Application& application,
            LogEvents& events,
            EntryWorkers::Options workers = {});
    ~LogHost();
    LogHost(const LogHost&) = delete;
    LogHost& operator=(const LogHost&) = delete;

    /// Once, when the loop is about to run.
    void start();
    /// From a client or from this process itself.
    void submit(consensus::EntryPtr entry);
    /// Proofs of the log's epochs, from 1 on, that somebody brought in a document.
    void show(std::vector<consensus::EpochProof> proofs);
    /// A ConsensusMessage's payload, of a key that the hub authenticated.
    void receive(const crypto::PublicKey& from, ByteView payload);
    /// At the end of every turn of the loop.
    void finish_turn();

    [[nodiscard]] const consensus::Replica& replica() const;
    [[nodiscard]] storage::LogStore& store();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::coordinator
