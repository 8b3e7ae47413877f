#include "coordinator/cli/reread.hpp"

#include <iostream>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/runtime/loop.hpp"
#include "coordinator/cli/entry_file.hpp"
#include "coordinator/cli/home_books.hpp"
#include "coordinator/cli/reread_document.hpp"

namespace kilter::cli {

namespace {

constexpr std::string_view reread_command = "kilter reread";
constexpr UnixMs reread_life_ms = UnixMs{12} * 3'600'000;

}  // namespace

int RereadCommand::run() const {
    const bool decides = !entry.empty() && !bill_entry.empty() && decided_by > 0;
    if (document.empty() == !decides)
        return fail(reread_command,
                    Error{"first write --document and have it decided; then name the case in force "
                          "with --case, --entry and --bill-entry"},
                    ExitCode::usage);
    const auto opened = SettledLog::open(log, period);
    if (!opened) return fail(reread_command, opened.error());
    auto books = HomeBooks::open(home, *opened);
    if (!books) return fail(reread_command, books.error());
    const auto& chain = opened->genesis().chain_id();
    const auto energies = books->correct(reads, chain);
    if (!energies) return fail(reread_command, energies.error());
    const auto wrong = opened->reads_entry(books->meter.public_key(), energies->begin()->first);
    if (!wrong) return fail(reread_command, wrong.error());
    settlement::CorrectedReads corrected{
        decided_by, books->meter.public_key(), wrong->first, energies->begin()->first, {}};
    for (const auto& [t, energy_wh] : *energies)
        corrected.commitments.push_back(
            crypto::commit(energy_wh, books->account.reads.at(t).blinding));
    if (!decides) {
        if (auto written = write_reread(document, {wrong->second, corrected}); !written)
            return fail(reread_command, written.error());
        std::cout << energies->size() << " intervals from " << energies->begin()->first
                  << " corrected in " << document.string()
                  << ": it shows no energy; have it proposed with 'kilter rules propose --reads'\n";
        return to_int(ExitCode::success);
    }
    const auto* party = opened->context().party(books->home.public_key());
    const auto* claim = opened->context().claim(party->service_point);
    if (claim == nullptr)
        return fail(reread_command, Error{"the log has no bill of this home for the period: send "
                                          "that first ('kilter bill')"});
    settlement::Bill before = claim->bill;
    for (const auto& correction : claim->corrections) {
        auto sum = settlement::corrected(before, correction);
        if (!sum) return fail(reread_command, sum.error());
        before = *sum;
    }
    const auto after = settlement::make_bill(books->account, opened->context().prices(),
                                             before.first, before.end());
    if (!after) return fail(reread_command, after.error());
    const auto change = settlement::difference(
        before, *after, static_cast<std::uint32_t>(claim->corrections.size() + 1));
    if (!change) return fail(reread_command, change.error());
    const UnixMs now = runtime::now_ms();
    const auto seq = static_cast<std::uint64_t>(now);
    for (const auto& written :
         {write_entry(entry, *settlement::make_entry(corrected, chain, seq, now + reread_life_ms,
                                                     books->home)),
          write_entry(bill_entry, *settlement::make_entry(*change, chain, seq + 1,
                                                          now + reread_life_ms, books->home))})
        if (!written) return fail(reread_command, written.error());
    std::cout << "the bill changes by " << change->charge_nano_eur.value << " nano-EUR and "
              << change->energy_wh.value << " Wh: send " << entry.string() << " and "
              << bill_entry.string() << " with 'kilter submit'\n";
    return to_int(ExitCode::success);
}

void add_reread(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<RereadCommand>();
    CLI::App* command =
        app.add_subcommand("reread", "Correct a home's committed reads and its bill, as decided");
    command->add_option("HOME", options->home, "The home's directory: key, meter.key, state")
        ->required();
    command->add_option("--log", options->log, "A coordinator's directory or log.db")->required();
    command
        ->add_option("--period", options->period, "The bill's: 2026-06, 2026-06-01 or FIRST:COUNT")
        ->required();
    command
        ->add_option("--reads", options->reads, "CSV: interval,energy_wh as they should have been")
        ->required();
    command->add_option("--document", options->document,
                        "First: write what is to be decided here; it shows no energy");
    command->add_option("--case", options->decided_by, "Then: the case in force that decides it");
    command->add_option("--entry", options->entry, "Write the corrected reads here, signed");
    command->add_option("--bill-entry", options->bill_entry, "And the bill's correction here");
    command->footer(
        "Example:\n  kilter reread /var/lib/kilter --log coordinator-0 --period 2026-06 --reads "
        "right.csv --document right.reads\n  kilter rules propose --reads right.reads --kind "
        "\"wrong read\"\n  kilter reread /var/lib/kilter --log coordinator-0 --period 2026-06 "
        "--reads right.csv --case 4 --entry reads.entry --bill-entry bill.entry");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
