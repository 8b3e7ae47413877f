// kilter-agent: the program of one home.
#include <nlohmann/json.hpp>

#include "agent/host/agent_host.hpp"
#include "common/cli/command_line.hpp"
#include "common/cli/daemon_status.hpp"
#include "common/crypto/identity.hpp"
#include "common/runtime/logging.hpp"

namespace {

int run(const std::string& config_path) {
    const auto config = kilter::agent::load_config(config_path);
    if (!config) return kilter::cli::fail("kilter-agent run", config.error());
    if (auto logging = kilter::runtime::set_up_logging("kilter-agent", config->log_level); !logging)
        return kilter::cli::fail("kilter-agent run", logging.error());
    auto host = kilter::agent::AgentHost::open(*config);
    if (!host) return kilter::cli::fail("kilter-agent run", host.error());
    return host->run();
}

int status(const std::string& config_path, bool json) {
    const auto config = kilter::agent::load_config(config_path);
    if (!config) return kilter::cli::fail("kilter-agent status", config.error());
    return kilter::cli::show_daemon_status("kilter-agent", config->state_dir, json);
}

}  // namespace

int main(int argc, char** argv) {
    kilter::crypto::initialise();
    CLI::App app{"kilter-agent: a home's part in its neighbourhood's energy market"};
    app.require_subcommand(1);
    std::string config = "/etc/kilter/agent.toml";
    bool json = false;
    int exit_code = 0;

    auto* run_command =
        app.add_subcommand("run", "Run the agent until it is stopped (SIGTERM, Ctrl-C)");
    run_command->add_option("--config", config, "Configuration file")->capture_default_str();
    run_command->footer("Example: kilter-agent run --config /etc/kilter/agent.toml");
    run_command->callback([&] { exit_code = run(config); });

    auto* status_command =
        app.add_subcommand("status", "What the agent is doing, and what it cleared last");
    status_command->add_option("--config", config, "Configuration file")->capture_default_str();
    status_command->add_flag("--json", json, "The whole status as JSON");
    status_command->footer("Example: kilter-agent status --json");
    status_command->callback([&] { exit_code = status(config, json); });

    return kilter::cli::run(app, argc, argv, exit_code);
}
