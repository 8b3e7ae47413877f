#include "coordinator/cli/bill.hpp"

#include <iostream>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "common/runtime/loop.hpp"
#include "coordinator/cli/entry_file.hpp"
#include "coordinator/cli/exports.hpp"
#include "coordinator/cli/home_books.hpp"

namespace kilter::cli {

namespace {

constexpr const char* bill_command = "kilter bill";
constexpr UnixMs bill_life_ms = UnixMs{12} * 3'600'000;

void print_bill(const settlement::Bill& bill,
                const std::vector<settlement::BillLine>& lines,
                std::int64_t interval_s) {
    std::int64_t position_wh = 0;
    for (const settlement::BillLine& line : lines)
        position_wh += line.position_wh;
    std::cout << "bill of " << bill.intervals << " intervals from "
              << utc_text(interval_start(bill.first, interval_s)) << " UTC\n"
              << "energy  " << fixed(static_cast<double>(bill.energy_wh.value) * 1e-3, 3)
              << " kWh net, of it " << fixed(static_cast<double>(position_wh) * 1e-3, 3)
              << " kWh a day ahead\n"
              << "charge  " << fixed(static_cast<double>(bill.charge_nano_eur.value) * 1e-9, 6)
              << " EUR before the home's part of the surplus\n";
}

}  // namespace

int BillCommand::run() const {
    const auto opened = SettledLog::open(log, period);
    if (!opened) return fail(bill_command, opened.error());
    const auto books = HomeBooks::open(home, *opened);
    if (!books) return fail(bill_command, books.error());
    const auto bill = books->bill(*opened);
    if (!bill) return fail(bill_command, bill.error());
    const auto lines = books->lines(*opened, *bill);
    if (!lines) return fail(bill_command, lines.error());
    const UnixMs now = runtime::now_ms();
    const auto* party = opened->context().party(books->home.public_key());
    const auto write = [&](const std::filesystem::path& path, const std::string& text) {
        return path.empty() ? Result<void>{} : write_output(path, text);
    };
    if (!entry.empty()) {
        const auto sealed = settlement::make_entry(*bill, opened->genesis().chain_id(),
                                                   static_cast<std::uint64_t>(now),
                                                   now + bill_life_ms, books->home);
        if (auto written = write_entry(entry, *sealed); !written)
            return fail(bill_command, written.error());
    }
    for (const auto& written :
         {write(csv, bill_csv(*lines, books->reads, opened->interval_s())),
          write(green_button,
                green_button_xml(to_hex(party->service_point.view()), *lines, books->reads,
                                 bill->charge_nano_eur.value / 1'000, opened->interval_s(), now)),
          write(json, bill_json(*bill).dump(1) + "\n")})
        if (!written) return fail(bill_command, written.error());
    const std::filesystem::path out = "-";
    if (csv != out && green_button != out && json != out)
        print_bill(*bill, *lines, opened->interval_s());
    return to_int(ExitCode::success);
}

void add_bill(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<BillCommand>();
    CLI::App* command = app.add_subcommand(
        "bill", "A home's bill from its own books and the log, with what proves it");
    command->add_option("HOME", options->home, "The home's directory: key, meter.key, state")
        ->required();
    command->add_option("--log", options->log, "A coordinator's directory or log.db")->required();
    command->add_option("--period", options->period, "2026-06, 2026-06-01 or FIRST:COUNT")
        ->required();
    command->add_option("--entry", options->entry,
                        "Write the signed bill here, to be put into a coordinator's submit folder");
    command->add_option("--csv", options->csv, "Every interval, '-' for stdout");
    command->add_option("--green-button", options->green_button,
                        "Every interval as Green Button (ESPI) XML, '-' for stdout");
    command->add_option("--json", options->json, "The bill and its proof, '-' for stdout");
    command->footer(
        "Example:\n  kilter bill /var/lib/kilter --log coordinator-0 --period 2026-06 --entry "
        "bill.entry");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
