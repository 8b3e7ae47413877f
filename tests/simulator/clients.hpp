/// The clients: they submit entries of every kind, good and bad, and send again until they have a receipt or give up.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "tests/simulator/options.hpp"

namespace kilter::consensus::simulation {

class Clients {
  public:
    struct Submission {
        EntryPtr entry;
        std::vector<ReplicaIndex> to;
    };

    Clients(const ClientOptions& options, const ChainId& chain, std::size_t replicas, Prng prng);

    /// What somebody submits now.
    [[nodiscard]] std::vector<Submission> submit(UnixMs now);
    /// Some of those that wait for a receipt ask everybody again.
    [[nodiscard]] std::vector<Submission> insist() const;
    /// One more entry, for whoever wants to see something happen.
    [[nodiscard]] EntryPtr probe(UnixMs now);
    /// A client holds a receipt for it now: it must stay on the log for ever.
    void receipt(const EntryId& id);

    /// Valid for an hour, without a key that another may take: these must become final.
    [[nodiscard]] const std::map<EntryId, EntryPtr>& waiting() const { return waiting_; }

    [[nodiscard]] const std::vector<EntryId>& receipts() const { return receipts_; }

  private:
    [[nodiscard]] Entry draw(UnixMs now, bool& good);
    [[nodiscard]] EntryPtr finish(Entry entry, bool& good);

    ClientOptions options_;
    ChainId chain_;
    std::size_t replicas_;
    Prng prng_;
    std::vector<crypto::Identity> authors_;
    std::uint64_t seq_ = 0;
    std::map<EntryId, EntryPtr> waiting_;
    std::vector<EntryId> receipts_;
};

}  // namespace kilter::consensus::simulation
