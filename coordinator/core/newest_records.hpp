/// What a home that greets is shown of its net's records: the net's newest, and the newest that the home itself has signed,
/// for its memory may be older than that (it is another process, or a file was put back).
///
/// A value: it knows records and receipts, and sends nothing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/settlement/entries.hpp"

namespace kilter::coordinator {

class NewestRecords {
  public:
    /// A record that is final. Homes bring what they cleared among themselves later than what was cleared after it.
    void add(const settlement::ClearedNet& record, const consensus::EntryId& id);

    /// The receipt of a net's record, encoded: kept for the homes of the net, until there is another one.
    void keep_receipt(NetId net, const consensus::EntryId& id, Bytes receipt) {
        receipts_[net] = {id, std::move(receipt)};
    }

    /// Nothing: the net has never cleared, as far as this log goes back.
    [[nodiscard]] std::optional<consensus::EntryId> of_net(NetId net) const;

    /// A record's encoded receipt from the store; nothing if its block is pruned.
    using ReceiptOf = std::function<std::optional<Bytes>(const consensus::EntryId&)>;
    /// The receipts for this home of this net, one or two; none if the net's newest has none.
    std::vector<Bytes> receipts_for(const crypto::PublicKey& home,
                                    NetId net,
                                    const ReceiptOf& receipt_of);

    /// Forgets a home that has left.
    void forget(const crypto::PublicKey& home) { of_homes_.erase(home); }

  private:
    struct Newest {
        IntervalIndex interval = 0;
        consensus::EntryId id;
    };

    static void take(Newest& newest, IntervalIndex interval, const consensus::EntryId& id) {
        if (interval >= newest.interval) newest = {interval, id};
    }

    std::map<NetId, Newest> of_nets_;
    std::map<crypto::PublicKey, Newest> of_homes_;  // that they have signed
    std::map<NetId, std::pair<consensus::EntryId, Bytes>> receipts_;
};

}  // namespace kilter::coordinator
