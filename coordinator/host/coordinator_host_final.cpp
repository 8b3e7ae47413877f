#include <spdlog/spdlog.h>

#include "common/settlement/docket_state.hpp"
#include "coordinator/host/coordinator_host_state.hpp"

namespace kilter::coordinator {

void CoordinatorHost::State::on_final(const consensus::Finalised& final) {
    const auto epochs =
        log->replica().epoch() > 0 ? log->store().epochs() : std::vector<consensus::EpochProof>{};
    const auto& entries = final.block->entries;
    std::vector<std::size_t> awaited;
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (submitters.contains(entries[i]->id) ||
            entries[i]->entry.author == identity->public_key())
            awaited.push_back(i);
    auto receipts = consensus::make_receipts(final, awaited, epochs);
    auto next = awaited.begin();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        apply_final(*entries[i]);
        if (next == awaited.end() || *next != i) continue;
        const auto place = static_cast<std::size_t>(next++ - awaited.begin());
        prove_entry(*entries[i], std::move(receipts[place]));
    }
    follow_rules(&final);
    follow_members();
    status_due = true;
}

// To who waits for it; of a net that has cleared, to all its homes.
void CoordinatorHost::State::prove_entry(const consensus::SealedEntry& sealed,
                                         consensus::Receipt receipt) {
    std::optional<crypto::PublicKey> submitter;
    if (const auto waiting = submitters.find(sealed.id); waiting != submitters.end()) {
        submitter = waiting->second;
        submitters.erase(waiting);
        mail.push_back({*submitter, wire::CertifiedEntry{proof_for(*submitter, receipt)}});
    }
    if (sealed.entry.type != settlement::cleared_net_entry) return;
    const auto record = settlement::decode_cleared_net(sealed.entry.body);
    if (!record) return;
    const Bytes proof = for_home(std::move(receipt), settlement::ledger_version(rules.versions));
    records.keep_receipt(record->net, sealed.id, proof);
    for (const auto& member : record->members)
        if (member.key != submitter) mail.push_back({member.key, wire::CertifiedEntry{proof}});
}

Bytes CoordinatorHost::State::proof_for(const crypto::PublicKey& to,
                                        const consensus::Receipt& receipt) const {
    const auto party = directory ? directory->find(to) : std::nullopt;
    return party && directory->at(*party).role == settlement::Role::home
               ? for_home(receipt, settlement::ledger_version(rules.versions))
               : fitting(receipt);
}

void CoordinatorHost::State::apply_final(const consensus::SealedEntry& sealed) {
    const consensus::Entry& entry = sealed.entry;
    if (entry.type == settlement::roster_change_entry) {
        follow_roster();
    } else if (entry.type == settlement::cleared_net_entry) {
        auto record = settlement::decode_cleared_net(entry.body);
        if (!record) return;
        records.add(*record, sealed.id);
        step_feeder(ClearedNetFinal{std::move(*record), entry.author});
    }
}

void CoordinatorHost::State::on_answer(const consensus::SubmissionAnswer& answer) {
    using consensus::SubmissionStatus;
    if (answer.status == SubmissionStatus::refused)
        spdlog::warn("entry {} refused: {}", short_hex(answer.id.view()), answer.reason);
    spool->on_answer(answer);
    const auto waiting = submitters.find(answer.id);
    if (waiting == submitters.end()) return;
    if (answer.status == SubmissionStatus::refused ||
        answer.status == SubmissionStatus::try_later) {
        mail.push_back({waiting->second, wire::refusal(answer.reason)});
        submitters.erase(waiting);
    } else if (answer.status == SubmissionStatus::final) {
        if (auto receipt = log->store().receipt(answer.id))
            mail.push_back(
                {waiting->second, wire::CertifiedEntry{proof_for(waiting->second, *receipt)}});
        submitters.erase(waiting);
    }
}

void CoordinatorHost::State::on_jump() {
    follow_members();
    follow_roster();
    follow_rules(nullptr);
}

// A later epoch is known before this replica has got there: its members bring it there.
void CoordinatorHost::State::on_epochs_proved() {
    spdlog::info("epoch {} of the log is proved", log->replica().epochs().newest());
    admit_known();
}

void CoordinatorHost::State::on_halt(const std::string& reason) {
    spdlog::critical("the log has halted: {}", reason);
    halted = reason;
    loop.stop();
}

