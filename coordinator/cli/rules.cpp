#include "coordinator/cli/rules.hpp"

#include <charconv>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "common/market/parameters_text.hpp"
#include "common/settlement/correction.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/log_store.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/genesis.hpp"
#include "coordinator/cli/log_entries.hpp"
#include "coordinator/cli/members.hpp"
#include "coordinator/cli/reread_document.hpp"

namespace kilter::cli {

namespace {

using governance::Case;
using governance::CaseState;

struct Pair {
    std::string name;
    std::string value;
};

Result<Pair> pair_of(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return Error{"\"" + text + "\" is not NAME=VALUE"};
    return Pair{text.substr(0, equals), text.substr(equals + 1)};
}

template <class Number>
Result<Number> number_in(const std::string& text) {
    Number out{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size())
        return Error{"\"" + text + "\" is no whole number, or too large"};
    return out;
}

Result<governance::Action> reads_action(const std::filesystem::path& file,
                                        const std::string& kind) {
    const auto subject = settlement::correction_kind_named(kind);
    if (!subject) return subject.error();
    const auto document = read_reread(file);
    if (!document) return document.error();
    return governance::Action(settlement::action_of(document->reads, *subject, document->replaces));
}

Result<governance::Action> market_action(const std::vector<std::string>& changes,
                                         const governance::Rules& before) {
    auto parameters = market::Parameters::decode(before.market_parameters);
    if (!parameters) return parameters.error();
    for (const std::string& change : changes) {
        const auto pair = pair_of(change);
        if (!pair) return pair.error();
        if (auto done = market::set(*parameters, pair->name, pair->value); !done)
            return done.error();
    }
    if (auto valid = parameters->validate(); !valid) return valid.error();
    if (auto known = known_with(settlement::ledger_version(before.versions), *parameters); !known)
        return known.error();
    return governance::Action(governance::SetMarketParameters{
        parameters->encode(), governance::market_digest(before.market_parameters)});
}

Result<governance::Action> tariff_action(const std::string& text) {
    const auto pair = pair_of(text);
    if (!pair) return pair.error();
    const auto value = number_in<std::int64_t>(pair->value);
    if (!value) return value.error();
    return governance::Action(governance::SetTariff{pair->name, *value});
}

Result<governance::Action> rule_action(const std::string& text) {
    const auto pair = pair_of(text);
    if (!pair) return pair.error();
    const auto version = number_in<std::uint32_t>(pair->value);
    if (!version) return version.error();
    return governance::Action(governance::SetRule{pair->name, *version});
}

Result<governance::Action> seat_action(const std::string& text, bool held) {
    const auto pair = pair_of(text);
    if (!pair) return pair.error();
    const auto office = governance::office_named(pair->name);
    if (!office)
        return Error{"there is no office \"" + pair->name +
                     "\": use operator, regulator, supplier, meter-operator or auditor"};
    const auto key = fixed_from_hex<crypto::PublicKey>(pair->value);
    if (!key) return Error{"the key of " + pair->name + ": " + key.error().message};
    return governance::Action(governance::SetSeat{{*office, *key}, held});
}

Result<governance::Action> validators_action(const std::filesystem::path& file) {
    auto document = read_members(file);
    if (!document) return document.error();
    return governance::Action(governance::SetValidators{std::move(document->next)});
}

const Case* find_case(const governance::Docket& docket, const std::string& text) {
    const Case* found = nullptr;
    const auto number = number_in<std::uint32_t>(text);
    for (const Case& one : docket.live())
        if (number ? one.number == *number
                   : text.size() >= 4 && to_hex(one.id.view()).starts_with(text))
            found = &one;
    return found;
}

std::string said_text(const Case& one) {
    std::string out;
    for (const governance::Said& said : one.said)
        out += (out.empty() ? "" : ", ") + std::string(name_of(said.opinion)) + " " +
               short_hex(said.key.view()) + " (" + names_of(said.offices) + ")";
    return out.empty() ? "nothing" : out;
}

std::string in_force_text(const Case& one) {
    return one.effective == 0 ? "-" : std::to_string(one.effective);
}

// In force, though nobody has added to the docket since: the state says so then.
CaseState state_at(const Case& one, consensus::Height next) {
    return one.state == CaseState::adopted && one.effective <= next ? CaseState::in_force
                                                                    : one.state;
}

Json json_of(const Case& one, consensus::Height next) {
    Json said = Json::array();
    for (const governance::Said& statement : one.said)
        said.push_back({{"key", to_hex(statement.key.view())},
                        {"offices", names_of(statement.offices)},
                        {"opinion", name_of(statement.opinion)},
                        {"height", statement.height}});
    return {{"case", one.number},
            {"proposal", to_hex(one.id.view())},
            {"subject", name_of(subject_of(one.proposal.action))},
            {"action", describe(one.proposal.action)},
            {"reason", one.proposal.reason},
            {"author", to_hex(one.author.view())},
            {"opened_height", one.opened},
            {"opened_ms", one.opened_ms},
            {"state", name_of(state_at(one, next))},
            {"adopted_height", one.adopted},
            {"in_force_height", one.effective},
            {"said", said}};
}

void print(const std::vector<Case>& cases, consensus::Height next) {
    Table table({{"case"}, {"opened", false}, {"state", false}, {"in force"}, {"decides", false}});
    for (const Case& one : cases)
        table.add({std::to_string(one.number), utc_text(one.opened_ms),
                   name_of(state_at(one, next)), in_force_text(one),
                   describe(one.proposal.action)});
    std::cout << table.text();
    for (const Case& one : cases)
        std::cout << "\ncase " << one.number << "  proposal " << short_hex(one.id.view())
                  << "\n  reason  "
                  << (one.proposal.reason.empty() ? "none given" : one.proposal.reason)
                  << "\n  said    " << said_text(one) << '\n';
}

Json parameters_json(const governance::Rules& rules) {
    Json out = Json::object();
    if (const auto parameters = market::Parameters::decode(rules.market_parameters))
        for (const auto& [name, value] : market::listed(*parameters))
            out[name] = value;
    return out;
}

void print(const governance::Rules& rules) {
    std::cout << "market parameters "
              << short_hex(governance::market_digest(rules.market_parameters).view()) << '\n';
    if (const auto parameters = market::Parameters::decode(rules.market_parameters))
        for (const auto& [name, value] : market::listed(*parameters))
            std::cout << "  " << name << " = " << value << '\n';
    for (const auto& [name, value] : rules.tariffs)
        std::cout << "tariff " << name << " = " << value << '\n';
    for (const auto& [name, version] : rules.versions)
        std::cout << "rule " << name << " version " << version << '\n';
    for (const governance::Seat& seat : rules.constitution.seats)
        std::cout << name_of(seat.office) << ' ' << short_hex(seat.key.view()) << '\n';
    if (rules.stopped) std::cout << "the market is stopped by case " << *rules.stopped << '\n';
    Table powers({{"subject", false},
                  {"proposed by", false},
                  {"approvals", false},
                  {"veto", false},
                  {"mandate", false},
                  {"notice, blocks"}});
    for (const governance::Power& power : rules.constitution.powers) {
        std::string quotas;
        for (const governance::Quota& quota : power.approvals)
            quotas += (quotas.empty() ? "" : ", ") + std::to_string(quota.count) + " " +
                      name_of(quota.office);
        powers.add({name_of(power.subject), names_of(power.propose), quotas.empty() ? "-" : quotas,
                    names_of(power.veto), names_of(power.mandate),
                    std::to_string(power.notice_blocks)});
    }
    std::cout << '\n' << powers.text();
}

}  // namespace

int RulesShow::run() const {
    constexpr std::string_view command = "kilter rules show";
    auto opened = Desk::open(desk);
    if (!opened) return fail(command, opened.error());
    const auto shown = opened->newest_docket();
    if (!shown) return fail(command, shown.error());
    const consensus::Height next = shown->height + 1;
    const consensus::Height at = std::max(next, height.value_or(next));
    const governance::Rules rules = shown->docket.rules_at(at);
    if (!json) {
        std::cout << "edition " << shown->docket.edition(at) << " of the rules, for height " << at
                  << (shown->height == 0 ? ", as in genesis" : ", proof checked") << "\n\n";
        print(rules);
        if (!shown->docket.live().empty()) std::cout << '\n';
        print(shown->docket.live(), next);
        return to_int(ExitCode::success);
    }
    Json cases = Json::array();
    for (const Case& one : shown->docket.live())
        cases.push_back(json_of(one, next));
    Json out{{"edition", shown->docket.edition(at)},
             {"height", at},
             {"market_parameters_digest",
              to_hex(governance::market_digest(rules.market_parameters).view())},
             {"market_parameters", parameters_json(rules)},
             {"tariffs", rules.tariffs},
             {"rules", rules.versions},
             {"live_cases", cases}};
    if (rules.stopped) out["stopped_by_case"] = *rules.stopped;
    std::cout << out.dump(2) << '\n';
    return to_int(ExitCode::success);
}

int RulesPropose::run() const {
    constexpr std::string_view command = "kilter rules propose";
    const int kinds = (market.empty() ? 0 : 1) + (tariff.empty() ? 0 : 1) + (rule.empty() ? 0 : 1) +
                      (appoint.empty() ? 0 : 1) + (dismiss.empty() ? 0 : 1) +
                      (validators.empty() ? 0 : 1) + (reads.empty() ? 0 : 1) + (stop ? 1 : 0) +
                      (resume ? 1 : 0);
    if (kinds != 1)
        return fail(
            command,
            Error{"say what is to be decided, one thing per proposal: --market, --tariff, "
                  "--rule, --appoint, --dismiss, --validators, --reads, --stop or --resume"},
            ExitCode::usage);
    auto opened = Desk::open(desk);
    if (!opened) return fail(command, opened.error());
    const auto action = [&]() -> Result<governance::Action> {
        if (!tariff.empty()) return tariff_action(tariff);
        if (!rule.empty()) return rule_action(rule);
        if (!appoint.empty()) return seat_action(appoint, true);
        if (!dismiss.empty()) return seat_action(dismiss, false);
        if (!validators.empty()) return validators_action(validators);
        if (!reads.empty()) return reads_action(reads, kind);
        if (stop) return governance::Action(governance::Stop{});
        if (resume) return governance::Action(governance::Resume{});
        const auto shown = opened->newest_docket();
        if (!shown) return shown.error();
        return market_action(market, shown->docket.rules_to_come());
    }();
    if (!action) return fail(command, action.error());
    if (auto sound = check(*action); !sound) return fail(command, sound.error());
    std::cout << "proposes " << describe(*action) << '\n';
    const auto done = opened->append(governance::Proposal{*action, height, reason});
    if (!done) return fail(command, done.error());
    print_entry(*opened, *done);
    return to_int(ExitCode::success);
}

void print_entry(const Desk& desk, const Appended& appended) {
    std::cout << "entry    " << to_hex(appended.id.view()) << ", " << desk.whereabouts(appended)
              << '\n';
}

int RulesSay::run() const {
    const std::string command = std::string("kilter rules ") + name_of(opinion);
    auto opened = Desk::open(desk);
    if (!opened) return fail(command, opened.error());
    governance::Statement statement{{}, opinion};
    if (const auto whole = fixed_from_hex<consensus::EntryId>(proposal)) {
        statement.proposal = *whole;
    } else {
        const auto shown = opened->newest_docket();
        if (!shown) return fail(command, shown.error());
        const Case* found = find_case(shown->docket, proposal);
        if (found == nullptr)
            return fail(command,
                        Error{"no open case " + proposal + ": 'kilter rules show' lists them"});
        statement.proposal = found->id;
        std::cout << "case     " << found->number << ": " << describe(found->proposal.action)
                  << '\n';
    }
    const auto done = opened->append(statement);
    if (!done) return fail(command, done.error());
    print_entry(*opened, *done);
    return to_int(ExitCode::success);
}

int DocketShow::run() const {
    constexpr std::string_view command = "kilter docket";
    const auto opened = storage::LogStore::open_read_only(store_file(store));
    if (!opened) return fail(command, opened.error());
    const settlement::Ledger ledger(opened->genesis());
    const auto image = opened->load(ledger);
    if (!image) return fail(command, image.error(), ExitCode::not_verified);
    const consensus::Height next = image->tip.height + 1;
    const auto cases =
        image->state ? settlement::cases(*image->state, opened->genesis()) : std::vector<Case>{};
    if (json) {
        Json out = Json::array();
        for (const Case& one : cases)
            out.push_back(json_of(one, next));
        std::cout << out.dump(2) << '\n';
    } else if (cases.empty()) {
        std::cout << "nothing was ever proposed on this log\n";
    } else {
        print(cases, next);
    }
    return to_int(ExitCode::success);
}

namespace {

void add_say(CLI::App& rules,
             int& exit_code,
             const char* name,
             const char* what,
             governance::Opinion opinion) {
    const auto options = std::make_shared<RulesSay>();
    options->opinion = opinion;
    CLI::App* command = rules.add_subcommand(name, what);
    options->desk.add_to(*command, DeskWork::signs, office_key_help);
    command
        ->add_option("CASE", options->proposal,
                     "The case's number, or the first digits of its proposal")
        ->required();
    command->footer(std::string("Example:\n  kilter rules ") + name + " 3 --key regulator.key");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

void add_propose(CLI::App& rules, int& exit_code) {
    const auto options = std::make_shared<RulesPropose>();
    CLI::App* command = rules.add_subcommand("propose", "Open a case on the docket");
    options->desk.add_to(*command, DeskWork::signs, office_key_help);
    command->add_option("--market", options->market,
                        "NAME=VALUE: a market parameter; several make one proposal");
    command->add_option("--tariff", options->tariff, "NAME=VALUE: a whole number that rules use");
    command->add_option("--rule", options->rule, "NAME=VERSION: of a rule");
    command->add_option("--appoint", options->appoint, "OFFICE=KEY: who takes an office");
    command->add_option("--dismiss", options->dismiss, "OFFICE=KEY: who leaves it");
    command->add_option("--validators", options->validators,
                        "The next set of coordinators, as 'kilter members draft' wrote it");
    command->add_option("--reads", options->reads,
                        "What 'kilter reread --document' wrote: reads to be corrected");
    command->add_option("--kind", options->kind, "Of --reads: wrong read or faulty meter")
        ->capture_default_str();
    command->add_flag("--stop", options->stop, "Stop the market: no session opens");
    command->add_flag("--resume", options->resume, "Let sessions open again");
    command->add_option("--height", options->height,
                        "Not in force before this block (default: as soon as the notice allows)");
    command->add_option("--reason", options->reason, "Why, for everybody to read");
    command->footer(
        "Example:\n  kilter rules propose --market primal_tolerance_kw=0.002 --reason "
        "\"trial of looser sessions\"");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace

void add_rules(CLI::App& app, int& exit_code) {
    CLI::App* rules = app.add_subcommand("rules", "What is in force on a log, and how it changes");
    rules->require_subcommand(1);
    const auto options = std::make_shared<RulesShow>();
    CLI::App* command = rules->add_subcommand("show", "Rules in force and open cases");
    options->desk.add_to(*command, DeskWork::reads, office_key_help);
    command->add_option("--height", options->height,
                        "As they will be at this block, as far as decided");
    command->add_flag("--json", options->json, "Print JSON");
    command->footer("Example:\n  kilter rules show --key operator.key --genesis genesis.bin");
    command->callback([options, &exit_code] { exit_code = options->run(); });
    add_propose(*rules, exit_code);
    add_say(*rules, exit_code, "approve", "Approve a proposal", governance::Opinion::approve);
    add_say(*rules, exit_code, "veto", "End a case whose decision is not in force yet",
            governance::Opinion::veto);
    add_say(*rules, exit_code, "mandate", "Adopt a proposal alone, where the office allows it",
            governance::Opinion::mandate);
    const auto docket = std::make_shared<DocketShow>();
    CLI::App* all = app.add_subcommand("docket", "Every case there ever was on a log");
    all->add_option("PATH", docket->store, "A store, or a coordinator's state directory")
        ->required();
    all->add_flag("--json", docket->json, "Print JSON");
    all->footer("Example:\n  kilter docket coordinator-0");
    all->callback([docket, &exit_code] { exit_code = docket->run(); });
}

}  // namespace kilter::cli
