#include "coordinator/cli/genesis.hpp"

#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/settlement/genesis.hpp"
#include "common/storage/key_file.hpp"
#include "common/topology/native.hpp"
#include "coordinator/cli/members.hpp"

namespace kilter::cli {

namespace {

constexpr std::int64_t first_entry_life_ms = std::int64_t{12} * 3'600'000;
constexpr std::int64_t first_certificates_ms = std::int64_t{5} * 365 * 24 * 3'600'000;

struct Documents {
    settlement::Genesis genesis;
    settlement::RosterChange coordinators;
};

struct Feeder {
    settlement::FeederNumber number = 0;
    std::string name;
};

// Error: a file, or two of one number or name.
Result<std::vector<Feeder>> feeders_of(const std::vector<std::filesystem::path>& topologies) {
    std::vector<Feeder> out;
    for (const auto& file : topologies) {
        const auto network = topology::load_network(file);
        if (!network) return network.error();
        for (const Feeder& other : out)
            if (other.number == network->number || other.name == network->name)
                return Error{
                    file.string() + ": feeder " + network->name + " has the number " +
                    std::to_string(network->number) + ", and " + other.name + " has " +
                    std::to_string(other.number) +
                    ": feeders that share a log differ in both ('number = N' in the file)"};
        out.push_back({network->number, network->name});
    }
    return out;
}

Result<Documents> draw_up(const MakeGenesis& command, const crypto::Identity& operator_identity) {
    const auto feeders = feeders_of(command.topologies);
    if (!feeders) return feeders.error();
    if (feeders->size() > command.coordinators.size())
        return Error{"each feeder needs a coordinator: name as many, or more"};
    if (auto valid = command.parameters.validate(); !valid) return valid.error();
    Documents out;
    settlement::Genesis& genesis = out.genesis;
    genesis.time_ms = runtime::now_ms();
    genesis.operator_key = operator_identity.public_key();
    market::Parameters parameters = command.parameters;
    const market::Parameters first = first_parameters(command.ledger_version);
    parameters.balance_rho = first.balance_rho;
    parameters.method = command.accelerated ? market::Method::accelerated
                        : command.proximal  ? market::Method::proximal
                                            : first.method;
    genesis.market_parameters = parameters.encode();
    genesis.begin_with(command.ledger_version);
    std::vector<settlement::RosterMember> members;
    for (const std::string& text : command.coordinators) {
        const auto coordinator = parse_validator(text);
        if (!coordinator) return coordinator.error();
        const Feeder& hosted = (*feeders)[members.size() % feeders->size()];
        genesis.validators.validators.push_back(*coordinator);
        members.push_back({coordinator->key, settlement::Role::coordinator,
                           settlement::net_id(hosted.number, 0), 1'000, coordinator->endpoint,
                           hosted.name});
        members.back().valid_from_ms = genesis.time_ms;
        members.back().valid_until_ms = genesis.time_ms + first_certificates_ms;
    }
    if (auto valid = genesis.validate(); !valid) return valid.error();
    const auto changes = settlement::first_changes(members);
    if (changes.size() != 1)
        return Error{"so many coordinators do not fit into one entry: name fewer"};
    out.coordinators = changes.front();
    return out;
}

Result<void> write_bytes(const std::filesystem::path& path, const Bytes& bytes) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored))
        return Error{path.string() +
                     " exists already and may be the one in use: move it away, or name another "
                     "file"};
    return runtime::replace_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

market::Parameters first_parameters(std::uint32_t ledger_version) {
    market::Parameters out;
    if (ledger_version < settlement::newest_ledger()) {
        out.balance_rho = market::Balance::gross;
        out.method = market::Method::proximal;
    }
    return out;
}

