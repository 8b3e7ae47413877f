#include "common/cli/command_line.hpp"

#include <iostream>
#include <string>

namespace kilter::cli {

int run(CLI::App& app, int argc, const char* const* argv, const int& exit_code) {
    try {
        app.parse(argc, argv);
        return exit_code;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
            return app.exit(error);
        std::string command = app.get_name();
        for (const CLI::App* part = &app; !part->get_subcommands().empty();) {
            part = part->get_subcommands().front();
            command += " " + part->get_name();
        }
        std::cerr << command << ": " << error.what() << "\nRun '" << command
                  << " --help' for more.\n";
        return to_int(ExitCode::usage);
    }
}

int fail(std::string_view command, const Error& error, ExitCode code) {
    std::cerr << command << ": " << error.message << '\n';
    return to_int(code);
}

}  // namespace kilter::cli
