/// Entries by which a correction that the docket has decided reaches reads and bills, with no read revealed.
///
/// *Corrected reads*: other commitments in place of those of a meter's intervals. Those stay where they are; from now on
/// these count. The case in force holds the digest, so what was approved is what is entered. Author: the home, or its meter.
///
/// *Bill correction*: by how much a bill changes because of that: three signed sums and their blindings. Together with the
/// bill they open the weighted sum of the newest commitments, as the bill alone opens that of the first ones. Author: the home.
///
/// A corrected read needs a new blinding: two commitments with one blinding would show the difference of their energies.
#pragma once

#include <vector>

#include "common/governance/docket.hpp"
#include "common/settlement/bill.hpp"

namespace kilter::settlement {

inline constexpr consensus::EntryType corrected_reads_entry = 16;
inline constexpr consensus::EntryType bill_correction_entry = 17;

struct CorrectedReads {
    std::uint32_t decided_by = 0;  ///< the case's number
    PublicKey meter;               ///< whose reads were wrong; may have been replaced since
    IntervalIndex entry_first =
        0;  ///< of the reads entry that the case names: the wrong one, or the first of several
    IntervalIndex first = 0;                 ///< >= entry_first
    std::vector<crypto::Point> commitments;  ///< of first, first + 1, ...; net consumption in Wh
    bool operator==(const CorrectedReads&) const = default;

    [[nodiscard]] IntervalIndex end() const {
        return first + static_cast<IntervalIndex>(commitments.size());
    }
};

/// Five days of quarter hours: what fits into an entry. A longer fault takes several.
inline constexpr std::size_t corrected_intervals_max = 480;

struct BillCorrection {
    IntervalIndex first = 0;    ///< the bill's first interval
    std::uint32_t number = 0;   ///< 1, 2, ...: how many times this bill was corrected
    ProvenSum charge_nano_eur;  ///< to be added to the bill's
    ProvenSum upstream_nano_eur;
    ProvenSum energy_wh;
    bool operator==(const BillCorrection&) const = default;
};

Bytes encode(const CorrectedReads& reads);
Bytes encode(const BillCorrection& correction);
/// Strict and total; commitments are elements of the group.
Result<CorrectedReads> decode_corrected_reads(ByteView bytes);
Result<BillCorrection> decode_bill_correction(ByteView bytes);

/// What the case holds: everything but its number.
Digest digest_of(const CorrectedReads& reads);
/// What is proposed to the docket. `subject`: wrong_read or faulty_meter; `replaces`: the id of the reads entry.
governance::Correct action_of(const CorrectedReads& reads,
                              governance::Subject subject,
                              const consensus::EntryId& replaces);

/// Semantic keys.
Bytes corrected_reads_key(const CorrectedReads& reads);
Bytes bill_correction_key(const PublicKey& home, IntervalIndex first, std::uint32_t number);

consensus::EntryPtr make_entry(const CorrectedReads& reads,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author);
consensus::EntryPtr make_entry(const BillCorrection& correction,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home);

/// What leads from one bill of a period to another.
/// Error: a difference is out of range.
Result<BillCorrection> difference(const Bill& before, const Bill& after, std::uint32_t number);
/// Error: a sum is out of range.
Result<Bill> corrected(const Bill& bill, const BillCorrection& correction);

}  // namespace kilter::settlement
