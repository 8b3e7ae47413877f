// The end of an epoch, and snapshots: made at checkpoints, fetched piece by piece by whoever is too far behind.
#include <algorithm>

#include "common/base/limits.hpp"
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
constexpr std::size_t pieces_at_once = 4;
}  // namespace

void Replica::Core::on_epoch_proof(const PublicKey& from, const EpochProof& proof) {
    if (proof.end.header.epoch == epochs_.newest() && !epochs_.extend(proof)) {
        blame(from, Misconduct::bad_certificate);
        return;
    }
    const Height height = proof.end.header.height;
    if (height > tree_.tip().block->header.height &&
        (config_.validators.index_of(from) || is_ahead(from)))
        ask_range(from, height);
}

/// `last`, which is the tip now, ended the epoch.
void Replica::Core::end_epoch(const Finalised& last) {
    const Header& header = last.block->header;
    Result<EpochChange> change = decode_epoch_change(last.block->entries.back()->entry.body);
    KILTER_CHECK(change.ok(), "a block that ends an epoch holds the change");
    const EpochProof proof{{header, last.descendants, last.certificate}, std::move(change->next)};
    if (epochs_.newest() == header.epoch)
        KILTER_CHECK(epochs_.extend(proof), "what ended the epoch proves it");
    if (mutant != Mutant::unwritten_epoch)
        out_.persist.push_back(*epochs_.find(header.epoch + 1)->proof);
    enter_epoch(header.epoch + 1);
}

/// REQUIRES: the tip is the epoch's base or of the epoch.
void Replica::Core::enter_epoch(Epoch epoch) {
    const EpochTable::Member& member = *epochs_.find(epoch);
    const Header& tip = tree_.tip().block->header;
    epoch_ = epoch;
    config_.validators = member.validators;
    signer_.begin_epoch(epoch, member.validators, tip.view);
    tally_ = Tally(config_.chain, member.validators, epoch);
    tree_.begin_epoch(epoch, member.validators);
    final_.reset();
    final_certs_.clear();
    final_view_ = tip.view;
    final_hash_ = tree_.tip_hash();
    if (mutant != Mutant::kept_certificates) {
        notars_.clear();
        skips_.clear();
    }
    proposals_.clear();
    wanted_.clear();
    current_ = final_view_ + 1;
    current_entered_ = false;
    timers_[TimerKind::view].armed = false;
    silent_views_.assign(member.validators.size(), 0);
    peers_.clear();
    range_asked_ms_.reset();
    unanswered_.clear();
    // Evidence and epoch changes were about the epoch that has ended, and what only members may write is refused to those who
    // left; judge_parked() follows.
    mempool_.doubt();
    changed_ = true;
}

void Replica::Core::checkpoint(const Finalised& final) {
    const BlockTree::Node& tip = tree_.tip();
    // What nobody reads is not written: another height will do.
    if (tip.state->map() == nullptr || final.descendants.size() > limits::descendants_max) return;
    Bytes outline = tip.state->map()->outline(limits::piece_bytes).encoded();
    if (outline.size() > limits::outline_bytes_max) return;
    out_.persist.push_back(Snapshot{
        {{tip.block->header, final.descendants, final.certificate}, tip.log, std::move(outline)},
        tip.state,
        false});
}

void Replica::Core::on_manifest(const PublicKey& from, const Manifest& manifest) {
    const Header& header = manifest.certified.header;
    if (!range_asked_ms_ || header.height <= tree_.tip().block->header.height ||
        (transfer_ && transfer_->manifest.certified.header.height >= header.height))
        return;
    // The proofs come first: without them nobody could say whether the certificate holds.
    if (header.epoch + (header.next_validators.is_zero() ? 0 : 1) > epochs_.newest()) return;
    auto outline = check(manifest, epochs_);
    if (!outline) {
        blame(from, Misconduct::bad_block);
        return;
    }
    const std::size_t pieces = outline->pieces();
    transfer_ = Transfer{manifest, *std::move(outline), std::vector<Bytes>(pieces), pieces, from};
    if (pieces == 0)
        adopt_snapshot();
    else
        ask_pieces(from);
}

void Replica::Core::ask_pieces(const PublicKey& from) {
    std::size_t asked = 0;
    for (std::size_t i = 0; i < transfer_->pieces.size() && asked < pieces_at_once; ++i) {
        if (!transfer_->pieces[i].empty()) continue;
        ++asked;
        tell(from,
             GetPiece{transfer_->manifest.certified.header.height, static_cast<std::uint32_t>(i)});
    }
}

void Replica::Core::on_piece(const PublicKey& from, const Piece& piece) {
    if (!transfer_ || piece.height != transfer_->manifest.certified.header.height ||
        piece.number >= transfer_->pieces.size() || !transfer_->pieces[piece.number].empty())
        return;
    if (!transfer_->outline.fits(piece.number, piece.bytes) && mutant != Mutant::unchecked_piece) {
        blame(from, Misconduct::bad_block);
        return;
    }
    transfer_->pieces[piece.number] = piece.bytes;
    transfer_->source = from;
    if (--transfer_->missing == 0) {
        adopt_snapshot();
        return;
    }
    // As many stay under way as there were.
    std::size_t ahead = 0;
    for (std::size_t i = 0; i < transfer_->pieces.size(); ++i)
        if (transfer_->pieces[i].empty() && ++ahead == pieces_at_once)
            tell(from, GetPiece{piece.height, static_cast<std::uint32_t>(i)});
}

void Replica::Core::adopt_snapshot() {
    const Transfer transfer = *std::exchange(transfer_, std::nullopt);
    const Header& header = transfer.manifest.certified.header;
    range_asked_ms_.reset();
    if (header.height <= tree_.tip().block->header.height) return;
    auto map = transfer.outline.join(transfer.pieces);
    if (mutant == Mutant::unchecked_piece && !map) return halt("the snapshot's pieces do not fit");
    KILTER_CHECK(map.has_value(), "every piece was checked when it came");
    auto state = std::make_shared<MapState>(*std::move(map));
    out_.persist.push_back(Snapshot{transfer.manifest, state, true});
    tree_.adopt(header, state, transfer.manifest.log);
    const Epoch epoch = header.epoch + (header.next_validators.is_zero() ? 0 : 1);
    if (epoch > epoch_) {
        for (EpochProof& proof : epochs_.proofs_after(epoch_))
            if (proof.end.header.epoch < epoch) out_.persist.push_back(std::move(proof));
        enter_epoch(epoch);
    }
    const Cert& cert = transfer.manifest.certified.certificate;
    if (cert.epoch == epoch_) take_cert(cert);  // if it is the newest
    if (header.view > final_view_) {
        final_.reset();
        final_view_ = header.view;
        final_hash_ = tree_.tip_hash();
        signer_.raise_floor(final_view_);
    }
    out_.jumped = true;
    // What became final in the blocks left out is known by the state alone.
    mempool_.doubt();
    finalise({});
}

}  // namespace kilter::consensus
