/// What a coordinator's process holds and how its parts speak with each other. Its life and its turns are in
/// coordinator_host.cpp, what becomes final on the log in coordinator_host_final.cpp, the feeder's sessions in
/// coordinator_host_market.cpp, what others say and are told in coordinator_host_mail.cpp, and what a person is shown in
/// coordinator_host_status.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/runtime/loop.hpp"
#include "common/runtime/scrape_server.hpp"
#include "common/runtime/since.hpp"
#include "common/settlement/directory.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/key_value.hpp"
#include "common/transport/hub.hpp"
#include "common/transport/relay.hpp"
#include "coordinator/core/feeder_host.hpp"
#include "coordinator/core/handouts.hpp"
#include "coordinator/core/newest_records.hpp"
#include "coordinator/host/coordinator_host.hpp"
#include "coordinator/host/kept_proofs.hpp"
#include "coordinator/host/metrics.hpp"
#include "coordinator/host/spool.hpp"
#include "coordinator/log/log_host.hpp"
#include "coordinator/log/outgoing_mail.hpp"

namespace kilter::coordinator {

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

    // ---- life and turns ----------------------------------------------------------------------------------------------
    std::optional<KeptProofs> proofs;
    std::optional<Spool> spool;
    UnixMs next_refusals = 0;
    std::optional<std::string> halted;
    std::optional<runtime::ScrapeServer> scrape;

    Result<void> open();
    /// The ledger's past, as far as the market side needs it.
    Result<void> recall();
    int run();
    void finish_turn();
    void keep_house();
    void take_spool();
    void take_epochs(Spool::Epochs epochs);

    // ---- what becomes final on the log -------------------------------------------------------------------------------
    std::optional<settlement::Directory> directory;
    std::optional<wire::RosterUpdate> newest_roster;
    consensus::Epoch log_epoch = 0;  // whose members the market side and the homes were told of
    std::uint64_t edition = 0;       // of the rules that the market side follows
    governance::Rules rules;
    std::optional<wire::RulesUpdate> newest_rules;  // with the proof; nothing for edition 0
    std::map<consensus::EntryId, crypto::PublicKey> submitters;  // who waits for a receipt

    void on_final(const consensus::Finalised& final) override;
    void on_answer(const consensus::SubmissionAnswer& answer) override;
    [[nodiscard]] bool may_learn(const crypto::PublicKey& key) const override;
    void on_epochs_proved() override;
    void on_jump() override;
    void on_halt(const std::string& reason) override;

    /// What an entry means to this process; also for those already final when it started.
    void apply_final(const consensus::SealedEntry& sealed);
    void prove_entry(const consensus::SealedEntry& sealed, consensus::Receipt receipt);
    /// The receipt as this party is given it, encoded.
    [[nodiscard]] Bytes proof_for(const crypto::PublicKey& to,
                                  const consensus::Receipt& receipt) const;
    /// If others order the log now: from now on this process, the market side and the homes know them.
    void follow_members();
    /// If there is a new roster: likewise.
    void follow_roster();
    /// If the rules for the log's next block are new ones: likewise. `final`: the newest block, if it has just become so.
    void follow_rules(const consensus::Finalised* final);
    /// Links to whom this process knows by now, and lets them in.
    void admit_known();
    void link(const crypto::PublicKey& key, const std::string& endpoint);
    /// Tells those who have left, with the proof, and hangs up.
    void part_with(const settlement::Roster& before);

    [[nodiscard]] bool is_coordinator(const crypto::PublicKey& key) const;
    [[nodiscard]] bool holds_office(const crypto::PublicKey& key) const;
    [[nodiscard]] std::vector<crypto::PublicKey> homes() const;

    // ---- the feeder's sessions ---------------------------------------------------------------------------------------
    std::optional<storage::KeyValue> memory;  // of the market side
    std::optional<Bytes> persist;             // of it, in this turn
    std::map<Timer, runtime::TimerId> feeder_timers;
    SessionTally sessions;

    void step_feeder(const Input& input);
    void arm(const ArmTimer& timer);
    void on_feeder_timer(Timer timer, UnixMs due, int postponed);
    void submit(const settlement::ClearedNet& record);
    void submit(const settlement::TiePrices& prices);
    void write_report(const SessionReport& report) const;

    // ---- what others say and are told --------------------------------------------------------------------------------
    std::vector<wire::Outgoing> mail;           // what is sent at the end of this turn
    bool mail_left = false;                     // more than a turn takes had come
    std::map<crypto::PublicKey, UnixMs> heard;  // by this process
    std::optional<Handouts> handouts;
    NewestRecords records;

    void take_mail();
    void on_message(const crypto::PublicKey& from, wire::Message message);
    void on_submit(const crypto::PublicKey& from, const wire::Submit& submission);
    /// What the greeter lacks: epochs, rules, the roster, and records of its net.
    void on_hello(const crypto::PublicKey& from, const wire::Hello& hello);
    /// Between homes of one net, for these have to speak with each other.
    void pass_on(const crypto::PublicKey& from, const wire::Relayed& letter);
    void show_epochs(const crypto::PublicKey& to);
    void show_roster(const crypto::PublicKey& to);
    void show_rosters();
    void show_record(const crypto::PublicKey& to, NetId net);

    // ---- what a person is shown --------------------------------------------------------------------------------------
    bool status_due = true;
    runtime::Since since;
    nlohmann::ordered_json peers = nlohmann::ordered_json::array();
    UnixMs next_peers = 0;

    void write_status();
    [[nodiscard]] Figures figures() const;
    [[nodiscard]] nlohmann::ordered_json peers_json(const transport::Stats& stats) const;
    [[nodiscard]] std::string role_of(const crypto::PublicKey& key) const;
};

}  // namespace kilter::coordinator