void CoordinatorHost::State::follow_members() {
    const consensus::Replica& replica = log->replica();
    if (replica.epoch() == log_epoch) return;
    log_epoch = replica.epoch();
    const consensus::ValidatorSet& members = replica.validators();
    const auto own = members.index_of(identity->public_key());
    spdlog::warn("epoch {} of the log: {} coordinators, {}", log_epoch, members.size(),
                 own ? "this one among them" : "and this one is none of them");
    handouts->follow(own, members.size());
    admit_known();
    proofs->keep_epochs(replica.epochs().proofs_after(0));
    step_feeder(MembersFinal{members});
    for (const auto& home : homes())
        show_epochs(home);
    status_due = true;
}

void CoordinatorHost::State::follow_roster() {
    const auto& state = *log->replica().state();
    const settlement::Roster before = directory ? directory->roster() : settlement::Roster{};
    if (before.epoch >= settlement::roster_epoch(state)) return;
    directory.emplace(settlement::roster(state));
    handouts->on_roster(runtime::now_ms());
    newest_roster = proofs->roster(directory->roster(), log->store());
    admit_known();
    part_with(before);
    step_feeder(RosterFinal{directory->roster()});
}

void CoordinatorHost::State::part_with(const settlement::Roster& before) {
    for (const auto& member : before.members) {
        if (directory->find(member.key) || is_coordinator(member.key)) continue;
        if (newest_roster) send_within_limits(*hub, member.key, *newest_roster);
        hub->disconnect(member.key);
        heard.erase(member.key);
        handouts->forget(member.key);
        records.forget(member.key);
    }
}

void CoordinatorHost::State::follow_rules(const consensus::Finalised* final) {
    const auto& replica = log->replica();
    if (final != nullptr && final->block->header.height != replica.status().final_height)
        return;  // a later one of this turn follows
    const consensus::Height next = replica.status().final_height + 1;
    const governance::Docket docket = settlement::docket(*replica.state(), genesis);
    const std::uint64_t newest = docket.edition(next);
    if (newest == edition && (newest == 0 || newest_rules)) return;
    const bool news = newest != edition;
    edition = newest;
    rules = docket.rules_at(next);
    newest_rules = final == nullptr ? proofs->kept_rules(edition, next)
                                    : proofs->rules(*final, *replica.state(), log->store());
    if (!news) return;
    spdlog::info("edition {} of the rules", edition);
    admit_known();
    if (newest_rules)
        for (const auto& home : homes())
            mail.push_back({home, *newest_rules});
    step_feeder(RulesFinal{rules.market_parameters, rules.stopped});
}

void CoordinatorHost::State::admit_known() {
    std::vector<crypto::PublicKey> keys;
    const auto add = [&](const consensus::ValidatorSet& members) {
        for (const auto& validator : members.validators) {
            keys.push_back(validator.key);
            if (validator.key != identity->public_key()) link(validator.key, validator.endpoint);
        }
    };
    add(log->replica().validators());
    add(log->replica().epochs().members());
    keys.push_back(genesis.operator_key);
    for (const auto& seat : rules.constitution.seats)
        keys.push_back(seat.key);
    if (directory)
        for (const auto& member : directory->roster().members) {
            if (member.role == settlement::Role::meter) continue;  // its home speaks for it
            keys.push_back(member.key);
            // Coordinators that are no members yet learn the log from this one.
            const bool own = member.key == identity->public_key();
            if (!own && !is_coordinator(member.key) && !member.endpoint.empty())
                link(member.key, member.endpoint);
        }
    hub->admit(keys, settlement::revoked_keys(*log->replica().state()));
    relay.keep(keys);
}

void CoordinatorHost::State::link(const crypto::PublicKey& key, const std::string& endpoint) {
    if (auto linked = hub->connect(key, endpoint); !linked)
        spdlog::warn("no link to {}: {}", short_hex(key.view()), linked.error().message);
}

bool CoordinatorHost::State::is_coordinator(const crypto::PublicKey& key) const {
    return log->replica().validators().index_of(key).has_value();
}

bool CoordinatorHost::State::may_learn(const crypto::PublicKey& key) const {
    const auto party = directory ? directory->find(key) : std::nullopt;
    return party && directory->at(*party).role == settlement::Role::coordinator;
}

bool CoordinatorHost::State::holds_office(const crypto::PublicKey& key) const {
    return key == genesis.operator_key || !rules.constitution.held_by(key).empty();
}

std::vector<crypto::PublicKey> CoordinatorHost::State::homes() const {
    std::vector<crypto::PublicKey> out;
    if (directory)
        for (const auto& member : directory->roster().members)
            if (member.role == settlement::Role::home) out.push_back(member.key);
    return out;
}

}  // namespace kilter::coordinator
