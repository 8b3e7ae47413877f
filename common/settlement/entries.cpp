#include "common/settlement/entries.hpp"

#include "common/base/limits.hpp"
#include "common/settlement/corrected_reads.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/settlement/neighbour_log.hpp"
#include "common/settlement/tie_trade.hpp"

namespace kilter::settlement {

const char* entry_type_name(consensus::EntryType type) {
    if (type == roster_change_entry) return "roster change";
    if (type == cleared_net_entry) return "cleared net";
    if (type == meter_reads_entry) return "meter reads";
    if (type == position_entry) return "position";
    if (type == tie_prices_entry) return "tie prices";
    if (type == bill_entry) return "bill";
    if (type == disclosure_entry) return "disclosure";
    if (type == proposal_entry) return "proposal";
    if (type == statement_entry) return "statement";
    if (type == neighbour_log_entry) return "neighbour log";
    if (type == anchor_entry) return "anchor";
    if (type == tie_trade_entry) return "tie trade";
    if (type == neighbour_receipt_entry) return "neighbour receipt";
    if (type == corrected_reads_entry) return "corrected reads";
    if (type == bill_correction_entry) return "bill correction";
    if (type == consensus::evidence_entry) return "evidence";
    if (type == consensus::epoch_change_entry) return "epoch change";
    return "unknown";
}

Bytes encode(const ClearedNet& cleared) {
    ByteWriter out;
    out.i64(cleared.interval)
        .u32(cleared.opening)
        .u32(cleared.net.value)
        .u64(cleared.roster_epoch)
        .u8(static_cast<std::uint8_t>(cleared.outcome))
        .u32(cleared.iteration)
        .i64(cleared.residual_milliwatt)
        .u16(static_cast<std::uint16_t>(cleared.prices_micro_eur_per_kwh.size()));
    for (const std::int64_t price : cleared.prices_micro_eur_per_kwh)
        out.i64(price);
    out.u16(static_cast<std::uint16_t>(cleared.members.size()));
    for (const ClearedMember& member : cleared.members)
        out.raw(member.key.view()).raw(member.commitment.view()).raw(member.signature.view());
    if (cleared.outcome == Outcome::interim) out.i64(cleared.base);
    return std::move(out).bytes();
}

Result<ClearedNet> decode_cleared_net(ByteView bytes) {
    ByteReader in(bytes);
    ClearedNet cleared;
    cleared.interval = in.i64();
    cleared.opening = in.u32();
    cleared.net.value = in.u32();
    cleared.roster_epoch = in.u64();
    const std::uint8_t outcome = in.u8();
    cleared.iteration = in.u32();
    cleared.residual_milliwatt = in.i64();
    const std::size_t prices = in.u16();
    if (in.failed() || prices > limits::horizon_max)
        return Error{"cleared net: cut short, or more prices than a horizon has intervals"};
    for (std::size_t i = 0; i < prices; ++i)
        cleared.prices_micro_eur_per_kwh.push_back(in.i64());
    const std::size_t members = in.u16();
    if (in.failed() || members > limits::members_per_net_max)
        return Error{"cleared net: cut short, or more members than a net may have"};
    for (std::size_t i = 0; i < members && !in.failed(); ++i) {
        ClearedMember member;
        member.key = in.fixed<PublicKey>();
        member.commitment = in.fixed<Digest>();
        member.signature = in.fixed<consensus::Signature>();
        if (i > 0 && !(cleared.members.back().key < member.key))
            return Error{"cleared net: members must be distinct and ascending by key"};
        cleared.members.push_back(member);
    }
    if (outcome < 1 || outcome > 3) return Error{"cleared net: unknown outcome"};
    cleared.outcome = static_cast<Outcome>(outcome);
    if (cleared.outcome == Outcome::interim) cleared.base = in.i64();
    if (!in.complete()) return Error{"cleared net: cut short or followed by other bytes"};
    if (prices == 0) return Error{"cleared net: there are no prices"};
    if (members == 0) return Error{"cleared net: nobody signed it"};
    if (cleared.residual_milliwatt < 0) return Error{"cleared net: the residual is negative"};
    return cleared;
}

Bytes roster_key(std::uint64_t epoch) {
    return ByteWriter{}.text("roster|").text(std::to_string(epoch)).bytes();
}

Bytes cleared_key(IntervalIndex interval, NetId net) {
    return ByteWriter{}
        .text("cleared|")
        .text(std::to_string(interval))
        .text("|")
        .text(std::to_string(net.value))
        .bytes();
}

Bytes clearing_statement(const ChainId& chain,
                         IntervalIndex interval,
                         std::uint32_t opening,
                         NetId net,
                         std::uint32_t iteration,
                         const std::vector<std::int64_t>& prices_micro_eur_per_kwh,
                         const Digest& commitment) {
    ByteWriter out;
    out.i64(interval).u32(opening).u32(net.value).u32(iteration);
    out.u16(static_cast<std::uint16_t>(prices_micro_eur_per_kwh.size()));
    for (const std::int64_t price : prices_micro_eur_per_kwh)
        out.i64(price);
    out.raw(commitment.view());
    return consensus::signed_bytes(consensus::SignedKind::clearing, chain, 0, 0, out.bytes());
}

Bytes statement_of(const ChainId& chain, const ClearedNet& record, const Digest& commitment) {
    if (record.outcome != Outcome::interim)
        return clearing_statement(chain, record.interval, record.opening, record.net,
                                  record.iteration, record.prices_micro_eur_per_kwh, commitment);
    ByteWriter out;
    out.i64(record.interval).u32(record.opening).u32(record.net.value).u32(record.iteration);
    out.u16(static_cast<std::uint16_t>(record.prices_micro_eur_per_kwh.size()));
    for (const std::int64_t price : record.prices_micro_eur_per_kwh)
        out.i64(price);
    out.text("interim").u64(record.roster_epoch).i64(record.residual_milliwatt).i64(record.base);
    out.u16(static_cast<std::uint16_t>(record.members.size()));
    for (const ClearedMember& member : record.members)
        out.raw(member.key.view());
    out.raw(commitment.view());
    return consensus::signed_bytes(consensus::SignedKind::clearing, chain, 0, 0, out.bytes());
}

consensus::EntryPtr make_entry(consensus::EntryType type,
                               Bytes key,
                               Bytes body,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    consensus::Entry entry;
    entry.type = type;
    entry.seq = seq;
    entry.expires_ms = expires_ms;
    entry.key = std::move(key);
    entry.body = std::move(body);
    consensus::sign(entry, chain, author);
    return consensus::seal(std::move(entry));
}

consensus::EntryPtr make_entry(const RosterChange& change,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& operator_identity) {
    return make_entry(roster_change_entry, roster_key(change.epoch), encode(change), chain, seq,
                      expires_ms, operator_identity);
}

consensus::EntryPtr make_entry(const ClearedNet& cleared,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(cleared_net_entry, cleared_key(cleared.interval, cleared.net),
                      encode(cleared), chain, seq, expires_ms, author);
}

}  // namespace kilter::settlement
