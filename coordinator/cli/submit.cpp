#include "coordinator/cli/submit.hpp"

#include <memory>

#include "common/cli/command_line.hpp"
#include "coordinator/cli/entry_file.hpp"
#include "coordinator/cli/rules.hpp"

namespace kilter::cli {

int SubmitCommand::run() const {
    constexpr std::string_view command = "kilter submit";
    auto opened = Desk::open(desk);
    if (!opened) return fail(command, opened.error());
    for (const auto& file : entries) {
        const auto entry = read_entry(file);
        if (!entry) return fail(command, entry.error());
        const auto appended = opened->append(**entry);
        if (!appended) return fail(command, Error{file.string() + ": " + appended.error().message});
        print_entry(*opened, *appended);
    }
    return to_int(ExitCode::success);
}

void add_submit(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<SubmitCommand>();
    CLI::App* command =
        app.add_subcommand("submit", "Put signed entries on the log, and wait for their receipts");
    options->desk.add_to(*command, DeskWork::reads,
                         "The key file of who carries them: any that the coordinators let in");
    command->add_option("ENTRY", options->entries, "Files that 'kilter bill' and others wrote")
        ->required();
    command->footer("Example:\n  kilter submit bill.entry --key operator.key");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
