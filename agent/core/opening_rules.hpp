/// Which openings a home joins. An opening is one coordinator's word, so everything in it is checked against genesis, the
/// roster, this home's clock and what it was in before; a home that has an objection says it and stays out.
#pragma once

#include <optional>
#include <string>

#include "agent/core/charter.hpp"
#include "agent/core/place.hpp"
#include "common/wire/messages.hpp"

namespace kilter::agent {

/// What the home was and is in, as far as it decides about one sender's opening.
struct Position {
    std::optional<IntervalIndex> certified;      ///< newest interval with an accepted record
    std::optional<market::SessionId> joined;     ///< newest session joined under the sender
    std::optional<market::SessionId> under_way;  ///< another chair's session that is alive
    UnixMs now = 0;
    UnixMs began = 0;  ///< when this home's process did, by the same clock
};

/// The opening's y of this net to start from, channel by channel over the horizon.
model::Series start_dual(const wire::SessionOpen& open);

/// Why this opening is not one to join, in words that continue "did not join: "; or nothing. Total in `open`;
/// `from` is authenticated.
std::optional<std::string> objection(const Charter& charter,
                                     const Place& place,
                                     const Position& position,
                                     const crypto::PublicKey& from,
                                     const wire::SessionOpen& open);

/// What any opening is held to, a coordinator's or a home's: its terms are those that hold here; and it is newer than what
/// this home was in under its sender, while nothing else is under way. The same words, or nothing.
std::optional<std::string> objection_to_terms(const Charter& charter,
                                              const Place& place,
                                              std::uint64_t roster_epoch,
                                              const crypto::Digest& parameters,
                                              NetId net);
std::optional<std::string> objection_to_order(const market::SessionId& session,
                                              const std::optional<market::SessionId>& joined,
                                              const std::optional<market::SessionId>& under_way);

/// What a home cannot know not to have been in, whatever it remembers: its memory may have been lost, or put back from an older
/// copy. So it joins nothing that was opened before its process began; and as a session's number is no older than its
/// opening (`number_s`, since the same moment as `opened_s`), an old name does not become new by a new date. The same words, or
/// nothing.
std::optional<std::string> objection_to_age(UnixMs opened_ms,
                                            UnixMs began,
                                            std::int64_t number_s,
                                            std::int64_t opened_s);

}  // namespace kilter::agent
