#include "tests/simulator/checkers/liveness.hpp"

#include <string>

#include "common/consensus/parameters.hpp"

namespace kilter::consensus::simulation {

namespace {
// Answers to status are limited per peer and period; own votes, entries and questions come on top.
constexpr std::size_t bytes_per_second_max = 8u << 20;
constexpr std::size_t quiet_rounds = 3;
constexpr std::size_t quiet_messages_per_peer = 8;
}  // namespace

LivenessChecker::LivenessChecker(Report& report, std::size_t addresses, Micros view_lag_max)
    : report_(report),
      view_lag_max_(view_lag_max),
      views_(addresses, 0),
      excused_(addresses, false),
      sent_(addresses) {}

void LivenessChecker::on_view(Address address, View view, Micros now) {
    views_[address] = view;
    entered_.try_emplace(view, now);
    // Views that were entered long enough ago must have been entered by all.
    while (!entered_.empty() && entered_.begin()->second + view_lag_max_ < now) {
        const View due = entered_.begin()->first;
        entered_.erase(entered_.begin());
        for (Address other = 0; other < views_.size(); ++other)
            if (!excused_[other] && views_[other] < due)
                report_.violation("L4", "process " + std::to_string(other) + " is in view " +
                                            std::to_string(views_[other]) +
                                            " long after another entered view " +
                                            std::to_string(due));
    }
}

void LivenessChecker::on_sent(Address address, std::size_t bytes, Micros now) {
    Second& current = sent_[address];
    if (now - current.begin >= second) current = {now, 0};
    current.bytes += bytes;
    if (current.bytes > bytes_per_second_max) {
        report_.violation("L6", "process " + std::to_string(address) + " sent " +
                                    std::to_string(current.bytes) + " bytes within a second");
        current = {now, 0};
    }
}

void LivenessChecker::quiet(std::size_t replicas) {
    quiet_messages_max_ = quiet_rounds * quiet_messages_per_peer * replicas;
    quiet_messages_.assign(views_.size(), 0);
}

void LivenessChecker::on_message(Address address) {
    if (quiet_messages_max_ > 0 && ++quiet_messages_[address] == quiet_messages_max_)
        report_.violation("L5", "process " + std::to_string(address) + " sent " +
                                    std::to_string(quiet_messages_max_) +
                                    " messages while there was nothing to do");
}

void LivenessChecker::on_write(Address address) {
    if (quiet_messages_max_ > 0)
        report_.violation("L5", "process " + std::to_string(address) +
                                    " wrote to its disk while there was nothing to do");
}

void LivenessChecker::at_the_end(std::size_t entries_waiting, bool settled) {
    if (entries_waiting > 0)
        report_.violation("L1", std::to_string(entries_waiting) +
                                    " valid entries did not become final everywhere");
    if (!settled)
        report_.violation("L2", "a healed replica is down, behind the tip, or still at work");
}

}  // namespace kilter::consensus::simulation
