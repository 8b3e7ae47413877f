/// What a gateway remembers across restarts, and how: the keys of Outputs::persist and the codecs of their values. An
/// empty value is a value that is not there.
#pragma once

#include <map>
#include <optional>

#include "agent/core/accord.hpp"
#include "agent/core/agreements.hpp"
#include "agent/core/base.hpp"
#include "agent/core/charter.hpp"
#include "agent/core/gateway.hpp"
#include "agent/core/known_rules.hpp"
#include "agent/core/place.hpp"
#include "common/wire/messages.hpp"

namespace kilter::agent {

inline constexpr const char* chain_key = "chain";    ///< of which log all the rest is
inline constexpr const char* roster_key = "roster";  ///< the newest roster with its proof
inline constexpr const char* epochs_key = "epochs";  ///< proofs of the log's epochs, from 1 on
inline constexpr const char* rules_key = "rules";    ///< the newest docket's proof
inline constexpr const char* certified_key = "certified";  ///< Remembered::certified
inline constexpr const char* pending_key = "pending";      ///< Remembered::agreed
inline constexpr const char* joined_key = "joined";        ///< Remembered::joined
inline constexpr const char* warm_key = "warm";            ///< Remembered::warm
inline constexpr const char* plans_key = "plans";          ///< Remembered::plans
inline constexpr const char* base_key = "base";            ///< the receipt of Remembered::base
inline constexpr const char* accord_key = "accord";        ///< Remembered::accord
inline constexpr const char* driven_key = "driven";        ///< Remembered::driven

/// Newest session joined under each coordinator, whose openings are numbered upwards whatever their interval.
using Joined = std::map<crypto::PublicKey, market::SessionId>;

/// How a session for `interval` ended: where the next one starts from. A row per channel.
struct Warm {
    IntervalIndex interval = 0;
    market::WarmState state;
};

struct Remembered {
    /// Of nothing but genesis.
    explicit Remembered(const settlement::Genesis& genesis) : rules(genesis) {}

    KnownRules rules;
    std::uint64_t epoch = 0;     ///< of the newest roster seen; an older one is never taken again
    std::optional<Place> place;  ///< on that roster, if it names this home
    bool revoked = false;        ///< by the change that led to that roster
    std::optional<IntervalIndex> certified;  ///< newest interval with a record that was accepted
    Agreements agreed;
    /// No session is joined twice, not even across a crash: the masks would be the same and the messages not.
    Joined joined;
    std::optional<Warm> warm;
    Plans plans;
    std::optional<Base> base;      ///< the net's newest record with the feeder
    std::optional<Accord> accord;  ///< of the newest interim session, while signatures are missing
    std::optional<IntervalIndex> driven;  ///< newest interval with a set-point
};

Bytes encode(const wire::RosterUpdate& update);
Bytes encode_interval(IntervalIndex interval);
Bytes encode(const Joined& joined);
Bytes encode(const Warm& warm);

/// Whether the change revokes this key.
bool revokes(const settlement::RosterChange& change, const crypto::PublicKey& key);

/// What encode() wrote of a roster. Total.
std::optional<wire::RosterUpdate> decode_update(ByteView bytes);

Bytes encode(const std::vector<consensus::EpochProof>& proofs);
/// The epochs that these proofs lead to. Total. Nothing: damaged, or one of them leads nowhere.
std::optional<consensus::EpochTable> decode_epochs(const settlement::Genesis& genesis,
                                                   ByteView bytes);

/// The charter learns the epochs remembered. Error: a value that does not decode or verify, named by its
/// key; or the memory of another log.
Result<Remembered> recall(Charter& charter, const Memory& memory);

}  // namespace kilter::agent
