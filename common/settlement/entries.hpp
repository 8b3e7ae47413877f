/// The bodies of entries, as canonical fixed-width bytes, and what is signed inside them. Integers
/// only.
#pragma once

#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/consensus/entry.hpp"
#include "common/settlement/roster.hpp"

namespace kilter::settlement {

inline constexpr consensus::EntryType roster_change_entry = 1;
inline constexpr consensus::EntryType cleared_net_entry = 2;
inline constexpr consensus::EntryType meter_reads_entry = 3;  ///< meter_reads.hpp
inline constexpr consensus::EntryType position_entry = 4;     ///< position.hpp
inline constexpr consensus::EntryType tie_prices_entry = 5;   ///< tie_prices.hpp
inline constexpr consensus::EntryType bill_entry = 6;         ///< bill.hpp
inline constexpr consensus::EntryType disclosure_entry = 7;   ///< disclosure.hpp

/// "roster change", "cleared net", "meter reads", ...; "unknown" otherwise.
const char* entry_type_name(consensus::EntryType type);

enum class Outcome : std::uint8_t {
    converged = 1,
    partial = 2,
    interim = 3,  ///< among the homes of the net alone, no coordinator being there
};

struct ClearedMember {
    PublicKey key;
    Digest commitment;               ///< to its schedule
    consensus::Signature signature;  ///< over statement_of() the record and this commitment
    bool operator==(const ClearedMember&) const = default;
};

/// What one net agreed on for one interval. Author: a coordinator; of an interim record, one of its members. Semantic key
/// cleared_key(interval, net), whatever the outcome.
struct ClearedNet {
    IntervalIndex interval = 0;
    std::uint32_t opening = 0;  ///< which opening of the interval's session
    NetId net;
    std::uint64_t roster_epoch = 0;
    Outcome outcome{};
    std::uint32_t iteration = 0;          ///< the common iterate all stopped at
    std::int64_t residual_milliwatt = 0;  ///< what the net's balance misses, >= 0
    std::vector<std::int64_t>
        prices_micro_eur_per_kwh;  ///< per interval of the horizon, the first one binding
    std::vector<ClearedMember>
        members;  ///< ascending by key, distinct, at least one: homes of the net
    /// Of an interim record: the interval of the net's record that the members have kept their sum to, an earlier one. Else 0.
    IntervalIndex base = 0;
    bool operator==(const ClearedNet&) const = default;
};

Bytes encode(const ClearedNet& cleared);
/// Strict and total: bounded, complete, members ascending where the struct says so.
Result<ClearedNet> decode_cleared_net(ByteView bytes);

/// Semantic keys.
Bytes roster_key(std::uint64_t epoch);
Bytes cleared_key(IntervalIndex interval, NetId net);

/// What a home signs (all of it, with Identity::sign) when it accepts a clearing. Partial or
/// converged is not part of it: the iterate is, and with it the prices.
Bytes clearing_statement(const ChainId& chain,
                         IntervalIndex interval,
                         std::uint32_t opening,
                         NetId net,
                         std::uint32_t iteration,
                         const std::vector<std::int64_t>& prices_micro_eur_per_kwh,
                         const Digest& commitment);

/// What a member of this record signs together with its commitment. In an interim record that is everything in it, the keys
/// of all members among it: so none of them can be left out later.
Bytes statement_of(const ChainId& chain, const ClearedNet& record, const Digest& commitment);

/// A signed entry ready to submit.
consensus::EntryPtr make_entry(consensus::EntryType type,
                               Bytes key,
                               Bytes body,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);
/// Type, key and body from the value.
consensus::EntryPtr make_entry(const RosterChange& change,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& operator_identity);
consensus::EntryPtr make_entry(const ClearedNet& cleared,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);

}  // namespace kilter::settlement
