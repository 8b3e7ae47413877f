#include "common/settlement/bill.hpp"

namespace kilter::settlement {

void write(ByteWriter& out, const ProvenSum& sum) {
    out.i64(sum.value).raw(sum.blinding.view());
}

ProvenSum read_proven_sum(ByteReader& in) {
    ProvenSum out;
    out.value = in.i64();
    out.blinding = in.fixed<crypto::Scalar>();
    return out;
}

Bytes encode(const Bill& bill) {
    ByteWriter out;
    out.i64(bill.first).u32(bill.intervals);
    for (const ProvenSum* sum : {&bill.charge_nano_eur, &bill.upstream_nano_eur, &bill.energy_wh})
        write(out, *sum);
    return std::move(out).bytes();
}

Result<Bill> decode_bill(ByteView bytes) {
    ByteReader in(bytes);
    Bill bill;
    bill.first = in.i64();
    bill.intervals = in.u32();
    for (ProvenSum* sum : {&bill.charge_nano_eur, &bill.upstream_nano_eur, &bill.energy_wh}) {
        *sum = read_proven_sum(in);
        if (!crypto::is_scalar(sum->blinding))
            return Error{"bill: a blinding is not below the group's order"};
    }
    if (!in.complete()) return Error{"bill: cut short or followed by other bytes"};
    if (bill.intervals == 0 || bill.intervals > bill_intervals_max)
        return Error{"bill: a period has between 1 and " + std::to_string(bill_intervals_max) +
                     " intervals"};
    return bill;
}

Bytes bill_key(const PublicKey& home, IntervalIndex first) {
    return ByteWriter{}.text("bill|").raw(home.view()).i64(first).bytes();
}

consensus::EntryPtr make_entry(const Bill& bill,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& home) {
    return make_entry(bill_entry, bill_key(home.public_key(), bill.first), encode(bill), chain, seq,
                      expires_ms, home);
}

}  // namespace kilter::settlement
