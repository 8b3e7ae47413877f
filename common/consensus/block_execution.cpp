#include "common/consensus/block_execution.hpp"

#include "common/base/check.hpp"

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

BlockExecution::BlockExecution(std::unique_ptr<Execution> application,
                               StatePtr parent,
                               Epoch epoch,
                               const ValidatorSet& validators)
    : application_(std::move(application)),
      parent_(std::move(parent)),
      epoch_(epoch),
      validators_(validators) {}

Verdict BlockExecution::judge(const EpochChange& change) const {
    if (parent_->map() == nullptr)
        return {Admission::refused, "epoch change: this log's validators never change"};
    if (change.epoch < epoch_) return {Admission::refused, "epoch change: that epoch has ended"};
    if (change.epoch > epoch_) return {Admission::later, "epoch change: that epoch has not begun"};
    for (const Validator& validator : change.next.validators)
        if (!validators_.index_of(validator.key) &&
            parent_->map()->find(was_key(validator.key)) != nullptr)
            return {Admission::refused, "epoch change: key " + short_hex(validator.key.view()) +
                                            " was a member and left; a machine that returns needs "
                                            "a new key"};
    return {};
}

Verdict BlockExecution::apply(const SealedEntry& entry) {
    if (next_) return {Admission::later, "the epoch ends with the entry before"};
    if (entry.entry.type != epoch_change_entry) return application_->apply(entry);
    Result<EpochChange> change = decode_epoch_change(entry.entry.body);
    if (!change) return {Admission::refused, change.error().message};
    if (Verdict verdict = judge(*change); verdict.admission != Admission::ready) return verdict;
    Verdict verdict = application_->apply(entry);
    if (verdict.admission == Admission::ready) next_ = std::move(change->next);
    return verdict;
}

StatePtr BlockExecution::finish() {
    StatePtr state = application_->finish();
    if (!next_) return state;
    crypto::MerkleMap map = state->map()->with(members_key(), next_->encode());
    for (const Validator& validator : validators_.validators)
        map = map.with(was_key(validator.key), {});
    return std::make_shared<MapState>(std::move(map));
}

}  // namespace kilter::consensus
