/// The inside of a Replica. A step takes one input in, then settles: a handful of rules, each safe to try at any time and
/// each guarded by the signer's journal, run until none of them changes anything. Nothing recurses.
///
///     replica.cpp   inputs and the order of the rules
///     voting.cpp    votes, certificates, notarise, finalise
///     views.cpp     when a view begins and ends; what its leader proposes
///     catch_up.cpp  status, fetching, serving, entries from others
///     epochs.cpp    the end of an epoch, snapshots
///     outsiders.cpp coordinators that are no members of the epoch: helped, and asked where they are ahead
#pragma once

#include <map>
#include <set>

#include "common/consensus/block_tree.hpp"
#include "common/consensus/mempool.hpp"
#include "common/consensus/replica.hpp"
#include "common/consensus/signer.hpp"
#include "common/consensus/tally.hpp"

namespace kilter::consensus {

class Replica::Core {
  public:
    Core(Config config,
         EpochTable epochs,
         crypto::Identity identity,
         ReplicaIndex index,
         const Application& application,
         DurableImage image);

    Outputs step(const Input& input, UnixMs now);

    [[nodiscard]] ReplicaIndex index() const { return signer_.index(); }

    [[nodiscard]] ReplicaStatus status() const;

    [[nodiscard]] const StatePtr& state() const { return tree_.tip().state; }

    [[nodiscard]] const ValidatorSet& validators() const { return config_.validators; }

    [[nodiscard]] Epoch epoch() const { return epoch_; }

    [[nodiscard]] const EpochTable& epochs() const { return epochs_; }

  private:
    // replica.cpp
    void on_started();
    void on_message(const MessageReceived& received);
    void on_timer(const Timer& timer);
    void settle();

    // voting.cpp
    void on_proposal(ReplicaIndex from, const Proposal& proposal, Verified entries);
    void on_vote(ReplicaIndex from, const Vote& vote);
    void on_cert(ReplicaIndex from, const Cert& cert);
    void count(const Vote& vote, bool verified);
    void take_cert(const Cert& cert);
    [[nodiscard]] bool held(const Cert& cert) const;
    [[nodiscard]] bool says_nothing_new(const Cert& cert) const;
    [[nodiscard]] bool valid(const Cert& cert);
    [[nodiscard]] BlockPtr on_own_certificate(const BlockPtr& block) const;
    void accuse(const Evidence& evidence);
    bool cast(VoteKind kind, View view, const BlockHash& hash);
    void try_notarise();
    void notarise_one_of(View view);
    void try_final();
    void try_finalise();
    void finalise(std::vector<Finalised> chain);

    [[nodiscard]] bool is_member() const { return index() != outsider; }

    [[nodiscard]] bool entries_verify(const Block& block) const;
    void judge_parked();

    // views.cpp
    void advance();
    void skip_current();
    [[nodiscard]] bool has_work() const;
    [[nodiscard]] bool unfinished_block() const;

    struct Base {
        BlockHash parent;
        Justification justification;
    };

    [[nodiscard]] std::optional<Base> base(View view) const;
    void try_propose();
    void propose(const BlockTree::Node& parent, Base base);
    void resend_proposal();
    void note_leader(View view, bool skipped);
    [[nodiscard]] std::int64_t view_timeout() const;
    void arm(TimerKind kind, std::int64_t delay_ms);
    void arm_what_is_due();

    // catch_up.cpp
    void on_status(ReplicaIndex from, const Status& status);
    void on_get_block(ReplicaIndex from, const GetBlock& get);
    void on_block(ReplicaIndex from, const BlockPtr& block);
    void on_get_range(const PublicKey& from, const GetRange& get);
    void on_range(const PublicKey& from, const Range& range);
    void on_get_piece(const PublicKey& from, const GetPiece& get);
    void on_submitted(const Submitted& submitted);
    void on_submit(ReplicaIndex from, const Submit& submit, Verified verified);
    SubmissionAnswer admit(const EntryPtr& entry, Verified verified, bool& forged);
    void want(const BlockHash& hash);

    struct Wanted {
        std::size_t times = 0;  // asked for
    };

    void fetch(const BlockHash& hash, Wanted& wanted);

