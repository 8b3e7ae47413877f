#include <algorithm>

#include "tests/simulator/cluster.hpp"

namespace kilter::consensus::simulation {

/// A message on its way: encoded once, decoded once, however many receive it.
struct Cluster::Parcel {
    Bytes bytes;
    Result<Message> message;
};

void Cluster::send(Host& from, const Send& send) {
    if (from.honest()) {
        observe(from, send.message);
        liveness_.on_message(from.address());
        transmit(from, send);
        return;
    }
    Adversary* adversary = adversary_of(from);
    if (adversary == nullptr) return transmit(from, send);
    for (const Send& altered : adversary->alter(send))
        transmit(from, altered);
}

void Cluster::post(Host& from, const PublicKey& to, const Message& message) {
    if (!from.up()) return;
    std::vector<Send> sends{{std::nullopt, message}};
    if (Adversary* adversary = from.honest() ? nullptr : adversary_of(from))
        sends = adversary->alter({ReplicaIndex{0}, message});
    for (const Send& send : sends) {
        const auto parcel = pack(from, send.message);
        for (const auto& host : hosts_)
            if (host->public_key() == to) carry(from, *host, parcel);
    }
}

std::shared_ptr<Cluster::Parcel> Cluster::pack(const Host& from, const Message& message) {
    auto parcel = std::make_shared<Parcel>(Parcel{encode(message), Error{}});
    parcel->message = decode(parcel->bytes);
    if (from.honest() && !parcel->message)
        outcome_.report.violation("S20", "an honest replica sent what does not decode");
    return parcel;
}

void Cluster::transmit(Host& from, const Send& send) {
    if (!from.up()) return;
    const auto parcel = pack(from, send.message);
    const ValidatorSet& members = from.replica().validators();
    for (const auto& to : hosts_) {
        const auto index = members.index_of(to->public_key());
        if (index && to->key() != from.key() && (!send.to || *send.to == *index))
            carry(from, *to, parcel);
    }
}

void Cluster::carry(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel) {
    const Micros now = schedule_.now();
    if (from.honest() && healed_) liveness_.on_sent(from.address(), parcel->bytes.size(), now);
    for (const Micros delay : network_->send(from.address(), to.address(), now))
        schedule_.after(delay, [this, &from, &to, parcel] {
            network_->arrived(from.address(), to.address());
            deliver(from, to, parcel);
        });
}

void Cluster::deliver(Host& from, Host& to, const std::shared_ptr<Parcel>& parcel) {
    trace_.note(static_cast<std::uint64_t>(schedule_.now()) ^ (from.address() << 48) ^
                (to.address() << 56));
    trace_.note(parcel->bytes);
    if (!parcel->message || !to.up()) return;
    to.hear(from.public_key(), *parcel->message);
    Adversary* adversary = adversary_of(to);
    if (adversary == nullptr) return;
    const auto sender = to.replica().validators().index_of(from.public_key());
    if (!sender) return;
    for (const Send& lie : adversary->answer(*sender, *parcel->message))
        transmit(to, lie);
    if (const auto entry = adversary->slip()) {
        // Its own workers say that they checked it.
        const auto lie = [](const SealedEntry&) { return true; };
        const Verified verified =
            verify_entries(std::span(&*entry, 1), config_.chain, application(), lie);
        to.take(Submitted{{*entry}, verified});
    }
    std::size_t& seen = adversary_entries_[to.key()];
    for (; seen < adversary->made().size(); ++seen)
        chain_.on_made(adversary->made()[seen]);
}

void Cluster::observe(const Host& from, const Message& message) {
    const Image& disk = from.disk().durable();
    const auto on_vote = [&](const Vote& vote) {
        // A block's body is to be durable no later than the vote for it.
        const bool durable =
            disk.holds(vote) && (vote.kind != VoteKind::notar ||
                                 disk.is_past(vote.epoch, vote.view) || disk.holds_body(vote.hash));
        votes_.on_vote(vote, durable);
        if (!membership_) return;
        voted_.insert({vote.epoch, from.key()});
        const auto members = membership_->members(vote.epoch);
        if (vote.signer >= members.size() || members[vote.signer] != from.key())
            outcome_.report.violation("S12", "process " + std::to_string(from.address()) +
                                                 " votes in epoch " + std::to_string(vote.epoch) +
                                                 ", where it is no member");
    };
    if (const auto* proposal = std::get_if<Proposal>(&message)) {
        const Header& header = proposal->block->header;
        if (header.closing && (header.count > 0 || !header.next_validators.is_zero()))
            outcome_.report.violation("S12", "a closing block is not empty");
        on_vote(proposal->vote);
    }
    if (const auto* vote = std::get_if<Vote>(&message)) on_vote(*vote);
    if (const auto* cert = std::get_if<Cert>(&message)) certificates_.on_certificate(*cert);
}

void Cluster::written(Host& host, const Outputs& outputs) {
    if (!host.honest()) return;
    for (const Write& write : outputs.persist)
        if (const auto* proof = std::get_if<EpochProof>(&write)) epoch_ended(*proof);
}

void Cluster::epoch_ended(const EpochProof& proof) {
    certificates_.on_epoch(proof.end.header.epoch + 1, proof.next);
    processes_.on_epoch(proof.end.header.epoch + 1, proof.next);
    chain_.on_epoch_proof(proof);
}

}  // namespace kilter::consensus::simulation
