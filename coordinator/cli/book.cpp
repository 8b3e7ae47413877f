#include "coordinator/cli/book.hpp"

#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/book_file.hpp"
#include "coordinator/cli/log_entries.hpp"
#include "coordinator/cli/openings.hpp"

namespace kilter::cli {

namespace {

constexpr const char* book_command = "kilter book";

using products::FactKind;

class BookOfLog {
  public:
    BookOfLog(const SettledLog& log, const Json& contracts) : log_(log), contracts_(contracts) {
        for (const Json& home : contracts_.at("homes"))
            accounts_[home.at("key").get<std::string>()] = home.at("account").get<std::string>();
    }

    // Prices of the nets that homes are on.
    Result<void> take_prices() {
        std::set<std::uint32_t> nets;
        for (const Json& home : contracts_.at("homes"))
            nets.insert(home.at("net").get<std::uint32_t>());
        for (const std::uint32_t net : nets)
            for (IntervalIndex t = log_.period().first; t < log_.period().end; ++t) {
                const auto price = log_.context().prices().real_time(NetId{net}, t);
                if (!price) return price.error();
                add(FactKind::price, std::to_string(net), t, price->net);
            }
        return {};
    }

    // A decision counts from the first interval that was cleared under it.
    Result<void> take_decisions() {
        const auto decisions = log_.decisions();
        if (!decisions) return decisions.error();
        for (const governance::Case& one : *decisions) {
            const auto from = first_under(one.effective);
            if (!from) continue;
            if (const auto* tariff = std::get_if<governance::SetTariff>(&one.proposal.action))
                add(FactKind::tariff, tariff->name, *from, tariff->value);
            else if (const auto* rule = std::get_if<governance::SetRule>(&one.proposal.action))
                add(FactKind::rule, rule->rule, *from, rule->version);
        }
        return {};
    }

    Result<void> take_openings(const std::filesystem::path& file) {
        const auto text = topology::read_text_file(file);
        if (!text) return text.error();
        const auto document = settlement::OpeningDocument::decode(as_bytes(*text));
        if (!document) return Error{file.string() + ": " + document.error().message};
        const auto checked = check_openings(*document, log_);
        if (!checked) return Error{file.string() + ": " + checked.error().message};
        const auto account = accounts_.find(to_hex(checked->home.view()));
        if (account == accounts_.end())
            return Error{file.string() + ": the contracts name no home with the key " +
                         to_hex(checked->home.view())};
        const FactKind kind = checked->positions ? FactKind::scheduled_wh : FactKind::read_wh;
        for (const auto& [t, energy_wh] : checked->energies_wh) {
            add(kind, account->second, t, energy_wh);
            if (!checked->positions) read_.emplace(account->second, t);
        }
        return {};
    }

    // What does not come from the log; it cannot say otherwise what does.
    Result<void> take_others(const Json& facts) {
        for (const Json& one : facts) {
            const auto kind = products::fact_kind_named(one.at(0).get<std::string>());
            if (!kind) return kind.error();
            if (*kind == FactKind::read_wh || *kind == FactKind::scheduled_wh ||
                *kind == FactKind::price || *kind == FactKind::tariff || *kind == FactKind::rule)
                return Error{std::string(products::name_of(*kind)) +
                             " comes from the log alone: open it with 'kilter disclose', or decide "
                             "it with 'kilter rules propose'"};
            facts_.push_back(one);
        }
        return {};
    }

    Result<Json> finish() {
        for (const auto& [key, account] : accounts_)
            for (IntervalIndex t = log_.period().first; t < log_.period().end; ++t)
                if (!read_.contains({account, t}))
                    return Error{account + " has not opened its read of interval " +
                                 std::to_string(t) + ": 'kilter disclose' of that home does it"};
        return Json{{"log", to_hex(log_.genesis().chain_id().view())},
                    {"log_root", to_hex(log_.report().log_root.view())},
                    {"contracts", contracts_},
                    {"facts", facts_},
                    {"settled", {{log_.period().first, log_.period().end}}}};
    }

  private:
    void add(FactKind kind, const std::string& name, IntervalIndex t, std::int64_t value) {
        facts_.push_back({products::name_of(kind), name, t, value});
    }

    [[nodiscard]] std::optional<IntervalIndex> first_under(consensus::Height height) const {
        for (IntervalIndex t = log_.period().first; t < log_.period().end; ++t)
            if (const auto cleared = log_.cleared_at(t); cleared && *cleared >= height) return t;
        return std::nullopt;
    }

    const SettledLog& log_;
    const Json& contracts_;
    std::map<std::string, std::string> accounts_;  // by key
    std::set<std::pair<std::string, IntervalIndex>> read_;
    Json facts_ = Json::array();
};

Result<Json> make_book(const BookCommand& command, const SettledLog& log) {
    const auto contracts = json_in_file(command.contracts);
    if (!contracts) return contracts.error();
    const auto others =
        command.facts.empty() ? Result<Json>(Json::array()) : json_in_file(command.facts);
    if (!others) return others.error();
    try {
        BookOfLog book(log, *contracts);
        if (auto done = book.take_prices(); !done) return done.error();
        if (auto done = book.take_decisions(); !done) return done.error();
        for (const auto& file : command.openings)
            if (auto done = book.take_openings(file); !done) return done.error();
        if (auto done = book.take_others(*others); !done) return done.error();
        return book.finish();
    } catch (const Json::exception& error) {
        return Error{"the contracts or facts lack something: " + std::string(error.what())};
    }
}

}  // namespace

int BookCommand::run() const {
    const auto opened = SettledLog::open(log, period);
    if (!opened) return fail(book_command, opened.error(), ExitCode::not_verified);
    const auto book = make_book(*this, *opened);
    if (!book) return fail(book_command, book.error(), ExitCode::not_verified);
    if (auto written = write_output(out, book->dump(1) + "\n"); !written)
        return fail(book_command, written.error());
    const auto settled = load_books(out);
    if (!settled) return fail(book_command, settled.error());
    std::cout << "a book of " << (*book)["facts"].size() << " facts from the log, and "
              << openings.size() << " openings that hold, in " << out.string() << '\n';
    for (const auto& [account, gained] : settled->balances())
        std::cout << account << "  " << gained << " micro-EUR\n";
    return to_int(ExitCode::success);
}

void add_book(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<BookCommand>();
    CLI::App* command = app.add_subcommand(
        "book", "Books of products from a log and what homes have opened of it, all checked");
    command->add_option("LOG", options->log, "A coordinator's directory or log.db")->required();
    command->add_option("--period", options->period, "2026-06, 2026-06-01 or FIRST:COUNT")
        ->required();
    command
        ->add_option("--contracts", options->contracts,
                     "JSON: the contracts of a book, each home with its key")
        ->required();
    command
        ->add_option("--openings", options->openings, "What 'kilter disclose' of the homes wrote")
        ->required();
    command->add_option("--facts", options->facts,
                        "JSON: calls, bands and other facts of contracts");
    command->add_option("--out", options->out, "The book")->required();
    command->footer(
        "Example:\n  kilter book coordinator-0 --period 2026-06-01 --contracts contracts.json "
        "--openings ana.openings ben.openings --out book.json");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
