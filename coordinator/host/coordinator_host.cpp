#include "coordinator/host/coordinator_host.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "common/base/limits.hpp"
#include "common/cli/peer_json.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/logging.hpp"
#include "common/runtime/loop.hpp"
#include "common/runtime/scrape_server.hpp"
#include "common/runtime/service.hpp"
#include "common/runtime/since.hpp"
#include "common/settlement/certified_docket.hpp"
#include "common/settlement/certified_roster.hpp"
#include "common/settlement/directory.hpp"
#include "common/settlement/docket_state.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/key_value.hpp"
#include "common/topology/files.hpp"
#include "common/topology/native.hpp"
#include "common/transport/hub.hpp"
#include "common/transport/relay.hpp"
#include "coordinator/core/feeder_host.hpp"
#include "coordinator/core/handouts.hpp"
#include "coordinator/host/metrics.hpp"
#include "coordinator/host/report.hpp"
#include "coordinator/log/log_host.hpp"

namespace kilter::coordinator {

namespace {

constexpr int messages_per_turn_max = 256;
constexpr std::uint32_t late_ms = 200;  // a timer that is later says that this process stood still
constexpr int postponed_max = 100;      // turns
constexpr std::int64_t housekeeping_ms = 200;
constexpr std::int64_t refusals_every_ms = 5'000;
constexpr std::int64_t peers_every_ms = 5'000;
constexpr std::int64_t entry_life_ms = 3'600'000;
constexpr std::size_t submitters_max = 10'000;
constexpr const char* market_key = "market";

Result<settlement::Genesis> load_genesis(const std::filesystem::path& path) {
    auto text = topology::read_text_file(path);
    if (!text) return text.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*text));
    if (!genesis) return Error{path.string() + ": " + genesis.error().message};
    return genesis;
}

}  // namespace

struct CoordinatorHost::State final : LogEvents {
    runtime::Loop loop;  // first: the hub's threads inherit its signal mask
    Config config;
    settlement::Genesis genesis;
    std::unique_ptr<crypto::Identity> identity;
    model::Network network;
    std::optional<settlement::Ledger> ledger;
    std::optional<FeederHost> feeder;
    std::optional<transport::Hub> hub;
    std::optional<LogHost> log;
    transport::Relay relay;

    std::optional<storage::KeyValue> memory;  // of the market side
    std::optional<Bytes> persist;             // of it, in this turn
    std::vector<wire::Outgoing> mail;         // what the market side sends at the end of this turn
    bool mail_left = false;                   // more than a turn takes had come
    std::map<Timer, runtime::TimerId> feeder_timers;
    std::map<consensus::EntryId, crypto::PublicKey> submitters;  // who waits for a receipt
    std::map<NetId, std::pair<IntervalIndex, consensus::EntryId>> newest_record;
    std::map<NetId, std::pair<consensus::EntryId, Bytes>> newest_receipt;
    std::map<crypto::PublicKey, std::pair<IntervalIndex, consensus::EntryId>>
        newest_of_home;  // that it has signed

    std::optional<Handouts> handouts;
    std::optional<settlement::Directory> directory;
    std::optional<wire::RosterUpdate> newest_roster;
    consensus::Epoch log_epoch = 0;  // whose members the market side and the homes were told of
    std::uint64_t edition = 0;       // of the rules that the market side follows
    governance::Rules rules;
    std::optional<wire::RulesUpdate> newest_rules;  // with the proof; nothing for edition 0

    struct Spooled {
        std::filesystem::path file;
        bool roster = false;  // a change of it
    };

    std::map<consensus::EntryId, Spooled> spool;  // at the log, not answered yet
    bool status_due = true;
    std::map<crypto::PublicKey, UnixMs> heard;  // by this process
    runtime::Since since;
    nlohmann::ordered_json peers = nlohmann::ordered_json::array();
    UnixMs next_peers = 0;
    UnixMs next_refusals = 0;
    std::optional<std::string> halted;
    SessionTally sessions;
    std::optional<runtime::ScrapeServer> scrape;

    // ---- the log -------------------------------------------------------------------------------------------------

    void finish_turn() {
        log->finish_turn();
        if (auto changed = std::exchange(persist, std::nullopt))
            memory->put({{market_key, std::move(changed)}});
        for (const auto& letter : std::exchange(mail, {}))
            hub->send(letter.to, letter.message);
    }

