#include "coordinator/cli/audit.hpp"

#include <iostream>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "coordinator/cli/exports.hpp"

namespace kilter::cli {

namespace {

constexpr const char* audit_command = "kilter audit";

std::string eur(std::int64_t micro_eur) {
    return fixed(static_cast<double>(micro_eur) * 1e-6, 6) + " EUR";
}

nlohmann::ordered_json verdict_json(const settlement::FeederVerdict& verdict,
                                    const settlement::AuditReport& log) {
    auto homes = nlohmann::ordered_json::array();
    for (const settlement::HomeDue& home : verdict.settlement.homes)
        homes.push_back({{"home", to_hex(home.home.view())},
                         {"charge_micro_eur", home.charge_micro_eur},
                         {"surplus_micro_eur", home.surplus_micro_eur},
                         {"due_micro_eur", home.due_micro_eur}});
    auto neighbours = nlohmann::ordered_json::array();
    for (const settlement::NeighbourDue& one : verdict.settlement.neighbours)
        neighbours.push_back({{"log", to_hex(one.log.view())},
                              {"energy_wh", one.energy_wh},
                              {"owed_micro_eur", one.owed_micro_eur}});
    return {{"holds", verdict.faults.empty()},
            {"faults", verdict.faults},
            {"homes", homes},
            {"energy_wh", verdict.settlement.energy_wh},
            {"upstream_micro_eur", verdict.settlement.upstream_micro_eur},
            {"surplus_micro_eur", verdict.settlement.surplus_micro_eur},
            {"neighbours", neighbours},
            {"corrected_bills", verdict.corrected},
            {"commitments", verdict.commitments},
            {"sums_opened", verdict.opened},
            {"sums_closed", verdict.closed},
            {"substituted_intervals", verdict.substituted},
            {"log_root", to_hex(log.log_root.view())}};
}

std::string surplus_in_words(std::int64_t micro_eur) {
    if (micro_eur >= 0)
        return "a surplus of " + eur(micro_eur) + " is returned to all homes in equal parts";
    return eur(-micro_eur) +
           " that homes were paid for relieving lines is shared by all in equal parts";
}

std::string names_of(const std::map<settlement::FeederNumber, Nets>& feeders) {
    std::string out;
    for (const auto& [number, nets] : feeders)
        out += (out.empty() ? "" : ", ") + std::to_string(number);
    return out;
}

}  // namespace

std::map<settlement::FeederNumber, Nets> by_feeder(Nets nets) {
    std::map<settlement::FeederNumber, Nets> out;
    for (settlement::NetVerdict& net : nets) {
        const auto feeder = settlement::feeder_of(net.net);
        out[feeder].push_back(std::move(net));
    }
    return out;
}

Result<settlement::FeederVerdict> conclude(const settlement::AuditContext& context,
                                           settlement::FeederNumber feeder,
                                           const Nets& nets) {
    if (feeder != 0) return settlement::conclude(nets);
    const auto neighbours = settlement::neighbours_due(context);
    if (!neighbours) return neighbours.error();
    return settlement::conclude(nets, *neighbours);
}

std::string in_words(const settlement::FeederVerdict& verdict) {
    const settlement::Settlement& money = verdict.settlement;
    std::int64_t to_neighbours = 0;
    for (const settlement::NeighbourDue& neighbour : money.neighbours)
        to_neighbours += neighbour.owed_micro_eur;
    std::string out = "bills: " + std::to_string(money.homes.size()) + " homes for " +
                      fixed(static_cast<double>(money.energy_wh) * 1e-3, 3) + " kWh; they pay " +
                      eur(money.upstream_micro_eur + to_neighbours) +
                      ", all of it owed to the grid above" +
                      (money.neighbours.empty()
                           ? std::string()
                           : ", but " + eur(to_neighbours) + " to neighbouring feeders for " +
                                 std::to_string(money.neighbours.size()) + " trades") +
                      "; " + surplus_in_words(money.surplus_micro_eur) + "\n";
    out += "audit: " + std::to_string(verdict.commitments) + " commitments; " +
           std::to_string(money.homes.size()) + " of " + std::to_string(verdict.homes) +
           " bills follow from them; sums of nets proven in " + std::to_string(verdict.opened) +
           " of " + std::to_string(verdict.opened + verdict.closed) + " net-intervals; " +
           std::to_string(verdict.substituted) + " reads not measured; " +
           std::to_string(verdict.corrected) + " bills corrected; " +
           (verdict.faults.empty() ? "passed" : "NOT PASSED") + "\n";
    return out;
}

int AuditCommand::run() const {
    const auto opened = SettledLog::open(log, period);
    if (!opened) return fail(audit_command, opened.error(), ExitCode::not_verified);
    auto audited = opened->audit(threads);
    if (!audited) return fail(audit_command, audited.error(), ExitCode::not_verified);
    auto feeders = by_feeder(*std::move(audited));
    if (feeder) {
        auto only = feeders.extract(*feeder);
        if (only.empty())
            return fail(audit_command, Error{"the log has no homes of feeder " +
                                             std::to_string(*feeder) + " in this period"});
        feeders.clear();
        feeders.insert(std::move(only));
    }
    const bool exports = !csv.empty() || !aggregates.empty() || !bids.empty() || !json.empty();
    if (exports && feeders.size() > 1)
        return fail(audit_command,
                    Error{"feeders " + names_of(feeders) +
                          " share this log, and a file is of one of them: add --feeder"},
                    ExitCode::usage);
    bool passed = true;
    if (feeders.empty()) feeders[0];
    for (const auto& [number, nets] : feeders) {
        const auto verdict = conclude(opened->context(), number, nets);
        if (!verdict) return fail(audit_command, verdict.error(), ExitCode::not_verified);
        if (auto written = write_exports(*opened, nets, *verdict); !written)
            return fail(audit_command, written.error());
        const std::filesystem::path out = "-";
        if (feeders.size() > 1) std::cout << "feeder " << number << ":\n";
        if (csv != out && aggregates != out && bids != out && json != out)
            std::cout << in_words(*verdict);
        for (const std::string& fault : verdict->faults)
            std::cerr << "FAULT " << fault << '\n';
        passed = passed && verdict->faults.empty();
    }
    return to_int(passed ? ExitCode::success : ExitCode::not_verified);
}

Result<void> AuditCommand::write_exports(const SettledLog& opened,
                                         const std::vector<settlement::NetVerdict>& nets,
                                         const settlement::FeederVerdict& verdict) const {
    const auto write = [&](const std::filesystem::path& path, const std::string& text) {
        return path.empty() ? Result<void>{} : write_output(path, text);
    };
    for (auto written : {write(csv, settlement_csv(verdict, nets)),
                         write(aggregates, aggregates_csv(nets, opened.period().first, floor)),
                         write(bids, bids_csv(nets, opened.context().prices(), floor)),
                         write(json, verdict_json(verdict, opened.report()).dump(1) + "\n")})
        if (!written) return written;
    return {};
}

void add_audit(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<AuditCommand>();
    CLI::App* command =
        app.add_subcommand("audit", "Check a period's bills from the log alone, as an outsider");
    command->add_option("LOG", options->log, "A coordinator's directory or log.db")->required();
    command->add_option("--period", options->period, "2026-06, 2026-06-01 or FIRST:COUNT")
        ->required();
    command->add_option("--threads", options->threads, "They change nothing but the time")
        ->capture_default_str()
        ->check(CLI::Range(1U, 256U));
    command->add_option("--feeder", options->feeder,
                        "Of feeders that share the log only the one with this number");
    command->add_option("--csv", options->csv, "What every home owes, '-' for stdout");
    command->add_option("--aggregates", options->aggregates,
                        "Proven sums of nets per interval, '-' for stdout");
    command->add_option("--bids", options->bids,
                        "What the feeder takes a day ahead at which price, '-' for stdout");
    command
        ->add_option("--floor", options->floor,
                     "Homes behind every number of --aggregates and --bids")
        ->capture_default_str()
        ->check(CLI::Range(2, 100'000));
    command->add_option("--json", options->json, "Everything, '-' for stdout");
    command->footer(
        "Exit code 3 when anything does not hold.\nExample:\n  kilter audit coordinator-0 --period "
        "2026-06");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
