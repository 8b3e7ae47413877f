#include "coordinator/cli/correct.hpp"

#include <iostream>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/cli/table.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/book_file.hpp"
#include "coordinator/cli/log_entries.hpp"
#include "coordinator/cli/rules.hpp"

namespace kilter::cli {

namespace {

constexpr std::string_view correct_command = "kilter correct";

void print(const products::Cascade& cascade) {
    std::cout << cascade.intervals.size() << " intervals come out differently";
    if (!cascade.intervals.empty())
        std::cout << ", from " << cascade.posting.first << " to " << cascade.posting.last;
    std::cout << "\n\n";
    Table products({{"product", false}, {"moved, micro-EUR"}});
    for (const auto& [product, moved] : cascade.moved_micro_eur)
        products.add({product, std::to_string(moved)});
    std::cout << products.text() << '\n';
    Table accounts({{"account", false}, {"gains, micro-EUR"}, {"certificates, Wh"}});
    auto certificates = cascade.certificates_wh;
    for (const auto& [account, gained] : cascade.gained_micro_eur)
        accounts.add({account, std::to_string(gained), std::to_string(certificates[account])});
    std::cout << accounts.text();
}

Json json_of(const products::Cascade& cascade, const settlement::Correction& correction) {
    Json transfers = Json::array();
    for (const products::Transfer& one : cascade.posting.transfers)
        transfers.push_back({{"from", one.from},
                             {"to", one.to},
                             {"micro_eur", one.amount_micro_eur},
                             {"product", one.product}});
    return {{"digest", to_hex(settlement::digest_of(correction).view())},
            {"kind", governance::name_of(correction.subject)},
            {"replaces", to_hex(correction.replaces.view())},
            {"intervals", cascade.intervals},
            {"moved_micro_eur", cascade.moved_micro_eur},
            {"gained_micro_eur", cascade.gained_micro_eur},
            {"certificates_wh", cascade.certificates_wh},
            {"transfers", transfers}};
}

// The case that has brought the correction into force on the log of this store.
Result<std::uint32_t> deciding_case(const std::filesystem::path& path,
                                    const settlement::Correction& correction) {
    const auto store = storage::LogStore::open_read_only(store_file(path));
    if (!store) return store.error();
    const settlement::Ledger ledger(store->genesis());
    const auto image = store->load(ledger);
    if (!image) return image.error();
    const auto number =
        image->state
            ? settlement::decided_by(correction, settlement::cases(*image->state, store->genesis()),
                                     image->tip.height + 1)
            : std::nullopt;
    if (number) return *number;
    return Error{"no case in force on this log decides the correction " +
                 short_hex(settlement::digest_of(correction).view()) +
                 ": propose it without --post, and have it approved"};
}

}  // namespace

int CorrectCommand::run() const {
    auto books = load_books(book);
    if (!books) return fail(correct_command, books.error());
    const auto wanted = load_correction(correction);
    if (!wanted) return fail(correct_command, wanted.error());
    std::string cause = governance::name_of(wanted->subject);
    if (post) {
        const auto number = deciding_case(desk.store, *wanted);
        if (!number) return fail(correct_command, number.error());
        cause += ", case " + std::to_string(*number);
    }
    const auto cascade =
        post ? books->correct(cause, wanted->facts) : books->cascade(cause, wanted->facts);
    if (!cascade) return fail(correct_command, cascade.error());
    if (json)
        std::cout << json_of(*cascade, *wanted).dump(2) << '\n';
    else
        print(*cascade);
    if (dry_run || post) return to_int(ExitCode::success);
    auto opened = Desk::open(desk);
    if (!opened) return fail(correct_command, opened.error());
    const auto done =
        opened->append(governance::Proposal{settlement::action_of(*wanted), 0, reason});
    if (!done) return fail(correct_command, done.error());
    print_entry(*opened, *done);
    return to_int(ExitCode::success);
}

void add_correct(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<CorrectCommand>();
    CLI::App* command =
        app.add_subcommand("correct", "Correct what was settled: show, propose, post");
    command->add_option("BOOK", options->book, "The feeder's books")->required();
    command->add_option("CORRECTION", options->correction, "The facts as they should have been")
        ->required();
    auto* dry = command->add_flag("--dry-run", options->dry_run,
                                  "Show what would change, and propose nothing");
    command
        ->add_flag("--post", options->post,
                   "Show what is posted, if a case in force on the log of --store decides it")
        ->excludes(dry);
    command->add_option("--reason", options->reason, "Why, for everybody to read");
    command->add_flag("--json", options->json, "Print JSON");
    options->desk.add_to(*command, DeskWork::signs, office_key_help);
    command->footer("Example:\n  kilter correct book.json meter-17.json --dry-run");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
