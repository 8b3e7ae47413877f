// kilter-agent: the program of one home.
#include <csignal>
#include <iostream>
#include <malloc.h>

#include <nlohmann/json.hpp>

#include "agent/host/agent_host.hpp"
#include "agent/host/enrolment.hpp"
#include "agent/host/safe_state.hpp"
#include "agent/host/self_test.hpp"
#include "common/cli/command_line.hpp"
#include "common/cli/daemon_status.hpp"
#include "common/cli/output.hpp"
#include "common/crypto/identity.hpp"
#include "common/runtime/logging.hpp"
#include "common/runtime/owner.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/storage/key_file.hpp"
#include "common/topology/files.hpp"

namespace {

/// The configuration, and from here on the process is the user whose state it names.
kilter::Result<kilter::agent::Config> take_over(const std::string& config_path) {
    auto config = kilter::agent::load_config(config_path);
    if (!config) return config;
    if (auto done = kilter::runtime::continue_as_owner_of(config->state_dir); !done)
        return done.error();
    return config;
}

/// A home's gateway is small: what a roster took, a third of a megabyte for a thousand homes, goes back to the system. glibc
/// would take it for usual and keep such blocks from the second time on.
constexpr int returned_bytes_min = 64 << 10;

int run(const std::string& config_path) {
    ::mallopt(M_MMAP_THRESHOLD, returned_bytes_min);
    std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, as a full disk is
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail("kilter-agent run", config.error());
    if (auto logging = kilter::runtime::set_up_logging("kilter-agent", config->log_level); !logging)
        return kilter::cli::fail("kilter-agent run", logging.error());
    auto host = kilter::agent::AgentHost::open(*config);
    if (!host) return kilter::cli::fail("kilter-agent run", host.error());
    return host->run();
}

int show(kilter::cli::Report report,
         const std::string& command,
         const std::string& config_path,
         bool json) {
    const auto config = kilter::agent::load_config(config_path);
    if (!config) return kilter::cli::fail("kilter-agent " + command, config.error());
    return kilter::cli::show_daemon(report, "kilter-agent", config->runtime_dir, json);
}

int request(const kilter::agent::Config& config, const std::string& endpoint, bool json) {
    const auto made = kilter::agent::make_request(config, endpoint);
    if (!made) return kilter::cli::fail("kilter-agent enroll", made.error());
    const std::string fingerprint = kilter::short_hex(made->key.view());
    if (json)
        std::cout << nlohmann::ordered_json{{"public_key", kilter::to_hex(made->key.view())},
                                            {"fingerprint", fingerprint},
                                            {"equipment", name_of(made->equipment)},
                                            {"endpoint", made->endpoint},
                                            {"request", made->text()}}
                         .dump(2)
                  << '\n';
    else
        std::cout << made->text() << "\n\nfingerprint  " << fingerprint
                  << "\nSend the first line to the operator and tell the fingerprint on another "
                     "way; then install what\ncomes back: kilter-agent enroll --bundle FILE\n";
    return kilter::cli::to_int(kilter::cli::ExitCode::success);
}

int install(const kilter::agent::Config& config, const std::string& bundle) {
    const auto done = kilter::agent::install_bundle(config, bundle);
    if (!done) return kilter::cli::fail("kilter-agent enroll", done.error());
    const auto& genesis = done->bundle.genesis;
    const auto& certificate = done->bundle.certificate;
    std::cout
        << "enrolled     " << kilter::short_hex(certificate.key.view()) << " on net "
        << kilter::settlement::name_of(certificate.net) << " of feeder " << certificate.feeder
        << "\nvalid until  " << kilter::cli::utc_text(certificate.valid_until_ms)
        << " UTC\nlog          " << kilter::short_hex(genesis.chain_id().view()) << ", operator "
        << kilter::short_hex(genesis.operator_key.view()) << ", " << genesis.validators.size()
        << " coordinators\n"
        << (done->fresh ? "Compare the log's eight digits with the operator: from now on this "
                          "agent trusts that log.\n"
                        : "")
        << "Now start it: kilter-agent run (where it came as a package, it starts by itself)\n";
    return kilter::cli::to_int(kilter::cli::ExitCode::success);
}

int enroll(const std::string& config_path,
           const std::string& endpoint,
           const std::string& bundle,
           bool json) {
    // Before this process may no longer read the file.
    std::string text = bundle;
    if (!bundle.empty() && !bundle.starts_with("kilter:") &&
        !bundle.starts_with("kilter-request:")) {
        auto read = kilter::topology::read_text_file(bundle);
        if (!read) return kilter::cli::fail("kilter-agent enroll", read.error());
        text = *std::move(read);
    }
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail("kilter-agent enroll", config.error());
    return bundle.empty() ? request(*config, endpoint, json) : install(*config, text);
}

int key(const std::string& config_path) {
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail("kilter-agent key", config.error());
    const auto identity = kilter::storage::read_or_make_key_file(config->key_file);
    if (!identity) return kilter::cli::fail("kilter-agent key", identity.error());
    std::cout << kilter::to_hex(identity->public_key().view()) << '\n';
    return kilter::cli::to_int(kilter::cli::ExitCode::success);
}

int safe(const std::string& config_path) {
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail("kilter-agent safe", config.error());
    if (auto done = kilter::agent::enter_safe_state(*config); !done)
        return kilter::cli::fail("kilter-agent safe", done.error());
    std::cout << "the devices are at rest\n";
    return kilter::cli::to_int(kilter::cli::ExitCode::success);
}

int self_test() {
    bool all = true;
    for (const auto& check : kilter::agent::self_test()) {
        all = all && check.verdict.ok();
        std::cout << (check.verdict ? "ok      " : "FAILED  ") << check.name << ": "
                  << (check.verdict ? *check.verdict : check.verdict.error().message) << '\n';
    }
    return kilter::cli::to_int(all ? kilter::cli::ExitCode::success
                                   : kilter::cli::ExitCode::failure);
}

}  // namespace

