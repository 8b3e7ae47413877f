#include "common/consensus/seen_set.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kilter::consensus {

/// Open addressing, half empty at least.
class SeenSet::Layer {
  public:
    explicit Layer(std::vector<One> ids) : ids_(std::move(ids)) {
        slots_.resize(std::bit_ceil(2 * ids_.size() + 1));
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            first_ = i == 0 ? ids_[i].second : std::min(first_, ids_[i].second);
            last_ = i == 0 ? ids_[i].second : std::max(last_, ids_[i].second);
            std::size_t at = slot_of(ids_[i].id);
            while (slots_[at] != 0)
                at = next(at);
            slots_[at] = static_cast<std::uint32_t>(i + 1);
        }
    }

    [[nodiscard]] const One* find(const EntryId& id) const {
        for (std::size_t at = slot_of(id); slots_[at] != 0; at = next(at))
            if (ids_[slots_[at] - 1].id == id) return &ids_[slots_[at] - 1];
        return nullptr;
    }

    [[nodiscard]] const std::vector<One>& ids() const { return ids_; }

    [[nodiscard]] std::int64_t first() const { return first_; }

    [[nodiscard]] std::int64_t last() const { return last_; }

  private:
    // Ids are digests: any of their bytes spread them.
    [[nodiscard]] std::size_t slot_of(const EntryId& id) const {
        std::uint64_t word = 0;
        std::memcpy(&word, id.bytes.data(), sizeof word);
        return word & (slots_.size() - 1);
    }

    [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

    std::vector<One> ids_;
    std::vector<std::uint32_t> slots_;  // 0: empty, else one more than the place in ids_
    std::int64_t first_ = 0, last_ = 0;
};

SeenSet SeenSet::with(std::vector<One> added, std::int64_t now) const {
    SeenSet out;
    for (const auto& layer : layers_)
        if (layer->last() >= now) out.layers_.push_back(layer);
    if (added.empty()) return out;
    while (!out.layers_.empty() && out.layers_.back()->ids().size() <= 2 * added.size()) {
        for (const One& one : out.layers_.back()->ids())
            if (one.second >= now) added.push_back(one);
        out.layers_.pop_back();
    }
    out.layers_.push_back(std::make_shared<const Layer>(std::move(added)));
    return out;
}

bool SeenSet::contains(const EntryId& id, std::int64_t second) const {
    return std::any_of(layers_.begin(), layers_.end(), [&](const auto& layer) {
        return layer->first() <= second && second <= layer->last() && layer->find(id) != nullptr;
    });
}

bool SeenSet::contains_since(const EntryId& id, std::int64_t now) const {
    return std::any_of(layers_.begin(), layers_.end(), [&](const auto& layer) {
        const One* found = layer->last() < now ? nullptr : layer->find(id);
        return found != nullptr && found->second >= now;
    });
}

}  // namespace kilter::consensus