Result<void> known_with(std::uint32_t ledger_version, const market::Parameters& parameters) {
    if (ledger_version >= settlement::newest_ledger()) return {};
    const bool stalled = parameters.balance_rho == market::Balance::stalled;
    if (!stalled && parameters.method != market::Method::priced) return {};
    return Error{std::string(stalled ? "balance_rho = stalled" : "method = priced") +
                 " is for programs that know version " +
                 std::to_string(settlement::newest_ledger()) +
                 " of the rule 'ledger': once all coordinators and gateways run one, propose that "
                 "first, with --rule ledger=" +
                 std::to_string(settlement::newest_ledger())};
}

int MakeGenesis::run() const {
    const auto failed = [](const Error& error) { return fail("kilter genesis", error); };
    const auto operator_identity = storage::read_key_file(key);
    if (!operator_identity) return failed(operator_identity.error());
    const auto documents = draw_up(*this, *operator_identity);
    if (!documents) return failed(documents.error());
    const settlement::Genesis& genesis = documents->genesis;
    const auto signed_entry = settlement::make_entry(
        documents->coordinators, genesis.chain_id(), documents->coordinators.epoch,
        genesis.time_ms + first_entry_life_ms, *operator_identity);
    if (auto written = write_bytes(out, genesis.encode()); !written) return failed(written.error());
    if (auto written = write_bytes(entry, signed_entry->encoded); !written)
        return failed(written.error());

    const std::string log = short_hex(genesis.chain_id().view());
    if (json)
        std::cout << nlohmann::ordered_json{{"log", to_hex(genesis.chain_id().view())},
                                            {"operator", to_hex(genesis.operator_key.view())},
                                            {"coordinators", genesis.validators.size()},
                                            {"genesis", out.string()},
                                            {"entry", entry.string()}}
                         .dump(2)
                  << '\n';
    else
        std::cout << "log          " << log << ", operator "
                  << short_hex(genesis.operator_key.view()) << ", " << genesis.validators.size()
                  << " coordinators\nGive every coordinator " << out.string() << ", and put "
                  << entry.string() << " into one's submit folder within 12 hours.\n";
    return to_int(ExitCode::success);
}

void add_genesis(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<MakeGenesis>();
    CLI::App* command = app.add_subcommand(
        "genesis", "Draw up the document a log starts from, and the first entry on it");
    command->add_option("--key", options->key, "The operator's key file")->capture_default_str();
    command
        ->add_option("--coordinator", options->coordinators,
                     "KEY@tcp://HOST:PORT of one coordinator; once for each, four or more")
        ->required();
    command
        ->add_option("--topology", options->topologies,
                     "The feeder's file; of several that share the log once for each: the "
                     "coordinators host them in turn")
        ->required();
    command->add_option("--out", options->out, "The document")->capture_default_str();
    command->add_option("--entry", options->entry, "The signed entry that names the coordinators")
        ->capture_default_str();
    command
        ->add_option("--interval-s", options->parameters.interval_s,
                     "Length of a market interval in seconds")
        ->capture_default_str();
    command
        ->add_option("--horizon", options->parameters.horizon,
                     "Intervals optimised together; the first one binds")
        ->capture_default_str();
    command
        ->add_option("--homes-min", options->parameters.privacy_members_min,
                     "Homes a net must have for a home to join")
        ->capture_default_str();
    command->add_option("--ledger-rule", options->ledger_version, ledger_rule_help)
        ->capture_default_str()
        ->check(CLI::Range(std::uint32_t{1}, settlement::newest_ledger()));
    CLI::Option* accelerated =
        command->add_flag("--accelerated", options->accelerated,
                          "Homes also say how they answer prices: a fraction of the iterations");
    command
        ->add_flag("--proximal", options->proximal,
                   "Every net moves its own prices; the feeder's host sets none")
        ->excludes(accelerated);
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer(
        "Nothing is overwritten.\nExample:\n  kilter genesis --topology feeder.toml \\\n"
        "    --coordinator 3f0c...@tcp://10.0.0.1:7100 --coordinator 91ab...@tcp://10.0.0.2:7100 "
        "\\\n"
        "    --coordinator 04de...@tcp://10.0.0.3:7100 --coordinator c7f2...@tcp://10.0.0.4:7100");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
