#include "tests/simulator/ledger.hpp"

#include <cstring>

namespace kilter::consensus::simulation {

namespace {
constexpr std::size_t layers_max = 16;

class SmallExecution final : public Execution {
  public:
    SmallExecution(std::shared_ptr<const SmallState> parent, UnixMs time_ms)
        : parent_(std::move(parent)), time_ms_(time_ms) {}

    Verdict apply(const SealedEntry& entry) override {
        const Bytes& key = entry.entry.key;
        const Bytes& body = entry.entry.body;
        if (entry.entry.expires_ms < time_ms_) return {Admission::refused, "the entry has expired"};
        if (parent_->contains(entry.id) ||
            std::find(ids_.begin(), ids_.end(), entry.id) != ids_.end())
            return {Admission::refused, "the entry is on the log"};
        if (!key.empty() &&
            (parent_->taken(key) || std::find(keys_.begin(), keys_.end(), key) != keys_.end()))
            return {Admission::refused, "the key is taken"};
        if (body.size() == 8 && ByteReader(body).u64() > parent_->size() + ids_.size())
            return {Admission::later, "others must come first"};
        ids_.push_back(entry.id);
        if (!key.empty()) keys_.push_back(key);
        return {};
    }

    StatePtr finish() override {
        if (ids_.empty()) return parent_;
        return std::make_shared<const SmallState>(parent_, std::move(ids_), std::move(keys_));
    }

  private:
    std::shared_ptr<const SmallState> parent_;
    UnixMs time_ms_;
    std::vector<EntryId> ids_;
    std::vector<Bytes> keys_;
};
}  // namespace

SmallState::SmallState(std::shared_ptr<const SmallState> parent,
                       std::vector<EntryId> ids,
                       std::vector<Bytes> keys)
    : parent_(std::move(parent)),
      ids_(std::move(ids)),
      keys_(std::move(keys)),
      layers_(parent_->layers_ + 1),
      size_(parent_->size_ + ids_.size()),
      sum_(parent_->sum_) {
    for (const EntryId& id : ids_)
        for (std::size_t i = 0; i < sum_.size(); ++i) {
            std::uint64_t word = 0;
            std::memcpy(&word, id.bytes.data() + 8 * i, sizeof word);
            sum_[i] += word;
        }
    if (layers_ <= layers_max) return;
    for (const SmallState* at = parent_.get(); at != nullptr; at = at->parent_.get()) {
        ids_.insert(ids_.end(), at->ids_.begin(), at->ids_.end());
        keys_.insert(keys_.end(), at->keys_.begin(), at->keys_.end());
    }
    std::sort(ids_.begin(), ids_.end());
    parent_.reset();
    layers_ = 0;
}

Digest SmallState::root() const {
    ByteWriter out;
    out.u64(size_);
    for (const std::uint64_t word : sum_)
        out.u64(word);
    return crypto::digest("small", out.bytes());
}

bool SmallState::contains(const EntryId& id) const {
    for (const SmallState* at = this; at != nullptr; at = at->parent_.get()) {
        const bool found = at->layers_ == 0
                               ? std::binary_search(at->ids_.begin(), at->ids_.end(), id)
                               : std::find(at->ids_.begin(), at->ids_.end(), id) != at->ids_.end();
        if (found) return true;
    }
    return false;
}

bool SmallState::taken(const Bytes& key) const {
    for (const SmallState* at = this; at != nullptr; at = at->parent_.get())
        if (std::find(at->keys_.begin(), at->keys_.end(), key) != at->keys_.end()) return true;
    return false;
}

Result<void> SmallLedger::check(const Entry& entry) const {
    if (!entry.body.empty() && entry.body[0] == 0xff) return Error{"the entry's body is malformed"};
    return {};
}

StatePtr SmallLedger::initial() const {
    return std::make_shared<const SmallState>();
}

std::unique_ptr<Execution> SmallLedger::begin(const StatePtr& parent,
                                              Height,
                                              UnixMs time_ms) const {
    return std::make_unique<SmallExecution>(std::static_pointer_cast<const SmallState>(parent),
                                            time_ms);
}

bool SmallLedger::contains(const LedgerState& state, const EntryId& id) const {
    return static_cast<const SmallState&>(state).contains(id);
}

}  // namespace kilter::consensus::simulation
