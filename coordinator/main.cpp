// kilter-coordinator: one feeder's coordinator, run by the grid operator.
#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/daemon_status.hpp"
#include "common/crypto/identity.hpp"
#include "common/runtime/logging.hpp"
#include "coordinator/host/coordinator_host.hpp"

namespace {

int run(const std::string& config_path) {
    const auto config = kilter::coordinator::load_config(config_path);
    if (!config) return kilter::cli::fail("kilter-coordinator run", config.error());
    if (auto logging = kilter::runtime::set_up_logging("kilter-coordinator", config->log_level);
        !logging)
        return kilter::cli::fail("kilter-coordinator run", logging.error());
    auto host = kilter::coordinator::CoordinatorHost::open(*config);
    if (!host) return kilter::cli::fail("kilter-coordinator run", host.error());
    return host->run();
}

int show(kilter::cli::Report report,
         const std::string& command,
         const std::string& config_path,
         bool json) {
    const auto config = kilter::coordinator::load_config(config_path);
    if (!config) return kilter::cli::fail("kilter-coordinator " + command, config.error());
    return kilter::cli::show_daemon(report, "kilter-coordinator", config->state_dir, json);
}

}  // namespace

// What building the command line throws is a programmer's error, and ends the process.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
    kilter::crypto::initialise();
    CLI::App app{"kilter-coordinator: hosts a feeder and keeps a replica of the log"};
    app.require_subcommand(1);
    std::string config = "/etc/kilter/coordinator.toml";
    bool json = false;
    int exit_code = 0;

    auto* run_command =
        app.add_subcommand("run", "Run the coordinator until it is stopped (SIGTERM, Ctrl-C)");
    run_command->add_option("--config", config, "Configuration file")->capture_default_str();
    run_command->footer("Example: kilter-coordinator run --config /etc/kilter/coordinator.toml");
    run_command->callback([&] { exit_code = run(config); });

    const auto add_report = [&](kilter::cli::Report report, const char* name, const char* what) {
        auto* command = app.add_subcommand(name, what);
        command->add_option("--config", config, "Configuration file")->capture_default_str();
        command->add_flag("--json", json, "As JSON");
        command->footer(std::string("Example: kilter-coordinator ") + name + " --json");
        command->callback([&, report, name] { exit_code = show(report, name, config, json); });
    };
    add_report(kilter::cli::Report::status, "status",
               "What the coordinator is doing, and how far its log is");
    add_report(
        kilter::cli::Report::peers, "peers",
        "Whom the coordinator is connected with, when each was last heard, and how much was said");
    add_report(kilter::cli::Report::explain, "explain", "What the coordinator waits for, in words");

    return kilter::cli::run(app, argc, argv, exit_code);
}
