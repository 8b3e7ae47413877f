#include "coordinator/cli/import.hpp"

#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/topology/matpower.hpp"
#include "common/topology/native.hpp"

namespace kilter::cli {

int ImportMatpower::run() const {
    constexpr const char* name = "kilter import matpower";
    auto network = topology::load_matpower(file);
    if (!network) return fail(name, network.error());
    // a case has neither a day nor a tariff: constant loads at a price of 0 until the user gives them
    network->daily_shape = {1};
    network->tie.price_eur_per_kwh = {0};
    if (const auto written = write_output(out, topology::write_network(*network)); !written)
        return fail(name, written.error());
    return to_int(ExitCode::success);
}

void add_import(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("import", "Turn other programs' feeders into kilter's format");
    command->require_subcommand(1);
    const auto options = std::make_shared<ImportMatpower>();
    CLI::App* matpower = command->add_subcommand(
        "matpower", "A radial MATPOWER case (version 2); set [shape] and [tie] in the result");
    matpower->add_option("FILE", options->file, "The case's .m file")->required();
    matpower->add_option("--out", options->out, "TOML file to write, '-' for stdout")
        ->capture_default_str();
    matpower->footer("Example:\n  kilter import matpower case33bw.m --out case33bw.toml");
    matpower->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
