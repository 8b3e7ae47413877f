// kilter: the operator's, installer's and outsider's command line.

#include "common/cli/command_line.hpp"
#include "common/crypto/identity.hpp"
#include "coordinator/cli/admission.hpp"
#include "coordinator/cli/audit.hpp"
#include "coordinator/cli/bench.hpp"
#include "coordinator/cli/bill.hpp"
#include "coordinator/cli/book.hpp"
#include "coordinator/cli/bundle.hpp"
#include "coordinator/cli/correct.hpp"
#include "coordinator/cli/demo.hpp"
#include "coordinator/cli/disclose.hpp"
#include "coordinator/cli/genesis.hpp"
#include "coordinator/cli/import.hpp"
#include "coordinator/cli/keygen.hpp"
#include "coordinator/cli/log_follow.hpp"
#include "coordinator/cli/log_prove.hpp"
#include "coordinator/cli/log_show.hpp"
#include "coordinator/cli/log_verify.hpp"
#include "coordinator/cli/members.hpp"
#include "coordinator/cli/reread.hpp"
#include "coordinator/cli/rules.hpp"
#include "coordinator/cli/simulate.hpp"
#include "coordinator/cli/submit.hpp"
#include "coordinator/cli/tie.hpp"

// What building the command line throws is a programmer's error, and ends the process.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
    kilter::crypto::initialise();
    CLI::App app("Neighbours' gateways agree on energy prices with no central server", "kilter");
    app.set_version_flag("--version", "kilter " KILTER_VERSION);
    app.require_subcommand(1);
    app.footer(
        "Example:\n  kilter demo\nExit codes: 0 done, 1 failed, 2 usage, 3 not verified, 4 not "
        "converged.");
    int exit_code = kilter::cli::to_int(kilter::cli::ExitCode::success);

    kilter::cli::add_admission(app, exit_code);
    kilter::cli::add_audit(app, exit_code);
    kilter::cli::add_bench(app, exit_code);
    kilter::cli::add_bill(app, exit_code);
    kilter::cli::add_book(app, exit_code);
    kilter::cli::add_bundle(app, KILTER_VERSION, exit_code);
    kilter::cli::add_correct(app, exit_code);
    kilter::cli::add_demo(app, exit_code);
    kilter::cli::add_disclose(app, exit_code);
    kilter::cli::add_genesis(app, exit_code);
    kilter::cli::add_import(app, exit_code);
    kilter::cli::add_keygen(app, exit_code);
    CLI::App* log = app.add_subcommand("log", "Verify, show, prove or follow the replicated log");
    log->require_subcommand(1);
    kilter::cli::add_log_verify(*log, exit_code);
    kilter::cli::add_log_show(*log, exit_code);
    kilter::cli::add_log_prove(*log, exit_code);
    kilter::cli::add_log_follow(*log, exit_code);
    kilter::cli::add_members(app, exit_code);
    kilter::cli::add_reread(app, exit_code);
    kilter::cli::add_rules(app, exit_code);
    kilter::cli::add_simulate(app, exit_code);
    kilter::cli::add_submit(app, exit_code);
    kilter::cli::add_tie(app, exit_code);

    return kilter::cli::run(app, argc, argv, exit_code);
}