    void on_jump() override {
        follow_members();
        recall_state();
        follow_rules(nullptr);
    }

    // A later epoch is known before this replica has got there: its members bring it there.
    void on_epochs_proved() override {
        spdlog::info("epoch {} of the log is proved", log->replica().epochs().newest());
        admit_roster();
    }

    // For a coordinator that is away until all whom it knows are gone: somebody carries the file there.
    void keep_epochs() const {
        if (log_epoch == 0) return;
        const Bytes bytes = consensus::encode(
            consensus::EpochsFile{genesis.chain_id(), log->replica().epochs().proofs_after(0)});
        if (auto written =
                runtime::replace_file(config.state_dir / "log.epochs",
                                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
            !written)
            spdlog::error("{}", written.error().message);
    }

    // Others order the log: from now on this process, the market side and the homes know them.
    void follow_members() {
        const consensus::Replica& replica = log->replica();
        if (replica.epoch() == log_epoch) return;
        log_epoch = replica.epoch();
        const consensus::ValidatorSet& members = replica.validators();
        const bool member = members.index_of(identity->public_key()).has_value();
        spdlog::warn("epoch {} of the log: {} coordinators, {}", log_epoch, members.size(),
                     member ? "this one among them" : "and this one is none of them");
        handouts->follow(members.index_of(identity->public_key()), members.size());
        admit_roster();
        keep_epochs();
        step_feeder(MembersFinal{members});
        if (!directory) return;
        for (const auto& party : directory->roster().members)
            if (party.role == settlement::Role::home) show_epochs(party.key);
        status_due = true;
    }

    // Proofs of all epochs since genesis, as members tell them to each other.
    void show_epochs(const crypto::PublicKey& to) {
        if (log_epoch == 0) return;
        const bool due = handouts->epochs_due(to, log_epoch, runtime::now_ms());
        if (!due && !holds_office(to)) return;
        for (const auto& proof : log->store().epochs())
            if (proof.end.header.epoch < log_epoch)
                mail.push_back({to, wire::ConsensusMessage{consensus::encode(proof)}});
    }

    [[nodiscard]] bool is_coordinator(const crypto::PublicKey& key) const {
        return log->replica().validators().index_of(key).has_value();
    }

    [[nodiscard]] bool may_learn(const crypto::PublicKey& key) const override {
        const auto party = directory ? directory->find(key) : std::nullopt;
        return party && directory->at(*party).role == settlement::Role::coordinator;
    }

    void on_halt(const std::string& reason) override {
        spdlog::critical("the log has halted: {}", reason);
        halted = reason;
        loop.stop();
    }

    void on_final(const consensus::Finalised& final) override {
        const auto epochs = log->replica().epoch() > 0 ? log->store().epochs()
                                                       : std::vector<consensus::EpochProof>{};
        for (std::size_t i = 0; i < final.block->entries.size(); ++i) {
            const auto& entry = final.block->entries[i];
            apply_final(*entry);
            const auto waiting = submitters.find(entry->id);
            const bool ours = entry->entry.author == identity->public_key();
            if (waiting == submitters.end() && !ours) continue;
            const wire::CertifiedEntry proof{
                consensus::encode(consensus::make_receipt(final, i, epochs))};
            if (waiting != submitters.end()) {
                mail.push_back({waiting->second, proof});
                if (!ours) show_to_members(*entry, proof, waiting->second);
                submitters.erase(waiting);
            }
            if (ours && entry->entry.type == settlement::cleared_net_entry && directory)
                if (auto record = settlement::decode_cleared_net(entry->entry.body)) {
                    newest_receipt[record->net] = {entry->id, proof.receipt};
                    // Whoever greets is shown it again: it may be another process, with an older memory.
                    for (const auto& member : record->members)
                        mail.push_back({member.key, proof});
                }
        }
        follow_rules(&final);
        follow_members();
        status_due = true;
    }

    // What homes have cleared among themselves and one of them has handed in, to the others.
    void show_to_members(const consensus::SealedEntry& sealed,
                         const wire::CertifiedEntry& proof,
                         const crypto::PublicKey& submitter) {
        if (sealed.entry.type != settlement::cleared_net_entry) return;
        if (const auto record = settlement::decode_cleared_net(sealed.entry.body))
            for (const auto& member : record->members)
                if (member.key != submitter) mail.push_back({member.key, proof});
    }

    // What an entry means to this process; also for those already final when it started.
    void apply_final(const consensus::SealedEntry& sealed) {
        const consensus::Entry& entry = sealed.entry;
        if (entry.type == settlement::roster_change_entry) {
            recall_state();
        } else if (entry.type == settlement::cleared_net_entry) {
            auto record = settlement::decode_cleared_net(entry.body);
            if (!record) return;
            // Homes bring what they cleared among themselves later than what was cleared after it.
            auto& newest = newest_record[record->net];
            if (record->interval >= newest.first) newest = {record->interval, sealed.id};
            for (const settlement::ClearedMember& member : record->members) {
                auto& its = newest_of_home[member.key];
                if (record->interval >= its.first) its = {record->interval, sealed.id};
            }
            step_feeder(ClearedNetFinal{std::move(*record), entry.author});
        }
    }

    void admit_roster() {
        std::vector<crypto::PublicKey> keys;
        const auto add = [&](const consensus::ValidatorSet& members) {
            for (const auto& validator : members.validators) {
                keys.push_back(validator.key);
                if (validator.key != identity->public_key())
                    link(validator.key, validator.endpoint);
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

    // Tells those who have left, with the proof, and hangs up.
    void part_with(const settlement::Roster& before) {
        for (const auto& member : before.members) {
            if (directory->find(member.key) || is_coordinator(member.key)) continue;
            if (newest_roster) hub->send(member.key, *newest_roster);
            hub->disconnect(member.key);
            heard.erase(member.key);
            handouts->forget(member.key);
            newest_of_home.erase(member.key);
        }
    }

    // The receipt of the newest roster, which outlives its block in the store: in a file of its own.
    Bytes roster_receipt() {
        const auto file = config.state_dir / "roster.receipt";
        if (auto receipt =
                log->store().receipt_for_key(settlement::roster_key(directory->epoch()))) {
            Bytes bytes = consensus::encode(*receipt);
            if (auto written = runtime::replace_file(
                    file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
                !written)
                spdlog::error("{}", written.error().message);
            return bytes;
        }
        auto kept = topology::read_text_file(file);
        return kept ? to_bytes(as_bytes(*kept)) : Bytes{};
    }

    // With the proof, for those who do not have it; without one (a file was lost), others show it.
    void prove_roster() {
        wire::RosterUpdate update{roster_receipt(), settlement::encode(directory->roster())};
        newest_roster.reset();
        if (settlement::certified_roster(genesis, update.receipt, update.roster))
            newest_roster = std::move(update);
        else
            spdlog::warn(
                "the proof of roster epoch {} is not in this store any more: other coordinators "
                "have to show it",
                directory->epoch());
    }

    // What is in force for the log's next block, if it is news. `final`: the newest block, if it has just become so.
    void follow_rules(const consensus::Finalised* final) {
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
        prove_rules(final);
        if (!news) return;
        spdlog::info("edition {} of the rules", edition);
        admit_roster();
        if (newest_rules && directory)
            for (const auto& member : directory->roster().members)
                if (member.role == settlement::Role::home)
                    mail.push_back({member.key, *newest_rules});
        step_feeder(RulesFinal{rules.market_parameters, rules.stopped});
    }

    // The proof of the newest docket: made from the block after which it holds, kept in a file of its own.
    void prove_rules(const consensus::Finalised* final) {
        const auto file = config.state_dir / "rules.proof";
        newest_rules.reset();
        if (final != nullptr) {
            const auto proof = consensus::make_state_proof(
                *final, *log->replica().state(), settlement::docket_key(), log->store().epochs());
            if (!proof) return;
            newest_rules = wire::RulesUpdate{consensus::encode(*proof)};
            const Bytes& bytes = newest_rules->proof;
            if (auto written = runtime::replace_file(
                    file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
                !written)
                spdlog::error("{}", written.error().message);
        } else if (auto kept = topology::read_text_file(file)) {
            const auto shown = settlement::certified_docket(genesis, as_bytes(*kept));
            if (shown && shown->docket.edition(log->replica().status().final_height + 1) == edition)
                newest_rules = wire::RulesUpdate{to_bytes(as_bytes(*kept))};
        }
    }

    [[nodiscard]] bool holds_office(const crypto::PublicKey& key) const {
        return key == genesis.operator_key || !rules.constitution.held_by(key).empty();
    }

    void link(const crypto::PublicKey& key, const std::string& endpoint) {
        if (auto linked = hub->connect(key, endpoint); !linked)
            spdlog::warn("no link to {}: {}", short_hex(key.view()), linked.error().message);
    }

    void on_answer(const consensus::SubmissionAnswer& answer) override {
        using consensus::SubmissionStatus;
        const auto spooled = spool.find(answer.id);
        if (answer.status == SubmissionStatus::refused) {
            spdlog::warn("entry {} refused: {}", short_hex(answer.id.view()), answer.reason);
            if (spooled != spool.end()) refuse_file(spooled->second.file, answer.reason);
        }
        if (spooled != spool.end()) spool.erase(spooled);
        const auto waiting = submitters.find(answer.id);
        if (waiting == submitters.end()) return;
        if (answer.status == SubmissionStatus::refused ||
            answer.status == SubmissionStatus::try_later) {
            mail.push_back({waiting->second, wire::refusal(answer.reason)});
            submitters.erase(waiting);
        } else if (answer.status == SubmissionStatus::final) {
            if (auto receipt = log->store().receipt(answer.id))
                mail.push_back(
                    {waiting->second, wire::CertifiedEntry{consensus::encode(*receipt)}});
            submitters.erase(waiting);
        }
    }

    // ---- the market ----------------------------------------------------------------------------------------------

    // Who has spoken and was not read yet is not silent: a machine that stood still finds everybody's messages waiting.
    void on_feeder_timer(Timer timer, UnixMs due, int postponed) {
        const bool is_late = postponed == 0 && runtime::now_ms() - due > late_ms;
        if (timer != Timer::silence || postponed == postponed_max || !(is_late || mail_left))
            return step_feeder(TimerElapsed{timer});
        feeder_timers[timer] = loop.arm(is_late ? late_ms : 1, [this, timer, due, postponed] {
            on_feeder_timer(timer, due, postponed + 1);
        });
    }

    void step_feeder(const Input& input) {
        Outputs out = feeder->step(input, runtime::now_ms());
        for (const Event& event : out.events)
            runtime::log_event(event);
        if (out.persist) persist = std::move(out.persist);
        for (auto& letter : out.send)
            mail.push_back(std::move(letter));
        for (const ArmTimer& arm : out.timers) {
            loop.cancel(feeder_timers[arm.timer]);
            if (arm.delay_ms > 0)
                feeder_timers[arm.timer] =
                    loop.arm(arm.delay_ms,
                             [this, timer = arm.timer, due = runtime::now_ms() + arm.delay_ms] {
                                 on_feeder_timer(timer, due, 0);
                             });
        }
        const UnixMs now = runtime::now_ms();
        if (out.tie && !settlement::entry_with_key(
                           *log->replica().state(),
                           settlement::tie_prices_key(out.tie->feeder, out.tie->interval)))
            log->submit(settlement::make_entry(*out.tie, genesis.chain_id(),
                                               static_cast<std::uint64_t>(out.tie->interval),
                                               now + entry_life_ms, *identity));
        for (const settlement::ClearedNet& record : out.submit) {
            log->submit(settlement::make_entry(record, genesis.chain_id(), record.opening,
                                               now + entry_life_ms, *identity));
        }
        if (out.report) {
            write_report(*out.report);
            sessions.count(*out.report);
        }
        status_due = status_due || !out.events.empty() || out.report;
    }

    void write_report(const SessionReport& report) const {
        const auto file = config.state_dir / "reports" /
                          (std::to_string(report.session.interval) + "-" +
                           std::to_string(report.session.opening) + ".json");
        if (auto written = runtime::replace_file(file, to_json(report, network)); !written)
            spdlog::error("{}", written.error().message);
    }

    // ---- messages ------------------------------------------------------------------------------------------------

    void take_mail() {
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

    void on_message(const crypto::PublicKey& from, wire::Message message) {
        if (auto* payload = std::get_if<wire::ConsensusMessage>(&message)) {
            log->receive(from, payload->payload);
        } else if (auto* submit = std::get_if<wire::Submit>(&message)) {
            auto entry = consensus::decode_sealed(submit->entry);
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
        } else if (const auto* letter = std::get_if<wire::Relayed>(&message)) {
            pass_on(from, *letter);
        } else {
            if (const auto* hello = std::get_if<wire::Hello>(&message)) on_hello(from, *hello);
            step_feeder(MessageReceived{from, std::move(message)});
        }
    }

    // Between homes of one net, for these have to speak with each other.
    void pass_on(const crypto::PublicKey& from, const wire::Relayed& letter) {
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

    // What the greeter lacks: the roster, and its net's newest record.
    void on_hello(const crypto::PublicKey& from, const wire::Hello& hello) {
        if (is_coordinator(from)) return;
        if (crypto::Digest::from(genesis.chain_id().view()) != hello.chain) {
            mail.push_back(
                {from,
                 wire::refusal("this coordinator keeps another log: check the genesis file")});
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

    void show_roster(const crypto::PublicKey& to) {
        if (newest_roster) mail.push_back({to, *newest_roster});
    }

    void show_rosters() {
        if (!newest_roster) return;
        const bool more_follow = std::any_of(spool.begin(), spool.end(),
                                             [](const auto& one) { return one.second.roster; });
        for (const auto& home : handouts->rosters_due(more_follow, runtime::now_ms()))
            show_roster(home);
    }

    // The net's newest, and the newest that the home has signed: its memory may be older than that.
    void show_record(const crypto::PublicKey& to, NetId net) {
        const auto record = newest_record.find(net);
        if (record == newest_record.end() ||
            !handouts->record_due(to, record->second.second, runtime::now_ms()))
            return;
        auto& [id, bytes] = newest_receipt[net];
        if (id != record->second.second || bytes.empty()) {
            const auto receipt = log->store().receipt(record->second.second);
            if (!receipt) return;
            id = record->second.second;
            bytes = consensus::encode(*receipt);
        }
        mail.push_back({to, wire::CertifiedEntry{bytes}});
        const auto own = newest_of_home.find(to);
        if (own == newest_of_home.end() || own->second.second == id) return;
        if (const auto receipt = log->store().receipt(own->second.second))
            mail.push_back({to, wire::CertifiedEntry{consensus::encode(*receipt)}});
    }

    // ---- housekeeping --------------------------------------------------------------------------------------------

    void keep_house() {
        take_spool();
        show_rosters();
        const UnixMs now = runtime::now_ms();
        if (now >= next_refusals) {
            next_refusals = now + refusals_every_ms;
            for (const auto& refused : hub->take_refused())
                spdlog::warn("refused a key that is {}: {} from {} ({} handshakes)",
                             refused.revoked ? "revoked" : "not on the roster",
                             short_hex(refused.key.view()), refused.address, refused.handshakes);
        }
        if (status_due) write_status();
        loop.arm(housekeeping_ms, [this] { keep_house(); });
    }

    void take_spool() {
        std::error_code error;
        for (const auto& file :
             std::filesystem::directory_iterator(config.state_dir / "submit", error)) {
            if (file.path().extension() == ".epochs") take_epochs(file.path());
            if (file.path().extension() != ".entry") continue;
            auto text = topology::read_text_file(file.path());
            if (!text) continue;
            auto entry = consensus::decode_sealed(as_bytes(*text));
            if (!entry) {
                refuse_file(file.path(), entry.error().message);
            } else if (ledger->contains(*log->replica().state(), (*entry)->id)) {
                std::filesystem::remove(file.path(), error);
            } else {
                spool[(*entry)->id] = {file.path(),
                                       (*entry)->entry.type == settlement::roster_change_entry};
                log->submit(*entry);
            }
        }
    }

    // Stays until this replica has got there: over a restart only what it has followed is known.
    void take_epochs(const std::filesystem::path& path) {
        auto text = topology::read_text_file(path);
        if (!text) return;
        auto file = consensus::decode_epochs_file(as_bytes(*text));
        if (!file) return refuse_file(path, file.error().message);
        if (file->chain != genesis.chain_id()) return refuse_file(path, "it is of another log");
        const consensus::Epoch newest = file->proofs.size();
        if (newest > log->replica().epochs().newest()) {
            log->show(std::move(file->proofs));
            if (newest > log->replica().epochs().newest())
                return refuse_file(path, "the proof of epoch " +
                                             std::to_string(log->replica().epochs().newest() + 1) +
                                             " does not hold");
        }
        std::error_code error;
        if (newest <= log->replica().epoch()) std::filesystem::remove(path, error);
    }

    static void refuse_file(const std::filesystem::path& file, const std::string& why) {
        spdlog::error("{}: {}; renamed to .refused", file.string(), why);
        std::error_code error;
        auto aside = file;
        std::filesystem::rename(file, aside.replace_extension(".refused"), error);
    }

    [[nodiscard]] std::string role_of(const crypto::PublicKey& key) const {
        if (is_coordinator(key)) return "coordinator";
        if (holds_office(key)) return names_of(rules.constitution.held_by(key));
        const auto party = directory ? directory->find(key) : std::nullopt;
        return party ? name_of(directory->at(*party).role) : "unknown";
    }

    [[nodiscard]] nlohmann::ordered_json peers_json(const transport::Stats& stats) const {
        auto list = nlohmann::ordered_json::array();
        for (const auto& [key, counts] : stats.peers) {
            if (key == identity->public_key()) continue;
            const auto last_heard = heard.find(key);
            list.push_back(cli::peer_json(
                key, role_of(key), counts, hub->connected(key),
                last_heard == heard.end() ? std::nullopt : std::optional(last_heard->second)));
        }
        return list;
    }

    [[nodiscard]] Figures figures() const {
        Figures out;
        out.roster_epoch = directory ? directory->epoch() : 0;
        out.log = log->replica().status();
        out.traffic = hub->stats();
        for (const auto& [key, counts] : out.traffic.peers) {
            if (key == identity->public_key()) continue;
            ++out.peers;
            if (!hub->connected(key)) continue;
            ++out.peers_connected;
            if (is_coordinator(key)) ++out.coordinators_connected;
        }
        return out;
    }

    void write_status() {
        status_due = false;
        const consensus::ReplicaStatus log_status = log->replica().status();
        const transport::Stats stats = hub->stats();
        const transport::Counts& traffic = stats.total;
        nlohmann::ordered_json out;
        out["program"] = "kilter-coordinator";
        out["pid"] = ::getpid();
        out["key"] = to_hex(identity->public_key().view());
        if (const auto index = log->replica().validators().index_of(identity->public_key()))
            out["replica"] = *index;
        else
            out["replica"] = nullptr;
        out["log_epoch"] = log->replica().epoch();
        out["doing"] = feeder->explain();
        out["since_ms"] = since.update(feeder->explain(), runtime::now_ms());
        out["finished"] = feeder->finished();
        out["log"] = {{"view", log_status.view},           {"final_view", log_status.final_view},
                      {"height", log_status.final_height}, {"entries", log_status.entries},
                      {"mempool", log_status.mempool},     {"halted", log_status.halted}};
        out["roster_epoch"] = directory ? directory->epoch() : 0;
        out["rules"] = {{"edition", edition},
                        {"market_parameters",
                         to_hex(governance::market_digest(rules.market_parameters).view())}};
        if (rules.stopped) out["rules"]["stopped_by_case"] = *rules.stopped;
        out["sent"] = {{"messages", traffic.sent.messages}, {"bytes", traffic.sent.bytes}};
        out["received"] = {{"messages", traffic.received.messages},
                           {"bytes", traffic.received.bytes}};
        out["relayed"] = {{"messages", relay.passed().messages},
                          {"bytes", relay.passed().bytes},
                          {"refused", relay.refused().messages}};
        if (runtime::now_ms() >= next_peers) {
            next_peers = runtime::now_ms() + peers_every_ms;
            peers = peers_json(stats);
        }
        out["peers"] = peers;
        out["updated_ms"] = runtime::now_ms();
        if (auto written =
                runtime::replace_file(config.runtime_dir / "status.json", out.dump(1) + "\n");
            !written)
            spdlog::error("{}", written.error().message);
    }

    // ---- life ----------------------------------------------------------------------------------------------------

    Result<void> open() {
        auto document = load_genesis(config.genesis_file);
        if (!document) return document.error();
        genesis = std::move(*document);
        rules = genesis.rules();
        auto own = storage::read_key_file(config.key_file);
        if (!own) return own.error();
        identity = std::make_unique<crypto::Identity>(std::move(*own));
        auto log_key = crypto::Identity::from_seed(identity->seed());
        auto grid = topology::load_network(config.topology_file);
        if (!grid) return grid.error();
        network = std::move(*grid);
        handouts.emplace(genesis.validators.index_of(identity->public_key()),
                         genesis.validators.validators.size());
        for (const char* folder : {"", "reports", "submit"})
            if (auto made = runtime::make_private_directory(config.state_dir / folder); !made)
                return made.error();
        if (auto made = runtime::make_private_directory(config.runtime_dir); !made)
            return made.error();

        auto store = storage::KeyValue::open(config.state_dir / "market.db");
        if (!store) return store.error();
        memory = std::move(*store);
        auto remembered = memory->get(market_key);
        if (!remembered) return remembered.error();
        auto host = FeederHost::create(*identity, genesis, network, config.pace,
                                       remembered->value_or(Bytes{}));
        if (!host) return host.error();
        feeder = std::move(*host);
        ledger.emplace(genesis);
        auto disk = storage::LogStore::open(config.state_dir / "log.db", genesis);
        if (!disk) return disk.error();
        auto image = disk->load(*ledger);
        if (!image) return image.error();
        auto post = transport::Hub::open(*identity, {.bind = config.bind, .lanes = config.lanes});
        if (!post) return post.error();
        hub = std::move(*post);
        log.emplace(loop, *hub, std::move(*disk),
                    consensus::Replica(settlement::config_of(genesis, log_parameters),
                                       std::move(log_key), *ledger, std::move(*image)),
                    *ledger, *this);
        if (!config.metrics.empty()) {
            auto server = runtime::ScrapeServer::open(loop, config.metrics, [this] {
                return metrics_page(figures(), sessions, config.state_dir);
            });
            if (!server) return server.error();
            scrape.emplace(std::move(*server));
        }
        return recall();
    }

    // The newest roster, if it is news.
    void recall_state() {
        const auto& state = *log->replica().state();
        const std::uint64_t newest = settlement::roster_epoch(state);
        const settlement::Roster before = directory ? directory->roster() : settlement::Roster{};
        if (before.epoch >= newest) return;
        directory.emplace(settlement::roster(state));
        handouts->on_roster(runtime::now_ms());
        prove_roster();
        admit_roster();
        part_with(before);
        step_feeder(RosterFinal{directory->roster()});
    }

    // The ledger's past, as far as the market side needs it.
    Result<void> recall() {
        admit_roster();
        follow_members();
        for (consensus::Height height = 1; height <= log->store().height(); ++height) {
            auto block = log->store().block(height);
            if (!block) continue;  // pruned: what still matters of it is in the state
            for (const auto& entry : block->block->entries)
                apply_final(*entry);
        }
        recall_state();
        follow_rules(nullptr);
        return {};
    }

    int run() {
        loop.watch(hub->inbound(), [this] { take_mail(); });
        loop.after_turn([this] { finish_turn(); });
        log->start();
        step_feeder(Started{});
        keep_house();
        runtime::feed_watchdog(loop);
        runtime::notify_ready();
        const consensus::ValidatorSet& members = log->replica().validators();
        const auto index = members.index_of(identity->public_key());
        spdlog::info("coordinator {} of {} listens on {}, log height {}",
                     index ? std::to_string(*index) : "(not a member)", members.size(),
                     hub->endpoint(), log->store().height());
        const int signal = loop.run();
        runtime::notify_stopping();
        write_status();
        log->store().checkpoint();
        if (signal != 0) spdlog::info("stopped by signal {}", signal);
        return halted ? 1 : 0;
    }
};

Result<CoordinatorHost> CoordinatorHost::open(const Config& config) {
    auto state = std::make_unique<State>();
    state->config = config;
    if (auto opened = state->open(); !opened) return opened.error();
    return CoordinatorHost(std::move(state));
}

int CoordinatorHost::run() {
    return state_->run();
}

CoordinatorHost::CoordinatorHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

CoordinatorHost::~CoordinatorHost() = default;
CoordinatorHost::CoordinatorHost(CoordinatorHost&&) noexcept = default;
CoordinatorHost& CoordinatorHost::operator=(CoordinatorHost&&) noexcept = default;

}  // namespace kilter::coordinator
