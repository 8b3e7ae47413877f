#include "common/consensus/block_execution.hpp"

#include "common/base/check.hpp"
#include "common/consensus/entry_check.hpp"
#include "common/consensus/mutation.hpp"

namespace kilter::consensus {

namespace {
// Of the state's keys these are the log's:
//   "log|members"    -> the validator set of the newest epoch change
//   "log|was" key    -> whoever was a member of an epoch that ended
Bytes members_key() {
    return ByteWriter{}.text("log|members").bytes();
}

Bytes was_key(const PublicKey& key) {
    return ByteWriter{}.text("log|was").raw(key.view()).bytes();
}
}  // namespace

ValidatorSet members(const crypto::MerkleMap& state, const ValidatorSet& genesis) {
    const Bytes* stored = state.find(members_key());
    if (stored == nullptr) return genesis;
    ByteReader in(*stored);
    Result<ValidatorSet> set = ValidatorSet::read(in);
    KILTER_CHECK(set.ok(), "the state holds a malformed validator set");
    return *std::move(set);
}

bool was_member(const crypto::MerkleMap& state, const PublicKey& key) {
    return state.find(was_key(key)) != nullptr;
}

BlockExecution::BlockExecution(std::unique_ptr<Execution> application,
                               StatePtr parent,
                               const ChainId& chain,
                               Epoch epoch,
                               const ValidatorSet& validators)
    : application_(std::move(application)),
      parent_(std::move(parent)),
      chain_(chain),
      epoch_(epoch),
      validators_(validators) {}

Verdict BlockExecution::judge(const EpochChange& change) const {
    if (parent_->map() == nullptr)
        return {Admission::refused, "epoch change: this log's validators never change"};
    if (change.epoch < epoch_) return {Admission::refused, "epoch change: that epoch has ended"};
    if (change.epoch > epoch_) return {Admission::later, "epoch change: that epoch has not begun"};
    if (const auto agreed = check(change, chain_, validators_);
        !agreed && mutant != Mutant::unchecked_change)
        return {Admission::refused, agreed.error().message};
    for (const Validator& validator : change.next.validators)
        if (!validators_.index_of(validator.key) && mutant != Mutant::returning_key &&
            was_member(*parent_->map(), validator.key))
            return {Admission::refused, "epoch change: key " + short_hex(validator.key.view()) +
                                            " was a member and left; a machine that returns needs "
                                            "a new key"};
    return {};
}

Verdict BlockExecution::judge(const Evidence& evidence) const {
    const Epoch epoch = evidence.first.epoch;
    if (epoch < epoch_) return {Admission::refused, "evidence: that epoch has ended"};
    if (epoch > epoch_) return {Admission::later, "evidence: that epoch has not begun"};
    if (!verify(evidence.first, chain_, validators_) ||
        !verify(evidence.second, chain_, validators_))
        return {Admission::refused, "evidence: the votes were not signed by the accused"};
    return {};
}

Verdict BlockExecution::judge_own(const Entry& entry) const {
    const auto judged = [&](const auto& content) -> Verdict {
        if (!content) return {Admission::refused, "the entry is malformed"};
        Verdict verdict = judge(*content);
        if (verdict.admission == Admission::ready && !validators_.index_of(entry.author))
            return {Admission::refused, "the entry's author is no validator"};
        return verdict;
    };
    if (entry.type == epoch_change_entry) return judged(decode_epoch_change(entry.body));
    return judged(decode_evidence(entry.body));
}

Verdict BlockExecution::apply(const SealedEntry& entry) {
    if (next_) return {Admission::later, "the epoch ends with the entry before"};
    if (!is_own_type(entry.entry.type)) return application_->apply(entry);
    if (Verdict verdict = judge_own(entry.entry); verdict.admission != Admission::ready)
        return verdict;
    Verdict verdict = application_->apply(entry);
    if (verdict.admission == Admission::ready && entry.entry.type == epoch_change_entry)
        next_ = decode_epoch_change(entry.entry.body)->next;
    return verdict;
}

StatePtr BlockExecution::finish() {
    StatePtr state = application_->finish();
    if (!next_) return state;
    crypto::MerkleMap map = state->map()->with(members_key(), next_->encode());
    for (const Validator& validator : validators_.validators)
        map = map.with(was_key(validator.key), {});
    return std::make_shared<MapState>(std::move(map), state->seen());
}

}  // namespace kilter::consensus
