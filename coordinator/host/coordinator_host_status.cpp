#include <unistd.h>

#include <spdlog/spdlog.h>

#include "common/cli/peer_json.hpp"
#include "common/runtime/files.hpp"
#include "coordinator/host/coordinator_host_state.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::int64_t peers_every_ms = 5'000;

}  // namespace

std::string CoordinatorHost::State::role_of(const crypto::PublicKey& key) const {
    if (is_coordinator(key)) return "coordinator";
    if (holds_office(key)) return names_of(rules.constitution.held_by(key));
    const auto party = directory ? directory->find(key) : std::nullopt;
    return party ? name_of(directory->at(*party).role) : "unknown";
}

nlohmann::ordered_json CoordinatorHost::State::peers_json(const transport::Stats& stats) const {
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

Figures CoordinatorHost::State::figures() const {
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

void CoordinatorHost::State::write_status() {
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
    out["rules"] = {
        {"edition", edition},
        {"market_parameters", to_hex(governance::market_digest(rules.market_parameters).view())}};
    if (rules.stopped) out["rules"]["stopped_by_case"] = *rules.stopped;
    out["sent"] = {{"messages", traffic.sent.messages}, {"bytes", traffic.sent.bytes}};
    out["received"] = {{"messages", traffic.received.messages}, {"bytes", traffic.received.bytes}};
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
}  // namespace kilter::coordinator
