#include "coordinator/host/coordinator_host_state.hpp"

namespace kilter::coordinator {

namespace {

constexpr int messages_per_turn_max = 256;
constexpr std::size_t submitters_max = 10'000;

}  // namespace

void CoordinatorHost::State::take_mail() {
    mail_left = true;
    for (int i = 0; i < messages_per_turn_max; ++i) {
        auto received = hub->receive();
        if (!received) {
            mail_left = false;
            return;
        }
        heard[received->from] = runtime::now_ms();
        on_message(received->from, std::move(received->message));
    }
}

void CoordinatorHost::State::on_message(const crypto::PublicKey& from, wire::Message message) {
    if (const auto* payload = std::get_if<wire::ConsensusMessage>(&message))
        return log->receive(from, payload->payload);
    if (const auto* submission = std::get_if<wire::Submit>(&message))
        return on_submit(from, *submission);
    if (const auto* letter = std::get_if<wire::Relayed>(&message)) return pass_on(from, *letter);
    if (const auto* hello = std::get_if<wire::Hello>(&message)) on_hello(from, *hello);
    step_feeder(MessageReceived{from, std::move(message)});
}

void CoordinatorHost::State::on_submit(const crypto::PublicKey& from,
                                       const wire::Submit& submission) {
    auto entry = consensus::decode_sealed(submission.entry);
    if (!entry) {
        mail.push_back({from, wire::refusal(entry.error().message)});
        return;
    }
    // Entries that expired unseen are never answered; they must not keep out those who wait now.
    if (submitters.size() >= submitters_max) submitters.clear();
    if ((*entry)->entry.type == settlement::cleared_net_entry)
        if (const auto held = log->store().receipt_for_key((*entry)->entry.key)) {
            // Another home of the net was faster, or a coordinator was.
            mail.push_back({from, wire::CertifiedEntry{consensus::encode(*held)}});
            return;
        }
    submitters[(*entry)->id] = from;
    log->submit(std::move(*entry));
}

void CoordinatorHost::State::pass_on(const crypto::PublicKey& from, const wire::Relayed& letter) {
    if (!config.relay || !directory) return;
    const auto sender = directory->find(from);
    const auto receiver = directory->find(letter.to);
    if (!sender || !receiver) return;
    const settlement::RosterMember& one = directory->at(*sender);
    const settlement::RosterMember& other = directory->at(*receiver);
    if (one.role != settlement::Role::home || other.role != one.role || other.net != one.net ||
        other.feeder != one.feeder)
        return;
    if (relay.takes(from, letter, runtime::now_ms())) hub->send(letter.to, letter);
}

void CoordinatorHost::State::on_hello(const crypto::PublicKey& from, const wire::Hello& hello) {
    if (is_coordinator(from)) return;
    if (crypto::Digest::from(genesis.chain_id().view()) != hello.chain) {
        mail.push_back({from, wire::refusal("this coordinator keeps another log: check the genesis "
                                            "file")});
        return;
    }
    const std::uint64_t epoch = directory ? directory->epoch() : 0;
    show_epochs(from);
    if (holds_office(from)) mail.push_back({from, wire::Hello{hello.chain, epoch, edition}});
    if (hello.rules < edition && newest_rules) mail.push_back({from, *newest_rules});
    if (directory && hello.roster_epoch >= epoch)
        handouts->on_answered(from);
    else if (holds_office(from))  // its tool is another process each time, and waits
        show_roster(from);
    else
        handouts->on_request(from, runtime::now_ms());
    const auto party = directory ? directory->find(from) : std::nullopt;
    // Without the roster a home does not know its net: it greets again when it has it.
    if (party && hello.roster_epoch >= epoch) show_record(from, directory->at(*party).net);
}

// Proofs of all epochs since genesis, as members tell them to each other.
void CoordinatorHost::State::show_epochs(const crypto::PublicKey& to) {
    if (log_epoch == 0 || !hub->connected(to)) return;
    const bool due = handouts->epochs_due(to, log_epoch, runtime::now_ms());
    if (!due && !holds_office(to)) return;
    for (const auto& proof : log->store().epochs())
        if (proof.end.header.epoch < log_epoch)
            mail.push_back({to, wire::ConsensusMessage{consensus::encode(proof)}});
}

void CoordinatorHost::State::show_roster(const crypto::PublicKey& to) {
    if (newest_roster) mail.push_back({to, *newest_roster});
}

void CoordinatorHost::State::show_rosters() {
    if (!newest_roster) return;
    for (const auto& home : handouts->rosters_due(spool->has_roster_change(), runtime::now_ms()))
        show_roster(home);
}

void CoordinatorHost::State::show_record(const crypto::PublicKey& to, NetId net) {
    const auto newest = records.of_net(net);
    if (!newest || !handouts->record_due(to, *newest, runtime::now_ms())) return;
    const auto receipt_of = [&](const consensus::EntryId& id) -> std::optional<Bytes> {
        const auto receipt = log->store().receipt(id);
        if (!receipt) return std::nullopt;
        return proof_for(to, *receipt);
    };
    for (auto& receipt : records.receipts_for(to, net, receipt_of))
        mail.push_back({to, wire::CertifiedEntry{std::move(receipt)}});
}

}  // namespace kilter::coordinator
