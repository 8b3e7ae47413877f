#include "common/consensus/replica.hpp"

#include <iterator>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/consensus/replica_core.hpp"

namespace kilter::consensus {

namespace {
template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <class T>
void move_to(std::vector<T>& to, std::vector<T>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// A tip that ends an epoch is the next one's base.
Epoch image_epoch(const DurableImage& image) {
    return image.tip.epoch + (image.tip.next_validators.is_zero() ? 0 : 1);
}

/// The newest final certificate, unless the current epoch has none yet.
std::optional<Cert> image_final(const DurableImage& image) {
    if (!image.tip_certificate || image.tip_certificate->epoch != image_epoch(image))
        return std::nullopt;
    return image.tip_certificate;
}

View image_final_view(const DurableImage& image) {
    const auto final = image_final(image);
    return final ? std::max(final->view, image.tip.view) : image.tip.view;
}

EpochTable image_epochs(const Config& config, const DurableImage& image) {
    EpochTable epochs(config.chain, config.validators);
    for (const EpochProof& proof : image.epochs)
        KILTER_CHECK(epochs.extend(proof), "the image's epochs are not this chain's");
    KILTER_CHECK(epochs.find(image_epoch(image)) != nullptr, "the image lacks its tip's epoch");
    return epochs;
}
}  // namespace

void Outputs::append(Outputs&& later) {
    move_to(persist, later.persist);
    move_to(send, later.send);
    move_to(letters, later.letters);
    move_to(serve, later.serve);
    move_to(arm, later.arm);
    move_to(finalised, later.finalised);
    move_to(answers, later.answers);
    move_to(evidence, later.evidence);
    move_to(faults, later.faults);
    jumped = jumped || later.jumped;
    if (later.halt && !halt) halt = std::move(later.halt);
}

Result<void> Parameters::validate() const {
    if (view_timeout_ms <= 0 || view_timeout_ms_max < view_timeout_ms ||
        timeout_growth_percent < 100 || dead_leader_timeout_ms <= 0 || standstill_ms <= 0 ||
        idle_status_ms < standstill_ms || batch_wait_ms < 0 || clock_drift_ms_max < 0 ||
        checkpoint_heights == 0)
        return Error{
            "the log's timing parameters are out of range: timeouts must be positive, "
            "view_timeout_ms_max >= view_timeout_ms, timeout_growth_percent >= 100, "
            "idle_status_ms >= standstill_ms, checkpoint_heights > 0"};
    return {};
}

Replica::Replica(Config config,
                 crypto::Identity identity,
                 const Application& application,
                 DurableImage image) {
    EpochTable epochs = image_epochs(config, image);
    config.validators = epochs.find(image_epoch(image))->validators;
    const auto index = config.validators.index_of(identity.public_key());
    core_ = std::make_unique<Core>(std::move(config), std::move(epochs), std::move(identity),
                                   index.value_or(outsider), application, std::move(image));
}

Replica::~Replica() = default;
Replica::Replica(Replica&&) noexcept = default;
Replica& Replica::operator=(Replica&&) noexcept = default;

Outputs Replica::step(const Input& input, UnixMs now) {
    return core_->step(input, now);
}

ReplicaIndex Replica::index() const {
    return core_->index();
}

const ValidatorSet& Replica::validators() const {
    return core_->validators();
}

Epoch Replica::epoch() const {
    return core_->epoch();
}

const EpochTable& Replica::epochs() const {
    return core_->epochs();
}

ReplicaStatus Replica::status() const {
    return core_->status();
}

const StatePtr& Replica::state() const {
    return core_->state();
}

Replica::Core::Core(Config config,
                    EpochTable epochs,
                    crypto::Identity identity,
                    ReplicaIndex index,
                    const Application& application,
                    DurableImage image)
    : config_(std::move(config)),
      epochs_(std::move(epochs)),
      epoch_(image_epoch(image)),
      application_(application),
      signer_(std::move(identity),
              config_.chain,
              index,
              image_final_view(image),
              mutant == Mutant::lost_journal ? std::vector<Vote>{} : image.journal,
              epoch_),
      tally_(config_.chain, config_.validators, epoch_),
      tree_(config_, application, image),
      final_(image_final(image)),
      final_view_(image_final_view(image)),
      final_hash_(final_ && final_->view == final_view_ ? final_->hash : tree_.tip_hash()),
      silent_views_(config_.validators.size(), 0) {
    tree_.begin_epoch(epoch_, config_.validators);
    if (final_ && final_->hash != tree_.tip_hash()) final_certs_[final_->hash] = *final_;
    for (Cert& cert : image.certificates) {
        if (cert.view <= final_view_ || cert.epoch != epoch_) continue;
        (cert.kind == VoteKind::notar ? notars_ : skips_).emplace(cert.view, std::move(cert));
    }
    for (const Vote& vote : signer_.journal(SIZE_MAX))
        (void)tally_.add(vote, true);
    current_ = final_view_ + 1;
}

ReplicaStatus Replica::Core::status() const {
    const Header& tip = tree_.tip().block->header;
    return {current_,        final_view_, tip.height, tip.first_index + tip.count,
            mempool_.size(), has_work(),  halted_};
}

Outputs Replica::Core::step(const Input& input, UnixMs now) {
    if (halted_) return {};
    now_ = now;
    out_ = {};
    // No block can hold them any more, so they are no work: views would be skipped for their sake.
    mempool_.remove_expired(now);
    std::visit(Overloaded{[&](const Started&) { on_started(); },
                          [&](const MessageReceived& in) { on_message(in); },
                          [&](const OutsiderSaid& in) { on_outsider(in); },
                          [&](const EpochsShown& in) { on_epochs_shown(in.proofs); },
                          [&](const TimerElapsed& in) { on_timer(in.timer); },
                          [&](const Submitted& in) { on_submitted(in); }},
               input);
    settle();
    return std::move(out_);
}

void Replica::Core::on_started() {
    if (!follows_rules()) return;
    changed_ = true;
    standstill();
}

void Replica::Core::on_message(const MessageReceived& received) {
    const ReplicaIndex from = received.from;
    if (from >= config_.validators.size() || from == index()) return;
    const PublicKey sender = config_.validators.validators[from].key;  // of this epoch
    std::visit(Overloaded{[&](const Proposal& m) { on_proposal(from, m, received.entries); },
                          [&](const Vote& m) { on_vote(from, m); },
                          [&](const Cert& m) { on_cert(from, m); },
                          [&](const Status& m) { on_status(from, m); },
                          [&](const GetBlock& m) { on_get_block(from, m); },
                          [&](const BlockReply& m) { on_block(from, m.block); },
                          [&](const GetRange& m) { on_get_range(sender, m); },
                          [&](const Range& m) { on_range(sender, m); },
                          [&](const Submit& m) { on_submit(from, m, received.entries); },
                          [&](const EpochProof& m) { on_epoch_proof(sender, m); },
                          [&](const Manifest& m) { on_manifest(sender, m); },
                          [&](const GetPiece& m) { on_get_piece(sender, m); },
                          [&](const Piece& m) { on_piece(sender, m); }},
               received.message);
}

void Replica::Core::on_timer(const Timer& timer) {
    Armed& armed = timers_[timer.kind];
    if (!armed.armed || armed.generation != timer.generation) return;
    armed.armed = false;
    switch (timer.kind) {
        case TimerKind::view:
            if (has_work()) skip_current();
            break;
        case TimerKind::standstill:
            standstill();
            break;
        case TimerKind::batch:
            batch_waited_ = true;
            changed_ = true;
            break;
    }
}

void Replica::Core::settle() {
    while (changed_ && !halted_) {
        changed_ = false;
        try_finalise();
        advance();
        try_notarise();
        try_final();
        try_propose();
    }
    if (!halted_) arm_what_is_due();
}

void Replica::Core::send(std::optional<ReplicaIndex> to, Message message) {
    if (config_.validators.size() > 1 || !is_member())
        out_.send.push_back({to, std::move(message)});
}

void Replica::Core::tell(const PublicKey& to, Message message) {
    if (const auto index = config_.validators.index_of(to))
        send(*index, std::move(message));
    else
        out_.letters.push_back({to, std::move(message)});
}

void Replica::Core::blame(ReplicaIndex from, Misconduct misconduct) {
    blame(config_.validators.validators[from].key, misconduct);
}

void Replica::Core::blame(const PublicKey& from, Misconduct misconduct) {
    out_.faults.push_back({from, misconduct});
}

void Replica::Core::halt(std::string reason) {
    halted_ = true;
    out_.halt = std::move(reason);
}

}  // namespace kilter::consensus
