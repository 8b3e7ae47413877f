#include "coordinator/core/turn.hpp"

#include <algorithm>

namespace kilter::coordinator {

Turn::Turn(Pace pace,
           consensus::ReplicaIndex own,
           std::size_t hosts,
           const market::Parameters& parameters)
    : pace_(pace),
      own_(own),
      hosts_(static_cast<std::uint32_t>(hosts)),
      interval_s_(parameters.interval_s),
      session_takes_ms_(std::int64_t{pace.gather_ms} + parameters.session_ms + finality_ms) {}

void Turn::follow(const market::Parameters& parameters) {
    session_takes_ms_ = std::int64_t{pace_.gather_ms} + parameters.session_ms + finality_ms;
}

void Turn::follow(consensus::ReplicaIndex own,
                  std::size_t hosts,
                  std::optional<consensus::ReplicaIndex> acting) {
    own_ = own;
    hosts_ = static_cast<std::uint32_t>(hosts);
    acting_ = acting.value_or(0);
}

Turn::Gate Turn::next_gate(UnixMs now) const {
    const IntervalIndex earliest =
        pace_.follow_clock ? interval_at(now, interval_s_) + 1 : pace_.first_interval;
    const IntervalIndex next = newest_ ? std::max(*newest_ + 1, earliest) : earliest;
    if (!pace_.follow_clock) return {next, 0};
    const std::int64_t wait = interval_start(next, interval_s_) - pace_.lead_ms - now;
    return {next, std::max<std::int64_t>(0, wait)};
}

std::uint32_t Turn::await_ms(UnixMs now) {
    const Gate gate = next_gate(now);
    if (!due_ || due_->interval != gate.interval || gate.wait_ms > 0 || due_->since > now)
        due_ = {gate.interval, now + gate.wait_ms};
    heard_ = std::min(heard_, now);
    const UnixMs patience = std::int64_t{pace_.takeover_ms} * distance();
    const UnixMs act = mine() ? due_->since : std::max(due_->since, heard_) + patience;
    return static_cast<std::uint32_t>(std::clamp<UnixMs>(act - now, 1, wait_ms_max));
}

std::uint32_t Turn::distance() const {
    return (own_ + hosts_ - acting_) % hosts_;
}

bool Turn::all_final() const {
    return !pace_.follow_clock && pace_.intervals > 0 && newest_ &&
           *newest_ >= pace_.first_interval + pace_.intervals - 1;
}

bool Turn::can_be_cleared(IntervalIndex interval, UnixMs now) const {
    return !pace_.follow_clock || interval <= interval_at(now + pace_.lead_ms, interval_s_) + 1;
}

void Turn::on_record(IntervalIndex interval, std::optional<consensus::ReplicaIndex> author) {
    if (newest_ && interval < *newest_) return;
    newest_ = interval;
    if (author) acting_ = *author;
}

bool Turn::on_presence_of(consensus::ReplicaIndex other, UnixMs now) {
    if (!due_ || now - due_->since > session_takes_ms_) return false;
    if (mine() && other > own_) return false;
    acting_ = other;
    heard_ = now;
    return true;
}

}  // namespace kilter::coordinator
