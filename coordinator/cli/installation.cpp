#include "coordinator/cli/installation.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cmath>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/drivers/home_file.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/storage/key_file.hpp"
#include "common/topology/native.hpp"
#include "common/topology/toml_reader.hpp"
#include "coordinator/cli/service_point.hpp"

namespace kilter::cli {

namespace {

constexpr int first_port_tried = 20'000;
constexpr int last_port_tried = 32'000;  // the system's own begin at 32768
constexpr int spread = 3'000;
constexpr std::int64_t roster_life_ms = std::int64_t{12} * 3'600'000;
constexpr std::int64_t certificate_life_ms = std::int64_t{365} * 24 * 3'600'000;

std::string endpoint(int port) {
    return "tcp://127.0.0.1:" + std::to_string(port);
}

Result<void> write(const std::filesystem::path& path, ByteView bytes) {
    return runtime::replace_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_free(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound =
        ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return bound;
}

// Without a port: listens nowhere. Lanes are named only where there are more than one: programs of the version before do not
// know the word.
std::string process_lines(const InstallationOptions& options, std::optional<int> port) {
    std::string lines = "state_dir = \"state\"\nkey_file = \"key\"\ngenesis = \"../genesis.bin\"\n";
    if (port) lines += "bind = " + topology::toml_string(endpoint(*port)) + "\n";
    if (port && options.lanes > 1) lines += "lanes = " + std::to_string(options.lanes) + "\n";
    return lines + "log_level = " + topology::toml_string(options.log_level) + "\n";
}

std::string feeder_file(const model::Network& network) {
    return network.number == 0 ? "feeder.toml"
                               : "feeder-" + std::to_string(network.number) + ".toml";
}

std::string home_folder(const model::Network& network, const topology::HomeSpec& home) {
    std::string out = "home-" + home.name;
    std::replace(out.begin(), out.end(), '/', '-');
    return network.number == 0 ? out : "feeder-" + std::to_string(network.number) + "-" + out;
}

std::string coordinator_toml(const InstallationOptions& options,
                             const model::Network& network,
                             int port) {
    const coordinator::Pace& pace = options.pace;
    return process_lines(options, port) +
           "topology = " + topology::toml_string("../" + feeder_file(network)) +
           "\n\n[gate]\nfollow_clock = " + (pace.follow_clock ? "true" : "false") + "\n" +
           (pace.follow_clock ? std::string()
                              : "first_interval = " + std::to_string(pace.first_interval) +
                                    "\nintervals = " + std::to_string(pace.intervals) + "\n") +
           "lead_ms = " + std::to_string(pace.lead_ms) +
           "\ngather_ms = " + std::to_string(pace.gather_ms) +
           "\ntakeover_ms = " + std::to_string(pace.takeover_ms) + "\n";
}

// A party's own directory with its key in it.
Result<crypto::Identity> settle(const std::filesystem::path& directory) {
    if (auto made = runtime::make_private_directory(directory / "state" / "submit"); !made)
        return made.error();
    auto identity = crypto::Identity::generate();
    if (auto written = storage::write_key_file(directory / "key", identity); !written)
        return written.error();
    return identity;
}

}  // namespace

Result<int> free_ports(int count) {
    return free_ports(count, first_port_tried + ::getpid() % spread * count % spread);
}

Result<int> free_ports(int count, int from) {
    for (int first = from; first + count <= last_port_tried; first += count) {
        bool all = true;
        for (int port = first; all && port < first + count; ++port)
            all = is_free(port);
        if (all) return first;
    }
    return Error{"no " + std::to_string(count) +
                 " consecutive ports are free on 127.0.0.1 between " + std::to_string(from) +
                 " and " + std::to_string(last_port_tried)};
}

Result<Installation> install(const std::vector<planner::Neighbourhood>& feeders,
                             const InstallationOptions& options) {
    const auto& root = options.directory;
    std::error_code ignored;
    if (std::filesystem::exists(root) && !std::filesystem::is_empty(root, ignored))
        return Error{root.string() +
                     " is not empty: name a directory that is, or one that does not exist yet"};
    if (auto made = runtime::make_private_directory(root); !made) return made.error();

    const auto operator_identity = crypto::Identity::generate();
    if (auto written = storage::write_key_file(root / "operator.key", operator_identity); !written)
        return written.error();
    const auto regulator_identity = crypto::Identity::generate();
    if (auto written = storage::write_key_file(root / "regulator.key", regulator_identity);
        !written)
        return written.error();
    for (const planner::Neighbourhood& feeder : feeders)
        if (auto written = runtime::replace_file(root / feeder_file(feeder.network),
                                                 topology::write_network(feeder.network));
            !written)
            return written.error();

    Installation out;
    out.feeders.resize(feeders.size());
    std::vector<settlement::RosterMember> members;
    std::vector<settlement::RosterMember> meters;
    int port = options.first_port;
    out.genesis.time_ms = runtime::now_ms();
    out.genesis.operator_key = operator_identity.public_key();
    out.genesis.market_parameters = options.parameters.encode();
    out.genesis.begin_with(options.ledger_version);
    out.genesis.constitution = governance::Constitution::of_operator_and_regulator(
                                   operator_identity.public_key(), regulator_identity.public_key())
                                   .encode();
    for (std::size_t i = 0; i < options.coordinators; ++i, ++port) {
        const std::size_t turn = i % feeders.size();
        const model::Network& hosted = feeders[turn].network;
        const auto directory = root / ("coordinator-" + std::to_string(i));
        auto identity = settle(directory);
        if (!identity) return identity.error();
        out.genesis.validators.validators.push_back(
            {identity->public_key(), endpoint(port + options.reached_at)});
        members.push_back({identity->public_key(), settlement::Role::coordinator,
                           settlement::net_id(hosted.number, 0), 1000,
                           endpoint(port + options.reached_at), hosted.name});
        if (auto written = runtime::replace_file(directory / "coordinator.toml",
                                                 coordinator_toml(options, hosted, port));
            !written)
            return written.error();
        out.coordinators.push_back(directory);
        out.feeders[turn].coordinators.push_back(directory);
    }
    std::vector<std::pair<const topology::HomeSpec*, std::size_t>> homes;
    for (std::size_t f = 0; f < feeders.size(); ++f)
        for (const topology::HomeSpec& home : feeders[f].homes)
            homes.emplace_back(&home, f);
    for (const auto& [spec, f] : homes) {
        const topology::HomeSpec& home = *spec;
        const model::Network& network = feeders[f].network;
        const auto directory = root / home_folder(network, home);
        auto identity = settle(directory);
        if (!identity) return identity.error();
        const double weight = options.parameters.home_weight(home.flexibility());
        const bool reachable = !options.unreachable_homes.contains(out.homes.size());
        members.push_back({identity->public_key(), settlement::Role::home,
                           settlement::net_id(network.number, home.net.value),
                           static_cast<std::uint32_t>(std::lround(weight * 1000)),
                           reachable ? endpoint(port + options.reached_at) : std::string(),
                           network.name, new_service_point()});
        const auto meter = crypto::Identity::generate();
        if (auto written = storage::write_key_file(directory / "meter.key", meter); !written)
            return written.error();
        meters.push_back(members.back());
        meters.back().key = meter.public_key();
        meters.back().role = settlement::Role::meter;
        meters.back().endpoint.clear();
        if (auto written = drivers::save_home(directory / "home.toml", home); !written)
            return written.error();
        const std::string text =
            process_lines(options, reachable ? std::optional(port) : std::nullopt) +
            "meter_key = \"meter.key\"\n\n[home]\nfile = \"home.toml\"\n";
        if (auto written = runtime::replace_file(directory / "agent.toml", text); !written)
            return written.error();
        out.homes.push_back(directory);
        out.feeders[f].homes.push_back(directory);
        ++port;
    }
    if (auto valid = out.genesis.validate(); !valid) return valid.error();
    if (auto written = write(root / "genesis.bin", out.genesis.encode()); !written)
        return written.error();

    members.insert(members.end(), meters.begin(), meters.end());
    for (settlement::RosterMember& member : members) {
        member.valid_from_ms = out.genesis.time_ms;
        member.valid_until_ms = out.genesis.time_ms + certificate_life_ms;
    }
    for (const settlement::RosterChange& change : settlement::first_changes(members)) {
        const auto entry =
            settlement::make_entry(change, out.genesis.chain_id(), change.epoch,
                                   out.genesis.time_ms + roster_life_ms, operator_identity);
        const std::string name = "roster-" + std::to_string(change.epoch) + ".entry";
        for (const auto& directory : out.coordinators)
            if (auto written = write(directory / "state" / "submit" / name, entry->encoded);
                !written)
                return written.error();
    }
    return out;
}

}  // namespace kilter::cli
