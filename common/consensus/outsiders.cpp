// Coordinators that are no members of this replica's epoch: those that learn, that missed the end of an epoch, or whose epoch
// is later than this replica knows.
//
// Who is behind is told what members tell each other. Who is ahead is listened to in two steps. First proofs of epochs, from
// anybody: each is certified by the members of the epoch before, so who shows it does not matter; one that does not hold
// costs a check of a certificate, and its sender is not heard again in that period. Then blocks and snapshots, from those
// whom the newest proved epoch names: as few of them are dishonest as of one's own members, so they are asked as members are,
// one at a time. Who is neither can claim what it likes: it is told where this replica is, once a period.
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
constexpr std::size_t heard_max = 64;       // of one outsider, per standstill period
constexpr std::size_t outsiders_max = 256;  // whose allowances are kept
}  // namespace

void Replica::Core::on_outsider(const OutsiderSaid& said) {
    const PublicKey& from = said.from;
    if (config_.validators.index_of(from) || from == signer_.public_key()) return;
    if (peers_.size() >= outsiders_max && !peers_.contains(from))
        std::erase_if(peers_, [&](const auto& one) {
            return now_ - one.second.window_ms >= config_.parameters.standstill_ms;
        });
    if (peers_.size() >= outsiders_max && !peers_.contains(from)) return;
    const Message& message = said.message;
    if (const auto* range = std::get_if<GetRange>(&message)) return on_get_range(from, *range);
    if (const auto* piece = std::get_if<GetPiece>(&message)) return on_get_piece(from, *piece);
    if (is_ahead(from)) {
        if (const auto* range = std::get_if<Range>(&message)) return on_range(from, *range);
        if (const auto* state = std::get_if<Manifest>(&message)) return on_manifest(from, *state);
        if (const auto* piece = std::get_if<Piece>(&message)) return on_piece(from, *piece);
    }
    if (++allowance(from).served > heard_max) return;
    if (const auto* status = std::get_if<Status>(&message)) on_outsiders_status(from, *status);
    if (const auto* proof = std::get_if<EpochProof>(&message)) on_outsiders_proof(from, *proof);
}

void Replica::Core::on_outsiders_status(const PublicKey& from, const Status& status) {
    const Height height = tree_.tip().block->header.height;
    if (is_ahead(from) && status.final_height > height) ask_range(from, status.final_height);
    if (status.epoch > epoch_) {
        // It answers with the proofs that are lacking here. Once: two that stand outside each other would never end.
        if (!std::exchange(allowance(from).asked, true)) tell(from, own_status());
        return;
    }
    show_epochs(from, status.epoch);
    if (status.epoch < epoch_ || status.final_height < height) tell(from, own_status());
    if (status.epoch == epoch_ && final_ && status.final_view < final_view_) tell(from, *final_);
}

void Replica::Core::on_outsiders_proof(const PublicKey& from, const EpochProof& proof) {
    Peer& peer = allowance(from);
    if (peer.lied || proof.end.header.epoch != epochs_.newest()) return;
    const Epoch before = epochs_.newest();
    on_epoch_proof(from, proof);
    if (epochs_.newest() == before)
        peer.lied = true;
    else if (!is_ahead(from))
        introduce();
}

void Replica::Core::on_epochs_shown(const std::vector<EpochProof>& proofs) {
    if (epochs_.learn(proofs)) introduce();
}

/// To those whom a later epoch names: they may not know this replica, and answer who asks.
void Replica::Core::introduce() {
    if (epochs_.newest() == epoch_) return;
    for (const Validator& member : epochs_.members().validators)
        if (is_ahead(member.key)) out_.letters.push_back({member.key, own_status()});
}

/// An outsider that is a member of a proved later epoch.
bool Replica::Core::is_ahead(const PublicKey& key) const {
    return epochs_.newest() > epoch_ && key != signer_.public_key() &&
           !config_.validators.index_of(key) && epochs_.members().index_of(key);
}

}  // namespace kilter::consensus
