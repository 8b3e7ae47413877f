#include "common/consensus/entry_check.hpp"

#include <algorithm>
#include <string>

namespace kilter::consensus {

namespace {
Bytes evidence_key(const Vote& vote) {
    return ByteWriter{}
        .text("evidence|" + std::to_string(vote.epoch) + "|" + std::to_string(vote.view) + "|" +
              std::to_string(vote.signer))
        .bytes();
}

Result<void> check_evidence(const Entry& entry) {
    const auto evidence = decode_evidence(entry.body);
    if (!evidence || !contradict(evidence->first, evidence->second))
        return Error{"evidence: it does not hold two votes that contradict each other"};
    if (entry.key != evidence_key(evidence->first))
        return Error{"evidence: the entry's key does not name the votes' view and signer"};
    return {};
}

Result<void> check_change(const Entry& entry) {
    const Result<EpochChange> change = decode_epoch_change(entry.body);
    if (!change) return change.error();
    if (entry.key != epoch_change_key(change->epoch))
        return Error{"epoch change: the entry's key does not name its epoch"};
    return {};
}
}  // namespace

bool is_own_type(EntryType type) {
    return type == evidence_entry || type == epoch_change_entry;
}

Result<void> check_entry(const SealedEntry& entry,
                         const ChainId& chain,
                         const Application& application) {
    if (!verify(entry, chain))
        return Error{"the entry's signature is not its author's, or is for another log"};
    if (entry.entry.type == evidence_entry) return check_evidence(entry.entry);
    if (entry.entry.type == epoch_change_entry) return check_change(entry.entry);
    return application.check(entry.entry);
}

Verified verify_entries(std::span<const EntryPtr> entries,
                        const ChainId& chain,
                        const Application& application,
                        const std::function<bool(const SealedEntry&)>& known) {
    Verified out;
    out.verified_ = std::all_of(entries.begin(), entries.end(), [&](const EntryPtr& entry) {
        return (known && known(*entry)) || check_entry(*entry, chain, application).ok();
    });
    return out;
}

Entry evidence_as_entry(const Evidence& evidence) {
    Entry entry;
    entry.type = evidence_entry;
    entry.seq = evidence.first.view;
    entry.key = evidence_key(evidence.first);
    ByteWriter body;
    write(body, evidence.first);
    write(body, evidence.second);
    entry.body = std::move(body).bytes();
    return entry;
}

std::optional<Evidence> decode_evidence(ByteView body) {
    ByteReader in(body);
    const auto first = read_vote(in);
    if (!first) return std::nullopt;
    const auto second = read_vote(in);
    if (!second || !in.complete()) return std::nullopt;
    return Evidence{*first, *second};
}

}  // namespace kilter::consensus
