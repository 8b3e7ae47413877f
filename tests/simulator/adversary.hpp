/// One Byzantine key. Its processes run the real replica; what leaves them passes through here and may be dropped, altered
/// or replaced, and whatever they hear may provoke messages of their own. It signs with its own key only: other
/// signatures it must have seen.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "tests/simulator/options.hpp"

namespace kilter::consensus::simulation {

class Adversary {
  public:
    Adversary(const Config& config, ReplicaIndex key, Behaviours behaviours, Prng prng);

    /// Where its own replica is now.
    void enter(Epoch epoch, ReplicaIndex place, const ValidatorSet& members);

    /// What leaves instead of `send`.
    [[nodiscard]] std::vector<Send> alter(const Send& send);
    /// What hearing `message` provokes.
    [[nodiscard]] std::vector<Send> answer(ReplicaIndex from, const Message& message);

    /// An entry that its own replica is to take for good without looking, to propose it in an otherwise perfect block.
    [[nodiscard]] std::optional<EntryPtr> slip();

    /// Entries of its own making: they are properly signed, so they may become final.
    [[nodiscard]] const std::vector<EntryPtr>& made() const { return made_; }

  private:
    [[nodiscard]] bool does(Behaviour behaviour) const {
        return behaviours_.test(static_cast<std::size_t>(behaviour));
    }

    // adversary.cpp: which message goes where
    void learn(const Message& message);
    void alter_proposal(const Send& send, std::vector<Send>& out);
    void provoke(const Proposal& proposal, std::vector<Send>& out);
    void lie_about_sync(ReplicaIndex from, const Message& message, std::vector<Send>& out);
    void spam(std::vector<Send>& out);
    void lie_about_state(Message& message);
    void lie_about_tail(Range& range);
    [[nodiscard]] std::vector<ReplicaIndex> some();

    // forgery.cpp: false blocks, votes and certificates
    [[nodiscard]] Vote vote(VoteKind kind,
                            View view,
                            const BlockHash& hash,
                            std::optional<Epoch> epoch = std::nullopt);
    [[nodiscard]] Proposal propose(Block block);
    [[nodiscard]] Block sibling(const Block& block);
    [[nodiscard]] Block on_stale_parent(const Block& block, bool justified);
    [[nodiscard]] Block lie_in_header(Block block);
    [[nodiscard]] Block with_bad_entries(Block block);
    [[nodiscard]] Block oversized(Block block);
    [[nodiscard]] std::optional<Cert> false_certificate();
    [[nodiscard]] BlockHash random_hash();
    [[nodiscard]] EntryPtr entry(UnixMs expires_ms, std::size_t body, bool sign_it);

    // mutation.cpp
    [[nodiscard]] Message mutated(Message message);

    void off_by_one(std::uint64_t& number) { number += prng_.chance(0.5) ? 1 : ~std::uint64_t{0}; }

    Config config_;  // its validators are the current epoch's
    Epoch epoch_ = 0;
    ReplicaIndex key_;  // its place there
    Behaviours behaviours_;
    Prng prng_;
    crypto::Identity identity_;
    std::map<View, Cert> notars_, skips_, finals_;
    std::map<BlockHash, BlockPtr> blocks_;
    std::vector<Vote> votes_;  // others', a few
    std::optional<Range> range_;
    std::vector<Message> said_;
    std::vector<EntryPtr> made_;
    std::vector<bool> shunned_;
    std::size_t spam_left_ = 50;
};

}  // namespace kilter::consensus::simulation
