#include "coordinator/cli/disclose.hpp"

#include <algorithm>
#include <iostream>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/entry_file.hpp"
#include "coordinator/cli/home_books.hpp"
#include "coordinator/cli/openings.hpp"

namespace kilter::cli {

namespace {

constexpr const char* disclose_command = "kilter disclose";
constexpr UnixMs disclosure_life_ms = UnixMs{12} * 3'600'000;

std::string_view as_text(const Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

int DiscloseCommand::disclose() const {
    const auto key = fixed_from_hex<settlement::PublicKey>(to);
    if (!key)
        return fail(disclose_command,
                    Error{"--to is the public key of who is shown: " + key.error().message},
                    ExitCode::usage);
    const auto opened = SettledLog::open(log, period);
    if (!opened) return fail(disclose_command, opened.error());
    auto books = HomeBooks::open(home, *opened);
    if (!books) return fail(disclose_command, books.error());
    if (!reads.empty())
        if (auto done = books->correct(reads, opened->genesis().chain_id()); !done)
            return fail(disclose_command, done.error());
    const Period& asked = opened->period();
    const auto& known = positions ? books->account.positions : books->account.reads;
    settlement::OpeningDocument document{
        positions ? books->home.public_key() : books->meter.public_key(), asked.first, {}};
    for (IntervalIndex t = asked.first; t < asked.end; ++t) {
        const auto found = known.find(t);
        if (found == known.end())
            return fail(disclose_command,
                        Error{"interval " + std::to_string(t) +
                              (positions ? " has no day-ahead position" : " has not been read")});
        document.openings.emplace_back(found->second.energy_wh, found->second.blinding);
    }
    const UnixMs now = runtime::now_ms();
    const settlement::Disclosure disclosure{
        *key, asked.first, static_cast<std::uint32_t>(asked.end - asked.first), document.digest()};
    const auto sealed = settlement::make_entry(disclosure, opened->genesis().chain_id(),
                                               static_cast<std::uint64_t>(now),
                                               now + disclosure_life_ms, books->home);
    if (auto written = runtime::replace_file(out, as_text(document.encode())); !written)
        return fail(disclose_command, written.error());
    if (auto written = write_entry(entry, *sealed); !written)
        return fail(disclose_command, written.error());
    std::cout << document.openings.size() << " intervals opened to " << short_hex(key->view())
              << ": give " << out.string() << " to them alone, and put " << entry.string()
              << " into a coordinator's submit folder\n";
    return to_int(ExitCode::success);
}

int DiscloseCommand::examine() const {
    const auto text = topology::read_text_file(check);
    if (!text) return fail(disclose_command, text.error());
    const auto document = settlement::OpeningDocument::decode(as_bytes(*text));
    if (!document) return fail(disclose_command, document.error());
    const auto opened = SettledLog::open(
        log, std::to_string(document->first) + ":" + std::to_string(document->openings.size()));
    if (!opened) return fail(disclose_command, opened.error());
    const auto checked = check_openings(*document, *opened);
    if (!checked) return fail(disclose_command, checked.error(), ExitCode::not_verified);
    std::cout << "interval,starts_utc,energy_wh\n";
    for (const auto& [t, energy_wh] : checked->energies_wh)
        std::cout << t << ',' << utc_text(interval_start(t, opened->interval_s())) << ','
                  << energy_wh << '\n';
    std::cerr << "all " << document->openings.size() << " intervals are what "
              << (checked->positions ? "home " : "the meter of home ")
              << short_hex(checked->home.view()) << " has committed to\n";
    return to_int(ExitCode::success);
}

int DiscloseCommand::run() const {
    if (!check.empty()) return examine();
    if (home.empty() || period.empty() || to.empty() || out.empty() || entry.empty())
        return fail(disclose_command,
                    Error{"to disclose, name HOME, --period, --to, --out and --entry; to examine a "
                          "document, --check"},
                    ExitCode::usage);
    return disclose();
}

void add_disclose(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<DiscloseCommand>();
    CLI::App* command = app.add_subcommand(
        "disclose", "Open some of a home's intervals to somebody, signed and logged");
    command->add_option("HOME", options->home, "The home's directory: key, meter.key, state");
    command->add_option("--log", options->log, "A coordinator's directory or log.db")->required();
    command->add_option("--period", options->period, "2026-06, 2026-06-01 or FIRST:COUNT");
    command->add_option("--to", options->to, "The public key of who is shown, 64 hex digits");
    command->add_option("--out", options->out, "Write the openings here, for them alone");
    command->add_option("--entry", options->entry,
                        "Write the signed disclosure here, for a coordinator's submit folder");
    command->add_option("--reads", options->reads,
                        "Reads that were corrected, as given to 'kilter reread'");
    command->add_flag("--positions", options->positions,
                      "Its day-ahead positions instead of its reads");
    command->add_option("--check", options->check,
                        "Instead: hold a document of openings against the log");
    command->footer(
        "Example:\n  kilter disclose /var/lib/kilter --log coordinator-0 --period 2026-06-01 --to "
        "KEY --out openings.bin --entry disclosure.entry\n  kilter disclose --check openings.bin "
        "--log coordinator-0");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