    struct Peer {
        UnixMs window_ms = 0;    // start of the current standstill period
        std::size_t bytes = 0;   // of certificates sent in it in answer to status
        std::size_t served = 0;  // blocks and ranges; of an outsider also status and proofs
        bool asked = false;      // an outsider ahead: for proofs of epochs
        bool lied = false;       // an outsider: showed one that does not hold
    };

    Peer& allowance(const PublicKey& from);
    void show_epochs(const PublicKey& to, Epoch after);
    [[nodiscard]] std::vector<PublicKey> guides() const;
    [[nodiscard]] PublicKey next_to_ask(const PublicKey& last) const;
    void ask_range(const PublicKey& peer, Height up_to);
    void standstill();
    [[nodiscard]] Status own_status() const;

    // epochs.cpp
    void on_epoch_proof(const PublicKey& from, const EpochProof& proof);
    void end_epoch(const Finalised& last);
    void enter_epoch(Epoch epoch);
    void checkpoint(const Finalised& final);
    void on_manifest(const PublicKey& from, const Manifest& manifest);
    void on_piece(const PublicKey& from, const Piece& piece);
    void ask_pieces(const PublicKey& from);
    void adopt_snapshot();

    // outsiders.cpp
    void on_outsider(const OutsiderSaid& said);
    void on_outsiders_status(const PublicKey& from, const Status& status);
    void on_outsiders_proof(const PublicKey& from, const EpochProof& proof);
    void on_epochs_shown(const std::vector<EpochProof>& proofs);
    void introduce();
    [[nodiscard]] bool is_ahead(const PublicKey& key) const;

    void send(std::optional<ReplicaIndex> to, Message message);
    void tell(const PublicKey& to, Message message);
    void blame(ReplicaIndex from, Misconduct misconduct);
    void blame(const PublicKey& from, Misconduct misconduct);
    void halt(std::string reason);
    /// Halts unless this program knows the rules for the block after the tip.
    bool follows_rules();

    Config config_;  // its validators are the current epoch's
    EpochTable epochs_;
    Epoch epoch_ = 0;  // the newest one whose base is final here; epochs_ may know more
    const Application& application_;
    Signer signer_;
    Tally tally_;
    BlockTree tree_;
    Mempool mempool_;

    // Certificates above final_view_; a view may have both a notar and a skip certificate, and both are kept.
    std::map<View, Cert> notars_;
    std::map<View, Cert> skips_;
    std::optional<Cert> final_;  // the newest final certificate; its block may still be on its way
    std::map<BlockHash, Cert> final_certs_;  // of blocks not delivered yet
    View final_view_ = 0;                    // final_'s view
    BlockHash final_hash_;

    struct Pending {
        BlockPtr block;
        bool entries_verified = false;
    };

    std::map<View, std::vector<Pending>> proposals_;  // at most two per view

    View current_ = 1;
    bool current_entered_ = false;
    bool proposed_ = false;  // in current_

    // Where nothing was left to propose: all that waits is in blocks under way. Not asked again until there is more.
    struct Fruitless {
        BlockHash parent;
        std::uint64_t arrivals = 0;
        UnixMs at_ms = 0;
    };

    std::optional<Fruitless> fruitless_;
    bool batch_waited_ = false;  // in current_

    struct Armed {
        std::uint64_t generation = 0;
        bool armed = false;
        std::int64_t delay_ms = 0;
    };

    std::map<TimerKind, Armed> timers_;
    std::vector<std::uint32_t>
        silent_views_;  // per leader: led views in a row that were skipped without a word

    std::map<BlockHash, Wanted> wanted_;

    std::map<PublicKey, Peer> peers_;
    std::optional<UnixMs> range_asked_ms_;
    PublicKey range_peer_;
    Height range_target_ = 0;
    std::set<PublicKey> unanswered_;  // who left such a question unanswered lately

    struct Transfer {
        Manifest manifest;
        crypto::MerkleOutline outline;
        std::vector<Bytes> pieces;  // empty: not here yet
        std::size_t missing = 0;
        PublicKey source;
    };

    std::optional<Transfer> transfer_;

    UnixMs now_ = 0;
    Outputs out_;
    bool changed_ = false;
    bool halted_ = false;
};

}  // namespace kilter::consensus
