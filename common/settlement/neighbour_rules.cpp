#include "common/settlement/neighbour_rules.hpp"

#include "common/settlement/entry_key.hpp"
#include "common/settlement/tie_trade.hpp"

namespace kilter::settlement {

namespace {

using consensus::Admission;
using consensus::Verdict;

Verdict no_neighbour(std::string reason) {
    return {Admission::refused, std::move(reason)};
}

Bytes neighbour_state_key(const ChainId& chain) {
    return ByteWriter{}.text("neighbour").raw(chain.view()).bytes();
}

// The members of an epoch of the other log after its first, and the height of the block that ended the one before.
Bytes epoch_state_key(const ChainId& chain, consensus::Epoch epoch) {
    return ByteWriter{}.text("neighbour").raw(chain.view()).u64(epoch).bytes();
}

struct ProvedEpoch {
    consensus::Height base = 0;
    consensus::ValidatorSet members;
    bool operator==(const ProvedEpoch&) const = default;
};

consensus::Epoch epoch_after(const consensus::EpochProof& proof) {
    return proof.end.header.epoch + 1;
}

ProvedEpoch proved_by(const consensus::EpochProof& proof) {
    return {proof.end.header.height, proof.next};
}

Bytes encode(const ProvedEpoch& epoch) {
    return ByteWriter{}.u64(epoch.base).raw(epoch.members.encode()).bytes();
}

std::optional<ProvedEpoch> proved_epoch(const crypto::MerkleMap& map,
                                        const ChainId& chain,
                                        consensus::Epoch epoch) {
    const Bytes* bytes = map.find(epoch_state_key(chain, epoch));
    if (bytes == nullptr) return std::nullopt;
    ByteReader in(*bytes);
    ProvedEpoch out{in.u64(), {}};
    auto members = consensus::ValidatorSet::read(in);
    KILTER_CHECK(members.ok(), "the ledger holds a malformed epoch of a neighbour");
    out.members = *std::move(members);
    return out;
}

std::optional<consensus::ValidatorSet> members_of(const crypto::MerkleMap& map,
                                                  const ChainId& chain,
                                                  consensus::Epoch epoch) {
    if (epoch == 0) return neighbour_validators(map, chain);
    auto proved = proved_epoch(map, chain, epoch);
    return proved ? std::optional(std::move(proved->members)) : std::nullopt;
}

// Certified by who had no say any more.
bool outlived(const crypto::MerkleMap& map, const ChainId& chain, const consensus::Header& header) {
    const auto next = proved_epoch(map, chain, header.epoch + 1);
    return next && header.height > next->base;
}

Bytes anchor_state_key(const ChainId& chain) {
    return ByteWriter{}.text("anchor").raw(chain.view()).bytes();
}

Verdict unknown_log(const ChainId& chain) {
    return no_neighbour("this log does not know the log " + short_hex(chain.view()) +
                        " yet: name it first with 'kilter tie know GENESIS'");
}

Verdict apply_neighbour_log(const Genesis& genesis,
                            const ChainId& here,
                            const Standing& author,
                            crypto::MerkleMap& map) {
    if (!author.operates)
        return no_neighbour("only who may change the roster names a neighbouring log");
    const ChainId chain = genesis.chain_id();
    if (chain == here) return no_neighbour("a log is not its own neighbour");
    map.set(neighbour_state_key(chain), genesis.validators.encode());
    return {};
}

// Versions 1 and 2 of the rule "ledger" took any certified header, and logs that hold such anchors exist.
Verdict apply_anchor(const Anchor& anchor,
                     const Standing& author,
                     std::uint32_t version,
                     crypto::MerkleMap& map) {
    if (!author.operates && !author.validates)
        return no_neighbour("only a coordinator or who may change the roster appends an anchor");
    if (!neighbour_validators(map, anchor.chain)) return unknown_log(anchor.chain);
    const AnchoredHead head = head_of(anchor);
    const auto newest = newest_anchor(map, anchor.chain);
    if (newest && head.height <= newest->height)
        return no_neighbour("that log is anchored up to height " + std::to_string(newest->height) +
                            " already: anchor a later block");
    const bool strict = version >= 3;
    const AnchorVerdict worth = verify(anchor, [&](consensus::Epoch epoch) {
        return strict || epoch == 0 ? members_of(map, anchor.chain, epoch) : std::nullopt;
    });
    const bool tolerable = worth == AnchorVerdict::closing || worth == AnchorVerdict::outlived;
    if (worth != AnchorVerdict::certified && (strict || !tolerable))
        return no_neighbour(describe(worth));
    if (strict) {
        if (outlived(map, anchor.chain, anchor.head.header))
            return no_neighbour(describe(AnchorVerdict::outlived));
        for (const consensus::EpochProof& proof : anchor.epochs)
            if (const auto before = proved_epoch(map, anchor.chain, epoch_after(proof));
                before && *before != proved_by(proof))
                return no_neighbour("epoch " + std::to_string(proof.end.header.epoch) +
                                    " of the other log has ended in another way before, as an "
                                    "anchor on this log proves: its coordinators deceive somebody");
        for (const consensus::EpochProof& proof : anchor.epochs)
            map.set(epoch_state_key(anchor.chain, epoch_after(proof)), encode(proved_by(proof)));
    }
    ByteWriter value;
    value.u64(head.height).raw(head.block.view()).raw(head.log_root.view());
    map.set(anchor_state_key(anchor.chain), std::move(value).bytes());
    return {};
}

Verdict apply_trade(const TieTrade& trade, const Standing& author, const crypto::MerkleMap& map) {
    if (!author.operates)
        return no_neighbour("only who may change the roster trades for the feeder");
    if (!neighbour_validators(map, trade.with)) return unknown_log(trade.with);
    return {};
}

// The offer came from the other log, with this one.
Verdict judge_offer(const consensus::Entry& proven,
                    const ChainId& here,
                    const Standing& author,
                    UnixMs time_ms) {
    const auto offer = decode_tie_trade(proven.body);
    if (!offer || offer->with != here)
        return no_neighbour("the receipt is not of an offer to this log");
    if (!author.operates)
        return no_neighbour("only who may change the roster accepts for the feeder");
    if (time_ms > offer->accept_by_ms) return no_neighbour("the offer was to be accepted earlier");
    return {};
}

// The offer is this log's own, and the other one has accepted it.
Verdict judge_acceptance(const consensus::Entry& proven,
                         const ChainId& here,
                         const Standing& author,
                         const EntryOfKey& held,
                         const ChainId& there) {
    const auto acceptance = decode_neighbour_receipt(proven.body);
    const bool ours = acceptance && acceptance->chain == here &&
                      acceptance->receipt.entry.type == tie_trade_entry;
    const auto offer = ours ? decode_tie_trade(acceptance->receipt.entry.body)
                            : Result<TieTrade>(Error{"not an acceptance"});
    if (!offer || offer->with != there || held(tie_trade_key(*offer)) != proven_entry(*acceptance))
        return no_neighbour("the receipt does not say that an offer of this log was accepted");
    if (!author.belongs && !author.operates && !author.validates)
        return no_neighbour("only a party of this log hands in a receipt");
    return {};
}

Verdict apply_receipt(const NeighbourReceipt& receipt,
                      const ChainId& here,
                      const Standing& author,
                      const EntryOfKey& held,
                      UnixMs time_ms,
                      std::uint32_t version,
                      const crypto::MerkleMap& map) {
    const auto validators = neighbour_validators(map, receipt.chain);
    if (!validators) return unknown_log(receipt.chain);
    const consensus::Entry& proven = receipt.receipt.entry;
    Verdict verdict =
        proven.type == tie_trade_entry ? judge_offer(proven, here, author, time_ms)
        : proven.type == neighbour_receipt_entry
            ? judge_acceptance(proven, here, author, held, receipt.chain)
            : no_neighbour("only receipts of offers and acceptances have a place here");
    if (verdict.admission != Admission::ready) return verdict;
    const bool strict = version >= 3;
    const consensus::Header& header = receipt.receipt.header;
    auto worth = consensus::verify(receipt.receipt, receipt.chain, *validators);
    if (strict && worth == consensus::ReceiptVerdict::unknown_epoch) {
        const auto members = members_of(map, receipt.chain, header.epoch);
        if (!members)
            return no_neighbour("the receipt leaves out how epoch " + std::to_string(header.epoch) +
                                " of that log came about, and no anchor here says it: append one "
                                "with 'kilter tie anchor' first");
        worth = consensus::verify_in_epoch(receipt.receipt, receipt.chain, *members);
    }
    if (worth != consensus::ReceiptVerdict::valid)
        return no_neighbour(std::string("the receipt does not hold: ") +
                            consensus::describe(worth));
    if (strict && outlived(map, receipt.chain, header))
        return no_neighbour(
            "the receipt does not hold: its block is certified by coordinators whose epoch had "
            "ended");
    return {};
}

}  // namespace

std::optional<consensus::ValidatorSet> neighbour_validators(const crypto::MerkleMap& map,
                                                            const ChainId& chain) {
    const Bytes* bytes = map.find(neighbour_state_key(chain));
    if (bytes == nullptr) return std::nullopt;
    ByteReader in(*bytes);
    auto out = consensus::ValidatorSet::read(in);
    KILTER_CHECK(out.ok(), "the ledger holds malformed validators of a neighbour");
    return *std::move(out);
}

std::optional<AnchoredHead> newest_anchor(const crypto::MerkleMap& map, const ChainId& chain) {
    const Bytes* bytes = map.find(anchor_state_key(chain));
    if (bytes == nullptr) return std::nullopt;
    ByteReader in(*bytes);
    AnchoredHead out;
    out.height = in.u64();
    out.block = in.fixed<consensus::BlockHash>();
    out.log_root = in.fixed<Digest>();
    return out;
}

std::optional<Result<void>> check_neighbour(const consensus::Entry& entry) {
    if (entry.type == neighbour_log_entry)
        return check_entry_key(entry, Genesis::decode(entry.body), [](const auto& genesis) {
            return neighbour_log_key(genesis.chain_id());
        });
    if (entry.type == anchor_entry)
        return check_entry_key(entry, decode_anchor(entry.body), [](const auto& anchor) {
            return anchor_key(anchor.chain, anchor.head.header.height);
        });
    if (entry.type == tie_trade_entry)
        return check_entry_key(entry, decode_tie_trade(entry.body), tie_trade_key);
    if (entry.type == neighbour_receipt_entry)
        return check_entry_key(entry, decode_neighbour_receipt(entry.body), [](const auto& one) {
            return neighbour_receipt_key(proven_entry(one));
        });
    return std::nullopt;
}

bool concerns_neighbour(consensus::EntryType type) {
    return type == neighbour_log_entry || type == anchor_entry || type == tie_trade_entry ||
           type == neighbour_receipt_entry;
}

Verdict apply_neighbour(const consensus::Entry& entry,
                        const ChainId& here,
                        const Standing& author,
                        const EntryOfKey& held,
                        UnixMs time_ms,
                        std::uint32_t version,
                        crypto::MerkleMap& map) {
    if (entry.type == neighbour_log_entry)
        return apply_neighbour_log(*Genesis::decode(entry.body), here, author, map);
    if (entry.type == anchor_entry)
        return apply_anchor(*decode_anchor(entry.body), author, version, map);
    if (entry.type == tie_trade_entry)
        return apply_trade(*decode_tie_trade(entry.body), author, map);
    return apply_receipt(*decode_neighbour_receipt(entry.body), here, author, held, time_ms,
                         version, map);
}

}  // namespace kilter::settlement
