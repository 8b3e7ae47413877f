#include "coordinator/cli/simulate.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/table.hpp"
#include "common/market/clearing.hpp"
#include "coordinator/cli/neighbourhood.hpp"
#include "coordinator/planner/report_json.hpp"
#include "coordinator/planner/simulate.hpp"

namespace kilter::cli {
namespace {

constexpr const char* simulate_command = "kilter simulate";

std::string range_text(double low, double high) {
    return fixed(low, 4) + " .. " + fixed(high, 4);
}

std::string excess_text(const powerflow::Excess& worst, double unit, const char* name) {
    return (worst.by > 0 ? "missed by " : "kept by ") + fixed(std::abs(worst.by) * unit, 4) + name +
           " (" + worst.item + ", interval " + std::to_string(worst.interval) + ")";
}

/// One clause to a line.
std::string by_lines(std::string text) {
    for (std::size_t at = text.find("; "); at != std::string::npos; at = text.find("; ", at))
        text.replace(at, 2, "\n    ");
    return text;
}

/// What the price of the net that is dearest over its cheapest is made of, and what the nonlinear power flow says.
void print_physics(const planner::Report& report) {
    for (const planner::SessionResult& session : report.sessions) {
        const model::Schedules& price = session.price_eur_per_kwh;
        Eigen::Index net = 0, t = 0;
        price.maxCoeff(&net, &t);
        const prox::PriceParts& parts = session.price_parts;
        std::cout << utc_text(interval_start(session.session.interval,
                                             report.options.parameters.interval_s))
                  << ": highest price " << fixed(price(net, t), 4) << " = energy "
                  << fixed(parts.energy(net, t), 4) << " + losses " << fixed(parts.loss(net, t), 4)
                  << " + congestion " << fixed(parts.congestion(net, t), 4) << " + voltage "
                  << fixed(parts.voltage(net, t), 4) << " (net "
                  << report.neighbourhood.network
                         .nets[static_cast<std::size_t>(net) / report.options.parameters.channels]
                         .name
                  << ", interval " << t << ")";
        if (session.power_flow) {
            const powerflow::Validation& checked = *session.power_flow;
            std::cout << "; nonlinear power flow: band " << excess_text(checked.voltage, 1, " pu");
            if (std::isfinite(checked.loading.by))
                std::cout << ", ratings " << excess_text(checked.loading, 100, " %");
            std::cout << ", losses "
                      << fixed(checked.loss_kw.sum() * report.options.parameters.interval_s / 3600,
                               1)
                      << " kWh";
        }
        std::cout << '\n';
    }
}

void print(const planner::Report& report, const std::string& series) {
    const auto& homes = report.neighbourhood.homes;
    const auto count = [&](auto wanted) {
        return std::count_if(homes.begin(), homes.end(), wanted);
    };
    std::cout << report.neighbourhood.network.name << ": "
              << report.neighbourhood.network.nets.size() << " nets, " << homes.size() << " homes, "
              << count([](const topology::HomeSpec& home) { return !home.pv_kw.empty(); })
              << " with panels, "
              << count([](const topology::HomeSpec& home) { return home.battery.power_max_kw > 0; })
              << " with a battery; series: " << series << "\n\n";

    Table table({{"interval (UTC)", false},
                 {"iterations"},
                 {"outcome", false},
                 {"residual kW"},
                 {"import kW"},
                 {"price now EUR/kWh"},
                 {"widest apart"},
                 {"at (UTC)", false},
                 {"lowest pu"},
                 {"import EUR"},
                 {"optimal within EUR"},
                 {"prices", false}});
    for (const planner::SessionResult& session : report.sessions) {
        const model::Schedules& price = session.price_eur_per_kwh;
        const auto starts = [&](Eigen::Index later) {
            return utc_text(interval_start(session.session.interval + later,
                                           report.options.parameters.interval_s));
        };
        Eigen::Index widest = 0;
        (price.colwise().maxCoeff() - price.colwise().minCoeff()).maxCoeff(&widest);
        table.add({starts(0), std::to_string(session.iterations),
                   std::string(market::name_of(session.outcome)),
                   fixed(session.primal_residual_kw, 5), fixed(session.import_kw(0), 1),
                   range_text(price.col(0).minCoeff(), price.col(0).maxCoeff()),
                   range_text(price.col(widest).minCoeff(), price.col(widest).maxCoeff()),
                   starts(widest).substr(11), fixed(session.voltage_pu.minCoeff(), 4),
                   fixed(session.objective_eur, 2),
                   session.certificate ? fixed(session.certificate->gap_eur(), 4) : "not known",
                   short_hex(session.prices.view())});
    }
    std::cout << table.text();
    if (!report.neighbourhood.three_phase) print_physics(report);
    for (const planner::SessionResult& session : report.sessions) {
        const std::string at = utc_text(
            interval_start(session.session.interval, report.options.parameters.interval_s));
        if (!session.explanation.empty())
            std::cout << at << ": " << by_lines(session.explanation) << '\n';
        if (!session.certificate)
            std::cout << at << ": distance from the optimum not known: " << session.uncertified
                      << '\n';
    }
}

/// The prices of an unbalanced feeder by how nets are connected, and how well its voltages are known.
void print_phases(const planner::Report& report) {
    const auto& nets = report.neighbourhood.three_phase->nets;
    std::map<std::string, std::vector<Eigen::Index>> rows;
    for (std::size_t n = 0; n < nets.size(); ++n) {
        const bool delta = nets[n].connection == model::Connection::delta;
        rows[(delta ? "delta " : "wye ") + nets[n].phases.text()].push_back(
            static_cast<Eigen::Index>(n) * report.options.parameters.channels);
    }
    std::vector<Column> columns{{"EUR/kWh, interval (UTC)", false}};
    for (const auto& [connection, members] : rows)
        columns.push_back({connection});
    columns.push_back({"lowest pu"});
    columns.push_back({"at", false});
    columns.push_back({"linear off pu"});
    Table table(columns);
    for (const planner::SessionResult& session : report.sessions) {
        const model::Schedules& price = session.price_eur_per_kwh;
        const model::Schedules& voltage = session.phases->nonlinear_pu;
        Eigen::Index widest = 0;
        Eigen::Index place = 0;
        Eigen::Index when = 0;
        (price.colwise().maxCoeff() - price.colwise().minCoeff()).maxCoeff(&widest);
        voltage.minCoeff(&place, &when);
        std::vector<std::string> cells{utc_text(interval_start(
            session.session.interval + widest, report.options.parameters.interval_s))};
        for (const auto& [connection, members] : rows) {
            const Eigen::VectorXd now = price.col(widest)(members);
            cells.push_back(range_text(now.minCoeff(), now.maxCoeff()));
        }
        cells.push_back(fixed(voltage.minCoeff(), 4));
        cells.push_back(session.phases->places[static_cast<std::size_t>(place)]);
        cells.push_back(fixed(session.phases->difference_pu(), 5));
        table.add(cells);
    }
    std::cout << "\nby connection, at the time prices are widest apart:\n" << table.text();
}

}  // namespace

int Simulate::run() const {
    planner::Options options;
    if (paper) options.parameters = market::Parameters::paper();
    if (accelerated) options.parameters.method = market::Method::accelerated;
    if (proximal) options.parameters.method = market::Method::proximal;
    options.first_interval = first;
    options.sessions = intervals;
    options.masked = !unmasked;
    options.warm = !cold;

    auto drawn =
        draw_neighbourhood(topology, homes_per_net, homes_seed, options.parameters.interval_s);
    if (!drawn) return fail(simulate_command, drawn.error());

    Progress progress;
    const auto report =
        planner::simulate(drawn->neighbourhood, options, [&](const planner::Progress& at) {
            progress.show("interval " + std::to_string(at.session + 1) + " of " +
                              std::to_string(at.sessions) + ", iteration " +
                              std::to_string(at.iteration),
                          at.session, at.sessions);
        });
    progress.clear();
    if (!report) return fail(simulate_command, report.error());

    if (!json.empty())
        if (const auto written = write_output(json, planner::to_json(*report) + "\n"); !written)
            return fail(simulate_command, written.error());
    if (json != "-") {
        print(*report, drawn->series);
        if (report->neighbourhood.three_phase) print_phases(*report);
    }
    const bool converged = std::all_of(
        report->sessions.begin(), report->sessions.end(),
        [](const auto& session) { return session.outcome == market::Outcome::converged; });
    return to_int(converged ? ExitCode::success : ExitCode::not_converged);
}

void add_simulate(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Simulate>();
    CLI::App* command =
        app.add_subcommand("simulate", "Clear a neighbourhood's market in one process");
    command->add_option("TOPOLOGY", options->topology, "Feeder in kilter's TOML format")
        ->required();
    command->add_option("--homes-seed", options->homes_seed, "The homes are drawn from this seed")
        ->required();
    command->add_option("--homes-per-net", options->homes_per_net, "Homes on every net")
        ->capture_default_str()
        ->check(CLI::Range(1, 200));
    command
        ->add_option("--intervals", options->intervals,
                     "Market intervals to clear, one after another")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000));
    command->add_option("--first", options->first, "First interval, counted from 1970 in UTC")
        ->capture_default_str();
    CLI::Option* accelerated = command->add_flag(
        "--accelerated", options->accelerated,
        "homes say how they answer prices, the feeder's host sets them: fewer iterations");
    command
        ->add_flag("--proximal", options->proximal, "Every net moves its own prices: more of them")
        ->excludes(accelerated);
    command->add_flag("--paper", options->paper,
                      "The algorithm as published: weights 1, no relaxation, fixed penalty");
    command->add_flag("--cold", options->cold, "Start every session anew");
    command->add_flag("--unmasked", options->unmasked,
                      "Leave the masks out: the same results, sooner");
    command->add_option("--json", options->json,
                        "Write results and the whole problem to this file, '-' for stdout");
    command->footer(
        "Exit code 4 when a session did not converge.\nExample:\n  kilter simulate "
        "topologies/baran-wu-33.toml --homes-seed 1 --intervals 4 --json result.json");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
