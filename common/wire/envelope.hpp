/// What travels in one ZeroMQ frame: the protocol's version, the sender's counter and the message,
/// [version, counter, [kind, field...]], in the same canonical profile as the message itself.
/// Session, epoch, iteration and attempt are fields of the messages that have them (context_of),
/// not repeated here: two copies could contradict each other.
#pragma once

#include <cstdint>

#include "common/wire/messages.hpp"

namespace kilter::wire {

inline constexpr std::uint8_t version = 1;

struct Opened {
    std::uint64_t counter = 0;  ///< of this sender to this receiver; never the same twice
    Message message;
    bool operator==(const Opened&) const = default;
};

/// REQUIRES: check(message).ok().
Bytes seal(std::uint64_t counter, const Message& message);

/// Error: another version (says whose software to update), or not the canonical encoding of an
/// envelope.
Result<Opened> open(ByteView bytes);

}  // namespace kilter::wire
