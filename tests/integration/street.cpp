#include "tests/integration/street.hpp"

#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include "common/topology/generated.hpp"

namespace kilter::tests {

namespace {
constexpr std::chrono::seconds street_patience{90};
}  // namespace

planner::Neighbourhood generated_homes(std::size_t nets) {
    topology::FeederOptions options;
    options.buses = nets + 1;
    options.homes_per_net = 3;
    auto generated = topology::generate_feeder(options, 3, topology::generated_profiles(3));
    return {generated.network, generated.homes, {}};
}

void Street::lay_out(const planner::Neighbourhood& neighbourhood, int first_port, int spare_ports) {
    crypto::initialise();
    const auto homes = static_cast<int>(neighbourhood.homes.size());
    const auto port =
        cli::free_ports(static_cast<int>(coordinators) + homes + spare_ports, first_port);
    ASSERT_TRUE(port.ok()) << port.error().message;
    first_port_ = *port;
    cli::InstallationOptions options;
    options.directory = street();
    options.coordinators = coordinators;
    options.first_port = *port;
    options.parameters.silence_ms = silence_ms_;
    options.pace.follow_clock = false;
    options.pace.first_interval = first_interval;
    options.pace.gather_ms = 30'000;
    options.pace.takeover_ms = takeover_ms_;
    configure(options);
    auto installed = cli::install({neighbourhood}, options);
    ASSERT_TRUE(installed.ok()) << installed.error().message;
    installation_ = *std::move(installed);
}

void Street::configure(cli::InstallationOptions& /*options*/) {}

void Street::kill(const std::filesystem::path& directory) {
    running_.at(directory).kill();
    running_.erase(directory);
}

void Street::start(const std::string& program, const std::filesystem::path& directory) {
    start_with(program, directory, {});
}

void Street::start_with(const std::string& program,
                        const std::filesystem::path& directory,
                        const std::vector<std::string>& environment) {
    const std::string config = program == "kilter-agent" ? "agent.toml" : "coordinator.toml";
    std::vector<std::string> command = {std::string(KILTER_BINARY_DIR) + "/" + program, "run",
                                        "--config", (directory / config).string()};
    if (!environment.empty()) {
        command.insert(command.begin(), environment.begin(), environment.end());
        command.insert(command.begin(), "/usr/bin/env");
    }
    auto started = cli::Process::start(command, directory / "log");
    ASSERT_TRUE(started.ok()) << started.error().message;
    running_.insert_or_assign(directory, *std::move(started));
    if (stopping_ == directory) stopping_.clear();
}

void Street::start_all() {
    for (const auto& directory : installation_.coordinators)
        start("kilter-coordinator", directory);
    for (const auto& directory : installation_.homes)
        start("kilter-agent", directory);
}

void Street::stop(const std::filesystem::path& directory) {
    cli::Process& process = running_.at(directory);
    stopping_ = directory;
    process.signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return process.exited().has_value(); }));
    running_.erase(directory);
    stopping_.clear();
}

void Street::stop_all() {
    auto running = std::move(running_);
    running_.clear();
    for (auto& [directory, process] : running)
        process.signal(SIGTERM);
    for (auto& one : running)
        EXPECT_TRUE(eventually([&] { return one.second.exited().has_value(); }));
}

bool Street::eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + street_patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        for (auto& [directory, process] : running_)
            if (directory != stopping_ && process.exited()) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
}

ProgramRun Street::desk(const std::string& office, std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(),
                     {"--key", (street() / (office + ".key")).string(), "--genesis",
                      (street() / "genesis.bin").string(), "--seconds-max", "60"});
    return run_program("kilter", arguments);
}

nlohmann::json Street::status(const std::filesystem::path& directory) {
    return json::parse(read_file(directory / "state" / "status.json"), nullptr, false);
}

std::int64_t Street::newest_interval(const std::filesystem::path& home) {
    const json now = status(home);
    if (now.is_discarded() || !now.contains("session") || now["session"]["certified"] != true)
        return -1;
    return now["session"]["interval"].get<std::int64_t>();
}

void Street::expect_trade_goes_on(std::int64_t more) {
    const std::int64_t from = newest_interval(installation_.homes[0]);
    for (const auto& home : installation_.homes)
        ASSERT_TRUE(eventually([&] { return newest_interval(home) >= from + more; })) << home;
}

void Street::TearDown() {
    running_.clear();
    if (!HasFailure()) return;
    for (const auto& entry : std::filesystem::directory_iterator(street()))
        if (std::filesystem::exists(entry.path() / "log"))
            std::cerr << "---- " << entry.path().filename().string() << '\n'
                      << read_file(entry.path() / "log");
}

}  // namespace kilter::tests
