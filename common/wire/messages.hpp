/// What two parties can say to each other: plain values, one struct per kind, and the variant of
/// them all.
///
/// encode/decode are a canonical msgpack profile (docs/protocol/wire.md): a message is the array
/// [kind, field...] with the fields in the order of the struct. Decoding is strict and total: any
/// bytes are safe, and what would not be encoded to the same bytes again is refused. Signatures
/// inside are carried, not checked: that is the receiver's core.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/identity.hpp"
#include "common/market/session.hpp"

namespace kilter::wire {

/// The number of each kind on the wire. Never reused, never renumbered; the variant below has the
/// same order.
enum class Kind : std::uint8_t {
    hello,
    refusal,
    certified_entry,
    session_open,
    share,
    session_excluded,
    clearing_share,
    submit,
    consensus,
    roster,
    rules,
    session_journal,
    interim_open,
    interim_record,
    relayed,
    presence,
};

/// Agent → coordinator at connect: who I follow and what I know. Also asks for roster and receipts
/// it lacks. A coordinator answers the operator with its own.
struct Hello {
    crypto::Digest chain;            ///< the genesis digest: names the log
    std::uint64_t roster_epoch = 0;  ///< newest roster known; 0: none
    std::uint64_t rules = 0;         ///< edition of the rules known to be in force; 0: genesis'
    auto operator<=>(const Hello&) const = default;
};

/// Why something that was asked will not happen, and what to do about it; for the other side's log.
struct Refusal {
    std::string reason;  ///< printable ASCII, at most limits::refusal_bytes_max
    auto operator<=>(const Refusal&) const = default;
};

/// Coordinator → agent: an encoded consensus::Receipt of an entry. Worth what
/// its proof is worth.
struct CertifiedEntry {
    Bytes receipt;  ///< 1 .. limits::receipt_bytes_max bytes
    auto operator<=>(const CertifiedEntry&) const = default;
};

/// Coordinator → each home of a net: a session starts, and these are its terms.
struct SessionOpen {
    market::SessionId session;
    PartyId chair;  ///< the feeder device's host; signs
    NetId net;
    std::vector<market::Member>
        members;  ///< of that net, chair included, ascending by party; weights > 0
    std::uint64_t roster_epoch = 0;  ///< the roster the party ids refer to
    crypto::Digest parameters;       ///< of market::Parameters::encode(): both sides use the same
    double rho_eur_per_kw2 = 0;      ///< penalty of the first iteration, > 0
    std::uint32_t terminals = 0;     ///< of all members of the session together, ≥ 1
    std::vector<double>
        start_dual_eur_per_kw;    ///< y of this net to start from; horizon long (zeros: cold)
    UnixMs opened_ms = 0;         ///< by the chair's clock, which homes compare with their own
    crypto::Signature signature;  ///< the chair's, over signing_bytes()
    auto operator<=>(const SessionOpen&) const = default;
};

/// Member → every other member of the net: one masked message of one iteration.
struct Share {
    market::SessionId session;
    market::MaskedShare share;
    auto operator<=>(const Share&) const = default;
};

/// Chair → a member: the net went on without you; join the next session.
struct SessionExcluded {
    market::SessionId session;
    NetId net;
    auto operator<=>(const SessionExcluded&) const = default;
};

/// Home → chair after clearing: the home's commitment to its schedule, signed as part of the
/// cleared net's entry.
struct ClearingShare {
    market::SessionId session;
    NetId net;
    std::uint32_t iteration = 0;  ///< the common iterate
    crypto::Digest commitment;
    crypto::Signature signature;
    auto operator<=>(const ClearingShare&) const = default;
};

/// Anyone → coordinator: an entry for the log.
struct Submit {
    Bytes entry;  ///< 1 .. limits::submit_bytes_max bytes
    auto operator<=>(const Submit&) const = default;
};

/// Coordinator → agent: the newest roster and the receipt of the change that led to it, both encoded. Worth what its proof
/// is worth (settlement::certified_roster).
struct RosterUpdate {
    Bytes receipt;  ///< 1 .. limits::receipt_bytes_max bytes
    Bytes roster;   ///< 1 .. limits::roster_bytes_max bytes
    auto operator<=>(const RosterUpdate&) const = default;
};

/// Coordinator → agent: the docket with the proof of the ledger's state that held it, encoded. Worth what its proof is
/// worth (settlement::certified_docket).
struct RulesUpdate {
    Bytes proof;  ///< 1 .. limits::state_proof_bytes_max bytes
    auto operator<=>(const RulesUpdate&) const = default;
};

/// Coordinator → coordinator: the log's own messages, opaque here.
struct ConsensusMessage {
    Bytes payload;  ///< 1 .. limits::consensus_payload_bytes_max bytes
    auto operator<=>(const ConsensusMessage&) const = default;
};

/// Chair → other coordinators: what a session is that they follow, or one iteration of it; opaque here.
struct SessionJournal {
    Bytes payload;  ///< 1 .. limits::journal_bytes_max bytes
    auto operator<=>(const SessionJournal&) const = default;
};

/// Home → the other homes of its net that are in the net's newest record with the feeder: no coordinator has opened this
/// interval, so they trade among themselves, from what that record left them (docs/protocol/market.md). Weights and prices to
/// start from follow from roster and record.
struct InterimOpen {
    market::SessionId session;  ///< the opening has its top bit set
    NetId net;
    std::vector<PartyId> members;  ///< ascending, the sender among them
    market::SessionId base;        ///< the record with the feeder
    std::uint64_t roster_epoch = 0;
    crypto::Digest parameters;  ///< of market::Parameters::encode()
    UnixMs opened_ms = 0;       ///< by the sender's clock
    auto operator<=>(const InterimOpen&) const = default;
};

/// Home → home: what they agreed on in such a session, signed by all of them (an encoded settlement::ClearedNet). Worth what
/// its signatures are worth.
struct InterimRecord {
    Bytes record;  ///< 1 .. limits::submit_bytes_max bytes
    auto operator<=>(const InterimRecord&) const = default;
};

/// One end → relay → the other end: what only the ends can read (transport/sealed_link.hpp). A relay passes it on as it is.
struct Relayed {
    crypto::PublicKey from;  ///< the relay believes its connection, the other end its seal
    crypto::PublicKey to;
    Bytes sealed;  ///< 1 .. limits::relayed_bytes_max bytes
    auto operator<=>(const Relayed&) const = default;
};

/// Whoever listens nowhere → whom it is connected to: this is the connection to answer over. For the transport, which says it
/// every few seconds.
struct Presence {
    std::uint64_t run = 0;  ///< when this process began, Unix ms
    auto operator<=>(const Presence&) const = default;
};

/// A refusal from any text: cut to the limit, what is not printable replaced by '?'.
Refusal refusal(std::string_view reason);

using Message = std::variant<Hello,
                             Refusal,
                             CertifiedEntry,
                             SessionOpen,
                             Share,
                             SessionExcluded,
                             ClearingShare,
                             Submit,
                             ConsensusMessage,
                             RosterUpdate,
                             RulesUpdate,
                             SessionJournal,
                             InterimOpen,
                             InterimRecord,
                             Relayed,
                             Presence>;

inline Kind kind_of(const Message& message) {
    return static_cast<Kind>(message.index());
}

/// As in the struct's name in snake case: "session_open".
std::string_view name_of(Kind kind);

/// Where in the market's life a message belongs. What a message does not speak of stays empty.
struct Context {
    std::optional<market::SessionId> session = {};
    std::optional<std::uint64_t> epoch = {};
    std::optional<std::uint32_t> iteration = {};
    std::optional<std::uint16_t> attempt = {};
    auto operator<=>(const Context&) const = default;
};

Context context_of(const Message& message);

/// Every length and number inside its limits and every double finite; the error names the field.
Result<void> check(const Message& message);

/// REQUIRES: check(message).ok().
Bytes encode(const Message& message);

/// Error: not the canonical encoding of a message inside the limits.
Result<Message> decode(ByteView bytes);

/// What the chair signs: the log's name and everything in `open` before the signature, canonically
/// encoded.
Bytes signing_bytes(const SessionOpen& open, const crypto::Digest& chain);

}  // namespace kilter::wire
