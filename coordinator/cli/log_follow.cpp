#include "coordinator/cli/log_follow.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {
namespace {

constexpr const char* follow_command = "kilter log follow";
constexpr std::chrono::milliseconds poll_period{200};

}  // namespace

int LogFollow::run() const {
    std::optional<settlement::Audit> audit;
    std::int64_t interval_s = 0;
    consensus::Height next = 0;  // not begun
    const auto on_entry = [&](const settlement::CheckedEntry& checked) {
        std::cout << "height " << checked.height << "  entry " << checked.index << "  "
                  << entry_text(checked.entry->entry, interval_s) << '\n';
    };
    consensus::Epoch epochs = 0;
    for (;;) {
        // Opened anew each time: a reader that stayed would keep the writer from shortening its log.
        const auto opened = storage::LogStore::open_read_only(store_file(store));
        if (!opened) return fail(follow_command, opened.error(), ExitCode::not_verified);
        interval_s = interval_seconds(opened->genesis());
        if (!audit) audit.emplace(opened->genesis(), on_entry);
        const auto proofs = opened->epochs();
        for (; epochs < proofs.size(); ++epochs)
            if (!audit->extend(proofs[epochs]))
                return fail(follow_command, Error{"the proof of an epoch does not hold"},
                            ExitCode::not_verified);
        if (next == 0) {
            const auto first = opened->begin(*audit);
            if (!first) return fail(follow_command, first.error(), ExitCode::not_verified);
            next = *first;
        }
        for (; next <= opened->height(); ++next) {
            const auto block = opened->block(next);
            if (!block) return fail(follow_command, block.error(), ExitCode::not_verified);
            if (auto added = audit->add(*block); !added)
                return fail(follow_command, added.error(), ExitCode::not_verified);
            if (until && next >= *until) return to_int(ExitCode::success);
        }
        std::cout << std::flush;
        std::this_thread::sleep_for(poll_period);
    }
}

void add_log_follow(CLI::App& log, int& exit_code) {
    const auto options = std::make_shared<LogFollow>();
    CLI::App* command =
        log.add_subcommand("follow", "Verify and print each block as it becomes final");
    command->add_option("PATH", options->store, "A store, or a coordinator's state directory")
        ->required();
    command->add_option("--until", options->until, "Stop after this height");
    command->footer(
        "Exit code 3 when a block does not verify.\nExample:\n  kilter log follow coordinator-0");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
