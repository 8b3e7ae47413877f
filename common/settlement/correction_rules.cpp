#include "common/settlement/correction_rules.hpp"

#include "common/settlement/entry_key.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/settlement/money_rules.hpp"

namespace kilter::settlement {

namespace {

using consensus::Admission;
using consensus::Verdict;

Verdict not_corrected(std::string reason) {
    return {Admission::refused, std::move(reason)};
}

bool decides(const governance::Case& one,
             const CorrectedReads& reads,
             const consensus::EntryId& replaces,
             consensus::Height height) {
    const bool in_force = one.state == governance::CaseState::in_force ||
                          (one.state == governance::CaseState::adopted && one.effective <= height);
    const auto* correct = std::get_if<governance::Correct>(&one.proposal.action);
    return in_force && correct != nullptr &&
           (correct->subject == governance::Subject::wrong_read ||
            correct->subject == governance::Subject::faulty_meter) &&
           *correct == action_of(reads, correct->subject, replaces);
}

Verdict judge_reads(const CorrectedReads& reads,
                    const RosterMember& author,
                    const EntryOfKey& held,
                    const CaseOfNumber& decided,
                    consensus::Height height,
                    const crypto::MerkleMap& map) {
    const auto wrong = held(meter_reads_key(reads.meter, reads.entry_first));
    if (!wrong)
        return not_corrected("the log has no reads of this meter that begin with interval " +
                             std::to_string(reads.entry_first));
    const auto known = metered(map, author.service_point);
    if (!known || reads.first < known->from || reads.end() > known->until)
        return not_corrected(
            "not all of these intervals of the author's service point are on the "
            "log: there is nothing to correct");
    const auto found = decided(reads.decided_by);
    if (!found || !decides(*found, reads, *wrong, height))
        return not_corrected("case " + std::to_string(reads.decided_by) +
                             " of the docket does not decide this correction, or is not in force");
    return {};
}

Verdict judge_bill(const BillCorrection& correction,
                   const PublicKey& home,
                   const EntryOfKey& held) {
    if (!held(bill_key(home, correction.first)))
        return not_corrected("the log has no bill of this home that begins with interval " +
                             std::to_string(correction.first));
    if (correction.number > 1 &&
        !held(bill_correction_key(home, correction.first, correction.number - 1)))
        return {Admission::later, "the correction before it comes first"};
    return {};
}

}  // namespace

std::optional<Result<void>> check_correction(const consensus::Entry& entry) {
    if (entry.type == corrected_reads_entry)
        return check_entry_key(entry, decode_corrected_reads(entry.body), corrected_reads_key);
    if (entry.type == bill_correction_entry)
        return check_entry_key(entry, decode_bill_correction(entry.body), [&](const auto& bill) {
            return bill_correction_key(entry.author, bill.first, bill.number);
        });
    return std::nullopt;
}

std::optional<Verdict> judge_correction(const consensus::Entry& entry,
                                        const Roster& newest,
                                        const EntryOfKey& held,
                                        const CaseOfNumber& decided,
                                        consensus::Height height,
                                        UnixMs time_ms,
                                        const crypto::MerkleMap& map) {
    const bool of_reads = entry.type == corrected_reads_entry;
    if (!of_reads && entry.type != bill_correction_entry) return std::nullopt;
    const RosterMember* author = newest.find(entry.author);
    const bool may = author != nullptr && author->valid_at(time_ms) &&
                     (author->role == Role::home || (of_reads && author->role == Role::meter));
    if (!may)
        return not_corrected(std::string("only ") + (of_reads ? "a home or its meter" : "a home") +
                             " of the newest roster may append " + entry_type_name(entry.type));
    if (of_reads)
        return judge_reads(*decode_corrected_reads(entry.body), *author, held, decided, height,
                           map);
    return judge_bill(*decode_bill_correction(entry.body), entry.author, held);
}

}  // namespace kilter::settlement
