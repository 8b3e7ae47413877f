/// Entries' signatures, checked on threads of their own and once each: an entry that passed when it was submitted is known
/// when it comes again in a proposal. One that comes alone while nothing else waits is checked where it is: to wake a thread
/// up and to be woken by it takes as long.
///
/// Threads: check(), deliver() and backlog() belong to the loop's thread; the workers share nothing with it but two queues
/// and the table of entries that passed.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/consensus/entry_check.hpp"

namespace kilter::coordinator {

class EntryWorkers {
  public:
    using Entries = std::vector<consensus::EntryPtr>;
    using Done = std::function<void(consensus::Verified)>;

    struct Options {
        unsigned threads = 1;
        /// False takes every entry for good: only to measure what ordering costs without signatures.
        bool check = true;
    };

    /// `application` must outlive the workers.
    EntryWorkers(const consensus::ChainId& chain,
                 const consensus::Application& application,
                 Options options);
    ~EntryWorkers();
    EntryWorkers(const EntryWorkers&) = delete;
    EntryWorkers& operator=(const EntryWorkers&) = delete;

    /// Has the entries checked; `done` is called by a later deliver(), or at once when they all passed before, or when
    /// there is one and nothing waits.
    void check(Entries entries, Done done);
    /// Entries handed in whose `done` was not called yet.
    [[nodiscard]] std::size_t backlog() const;

    /// A descriptor that is readable when deliver() has something to do.
    [[nodiscard]] int readable() const;
    void deliver();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::coordinator
