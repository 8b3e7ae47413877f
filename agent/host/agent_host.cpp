#include "agent/host/agent_host.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "agent/core/damaged_memory.hpp"
#include "agent/core/gateway.hpp"
#include "agent/drivers/home_file.hpp"
#include "agent/drivers/simulated.hpp"
#include "agent/host/device_memory.hpp"
#include "agent/host/metrics.hpp"
#include "common/cli/output.hpp"
#include "common/cli/peer_json.hpp"
#include "common/market/clearing.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/logging.hpp"
#include "common/runtime/loop.hpp"
#include "common/runtime/scrape_server.hpp"
#include "common/runtime/service.hpp"
#include "common/runtime/since.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/key_value.hpp"
#include "common/topology/files.hpp"
#include "common/transport/hub.hpp"
#include "common/transport/relay.hpp"

namespace kilter::agent {

namespace {

constexpr int messages_per_turn_max = 256;
constexpr std::int64_t refusals_every_ms = 5'000;
constexpr std::int64_t connected_every_ms = 50;
constexpr UnixMs connected_patience_ms = 5'000;  // a neighbour may be switched off
constexpr std::int64_t status_refresh_ms = 5'000;
constexpr const char* registers_key = "registers";
constexpr const char* in_place_of_a_damaged_memory =
    ". If the file is damaged: move agent.db and what begins with agent.db- to another place (keep "
    "them) and start again; this home then begins anew, which is safe";

}  // namespace

struct AgentHost::State {
    runtime::Loop loop;  // first: the hub's threads inherit its signal mask
    Config config;
    std::unique_ptr<crypto::Identity> identity;
    std::unique_ptr<crypto::Identity> meter_identity;  // null: no meter
    std::optional<storage::KeyValue> memory;
    std::optional<drivers::SimulatedHome> home;
    drivers::SimulatedMeter meter;
    std::optional<Gateway> gateway;
    std::int64_t interval_s = 0;
    std::optional<transport::Hub> hub;
    transport::Relay relay;

    Outputs out;  // of this turn
    std::map<Timer, runtime::TimerId> timers;
    runtime::TimerId connecting;
    std::vector<Peer> linked_to;
    std::map<crypto::PublicKey, UnixMs> heard;  // of linked_to, by this process
    runtime::Since since;
    runtime::TimerId status_timer;
    std::optional<SessionReport> last;
    SessionTally sessions;
    std::optional<runtime::ScrapeServer> scrape;
    bool status_due = true;
    std::vector<zmq::socket_ref> watched;  // when not bound

    void step(const Input& input) {
        Outputs next = gateway->step(input, runtime::now_ms());
        for (auto& [key, value] : next.persist)
            out.persist[key] = std::move(value);
        if (next.peers) out.peers = next.peers;
        for (auto& letter : next.send)
            out.send.push_back(std::move(letter));
        for (const Event& event : next.events)
            runtime::log_event(event);
        for (const ArmTimer& arm : next.timers) {
            loop.cancel(timers[arm.timer]);
            if (arm.delay_ms > 0)
                timers[arm.timer] = loop.arm(
                    arm.delay_ms, [this, timer = arm.timer] { step(TimerElapsed{timer}); });
        }
        if (next.setpoint) run_interval(*next.setpoint);
        status_due = status_due || next.report || next.peers;
        refresh_status();
        if (next.report) {
            last = std::move(next.report);
            sessions.count(*last, runtime::now_ms());
        }
    }

    // The devices run through the interval, and the meter counts. Before it, the meter shows what it showed at the end of
    // the last one it counted: a home that was off consumes nothing.
    void run_interval(const Setpoint& setpoint) {
        const auto reading = home->dispatch(setpoint.interval, setpoint.consumption_kw);
        out.persist[energy_key] = encode_energy(home->energy_kwh());
        if (!meter_identity) return;
        read_meter(setpoint.interval - 1);
        meter.count(reading.consumption_kw, static_cast<double>(interval_s) / 3600.0);
        out.persist[registers_key] = ByteWriter{}.f64(meter.import_wh).f64(meter.export_wh).bytes();
        read_meter(setpoint.interval);
    }

    void read_meter(IntervalIndex interval) {
        step(RegistersRead{{interval, meter.shown_import_wh(), meter.shown_export_wh()}});
    }

    void finish_turn() {
        if (!out.persist.empty()) {
            std::vector<std::pair<std::string, std::optional<Bytes>>> changes;
            for (auto& [key, value] : out.persist)
                changes.emplace_back(
                    key, value.empty() ? std::nullopt : std::optional(std::move(value)));
            memory->put(changes);
        }
        const Outputs turn = std::exchange(out, {});
        if (turn.peers) link(*turn.peers);
        for (const auto& letter : turn.send)
            hub->send(letter.to, letter.message);
        since.update(gateway->explain(), runtime::now_ms());
        if (status_due) write_status();
    }