// What building the command line throws is a programmer's error, and ends the process.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
    kilter::crypto::initialise();
    CLI::App app{"kilter-agent: a home's part in its neighbourhood's energy market"};
    app.set_version_flag("--version", "kilter-agent " KILTER_VERSION);
    bool alone = false;
    app.add_flag("--selftest", alone,
                 "Alone: whether this machine can be a gateway; no configuration is needed");
    if (argc == 2 && std::string_view(argv[1]) == "--selftest") return self_test();
    app.require_subcommand(1);
    std::string config = "/etc/kilter/agent.toml";
    bool json = false;
    int exit_code = 0;

    std::string endpoint;
    std::string bundle;
    auto* enroll_command = app.add_subcommand(
        "enroll", "Print the request to the operator, or install the bundle that came back");
    enroll_command->add_option("--config", config, "Configuration file")->capture_default_str();
    enroll_command->add_option(
        "--endpoint", endpoint,
        "Where neighbours reach this agent, tcp://HOST:PORT (default: the configuration's bind; "
        "without one, over connections that it makes itself)");
    enroll_command->add_option("--bundle", bundle,
                               "Install this bundle: a file, or its text (kilter:...)");
    enroll_command->add_flag("--json", json, "The request as JSON");
    enroll_command->footer(
        "Makes the key file if there is none; an existing one is never overwritten.\n"
        "Examples:\n  kilter-agent enroll --endpoint tcp://192.0.2.7:20001\n"
        "  kilter-agent enroll --bundle 3f0c9a1e.kilter");
    enroll_command->callback([&] { exit_code = enroll(config, endpoint, bundle, json); });

    auto* run_command =
        app.add_subcommand("run", "Run the agent until it is stopped (SIGTERM, Ctrl-C)");
    run_command->add_option("--config", config, "Configuration file")->capture_default_str();
    run_command->footer("Example: kilter-agent run --config /etc/kilter/agent.toml");
    run_command->callback([&] { exit_code = run(config); });

    auto* key_command =
        app.add_subcommand("key", "Make the key file if there is none, and print the public key");
    key_command->add_option("--config", config, "Configuration file")->capture_default_str();
    key_command->footer("Example: kilter-agent key");
    key_command->callback([&] { exit_code = key(config); });

    auto* safe_command = app.add_subcommand(
        "safe", "Put the devices at rest; done when the agent has crashed too often");
    safe_command->add_option("--config", config, "Configuration file")->capture_default_str();
    safe_command->footer("Example: kilter-agent safe");
    safe_command->callback([&] { exit_code = safe(config); });

    const auto add_report = [&](kilter::cli::Report report, const char* name, const char* what) {
        auto* command = app.add_subcommand(name, what);
        command->add_option("--config", config, "Configuration file")->capture_default_str();
        command->add_flag("--json", json, "As JSON");
        command->footer(std::string("Example: kilter-agent ") + name + " --json");
        command->callback([&, report, name] { exit_code = show(report, name, config, json); });
    };
    add_report(kilter::cli::Report::status, "status",
               "What the agent is doing, and what it cleared last");
    add_report(kilter::cli::Report::peers, "peers",
               "Whom the agent is connected with, when each was last heard, and how much was said");
    add_report(kilter::cli::Report::explain, "explain",
               "What the agent waits for, what it decided last, and why, in words");

    return kilter::cli::run(app, argc, argv, exit_code);
}
