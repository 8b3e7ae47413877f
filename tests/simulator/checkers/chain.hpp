/// S1, S6, S10, S11, S12, S14, S16: the final chain, recomputed from its bytes by rules of its own, epoch after epoch. Sees
/// every block that an honest process delivers; the expensive part is done once per height.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "common/consensus/light_client.hpp"
#include "tests/simulator/ledger.hpp"
#include "tests/simulator/network.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::consensus::simulation {

class ChainChecker {
  public:
    /// What the ledger's state must be after a block, by the checker's own account. Default: SmallLedger's.
    class Account {
      public:
        Account() = default;
        Account(const Account&) = delete;
        Account& operator=(const Account&) = delete;
        virtual ~Account() = default;
        /// The state root after these entries, and, if not null, after `members` (those of the epoch that they end)
        /// made room for `next`.
        virtual Digest after(const std::vector<EntryPtr>& entries,
                             const ValidatorSet* members,
                             const ValidatorSet* next) = 0;
    };

    ChainChecker(Report& report,
                 ChainId chain,
                 ValidatorSet validators,
                 std::size_t addresses,
                 std::unique_ptr<Account> account = nullptr);

    /// Someone with that author's key made this entry; others on the log would be inventions.
    void on_made(const EntryPtr& entry) { made_.insert(entry->id); }

    /// A process starts at this height, with these blocks final below it. Some of them it may never have delivered: it died
    /// before.
    void on_boot(Address address, Height height, const std::vector<BlockPtr>& chain);

    /// A Byzantine process has delivered it. Honest ones may only ever see a state above it.
    void on_final_elsewhere(const Finalised& final);

    /// A process goes on from a snapshot of this header.
    void on_jump(Address address, const Header& header);

    [[nodiscard]] Height delivered(Address address) const { return delivered_[address]; }

    /// `clock_max`: the latest reading of any honest wall clock so far; `drift_ms`: what a proposal may be ahead.
    void on_final(Address address, const Finalised& final, UnixMs clock_max, std::int64_t drift_ms);
    /// An honest process has written it. Of each epoch the first counts: there may be other certificates.
    void on_epoch_proof(const EpochProof& proof);
    /// The expensive comparison of all headers, once.
    void at_the_end();

    [[nodiscard]] bool contains(const EntryId& id) const { return entries_.contains(id); }

    /// The final chain's block there, or beneath it.
    [[nodiscard]] bool is_final(const BlockHash& hash, Height by) const {
        const auto found = heights_.find(hash);
        return found != heights_.end() && found->second <= by;
    }

    /// Of the epoch that the next block belongs to.
    [[nodiscard]] Epoch epoch() const { return epoch_; }

    [[nodiscard]] const ValidatorSet& validators() const { return validators_; }

    [[nodiscard]] Height height() const { return chain_.size(); }

    [[nodiscard]] std::size_t entries() const { return entries_.size(); }

    /// Of them, accusations.
    [[nodiscard]] std::size_t evidence() const { return evidence_; }

    [[nodiscard]] const std::set<Bytes>& keys() const { return keys_; }

    [[nodiscard]] UnixMs time_of(Height height) const { return chain_[height - 1].time_ms; }

    [[nodiscard]] bool empty(Height height) const { return chain_[height - 1].count == 0; }

    [[nodiscard]] View view_of(Height height) const { return chain_[height - 1].view; }

  private:
    void extend(const Finalised& final);
    void extend(const Block& block);
    void check_place(const Block& block);
    void check_entries(const Block& block);
    void check_receipt(const Finalised& final);
    void check_consistency(const CertifiedHeader& older, const CertifiedHeader& newer);
    void end_epoch(const Block& block);
    [[nodiscard]] bool evidence_proves(const Entry& entry) const;
    void complain(std::string_view invariant, const Header& header, const std::string& what);

    Report& report_;
    ChainId chain_id_;
    ValidatorSet genesis_;
    ValidatorSet validators_;
    Digest validators_hash_;
    Epoch epoch_ = 0;
    std::set<PublicKey> left_;
    std::vector<EpochProof> proofs_;          // one per epoch that has ended
    std::vector<CertifiedHeader> certified_;  // a few, of every epoch
    std::map<Height, BlockHash> ahead_;       // snapshots of blocks not seen yet
    std::map<Height, Finalised> elsewhere_;   // not seen yet but by Byzantine processes
    std::unique_ptr<Account> account_;
    std::vector<Header> chain_;
    std::vector<BlockHash> hashes_;
    std::map<BlockHash, Height> heights_;
    std::vector<Digest> leaves_;
    crypto::MerkleFrontier log_;
    std::set<EntryId> made_;
    std::set<EntryId> entries_;
    std::size_t evidence_ = 0;
    std::set<Bytes> keys_;
    std::vector<Height> delivered_;
};

/// Of a ledger whose state is a map (tests/common/consensus/toy_ledger.hpp).
std::unique_ptr<ChainChecker::Account> map_account();

}  // namespace kilter::consensus::simulation
