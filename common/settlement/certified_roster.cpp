#include "common/settlement/certified_roster.hpp"

namespace kilter::settlement {

Result<CertifiedRoster> certified_roster(const consensus::EpochTable& known,
                                         ByteView receipt,
                                         ByteView roster) {
    auto proof = consensus::decode_receipt(receipt);
    if (!proof) return Error{"its proof cannot be read: " + proof.error().message};
    const auto verdict = consensus::verify(*proof, known);
    if (verdict != consensus::ReceiptVerdict::valid)
        return Error{std::string("its proof does not hold: ") + consensus::describe(verdict)};
    if (proof->entry.type != roster_change_entry)
        return Error{"its proof is of another kind of entry"};
    auto change = decode_roster_change(proof->entry.body);
    if (!change) return change.error();
    auto out = decode_roster(roster);
    if (!out) return out.error();
    if (out->epoch != change->epoch || out->digest() != change->roster)
        return Error{"it is not the roster that its proof names"};
    return CertifiedRoster{*std::move(out), *std::move(change), proof->header,
                           std::move(proof->epochs)};
}

Result<CertifiedRoster> certified_roster(const Genesis& genesis,
                                         ByteView receipt,
                                         ByteView roster) {
    return certified_roster(consensus::EpochTable(genesis.chain_id(), genesis.validators), receipt,
                            roster);
}

}  // namespace kilter::settlement
