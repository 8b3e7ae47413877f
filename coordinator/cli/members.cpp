#include "coordinator/cli/members.hpp"

#include <algorithm>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/topology/files.hpp"

namespace kilter::cli {

namespace {

using consensus::Validator;
using consensus::ValidatorSet;

constexpr std::size_t digits_min = 4;

// By the first digits of its key.
Result<std::size_t> place_of(const ValidatorSet& set, const std::string& digits) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (digits.size() < digits_min || !to_hex(set.validators[i].key.view()).starts_with(digits))
            continue;
        if (found) return Error{digits + " stands for several coordinators: give more digits"};
        found = i;
    }
    if (found) return *found;
    return Error{"no coordinator of the present set has the fingerprint " + digits +
                 ": 'kilter members show' lists them"};
}

Result<void> apply(const MembersDraft& wishes, ValidatorSet& set) {
    for (const std::string& text : wishes.replace) {
        const auto equals = text.find('=');
        if (equals == std::string::npos)
            return Error{"\"" + text + "\" is not OLD=NEW@tcp://HOST:PORT"};
        const auto place = place_of(set, text.substr(0, equals));
        if (!place) return place.error();
        const auto successor = parse_validator(text.substr(equals + 1));
        if (!successor) return successor.error();
        set.validators[*place] = *successor;
    }
    for (const std::string& text : wishes.move) {
        const auto moved = parse_validator(text);
        if (!moved) return moved.error();
        const auto place = place_of(set, to_hex(moved->key.view()));
        if (!place) return place.error();
        set.validators[*place].endpoint = moved->endpoint;
    }
    for (const std::string& digits : wishes.remove) {
        const auto place = place_of(set, digits);
        if (!place) return place.error();
        set.validators.erase(set.validators.begin() + static_cast<std::ptrdiff_t>(*place));
    }
    for (const std::string& text : wishes.add) {
        const auto added = parse_validator(text);
        if (!added) return added.error();
        set.validators.push_back(*added);
    }
    return set.validate();
}

std::string counted(const ValidatorSet& set) {
    return std::to_string(set.size()) + " coordinators, " + std::to_string(set.quorum()) +
           " make a quorum, " + std::to_string(set.faults()) + " may fail";
}

}  // namespace

Result<Validator> parse_validator(const std::string& text) {
    const std::size_t at = text.find('@');
    const std::string endpoint = at == std::string::npos ? "" : text.substr(at + 1);
    auto key = fixed_from_hex<crypto::PublicKey>(text.substr(0, at));
    if (!key || !endpoint.starts_with("tcp://"))
        return Error{"\"" + text +
                     "\" is not a coordinator: write KEY@tcp://HOST:PORT with the key that "
                     "'kilter-coordinator key' prints"};
    return Validator{*key, endpoint};
}

Result<settlement::MembersDocument> read_members(const std::filesystem::path& file) {
    const auto text = topology::read_text_file(file);
    if (!text) return text.error();
    auto document = settlement::MembersDocument::parse(*text);
    if (!document) return Error{file.string() + ": " + document.error().message};
    return document;
}

int MembersShow::run() const {
    constexpr std::string_view command = "kilter members show";
    auto opened = Desk::open(desk);
    if (!opened) return fail(command, opened.error());
    const auto epochs = opened->epochs();
    if (!epochs) return fail(command, epochs.error());
    const ValidatorSet& present = epochs->members();
    if (json) {
        auto members = nlohmann::ordered_json::array();
        for (const Validator& member : present.validators)
            members.push_back({{"key", to_hex(member.key.view())}, {"endpoint", member.endpoint}});
        std::cout << nlohmann::ordered_json{{"epoch", epochs->newest()},
                                            {"quorum", present.quorum()},
                                            {"members", members}}
                         .dump(2)
                  << '\n';
        return to_int(ExitCode::success);
    }
    std::cout << "epoch    " << epochs->newest()
              << (epochs->newest() == 0 ? ", as in genesis" : ", proof checked") << "\n         "
              << counted(present) << '\n';
    for (const Validator& member : present.validators)
        std::cout << to_hex(member.key.view()) << "  " << member.endpoint << '\n';
    return to_int(ExitCode::success);
}

int MembersDraft::run() const {
    constexpr std::string_view command = "kilter members draft";
    if (replace.empty() && add.empty() && remove.empty() && move.empty())
        return fail(command, Error{"say what is to change: --replace, --add, --remove or --move"},
                    ExitCode::usage);
    auto opened = Desk::open(desk);
    if (!opened) return fail(command, opened.error());
    const auto epochs = opened->epochs();
    if (!epochs) return fail(command, epochs.error());
    const ValidatorSet& present = epochs->members();
    settlement::MembersDocument document{
        opened->genesis().chain_id(), epochs->newest(), present, {}};
    if (auto applied = apply(*this, document.next); !applied) return fail(command, applied.error());
    if (document.next == present) return fail(command, Error{"this changes nothing"});
    if (auto written = write_output(out, document.text()); !written)
        return fail(command, written.error());
    std::cout << settlement::describe_members(present, document.next) << "then     "
              << counted(document.next) << "\nfile     " << out.string()
              << ": needs the signatures of " << present.quorum() << " of the present "
              << present.size()
              << " coordinators ('kilter-coordinator sign-members', one after the other)\n";
    return to_int(ExitCode::success);
}

void add_members(CLI::App& app, int& exit_code) {
    constexpr const char* key_help = "A key file that the coordinators let in: the operator's";
    CLI::App* members = app.add_subcommand("members", "Who orders a log, and who shall");
    members->require_subcommand(1);
    const auto show = std::make_shared<MembersShow>();
    CLI::App* command = members->add_subcommand("show", "The coordinators of the present epoch");
    show->desk.add_to(*command, DeskWork::reads, key_help);
    command->add_flag("--json", show->json, "Print JSON");
    command->footer("Example:\n  kilter members show --key operator.key --genesis genesis.bin");
    command->callback([show, &exit_code] { exit_code = show->run(); });
    const auto draft = std::make_shared<MembersDraft>();
    command = members->add_subcommand(
        "draft", "Draw up the next set of coordinators, for the present ones to sign");
    draft->desk.add_to(*command, DeskWork::reads, key_help);
    command->add_option("--replace", draft->replace,
                        "OLD=NEW@tcp://HOST:PORT: a coordinator's place goes to another key");
    command->add_option("--add", draft->add, "KEY@tcp://HOST:PORT: one more");
    command->add_option("--remove", draft->remove, "KEY: one less");
    command->add_option("--move", draft->move, "KEY@tcp://HOST:PORT: has another address");
    command->add_option("--out", draft->out, "The document")->capture_default_str();
    command->footer(
        "Example:\n  kilter members draft --replace 3f0c9a1e=NEWKEY@tcp://10.0.0.9:7100");
    command->callback([draft, &exit_code] { exit_code = draft->run(); });
}

}  // namespace kilter::cli
