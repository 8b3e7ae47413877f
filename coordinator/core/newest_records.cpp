#include "coordinator/core/newest_records.hpp"

namespace kilter::coordinator {

void NewestRecords::add(const settlement::ClearedNet& record, const consensus::EntryId& id) {
    take(of_nets_[record.net], record.interval, id);
    for (const settlement::ClearedMember& member : record.members)
        take(of_homes_[member.key], record.interval, id);
}

std::optional<consensus::EntryId> NewestRecords::of_net(NetId net) const {
    const auto newest = of_nets_.find(net);
    return newest == of_nets_.end() ? std::nullopt : std::optional(newest->second.id);
}

std::vector<Bytes> NewestRecords::receipts_for(const crypto::PublicKey& home,
                                               NetId net,
                                               const ReceiptOf& receipt_of) {
    const auto newest = of_net(net);
    if (!newest) return {};
    auto& [id, bytes] = receipts_[net];
    if (id != *newest || bytes.empty()) {
        auto receipt = receipt_of(*newest);
        if (!receipt) return {};
        id = *newest;
        bytes = std::move(*receipt);
    }
    std::vector<Bytes> out = {bytes};
    const auto own = of_homes_.find(home);
    if (own != of_homes_.end() && own->second.id != *newest)
        if (auto receipt = receipt_of(own->second.id)) out.push_back(std::move(*receipt));
    return out;
}

}  // namespace kilter::coordinator