    // What has changed is in the file five seconds later.
    void refresh_status() {
        if (status_timer.value != 0) return;
        status_timer = loop.arm(status_refresh_ms, [this] {
            status_timer = {};
            write_status();
        });
    }

    void link(const std::vector<Peer>& peers) {
        std::vector<crypto::PublicKey> keys;
        for (const Peer& former : linked_to)
            if (std::none_of(peers.begin(), peers.end(),
                             [&](const Peer& peer) { return peer.key == former.key; }))
                part_with(former.key);
        linked_to = peers;
        for (const Peer& peer : peers) {
            keys.push_back(peer.key);
            if (auto linked = reach(peer); !linked)
                spdlog::warn("no link to {}: {}", short_hex(peer.key.view()),
                             linked.error().message);
        }
        hub->admit(keys);
        relay.keep(keys);
        watch_links();
        compare_endpoint();
        loop.cancel(connecting);
        const UnixMs patience = runtime::now_ms() + connected_patience_ms;
        connecting = loop.arm(0, [this, peers, patience] { await_links(peers, patience); });
    }

    // Who cannot be connected to connects to us; or, where neither can, a coordinator both are connected to is between.
    Result<void> reach(const Peer& peer) {
        if (!peer.endpoint.empty()) return hub->connect(peer.key, peer.endpoint);
        if (!config.bind.empty()) {
            hub->disconnect(peer.key);  // it could be connected to before
            return {};
        }
        transport::Relays relays;
        for (const Peer& other : linked_to)
            if (!other.endpoint.empty())
                (gateway->is_coordinator(other.key) ? relays.first : relays.otherwise)
                    .push_back(other.key);
        return hub->connect_through(peer.key, std::move(relays));
    }

    // Who listens nowhere is answered over the links it makes.
    void watch_links() {
        if (!config.bind.empty()) return;
        for (const auto& socket : std::exchange(watched, hub->inbounds()))
            loop.unwatch(socket);
        for (const auto& socket : watched)
            loop.watch(socket, [this] { take_mail(); });
    }

    void compare_endpoint() {
        const auto reached_at = gateway->reached_at();
        if (!reached_at || reached_at->empty() == config.bind.empty()) return;
        if (config.bind.empty())
            spdlog::warn(
                "this home's certificate says that it is reached at {}, but it listens nowhere: "
                "set "
                "bind, or ask the operator for a certificate for a new key without an address "
                "('kilter-agent enroll')",
                *reached_at);
        else
            spdlog::warn(
                "this home's certificate has no address to reach it at, so neighbours do not "
                "connect to {}: "
                "leave bind out, or ask the operator for a certificate for a new key with one "
                "('kilter-agent enroll')",
                config.bind);
    }

    void tend() {
        hub->tend();
        loop.arm(transport::Hub::tend_ms, [this] { tend(); });
    }

    void part_with(const crypto::PublicKey& former) {
        hub->disconnect(former);
        heard.erase(former);
    }

    void await_links(const std::vector<Peer>& peers, UnixMs patience) {
        const bool all = std::all_of(peers.begin(), peers.end(),
                                     [this](const Peer& peer) { return hub->connected(peer.key); });
        if (all || runtime::now_ms() >= patience) return step(PeersConnected{});
        connecting =
            loop.arm(connected_every_ms, [this, peers, patience] { await_links(peers, patience); });
    }

    void take_mail() {
        for (int i = 0; i < messages_per_turn_max; ++i) {
            auto received = hub->receive();
            if (!received) return;
            heard[received->from] = runtime::now_ms();
            if (const auto* letter = std::get_if<wire::Relayed>(&received->message)) {
                pass_on(received->from, *letter);
                continue;
            }
            step(MessageReceived{received->from, std::move(received->message)});
        }
    }

    void pass_on(const crypto::PublicKey& from, const wire::Relayed& letter) {
        const auto is_neighbour = [this](const crypto::PublicKey& key) {
            return !gateway->is_coordinator(key) &&
                   std::ranges::any_of(linked_to,
                                       [&](const Peer& peer) { return peer.key == key; });
        };
        if (config.relay && is_neighbour(from) && is_neighbour(letter.to) &&
            relay.takes(from, letter, runtime::now_ms()))
            hub->send(letter.to, letter);
    }

    void report_refusals() {
        for (const auto& refused : hub->take_refused())
            spdlog::warn("refused a key that is not on this net: {} from {} ({} handshakes)",
                         short_hex(refused.key.view()), refused.address, refused.handshakes);
        loop.arm(refusals_every_ms, [this] { report_refusals(); });
    }

