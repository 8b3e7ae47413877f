/// The operators who change the set of validators while everything fails: they have a quorum of the members sign, send
/// the change to anybody, again and again, until the epoch has ended. Some of what they send must be refused.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "common/consensus/epoch.hpp"
#include "tests/simulator/options.hpp"

namespace kilter::consensus::simulation {

class Membership {
  public:
    /// `faulty`: keys that are Byzantine, damaged or will stay dead; a damaged machine's is the first to be replaced.
    Membership(const MembershipOptions& options,
               const ChainId& chain,
               std::vector<std::uint64_t> members,
               std::set<std::uint64_t> faulty,
               std::optional<std::uint64_t> damaged,
               Prng prng);

    /// What to submit now, if anything. `epoch`: the newest that has begun.
    [[nodiscard]] std::vector<EntryPtr> submit(Epoch epoch, UnixMs now);

    /// Every change wanted has happened.
    [[nodiscard]] bool complete(Epoch epoch) const { return epoch + 1 >= sets_.size(); }

    /// Members of the epoch, by the numbers of their identities; none of an epoch that nobody planned.
    [[nodiscard]] std::vector<std::uint64_t> members(Epoch epoch) const {
        return epoch < sets_.size() ? sets_[epoch] : std::vector<std::uint64_t>{};
    }

    /// Everybody who is a member in some epoch and not in the first.
    [[nodiscard]] const std::vector<std::uint64_t>& joiners() const { return joiners_; }

    /// Proper entries of the operators': they may be on the log.
    [[nodiscard]] const std::vector<EntryPtr>& made() const { return made_; }

  private:
    void plan(std::set<std::uint64_t> faulty, std::optional<std::uint64_t> damaged);
    [[nodiscard]] static ValidatorSet set_of(const std::vector<std::uint64_t>& keys);
    [[nodiscard]] EntryPtr change(Epoch epoch,
                                  const std::vector<std::uint64_t>& next,
                                  std::size_t signers,
                                  Epoch signed_epoch,
                                  UnixMs now);
    [[nodiscard]] EntryPtr bad_change(Epoch epoch, UnixMs now);

    MembershipOptions options_;
    ChainId chain_;
    Prng prng_;
    std::vector<std::vector<std::uint64_t>> sets_;  // one per epoch
    std::vector<std::uint64_t> joiners_;
    std::optional<std::pair<Epoch, EntryPtr>> current_;
    std::vector<EntryPtr> made_;
};

}  // namespace kilter::consensus::simulation
