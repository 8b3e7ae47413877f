#include "coordinator/logbench/opaque_ledger.hpp"

#include <array>
#include <map>

#include "common/consensus/seen_ids.hpp"

namespace kilter::coordinator {

using consensus::Admission;
using consensus::SealedEntry;
using consensus::StatePtr;
using consensus::Verdict;

namespace {

class IdExecution final : public consensus::Execution {
  public:
    IdExecution(StatePtr parent, UnixMs time_ms)
        : parent_(std::move(parent)), seen_(*parent_, time_ms) {}

    Verdict apply(const SealedEntry& entry) override {
        Verdict verdict = seen_.judge(*parent_->map(), entry);
        if (verdict.admission == Admission::ready) seen_.add(entry);
        return verdict;
    }

    StatePtr finish() override {
        crypto::MerkleMap map = *parent_->map();
        auto seen = seen_.finish(map, consensus::SeenForm::lists);
        return std::make_shared<consensus::MapState>(std::move(map), std::move(seen));
    }

  private:
    StatePtr parent_;
    consensus::SeenIds seen_;
};

/// The newest counters of one author: bit c mod width says whether counter c in (highest - width, highest] is there.
class Window {
  public:
    static constexpr std::uint64_t width = 16'384;

    [[nodiscard]] bool accepts(std::uint64_t counter) const {
        if (counter == 0) return false;
        if (counter > highest_) return true;
        return counter + width > highest_ && !bit(counter);
    }

    void add(std::uint64_t counter) {
        if (counter > highest_) {
            const std::uint64_t fresh = std::min(counter - highest_, width);
            for (std::uint64_t c = counter - fresh + 1; c < counter; ++c)
                word(c) &= ~mask(c);
            highest_ = counter;
        }
        word(counter) |= mask(counter);
    }

    void write(ByteWriter& out) const {
        out.u64(highest_);
        for (const std::uint64_t word : words_)
            out.u64(word);
    }

  private:
    static std::uint64_t mask(std::uint64_t counter) { return std::uint64_t{1} << (counter % 64); }

    std::uint64_t& word(std::uint64_t counter) { return words_[counter % width / 64]; }

    [[nodiscard]] bool bit(std::uint64_t counter) const {
        return (words_[counter % width / 64] & mask(counter)) != 0;
    }

    std::uint64_t highest_ = 0;
    std::array<std::uint64_t, width / 64> words_{};
};

using Windows = std::map<crypto::PublicKey, std::shared_ptr<const Window>>;

class CounterState final : public consensus::LedgerState {
  public:
    explicit CounterState(Windows windows) : windows_(std::move(windows)) {
        ByteWriter out;
        for (const auto& [author, window] : windows_) {
            out.raw(author.view());
            window->write(out);
        }
        root_ = crypto::digest("counters", out.bytes());
    }

    [[nodiscard]] crypto::Digest root() const override { return root_; }

    [[nodiscard]] const Windows& windows() const { return windows_; }

  private:
    Windows windows_;
    crypto::Digest root_;
};

const Windows& windows_of(const StatePtr& state) {
    return static_cast<const CounterState&>(*state).windows();
}

class CounterExecution final : public consensus::Execution {
  public:
    CounterExecution(StatePtr parent, UnixMs time_ms)
        : parent_(std::move(parent)), time_ms_(time_ms) {}

    Verdict apply(const SealedEntry& sealed) override {
        const consensus::Entry& entry = sealed.entry;
        if (entry.expires_ms < time_ms_) return {Admission::refused, "the entry has expired"};
        const auto mine = changed_.find(entry.author);
        const auto theirs = windows_of(parent_).find(entry.author);
        const Window* window = mine != changed_.end()                ? &mine->second
                               : theirs != windows_of(parent_).end() ? theirs->second.get()
                                                                     : nullptr;
        if (window != nullptr && !window->accepts(entry.seq))
            return {Admission::refused, "the counter was used, or is too old"};
        if (mine != changed_.end())
            mine->second.add(entry.seq);
        else
            changed_.emplace(entry.author, window != nullptr ? *window : Window{})
                .first->second.add(entry.seq);
        return {};
    }

    StatePtr finish() override {
        Windows windows = windows_of(parent_);
        for (const auto& [author, window] : changed_)
            windows[author] = std::make_shared<const Window>(window);
        return std::make_shared<CounterState>(std::move(windows));
    }

  private:
    StatePtr parent_;
    UnixMs time_ms_;
    std::map<crypto::PublicKey, Window> changed_;
};

}  // namespace

Result<void> OpaqueLedger::check(const consensus::Entry& entry) const {
    if (entry.type != opaque_entry)
        return Error{"entry type " + std::to_string(entry.type) + " is not what is measured here"};
    return {};
}

StatePtr OpaqueLedger::initial() const {
    if (memory_ == Memory::counters) return std::make_shared<CounterState>(Windows{});
    return consensus::state_without_ids(genesis_ms_, consensus::SeenForm::lists);
}

std::unique_ptr<consensus::Execution> OpaqueLedger::begin(const StatePtr& parent,
                                                          consensus::Height,
                                                          UnixMs time_ms) const {
    if (memory_ == Memory::counters) return std::make_unique<CounterExecution>(parent, time_ms);
    return std::make_unique<IdExecution>(parent, time_ms);
}

bool OpaqueLedger::contains(const consensus::LedgerState& state,
                            const consensus::EntryId& id) const {
    return memory_ == Memory::ids && consensus::seen(state, id);
}

}  // namespace kilter::coordinator
