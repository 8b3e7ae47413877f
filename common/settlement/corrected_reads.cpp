#include "common/settlement/corrected_reads.hpp"

namespace kilter::settlement {

namespace {

Bytes without_case(const CorrectedReads& reads) {
    ByteWriter out;
    out.raw(reads.meter.view()).i64(reads.entry_first).i64(reads.first);
    out.u16(static_cast<std::uint16_t>(reads.commitments.size()));
    for (const crypto::Point& one : reads.commitments)
        out.raw(one.view());
    return std::move(out).bytes();
}

Result<ProvenSum> sum_of(const ProvenSum& a, const ProvenSum& b) {
    ProvenSum out;
    if (__builtin_add_overflow(a.value, b.value, &out.value))
        return Error{"the corrected sum is beyond what a bill can hold"};
    out.blinding = crypto::add(a.blinding, b.blinding);
    return out;
}

Result<ProvenSum> difference_of(const ProvenSum& after, const ProvenSum& before) {
    ProvenSum out;
    if (__builtin_sub_overflow(after.value, before.value, &out.value))
        return Error{"the correction is beyond what a bill can hold"};
    out.blinding = crypto::subtract(after.blinding, before.blinding);
    return out;
}

}  // namespace

Bytes encode(const CorrectedReads& reads) {
    return ByteWriter{}.u32(reads.decided_by).raw(without_case(reads)).bytes();
}

Result<CorrectedReads> decode_corrected_reads(ByteView bytes) {
    ByteReader in(bytes);
    CorrectedReads out;
    out.decided_by = in.u32();
    out.meter = in.fixed<PublicKey>();
    out.entry_first = in.i64();
    out.first = in.i64();
    const std::size_t count = in.u16();
    if (in.failed() || count == 0 || count > corrected_intervals_max)
        return Error{"corrected reads: between 1 and " + std::to_string(corrected_intervals_max) +
                     " intervals are corrected at once"};
    for (std::size_t t = 0; t < count && !in.failed(); ++t) {
        out.commitments.push_back(in.fixed<crypto::Point>());
        if (!in.failed() && !crypto::is_point(out.commitments.back()))
            return Error{"corrected reads: a commitment is no element of the group"};
    }
    if (!in.complete()) return Error{"corrected reads: cut short or followed by other bytes"};
    if (out.entry_first < 0 || out.first < out.entry_first)
        return Error{"corrected reads: they begin before the entry they correct"};
    return out;
}

Bytes encode(const BillCorrection& correction) {
    ByteWriter out;
    out.i64(correction.first).u32(correction.number);
    for (const ProvenSum* sum :
         {&correction.charge_nano_eur, &correction.upstream_nano_eur, &correction.energy_wh})
        write(out, *sum);
    return std::move(out).bytes();
}

Result<BillCorrection> decode_bill_correction(ByteView bytes) {
    ByteReader in(bytes);
    BillCorrection out;
    out.first = in.i64();
    out.number = in.u32();
    for (ProvenSum* sum : {&out.charge_nano_eur, &out.upstream_nano_eur, &out.energy_wh}) {
        *sum = read_proven_sum(in);
        if (!crypto::is_scalar(sum->blinding))
            return Error{"bill correction: a blinding is not below the group's order"};
    }
    if (!in.complete()) return Error{"bill correction: cut short or followed by other bytes"};
    if (out.number == 0) return Error{"bill correction: corrections count from 1"};
    return out;
}

Digest digest_of(const CorrectedReads& reads) {
    return crypto::digest("corrected reads", without_case(reads));
}

governance::Correct action_of(const CorrectedReads& reads,
                              governance::Subject subject,
                              const consensus::EntryId& replaces) {
    return {subject, Digest::from(replaces.view()), to_bytes(digest_of(reads).view())};
}

Bytes corrected_reads_key(const CorrectedReads& reads) {
    return ByteWriter{}.text("corrected|").raw(digest_of(reads).view()).bytes();
}

Bytes bill_correction_key(const PublicKey& home, IntervalIndex first, std::uint32_t number) {
    return ByteWriter{}.text("rebill|").raw(home.view()).i64(first).u32(number).bytes();
}

consensus::EntryPtr make_entry(const CorrectedReads& reads,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(corrected_reads_entry, corrected_reads_key(reads), encode(reads), chain, seq,
                      expires_ms, author);
}

consensus::EntryPtr make_entry(const BillCorrection& correction,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home) {
    return make_entry(bill_correction_entry,
                      bill_correction_key(home.public_key(), correction.first, correction.number),
                      encode(correction), chain, seq, expires_ms, home);
}

Result<BillCorrection> difference(const Bill& before, const Bill& after, std::uint32_t number) {
    const auto charge = difference_of(after.charge_nano_eur, before.charge_nano_eur);
    const auto upstream = difference_of(after.upstream_nano_eur, before.upstream_nano_eur);
    const auto energy = difference_of(after.energy_wh, before.energy_wh);
    for (const auto* one : {&charge, &upstream, &energy})
        if (!*one) return one->error();
    return BillCorrection{before.first, number, *charge, *upstream, *energy};
}

Result<Bill> corrected(const Bill& bill, const BillCorrection& correction) {
    const auto charge = sum_of(bill.charge_nano_eur, correction.charge_nano_eur);
    const auto upstream = sum_of(bill.upstream_nano_eur, correction.upstream_nano_eur);
    const auto energy = sum_of(bill.energy_wh, correction.energy_wh);
    for (const auto* one : {&charge, &upstream, &energy})
        if (!*one) return one->error();
    return Bill{bill.first, bill.intervals, *charge, *upstream, *energy};
}

}  // namespace kilter::settlement
