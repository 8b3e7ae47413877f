/// What goes into a replica and what comes out of it. Inputs are events, outputs imperatives; their
/// order is contract.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/consensus/entry_check.hpp"
#include "common/consensus/message.hpp"
#include "common/consensus/signer.hpp"
#include "common/crypto/merkle.hpp"

namespace kilter::consensus {

// ---- in
// ------------------------------------------------------------------------------------------------------------

/// The process is up: once, first.
struct Started {};

/// `from` as the transport authenticated it.
struct MessageReceived {
    ReplicaIndex from = 0;
    Message message;
    Verified entries = {};  ///< of the message; default: the replica checks them itself
};

/// From a coordinator that is no member of the replica's epoch; who may be heard so, the host decides. Entries are not for
/// here: they are as good as a client's (Submitted).
struct OutsiderSaid {
    PublicKey from;
    Message message;
};

/// Proofs of epochs from a document that somebody brought.
struct EpochsShown {
    std::vector<EpochProof> proofs;  ///< from epoch 1 on
};

enum class TimerKind : std::uint8_t { view, standstill, batch };

/// Arming a kind again replaces it; an expiry of an older generation is ignored, so hosts need not
/// cancel.
struct Timer {
    TimerKind kind{};
    std::uint64_t generation = 0;
    auto operator<=>(const Timer&) const = default;
};

struct TimerElapsed {
    Timer timer;
};

/// From local clients or agents; what arrives together is given together, so that it shares a block.
struct Submitted {
    std::vector<EntryPtr> entries;
    Verified verified = {};  ///< default: the replica checks the entries itself
};

using Input =
    std::variant<Started, MessageReceived, OutsiderSaid, EpochsShown, TimerElapsed, Submitted>;

// ---- out
// -----------------------------------------------------------------------------------------------------------

/// "The block with this hash is final at this height." Its block was written before or is written
/// with it.
struct FinalMark {
    Height height = 0;
    View view = 0;
    BlockHash hash;
};

/// The state at a height, for restarts and for replicas that are far behind. `received`: it came from others and takes the
/// place of the blocks up to its height that are not here; it must be on disk before the rest of the turn's writes.
struct Snapshot {
    Manifest manifest;
    StatePtr state;
    bool received = false;
};

/// An EpochProof: that epoch has ended; its votes, certificates and blocks above its last block are of no use any more.
/// An OwnVote goes into the journal. Writes of one turn belong into one transaction, in order.
using Write = std::variant<OwnVote, BlockPtr, Cert, FinalMark, EpochProof, Snapshot>;

struct Send {
    std::optional<ReplicaIndex> to;  ///< none: to every other replica
    Message message;
};

/// To a coordinator that is no member of this replica's epoch.
struct Letter {
    PublicKey to;
    Message message;
};

struct Arm {
    Timer timer;
    std::int64_t delay_ms = 0;
};

/// A member or an outsider asked for what is no longer in memory: the host sends it LogStore::answer(ask), if that has a
/// value, after this turn's writes.
using Ask = std::variant<GetRange, GetPiece>;

struct Serve {
    PublicKey to;
    Ask ask;
};

/// In order of height, each once per process (after a restart, only what became final since).
struct Finalised {
    BlockPtr block;
    Cert certificate;  ///< final certificate of this block or of a descendant
    std::vector<Header>
        descendants;  ///< from this block's child to the certified block; mostly empty
};

enum class SubmissionStatus : std::uint8_t {
    accepted,   ///< in the mempool now; a receipt exists once its block is Finalised
    pending,    ///< was in the mempool already
    final,      ///< is on the log already: answer with LogStore::receipt(id)
    refused,    ///< will not be on the log; see reason
    try_later,  ///< the mempool or the author's share of it is full
};

/// One per entry of a Submitted.
struct SubmissionAnswer {
    EntryId id;
    SubmissionStatus status{};
    std::string reason;
};

enum class Misconduct : std::uint8_t {
    bad_vote,
    bad_certificate,
    bad_proposal,
    bad_block,
    bad_entry,
    out_of_place
};

/// What a peer sent that no honest replica sends: for the host's score of that peer.
struct PeerFault {
    PublicKey from;
    Misconduct misconduct{};
};

/// A turn's writes that are certificates and final marks alone may ride on the next transaction; votes, blocks, epoch
/// proofs and snapshots may not.
struct Outputs {
    std::vector<Write>
        persist;  ///< 1. durable before anything below happens; on any error abort the process
    std::vector<Send> send;            ///< 2.
    std::vector<Letter> letters;       ///< with them
    std::vector<Serve> serve;          ///< 3.
    std::vector<Arm> arm;              ///< 4.
    std::vector<Finalised> finalised;  ///< 5. deliver
    std::vector<SubmissionAnswer> answers;
    std::vector<Evidence> evidence;  ///< new; also on its way to the log, as an entry
    std::vector<PeerFault> faults;
    bool jumped =
        false;  ///< the state is a received snapshot's: blocks up to there are not delivered
    std::optional<std::string>
        halt;  ///< a fork or a divergence: stop voting, tell a person; later steps do nothing

    /// Appends a later step's outputs: a whole loop turn is one Outputs.
    void append(Outputs&& later);
};

// ---- durable
// -------------------------------------------------------------------------------------------------------

/// What a store gives back at start-up (LogStore::load). Default: a replica that has never run.
struct DurableImage {
    Header tip;                           ///< the last final block's; height 0: genesis
    crypto::MerkleFrontier log;           ///< over all final entries
    StatePtr state;                       ///< after the tip; null: Application::initial()
    std::optional<Cert> tip_certificate;  ///< the newest final certificate
    std::vector<EpochProof> epochs;       ///< of all epochs since genesis that the tip has seen end
    std::vector<Vote> journal;            ///< own votes above the tip's view
    std::vector<Cert> certificates;       ///< notar and skip certificates above the tip's view
    std::vector<BlockPtr> blocks;         ///< not final, above the tip; and the last final ones,
                                          ///< ascending, the tip among them
};

}  // namespace kilter::consensus
