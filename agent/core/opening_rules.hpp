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

}  // namespace kilter::agent
