#include "coordinator/core/handouts.hpp"

#include <algorithm>
#include <cstdlib>

namespace kilter::coordinator {

namespace {

// A clock that was set back must not make anyone wait until it is where it was.
bool has_passed(UnixMs since, std::int64_t pause_ms, UnixMs now) {
    return std::abs(now - since) >= pause_ms;
}

}  // namespace

void Handouts::on_roster(UnixMs now) {
    changed_ = now;
    for (auto& [_, waiting] : waiting_) {
        waiting.served.reset();
        waiting.pause_ms = 0;
    }
}

void Handouts::on_request(const crypto::PublicKey& home, UnixMs now) {
    auto [found, is_new] = waiting_.try_emplace(home);
    if (is_new) found->second.since = now;
    found->second.asked = now;
    found->second.asks = true;
}

void Handouts::on_answered(const crypto::PublicKey& home) {
    waiting_.erase(home);
}

std::vector<crypto::PublicKey> Handouts::rosters_due(bool more_follow, UnixMs now) {
    std::vector<crypto::PublicKey> out;
    if (!changed_ || !has_passed(*changed_, more_follow ? settle_ms_max : settle_ms, now))
        return out;
    for (auto& [home, waiting] : waiting_) {
        if (out.size() == at_once) break;
        if (!is_due(home, waiting, now)) continue;
        waiting.pause_ms = std::clamp(2 * waiting.pause_ms, again_ms, again_ms_max);
        waiting.served = now;
        waiting.asks = false;
        out.push_back(home);
    }
    return out;
}

bool Handouts::is_due(const crypto::PublicKey& home, const Waiting& waiting, UnixMs now) const {
    if (waiting.served) return waiting.asks && has_passed(*waiting.served, waiting.pause_ms, now);
    return is_own(home) || (has_passed(waiting.since, others_wait_ms, now) &&
                            has_passed(*changed_, settle_ms + others_wait_ms, waiting.asked));
}

bool Handouts::record_due(const crypto::PublicKey& home,
                          const consensus::EntryId& record,
                          UnixMs now) {
    Shown& last = shown_[home];
    if (last.record == record && !has_passed(last.record_ms, record_again_ms, now)) return false;
    last.record = record;
    last.record_ms = now;
    return true;
}

bool Handouts::epochs_due(const crypto::PublicKey& party, consensus::Epoch newest, UnixMs now) {
    Shown& last = shown_[party];
    if (last.epoch == newest && !has_passed(last.epochs_ms, epochs_again_ms, now)) return false;
    last.epoch = newest;
    last.epochs_ms = now;
    return true;
}

void Handouts::forget(const crypto::PublicKey& party) {
    waiting_.erase(party);
    shown_.erase(party);
}

// As homes ask: the first coordinator each of them turns to.
bool Handouts::is_own(const crypto::PublicKey& home) const {
    return own_ && home.bytes[0] % validators_ == *own_;
}

}  // namespace kilter::coordinator
