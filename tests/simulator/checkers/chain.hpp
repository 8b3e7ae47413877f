/// S1, S6, S10, S11, S12, S14, S16: the final chain, recomputed from its bytes by rules of its own. Sees every block that
/// an honest process delivers; the expensive part is done once per height.
#pragma once

#include <map>
#include <set>

#include "common/consensus/light_client.hpp"
#include "tests/simulator/ledger.hpp"
#include "tests/simulator/network.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::consensus::simulation {

class ChainChecker {
  public:
    ChainChecker(Report& report, ChainId chain, ValidatorSet validators, std::size_t addresses);

    /// Someone with that author's key made this entry; others on the log would be inventions.
    void on_made(const EntryPtr& entry) { made_.insert(entry->id); }

    /// A process starts with these blocks final. Some of them it may never have delivered: it died before.
    void on_boot(Address address, const std::vector<BlockPtr>& chain);

    /// `clock_max`: the latest reading of any honest wall clock so far; `drift_ms`: what a proposal may be ahead.
    void on_final(Address address, const Finalised& final, UnixMs clock_max, std::int64_t drift_ms);
    /// The expensive comparison of all headers, once.
    void at_the_end();

    [[nodiscard]] bool contains(const EntryId& id) const { return entries_.contains(id); }

    [[nodiscard]] Height height() const { return chain_.size(); }

    [[nodiscard]] std::size_t entries() const { return entries_.size(); }

    [[nodiscard]] const std::set<Bytes>& keys() const { return keys_; }

    [[nodiscard]] View view_of(Height height) const { return chain_[height - 1].view; }

  private:
    void extend(const Block& block);
    void check_place(const Block& block);
    void check_entries(const Block& block);
    void check_receipt(const Finalised& final);
    void complain(std::string_view invariant, const Header& header, const std::string& what);

    Report& report_;
    ChainId chain_id_;
    ValidatorSet validators_;
    Digest validators_hash_;
    std::vector<Header> chain_;
    std::vector<BlockHash> hashes_;
    std::vector<Digest> leaves_;
    crypto::MerkleFrontier log_;
    std::shared_ptr<const SmallState> state_ = std::make_shared<const SmallState>();
    std::set<EntryId> made_;
    std::set<EntryId> entries_;
    std::set<Bytes> keys_;
    std::vector<Height> delivered_;
};

}  // namespace kilter::consensus::simulation
