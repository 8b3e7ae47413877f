// kilter-coordinator: one feeder's coordinator, run by the grid operator.
#include <fstream>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/daemon_status.hpp"
#include "common/crypto/identity.hpp"
#include "common/runtime/logging.hpp"
#include "common/runtime/owner.hpp"
#include "common/storage/key_file.hpp"
#include "coordinator/host/coordinator_host.hpp"
#include "coordinator/host/sign_members.hpp"

namespace {

/// The configuration, and from here on the process is the user whose state it names.
kilter::Result<kilter::coordinator::Config> take_over(const std::string& config_path) {
    auto config = kilter::coordinator::load_config(config_path);
    if (!config) return config;
    if (auto done = kilter::runtime::continue_as_owner_of(config->state_dir); !done)
        return done.error();
    return config;
}

int key(const std::string& config_path) {
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail("kilter-coordinator key", config.error());
    const auto identity = kilter::storage::read_or_make_key_file(config->key_file);
    if (!identity) return kilter::cli::fail("kilter-coordinator key", identity.error());
    std::cout << kilter::to_hex(identity->public_key().view()) << '\n';
    return kilter::cli::to_int(kilter::cli::ExitCode::success);
}

int run(const std::string& config_path) {
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail("kilter-coordinator run", config.error());
    if (auto logging = kilter::runtime::set_up_logging("kilter-coordinator", config->log_level);
        !logging)
        return kilter::cli::fail("kilter-coordinator run", logging.error());
    auto host = kilter::coordinator::CoordinatorHost::open(*config);
    if (!host) return kilter::cli::fail("kilter-coordinator run", host.error());
    return host->run();
}

/// The document is opened before this process becomes the daemon's user, who need not be allowed to write where it lies.
int sign_members(const std::string& config_path, const std::string& file) {
    constexpr std::string_view command = "kilter-coordinator sign-members";
    std::fstream document(file, std::ios::in | std::ios::out | std::ios::app);
    std::stringstream text;
    text << document.rdbuf();
    if (!document)
        return kilter::cli::fail(command,
                                 kilter::Error{file + " cannot be opened to read and to write"});
    const auto config = take_over(config_path);
    if (!config) return kilter::cli::fail(command, config.error());
    const auto done = kilter::coordinator::sign_members(*config, text.str());
    if (!done) return kilter::cli::fail(command, done.error());
    document.clear();
    document << (text.str().ends_with('\n') ? "" : "\n") << done->line << std::flush;
    if (!document) return kilter::cli::fail(command, kilter::Error{file + " cannot be written"});
    const std::size_t given = done->document.signatures.size();
    const std::size_t needed = done->present.quorum();
    std::cout
        << kilter::settlement::describe_members(done->present, done->document.next) << "signed   "
        << given << " of " << needed << " signatures\n"
        << (done->submitted
                ? "next     the change goes on the log from here: 'kilter-coordinator status' "
                  "shows log_epoch " +
                      std::to_string(done->document.epoch + 1) + " when it is in force\n"
                : "next     pass " + file + " on to the next coordinator's operator\n");
    return kilter::cli::to_int(kilter::cli::ExitCode::success);
}

int show(kilter::cli::Report report,
         const std::string& command,
         const std::string& config_path,
         bool json) {
    const auto config = kilter::coordinator::load_config(config_path);
    if (!config) return kilter::cli::fail("kilter-coordinator " + command, config.error());
    return kilter::cli::show_daemon(report, "kilter-coordinator", config->runtime_dir, json);
}

}  // namespace

// What building the command line throws is a programmer's error, and ends the process.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
    kilter::crypto::initialise();
    CLI::App app{"kilter-coordinator: hosts a feeder and keeps a replica of the log"};
    app.set_version_flag("--version", "kilter-coordinator " KILTER_VERSION);
    app.require_subcommand(1);
    std::string config = "/etc/kilter/coordinator.toml";
    bool json = false;
    int exit_code = 0;

    auto* run_command =
        app.add_subcommand("run", "Run the coordinator until it is stopped (SIGTERM, Ctrl-C)");
    run_command->add_option("--config", config, "Configuration file")->capture_default_str();
    run_command->footer("Example: kilter-coordinator run --config /etc/kilter/coordinator.toml");
    run_command->callback([&] { exit_code = run(config); });

    auto* key_command =
        app.add_subcommand("key", "Make the key file if there is none, and print the public key");
    key_command->add_option("--config", config, "Configuration file")->capture_default_str();
    key_command->footer("Example: kilter-coordinator key");
    key_command->callback([&] { exit_code = key(config); });

    std::string members_file;
    auto* sign_command =
        app.add_subcommand("sign-members",
                           "Sign the next set of coordinators ('kilter members draft'); with a "
                           "quorum's signatures it goes on the log");
    sign_command->add_option("--config", config, "Configuration file")->capture_default_str();
    sign_command->add_option("FILE", members_file, "The document; the signature is added to it")
        ->required();
    sign_command->footer("Example: kilter-coordinator sign-members next.members");
    sign_command->callback([&] { exit_code = sign_members(config, members_file); });

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
