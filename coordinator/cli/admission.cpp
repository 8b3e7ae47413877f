#include "coordinator/cli/admission.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/market/parameters.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/enrolment.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/topology/files.hpp"
#include "common/topology/native.hpp"
#include "coordinator/cli/members.hpp"
#include "coordinator/cli/service_point.hpp"

namespace kilter::cli {

namespace {

using settlement::EnrolmentRequest;
using settlement::Role;
using settlement::Roster;
using settlement::RosterMember;

constexpr UnixMs day_ms = 86'400'000;
constexpr UnixMs clocks_differ_ms = 300'000;  // a certificate begins so much earlier

// What a command works on: the desk, and the roster that it starts from.
struct Opened {
    Desk desk;
    Roster roster;
};

// Error: the key is not one of those that may change the roster by the rules in force.
Result<Opened> open(const DeskOptions& options) {
    auto desk = Desk::open(options);
    if (!desk) return desk.error();
    auto roster = desk->newest_roster();
    if (!roster) return roster.error();
    const auto docket = desk->newest_docket();
    if (!docket) return docket.error();
    const auto constitution = docket->docket.rules_at(docket->height + 1).constitution;
    const auto* power = constitution.find(governance::Subject::roster);
    const auto& key = desk->identity().public_key();
    if (power == nullptr || !constitution.held_by(key).meets(power->propose))
        return Error{options.key_file.string() + " (" + short_hex(key.view()) +
                     ") is not the key of this log's operator: name a key file with --key whose "
                     "office may change the roster ('kilter rules show' lists them)"};
    return Opened{std::move(*desk), *std::move(roster)};
}

/// A change of the roster that was signed.
struct AppendedChange {
    Roster roster;  ///< that it leads to
    Appended appended;
};

// Certificates that have expired leave with it. Error: it makes no sense, or as Desk::append().
Result<AppendedChange> change_roster(Opened& opened,
                                     std::vector<settlement::Removal> removals,
                                     std::vector<RosterMember> grants) {
    const UnixMs now = runtime::now_ms();
    const auto touched = [&](const crypto::PublicKey& key) {
        const auto is_it = [&](const auto& item) { return item.key == key; };
        return std::any_of(removals.begin(), removals.end(), is_it) ||
               std::any_of(grants.begin(), grants.end(), is_it);
    };
    for (const auto& member : opened.roster.members)
        if (now >= member.valid_until_ms && !touched(member.key))
            removals.push_back({member.key, false});
    const auto change =
        settlement::make_change(opened.roster, std::move(removals), std::move(grants));
    if (!change) return change.error();
    auto after = settlement::apply(opened.roster, *change);
    if (!after) return after.error();
    auto appended = opened.desk.append(*change);
    if (!appended) return appended.error();
    return AppendedChange{*std::move(after), *std::move(appended)};
}

struct Asked : EnrolmentRequest {
    bool by_agent = false;  // and not only named by the operator
};

// Of a meter its public key will do, of a coordinator KEY@tcp://HOST:PORT: neither has an agent to ask for it.
Result<Asked> read_request(const std::string& text_or_file) {
    if (const auto key = fixed_from_hex<settlement::PublicKey>(text_or_file))
        return Asked{{*key, settlement::Equipment::none, ""}};
    if (const auto member = parse_validator(text_or_file))
        return Asked{{member->key, settlement::Equipment::none, member->endpoint}};
    std::string text = text_or_file;
    if (!text.starts_with("kilter-request:")) {
        auto read = topology::read_text_file(text_or_file);
        if (!read) return read.error();
        text = *std::move(read);
    }
    auto request = EnrolmentRequest::parse(text);
    if (!request) return request.error();
    return Asked{*std::move(request), true};
}

// A home that listens nowhere has no endpoint; everybody else can be reached. Meters speak to nobody.
bool says_too_little(Role role, const Asked& asked) {
    return role != Role::meter && asked.endpoint.empty() && (role != Role::home || !asked.by_agent);
}

Result<RosterMember> find_member(const Roster& roster, const std::string& digits) {
    std::vector<RosterMember> found;
    for (const RosterMember& member : roster.members)
        if (digits.size() >= 4 && to_hex(member.key.view()).starts_with(digits))
            found.push_back(member);
    if (found.size() == 1) return found.front();
    return Error{found.empty() ? "roster epoch " + std::to_string(roster.epoch) +
                                     " names nobody with the fingerprint " + digits +
                                     ": 'kilter-agent status' shows an agent's"
                               : digits + " stands for " + std::to_string(found.size()) +
                                     " keys: give more digits"};
}

std::uint32_t weight_milli(const market::Parameters& parameters, settlement::Equipment equipment) {
    const auto weight = [&] {
        switch (equipment) {
            case settlement::Equipment::none:
                return parameters.home_weight(model::Flexibility::none);
            case settlement::Equipment::panels:
                return parameters.home_weight(model::Flexibility::curtails);
            case settlement::Equipment::battery:
                return parameters.home_weight(model::Flexibility::stores);
        }
        return 1.0;
    }();
    return static_cast<std::uint32_t>(std::lround(weight * 1000));
}

std::optional<std::uint32_t> number_of(const std::string& text) {
    const bool digits =
        !text.empty() && text.size() <= 6 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits ? std::optional(static_cast<std::uint32_t>(std::stoul(text))) : std::nullopt;
}

Result<NetId> net_of(const Terms& terms, const model::Network& network) {
    if (const auto number = number_of(terms.net); number && *number < network.nets.size())
        return settlement::net_id(network.number, *number);
    for (std::size_t i = 0; i < network.nets.size(); ++i)
        if (network.nets[i].name == terms.net) return settlement::net_id(network.number, i);
    return Error{"feeder " + network.name + " has no net " + terms.net +
                 ": it has the numbers 0 to " + std::to_string(network.nets.size() - 1) +
                 ", named " + network.nets.front().name + " to " + network.nets.back().name};
}

Result<NetId> net_of(const Terms& terms, const Roster& roster, const std::string& feeder) {
    const auto number = number_of(terms.net);
    for (const RosterMember& home : roster.members)
        if (number && home.role == Role::home && home.feeder == feeder &&
            settlement::position_of(home.net) == *number)
            return home.net;
    return Error{"nobody is known to live on net " + terms.net +
                 ": if the feeder has it, name the feeder's file with --topology"};
}

// Of the roster's feeders the one of this name, or the only one: its coordinators have its first net.
Result<const RosterMember*> host_of(const Roster& roster, const std::string& feeder) {
    const RosterMember* out = nullptr;
    for (const RosterMember& member : roster.members) {
        if (member.role != Role::coordinator || (!feeder.empty() && member.feeder != feeder))
            continue;
        if (out != nullptr && out->feeder != member.feeder)
            return Error{"feeders " + out->feeder + " and " + member.feeder +
                         " share this log: say which with --topology or --feeder"};
        out = &member;
    }
    return out;
}

Result<void> place(RosterMember& member, const Terms& terms, const Roster& roster) {
    if (member.role == Role::meter) {
        if (terms.home.empty())
            return Error{"say whose meter it is: --home and the home's fingerprint"};
        const auto home = find_member(roster, terms.home);
        if (!home) return home.error();
        if (home->role != Role::home)
            return Error{short_hex(home->key.view()) + " is no home: a meter is of a home"};
        for (const RosterMember& other : roster.members)
            if (other.role == Role::meter && other.service_point == home->service_point)
                return Error{"home " + short_hex(home->key.view()) + " has the meter " +
                             short_hex(other.key.view()) +
                             " already: revoke that one first with 'kilter revoke " +
                             short_hex(other.key.view()) + "'"};
        member.net = home->net;
        member.feeder = home->feeder;
        member.service_point = home->service_point;
        member.endpoint.clear();
        return {};
    }
    std::optional<model::Network> network;
    if (!terms.topology.empty()) {
        auto loaded = topology::load_network(terms.topology);
        if (!loaded) return loaded.error();
        network = *std::move(loaded);
        member.feeder = terms.feeder.empty() ? network->name : terms.feeder;
        member.net = settlement::net_id(network->number, 0);
    } else {
        const auto host = host_of(roster, terms.feeder);
        if (!host) return host.error();
        member.feeder = *host == nullptr ? terms.feeder : (*host)->feeder;
        if (*host != nullptr) member.net = (*host)->net;
    }
    if (member.role != Role::home) return {};
    if (terms.net.empty()) return Error{"say where the home is connected: --net N"};
    const auto net = network ? net_of(terms, *network) : net_of(terms, roster, member.feeder);
    if (!net) return net.error();
    member.net = *net;
    member.service_point = new_service_point();
    if (terms.service_point.empty()) return {};
    const auto point = parse_uuid(terms.service_point);
    if (!point) return point.error();
    member.service_point = *point;
    for (const RosterMember& other : roster.members)
        if (other.role == Role::home && other.service_point == *point)
            return Error{"service point " + uuid_text(*point) + " belongs to the home " +
                         short_hex(other.key.view()) +
                         ": to give it a new key, use 'kilter rekey " +
                         short_hex(other.key.view()) + " REQUEST'"};
    return {};
}

Result<RosterMember> certificate(const Opened& opened,
                                 const Asked& request,
                                 const Terms& terms,
                                 int days) {
    if (const RosterMember* held = opened.roster.find(request.key))
        return Error{"the key " + short_hex(request.key.view()) + " has a certificate until " +
                     utc_text(held->valid_until_ms) + " already: use 'kilter renew'"};
    RosterMember out;
    out.key = request.key;
    out.endpoint = request.endpoint;
    if (terms.role == "home")
        out.role = Role::home;
    else if (terms.role == "coordinator")
        out.role = Role::coordinator;
    else if (terms.role == "meter")
        out.role = Role::meter;
    else
        return Error{"role \"" + terms.role + "\" is unknown: use home, meter or coordinator"};
    if (says_too_little(out.role, request))
        return Error{
            out.role == Role::home
                ? "a home asks with what 'kilter-agent enroll' printed, not with a key alone"
                : "name a coordinator as KEY@tcp://HOST:PORT, the key as "
                  "'kilter-coordinator key' printed it"};
    const auto parameters = market::Parameters::decode(opened.desk.genesis().market_parameters);
    if (!parameters) return parameters.error();
    out.weight_milli =
        out.role == Role::home ? weight_milli(*parameters, request.equipment) : 1'000;
    if (auto placed = place(out, terms, opened.roster); !placed) return placed.error();
    const UnixMs now = runtime::now_ms();
    out.valid_from_ms = now - clocks_differ_ms;
    out.valid_until_ms = now + days * day_ms;
    return out;
}

std::string description(const RosterMember& member) {
    std::string out = short_hex(member.key.view()) + "  " + settlement::name_of(member.role);
    if (member.role != Role::coordinator)
        out += " on net " + settlement::name_of(member.net) + " of feeder " + member.feeder +
               ", service point " + uuid_text(member.service_point);
    return out;
}

std::string validity(const RosterMember& member) {
    return utc_text(member.valid_from_ms) + " to " + utc_text(member.valid_until_ms) + " UTC";
}

// Where the change is: on the log, proof checked, or in a file on its way there.
std::string whereabouts(const Opened& opened, const AppendedChange& change) {
    return "epoch " + std::to_string(change.roster.epoch) + ", " +
           opened.desk.whereabouts(change.appended);
}

// Whom genesis names. An agent that knows nothing else of the log knows this signature.
bool founder(const Desk& desk) {
    return desk.identity().public_key() == desk.genesis().operator_key;
}

// Whether the home can check a bundle that this desk hands over. Error: no, and what to do.
Result<void> can_hand_over(const Opened& opened, const DeskOptions& options) {
    if (options.entry.empty() || founder(opened.desk)) return {};
    return Error{
        "without a connection only the operator that genesis names can hand over a bundle: an "
        "agent could not check another's signature without the log"};
}

nlohmann::ordered_json certificate_json(const RosterMember& member, const AppendedChange& change) {
    return {{"key", to_hex(member.key.view())},
            {"role", settlement::name_of(member.role)},
            {"net", member.net.value},
            {"feeder", member.feeder},
            {"service_point", uuid_text(member.service_point)},
            {"valid_from_ms", member.valid_from_ms},
            {"valid_until_ms", member.valid_until_ms},
            {"roster_epoch", change.roster.epoch},
            {"on_the_log", change.appended.receipt.has_value()}};
}

// The whole bundle goes into a file; without the roster it is short enough for a mail's line or a code to scan.
int hand_over(const Opened& opened,
              const RosterMember& member,
              const AppendedChange& change,
              std::filesystem::path out,
              bool json,
              std::string_view command) {
    settlement::EnrolmentBundle bundle{opened.desk.genesis(), member, {}, {}, {}};
    bundle.sign(opened.desk.identity());
    std::string url = bundle.text();
    if (change.appended.receipt) {
        bundle.roster_receipt = *change.appended.receipt;
        bundle.roster = settlement::encode(change.roster);
        bundle.sign(opened.desk.identity());
    }
    if (!founder(opened.desk)) url = bundle.text();  // the roster vouches for who signed it
    if (out.empty()) out = short_hex(member.key.view()) + ".kilter";
    if (auto written = write_output(out, bundle.text() + "\n"); !written)
        return fail(command, written.error());
    const std::string log = short_hex(opened.desk.genesis().chain_id().view());
    if (json) {
        auto out_json = certificate_json(member, change);
        out_json["log"] = log;
        out_json["bundle"] = out.string();
        out_json["url"] = url;
        std::cout << out_json.dump(2) << '\n';
        return to_int(ExitCode::success);
    }
    std::cout << "granted  " << description(member) << "\nvalid    " << validity(member)
              << "\nroster   " << whereabouts(opened, change) << "\nlog      " << log
              << "  (the home compares this when it installs the bundle)\nbundle   " << out.string()
              << "\n\n"
              << url << '\n';
    return to_int(ExitCode::success);
}

}  // namespace

int Grant::run() const {
    constexpr std::string_view command = "kilter grant";
    const auto asked = read_request(request);
    if (!asked) return fail(command, asked.error());
    auto opened = open(desk);
    if (!opened) return fail(command, opened.error());
    const auto member = certificate(*opened, *asked, terms, days);
    if (!member) return fail(command, member.error());
    if (member->role == Role::home)
        if (auto can = can_hand_over(*opened, desk); !can) return fail(command, can.error());
    const auto change = change_roster(*opened, {}, {*member});
    if (!change) return fail(command, change.error());
    if (member->role == Role::home) return hand_over(*opened, *member, *change, out, json, command);
    // A home speaks for its meter, and a coordinator has the log: there is nothing to install.
    if (json)
        std::cout << certificate_json(*member, *change).dump(2) << '\n';
    else
        std::cout << "granted  " << description(*member) << "\nvalid    " << validity(*member)
                  << "\nroster   " << whereabouts(*opened, *change) << '\n';
    return to_int(ExitCode::success);
}

int Renew::run() const {
    constexpr std::string_view command = "kilter renew";
    auto opened = open(desk);
    if (!opened) return fail(command, opened.error());
    auto held = find_member(opened->roster, member);
    if (!held) return fail(command, held.error());
    const UnixMs until = runtime::now_ms() + days * day_ms;
    if (until <= held->valid_until_ms)
        return fail(command, Error{"its certificate lasts until " + utc_text(held->valid_until_ms) +
                                   " anyway: ask for more --days, or revoke it"});
    held->valid_until_ms = until;
    const auto change = change_roster(*opened, {}, {*held});
    if (!change) return fail(command, change.error());
    std::cout << "renewed  " << description(*held) << "\nvalid    " << validity(*held)
              << "\nroster   " << whereabouts(*opened, *change) << '\n';
    return to_int(ExitCode::success);
}

int Rekey::run() const {
    constexpr std::string_view command = "kilter rekey";
    const auto asked = read_request(request);
    if (!asked) return fail(command, asked.error());
    auto opened = open(desk);
    if (!opened) return fail(command, opened.error());
    const auto held = find_member(opened->roster, member);
    if (!held) return fail(command, held.error());
    if (opened->roster.find(asked->key) != nullptr)
        return fail(command, Error{"the key " + short_hex(asked->key.view()) +
                                   " is on the roster already: a new one is needed"});
    if (says_too_little(held->role, *asked))
        return fail(command, Error{"a key alone is not enough for a " +
                                   std::string(settlement::name_of(held->role)) +
                                   ": a home asks with what 'kilter-agent enroll' printed, a "
                                   "coordinator is named as KEY@tcp://HOST:PORT"});
    if (held->role == Role::home)
        if (auto can = can_hand_over(*opened, desk); !can) return fail(command, can.error());
    RosterMember successor = *held;
    successor.key = asked->key;
    successor.endpoint = asked->endpoint;
    const auto change = change_roster(*opened, {{held->key, true}}, {successor});
    if (!change) return fail(command, change.error());
    std::cout << "revoked  " << short_hex(held->key.view()) << '\n';
    if (held->role != Role::home) {
        std::cout << "granted  " << description(successor) << "\nroster   "
                  << whereabouts(*opened, *change) << '\n';
        return to_int(ExitCode::success);
    }
    return hand_over(*opened, successor, *change, out, false, command);
}

int Revoke::run() const {
    constexpr std::string_view command = "kilter revoke";
    auto opened = open(desk);
    if (!opened) return fail(command, opened.error());
    const auto held = find_member(opened->roster, member);
    if (!held) return fail(command, held.error());
    const auto change = change_roster(*opened, {{held->key, true}}, {});
    if (!change) return fail(command, change.error());
    std::cout << "revoked  " << description(*held) << "\nroster   " << whereabouts(*opened, *change)
              << '\n';
    return to_int(ExitCode::success);
}

namespace {

constexpr const char* member_help = "Fingerprint (the key's first hexadecimal digits) or key";
constexpr const char* request_help =
    "What 'kilter-agent enroll' printed, or a file with it; of a meter its public key, of a "
    "coordinator KEY@tcp://HOST:PORT";

template <class Command>
CLI::App* add(CLI::App& app,
              const char* name,
              const char* what,
              const std::shared_ptr<Command>& options,
              int& exit_code) {
    CLI::App* command = app.add_subcommand(name, what);
    options->desk.add_to(*command, DeskWork::signs_from_store,
                         "The operator's key file: its office may change the roster");
    command->callback([options, &exit_code] { exit_code = options->run(); });
    return command;
}

void add_grant(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Grant>();
    CLI::App* command =
        add(app, "grant", "Issue a certificate: a new home, meter or coordinator joins", options,
            exit_code);
    command->add_option("REQUEST", options->request, request_help)->required();
    command->add_option("--net", options->terms.net,
                        "Where the home is connected: number, or name with --topology");
    command->add_option("--role", options->terms.role, "home, meter or coordinator")
        ->capture_default_str();
    command->add_option("--topology", options->terms.topology, "The feeder's file");
    command->add_option("--feeder", options->terms.feeder,
                        "The feeder's name (default: the topology's, or the coordinators')");
    command->add_option("--service-point", options->terms.service_point,
                        "UUID of the connection (default: a new one)");
    command->add_option("--home", options->terms.home,
                        "Of a meter: whose it is, by the home's fingerprint");
    command->add_option("--days", options->days, "How long the certificate is valid")
        ->capture_default_str()
        ->check(CLI::Range(1, 36'500));
    command->add_option("--out", options->out,
                        "Bundle for the home (default: its fingerprint and .kilter)");
    command->add_flag("--json", options->json, "Print JSON");
    command->footer(
        "Compare the fingerprint with the home's owner first.\n"
        "Example:\n  kilter grant request.txt --net 17 --key operator.key --genesis genesis.bin");
}

void add_renew(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Renew>();
    CLI::App* command =
        add(app, "renew", "Let a certificate be valid for longer", options, exit_code);
    command->add_option("MEMBER", options->member, member_help)->required();
    command->add_option("--days", options->days, "From now on")
        ->capture_default_str()
        ->check(CLI::Range(1, 36'500));
    command->footer("Example:\n  kilter renew 3f0c9a1e --days 365");
}

void add_rekey(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Rekey>();
    CLI::App* command =
        add(app, "rekey", "Give a home's certificate to its new key; the old one is revoked",
            options, exit_code);
    command->add_option("MEMBER", options->member, member_help)->required();
    command->add_option("REQUEST", options->request, request_help)->required();
    command->add_option("--out", options->out,
                        "Bundle for the home (default: its fingerprint and .kilter)");
    command->footer("Example:\n  kilter rekey 3f0c9a1e request.txt");
}

void add_revoke(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Revoke>();
    CLI::App* command = add(app, "revoke", "Bar a key from trading, for good", options, exit_code);
    command->add_option("MEMBER", options->member, member_help)->required();
    command->footer("Example:\n  kilter revoke 3f0c9a1e");
}

}  // namespace

void add_admission(CLI::App& app, int& exit_code) {
    add_grant(app, exit_code);
    add_renew(app, exit_code);
    add_rekey(app, exit_code);
    add_revoke(app, exit_code);
}

}  // namespace kilter::cli
