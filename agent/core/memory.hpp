/// What a gateway remembers across restarts, and how: the keys of Outputs::persist and the codecs of their values. An
/// empty value is a value that is not there.
#pragma once

#include <map>
#include <optional>

#include "agent/core/agreements.hpp"
#include "agent/core/charter.hpp"
#include "agent/core/gateway.hpp"
#include "agent/core/place.hpp"

namespace kilter::agent {

inline constexpr const char* roster_key = "roster";        ///< the roster's receipt, encoded
inline constexpr const char* certified_key = "certified";  ///< Remembered::certified
inline constexpr const char* pending_key = "pending";      ///< Remembered::agreed
inline constexpr const char* joined_key = "joined";        ///< Remembered::joined
inline constexpr const char* warm_key = "warm";            ///< Remembered::warm

/// Newest session joined under each coordinator.
using Joined = std::map<crypto::PublicKey, market::SessionId>;

/// How a session for `interval` ended: where the next one starts from. A row per channel.
struct Warm {
    IntervalIndex interval = 0;
    market::WarmState state;
};

struct Remembered {
    std::optional<Place> place;              ///< on the newest roster that names this home
    std::optional<IntervalIndex> certified;  ///< newest interval with a record that was accepted
    Agreements agreed;
    /// No session is joined twice, not even across a crash: the masks would be the same and the messages not.
    Joined joined;
    std::optional<Warm> warm;
};

Bytes encode_certified(IntervalIndex interval);
Bytes encode(const Joined& joined);
Bytes encode(const Warm& warm);

/// Error: a value that does not decode or verify; it names the key.
Result<Remembered> recall(const Charter& charter, const Memory& memory);

}  // namespace kilter::agent
