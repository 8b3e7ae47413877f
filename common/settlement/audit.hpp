/// An outsider's check of a whole log: nothing is trusted but the genesis document. Streaming: one
/// block at a time, in order of height, memory for the ledger state and the blocks not yet
/// certified.
///
/// Checked per block: chain, height, index, view, times and parent links; the proposer leads its
/// view; justification (parent certificate, skip certificates of every view between, where
/// attached) and final certificate, every signature in them; every entry's signature, its rules by
/// re-execution, the signatures inside it; payload, log and state roots. Every block must be final
/// by its own or a descendant's certificate.
#pragma once

#include <functional>
#include <span>

#include "common/settlement/ledger.hpp"

namespace kilter::settlement {

struct CheckedEntry {
    consensus::EntryIndex index = 0;
    consensus::Height height = 0;
    consensus::EntryPtr entry;
};

struct AuditReport {
    consensus::Height blocks = 0;
    consensus::EntryIndex entries = 0;
    std::uint64_t certificates = 0;
    std::uint64_t signatures = 0;  ///< verified in all
    Digest log_root;
    Digest state_root;
};

class Audit {
  public:
    /// `on_entry` (may be empty) sees each entry as soon as its block is checked.
    /// `epochs`: proofs of those that the blocks will end; without, the log must be of epoch 0.
    explicit Audit(const Genesis& genesis, std::function<void(const CheckedEntry&)> on_entry = {});
    Audit(Genesis genesis,
          std::function<void(const CheckedEntry&)> on_entry,
          consensus::EpochTable epochs);
    ~Audit();
    Audit(const Audit&) = delete;
    Audit& operator=(const Audit&) = delete;

    /// Begins above a snapshot instead of at genesis: it is checked, the blocks below are not. First, if at all.
    Result<void> begin(const consensus::Manifest& manifest, std::span<const Bytes> pieces);

    /// An epoch that the next blocks end. False: the proof does not continue those known.
    bool extend(const consensus::EpochProof& proof);
    /// The next block. The error names the height and what is wrong; after an error the audit is
    /// over.
    Result<void> add(const consensus::FinalBlock& final);
    /// Error: blocks at the end without a final certificate.
    Result<AuditReport> finish();

  private:
    struct Progress;
    std::unique_ptr<Progress> progress_;
};

}  // namespace kilter::settlement