    // What was decided and why. Private: this file is the home's own, and none of it is logged.
    void describe(const SessionReport& report, nlohmann::ordered_json& session) const {
        const IntervalIndex first = report.session.interval;
        session["starts"] = cli::utc_text(interval_start(first, interval_s));
        auto& plan = session["plan"] = nlohmann::ordered_json::array();
        auto& words = session["explanation"] = nlohmann::ordered_json::array();
        if (report.price_eur_per_kwh.empty()) return;
        words.push_back(in_words(report.price_eur_per_kwh, first, interval_s));
        for (const PlannedStep& step : report.plan) {
            plan.push_back({{"device", step.device},
                            {"does", step.does},
                            {"from_ms", interval_start(step.from, interval_s)},
                            {"until_ms", interval_start(step.until, interval_s)},
                            {"energy_kwh", step.energy_kwh},
                            {"price_eur_per_kwh", step.price_eur_per_kwh},
                            {"compared_eur_per_kwh", step.compared_eur_per_kwh},
                            {"compared_with_ms", interval_start(step.compared_with, interval_s)}});
            words.push_back(in_words(step, first, interval_s));
        }
        if (!report.shortfall.empty()) words.push_back(report.shortfall);
    }

    [[nodiscard]] nlohmann::ordered_json peers_json(const transport::Stats& stats) const {
        auto list = nlohmann::ordered_json::array();
        for (const Peer& peer : linked_to) {
            const auto counted = stats.peers.find(peer.key);
            const auto last_heard = heard.find(peer.key);
            auto& line = list.emplace_back(cli::peer_json(
                peer.key, gateway->is_coordinator(peer.key) ? "coordinator" : "home",
                counted == stats.peers.end() ? transport::Counts{} : counted->second,
                hub->connected(peer.key),
                last_heard == heard.end() ? std::nullopt : std::optional(last_heard->second)));
            line["endpoint"] = peer.endpoint;
        }
        return list;
    }

    [[nodiscard]] Figures figures() const {
        Figures now;
        now.roster_epoch = gateway->roster_epoch();
        now.peers = linked_to.size();
        now.peers_connected = static_cast<std::size_t>(
            std::count_if(linked_to.begin(), linked_to.end(),
                          [this](const Peer& peer) { return hub->connected(peer.key); }));
        now.awaited = gateway->awaited().size();
        now.traffic = hub->stats().total;
        now.last = last;
        now.sessions = sessions;
        return now;
    }

    void write_status() {
        status_due = false;
        const transport::Stats stats = hub->stats();
        const transport::Counts& traffic = stats.total;
        nlohmann::ordered_json status;
        status["program"] = "kilter-agent";
        status["pid"] = ::getpid();
        status["key"] = to_hex(identity->public_key().view());
        status["home"] = home->spec().name;
        status["doing"] = gateway->explain();
        status["since_ms"] = since.update(gateway->explain(), runtime::now_ms());
        status["waiting_for"] = nlohmann::ordered_json::array();
        for (const auto& key : gateway->awaited())
            status["waiting_for"].push_back(short_hex(key.view()));
        status["roster_epoch"] = gateway->roster_epoch();
        status["log_epoch"] = gateway->log_epoch();
        const RulesReport rules = gateway->rules();
        status["rules"] = {{"edition", rules.edition},
                           {"market_parameters", to_hex(rules.parameters.view())},
                           {"session_parameters", to_hex(rules.session_parameters.view())}};
        if (rules.stopped) status["rules"]["stopped_by_case"] = *rules.stopped;
        const InterimReport interim = gateway->interim();
        status["interim"]["waiting"] = interim.waiting;
        if (interim.newest) status["interim"]["newest"] = *interim.newest;
        if (interim.coordinator_heard)
            status["interim"]["coordinator_heard_ms"] = *interim.coordinator_heard;
        if (last) {
            auto& session = status["session"];
            session["interval"] = last->session.interval;
            session["opening"] = last->session.opening;
            session["outcome"] = market::name_of(last->outcome);
            session["iterations"] = last->iterations;
            session["rounds"] = last->rounds;
            session["certified"] = last->certified;
            session["price_eur_per_kwh"] = last->price_eur_per_kwh;
            describe(*last, session);
        }
        status["sent"] = {{"messages", traffic.sent.messages}, {"bytes", traffic.sent.bytes}};
        status["received"] = {{"messages", traffic.received.messages},
                              {"bytes", traffic.received.bytes}};
        status["copies"] = {{"messages", traffic.copies.messages}, {"bytes", traffic.copies.bytes}};
        status["relayed"] = {{"messages", relay.passed().messages},
                             {"bytes", relay.passed().bytes},
                             {"refused", relay.refused().messages}};
        status["peers"] = peers_json(stats);
        status["updated_ms"] = runtime::now_ms();
        if (auto written =
                runtime::replace_file(config.runtime_dir / "status.json", status.dump(1) + "\n");
            !written)
            spdlog::error("{}", written.error().message);
    }

