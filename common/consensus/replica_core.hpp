/// The inside of a Replica. A step takes one input in, then settles: a handful of rules, each safe to try at any time and
/// each guarded by the signer's journal, run until none of them changes anything. Nothing recurses.
///
///     replica.cpp   inputs and the order of the rules
///     voting.cpp    votes, certificates, notarise, finalise
///     views.cpp     when a view begins and ends; what its leader proposes
///     catch_up.cpp  status, fetching, serving, entries from others
#pragma once

#include <map>

#include "common/consensus/block_tree.hpp"
#include "common/consensus/mempool.hpp"
#include "common/consensus/replica.hpp"
#include "common/consensus/signer.hpp"
#include "common/consensus/tally.hpp"

namespace kilter::consensus {

class Replica::Core {
  public:
    Core(Config config,
         crypto::Identity identity,
         ReplicaIndex index,
         const Application& application,
         DurableImage image);

    Outputs step(const Input& input, UnixMs now);

    [[nodiscard]] ReplicaIndex index() const { return signer_.index(); }

    [[nodiscard]] ReplicaStatus status() const;

    [[nodiscard]] const StatePtr& state() const { return tree_.tip().state; }

  private:
    // replica.cpp
    void on_started();
    void on_message(ReplicaIndex from, const Message& message);
    void on_timer(const Timer& timer);
    void settle();

    // voting.cpp
    void on_proposal(ReplicaIndex from, const Proposal& proposal);
    void on_vote(ReplicaIndex from, const Vote& vote);
    void on_cert(ReplicaIndex from, const Cert& cert);
    void count(const Vote& vote, bool verified);
    void take_cert(const Cert& cert);
    [[nodiscard]] bool held(const Cert& cert) const;
    [[nodiscard]] bool valid(const Cert& cert) const;
    bool cast(VoteKind kind, View view, const BlockHash& hash);
    void try_notarise();
    void notarise_one_of(View view);
    void try_final();
    void try_finalise();
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
    void on_get_range(ReplicaIndex from, const GetRange& get);
    void on_range(ReplicaIndex from, const Range& range);
    void on_submit(ReplicaIndex from, const EntryPtr& entry);
    SubmissionAnswer admit(const EntryPtr& entry, bool checked, bool& forged);
    void want(const BlockHash& hash);
    void ask_range(ReplicaIndex peer, Height up_to);
    void standstill();
    [[nodiscard]] Status own_status() const;

    void send(std::optional<ReplicaIndex> to, Message message);
    void blame(ReplicaIndex from, Misconduct misconduct);
    void halt(std::string reason);

    Config config_;
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
    bool proposed_ = false;      // in current_
    bool batch_waited_ = false;  // in current_

    struct Armed {
        std::uint64_t generation = 0;
        bool armed = false;
        std::int64_t delay_ms = 0;
    };

    std::map<TimerKind, Armed> timers_;
    std::vector<std::uint32_t>
        silent_views_;  // per leader: led views in a row that were skipped without a word

    struct Wanted {
        UnixMs asked_ms = 0;
        std::uint32_t times = 0;
    };

    std::map<BlockHash, Wanted> wanted_;

    struct Peer {
        UnixMs window_ms = 0;    // start of the current budget window
        std::size_t bytes = 0;   // sent in it in answer to status
        std::size_t ranges = 0;  // served in it
    };

    std::vector<Peer> peers_;
    std::optional<UnixMs> range_asked_ms_;
    Height range_target_ = 0;

    UnixMs now_ = 0;
    Outputs out_;
    bool changed_ = false;
    bool halted_ = false;
};

}  // namespace kilter::consensus
