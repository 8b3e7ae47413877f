#include "common/cli/command_line.hpp"

#include <iostream>
#include <string>
#include <vector>

namespace kilter::cli {

int run(CLI::App& app, int argc, const char* const* argv, const int& exit_code) {
    try {
        app.parse(argc, argv);
        return exit_code;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
            return app.exit(error);
        std::string command = app.get_name();
        const CLI::App* part = &app;
        while (!part->get_subcommands().empty()) {
            part = part->get_subcommands().front();
            command += " " + part->get_name();
        }
        // CLI11 says of an unknown command that one is missing.
        const auto unknown =
            part->get_require_subcommand_min() > 0 ? part->remaining() : std::vector<std::string>();
        const std::string wrong =
            unknown.empty() ? error.what() : "there is no command '" + unknown.front() + "'";
        std::cerr << command << ": " << wrong << "\nRun '" << command << " --help' for more.\n";
        return to_int(ExitCode::usage);
    }
}

int fail(std::string_view command, const Error& error, ExitCode code) {
    std::cerr << command << ": " << error.message << '\n';
    return to_int(code);
}

}  // namespace kilter::cli