    Result<void> open() {
        std::error_code ignored;
        if (!std::filesystem::exists(config.genesis_file, ignored))
            return Error{"this agent is not enrolled yet (there is no " +
                         config.genesis_file.string() +
                         "): run 'kilter-agent enroll', send the operator what it prints, and "
                         "install the bundle that comes back with 'kilter-agent enroll --bundle'"};
        auto document = topology::read_text_file(config.genesis_file);
        if (!document) return document.error();
        auto genesis = settlement::Genesis::decode(as_bytes(*document));
        if (!genesis)
            return Error{config.genesis_file.string() + ": " + genesis.error().message +
                         ": put the right one back, or move it away and install the operator's "
                         "bundle again ('kilter-agent enroll --bundle')"};
        auto own = storage::read_key_file(config.key_file);
        if (!own) return own.error();
        identity = std::make_unique<crypto::Identity>(std::move(*own));
        auto spec = drivers::load_home(config.home_file);
        if (!spec) return spec.error();
        for (const auto& directory : {config.state_dir, config.runtime_dir})
            if (auto made = runtime::make_private_directory(directory); !made) return made.error();
        auto store = storage::KeyValue::open(config.state_dir / "agent.db");
        if (!store) return Error{store.error().message + in_place_of_a_damaged_memory};
        memory = std::move(*store);

        Memory remembered;
        auto keys = memory->keys("");
        if (!keys) return keys.error();
        for (const std::string& key : *keys) {
            if (key.starts_with(read_prefix) || key.starts_with(position_prefix)) continue;
            auto value = memory->get(key);
            if (!value) return value.error();
            if (*value) remembered[key] = std::move(**value);
        }
        std::optional<double> energy_kwh;
        if (const auto found = remembered.find(energy_key); found != remembered.end()) {
            energy_kwh = decode_energy(found->second, *spec);
            if (!energy_kwh) return damaged_memory(energy_key);
        }
        home.emplace(std::move(*spec), energy_kwh);
        if (!config.meter_key_file.empty()) {
            auto meter_key = storage::read_key_file(config.meter_key_file);
            if (!meter_key) return meter_key.error();
            meter_identity = std::make_unique<crypto::Identity>(std::move(*meter_key));
        }
        if (const auto found = remembered.find(registers_key); found != remembered.end()) {
            ByteReader in(found->second);
            meter.import_wh = in.f64();
            meter.export_wh = in.f64();
            if (!in.complete() || !std::isfinite(meter.import_wh) ||
                !std::isfinite(meter.export_wh))
                return damaged_memory(registers_key);
        }
        if (const auto parameters = market::Parameters::decode(genesis->market_parameters))
            interval_s = parameters->interval_s;
        auto core = Gateway::create(
            *identity, std::move(*genesis),
            [this](IntervalIndex first, Eigen::Index intervals) {
                return home->horizon(first, intervals);
            },
            remembered, meter_identity.get());
        if (!core) return core.error();
        gateway = std::move(*core);
        auto post = transport::Hub::open(*identity, {.bind = config.bind, .lanes = config.lanes});
        if (!post) return post.error();
        hub = std::move(*post);
        if (config.metrics.empty()) return {};
        auto server = runtime::ScrapeServer::open(
            loop, config.metrics, [this] { return metrics_page(figures(), config.state_dir); });
        if (!server) return server.error();
        scrape.emplace(std::move(*server));
        return {};
    }

    int run() {
        if (!config.bind.empty()) loop.watch(hub->inbound(), [this] { take_mail(); });
        loop.after_turn([this] { finish_turn(); });
        step(Started{});
        finish_turn();
        write_status();
        report_refusals();
        if (config.bind.empty()) tend();
        runtime::feed_watchdog(loop);
        runtime::notify_ready();
        spdlog::info("agent of home {} {}", home->spec().name,
                     config.bind.empty() ? "listens nowhere" : "listens on " + hub->endpoint());
        const int signal = loop.run();
        runtime::notify_stopping();
        write_status();
        if (signal != 0) spdlog::info("stopped by signal {}", signal);
        return 0;
    }
};

Result<AgentHost> AgentHost::open(const Config& config) {
    auto state = std::make_unique<State>();
    state->config = config;
    if (auto opened = state->open(); !opened) return opened.error();
    return AgentHost(std::move(state));
}

int AgentHost::run() {
    return state_->run();
}

AgentHost::AgentHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

AgentHost::~AgentHost() = default;
AgentHost::AgentHost(AgentHost&&) noexcept = default;
AgentHost& AgentHost::operator=(AgentHost&&) noexcept = default;

}  // namespace kilter::agent
