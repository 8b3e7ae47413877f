#include "coordinator/cli/log_verify.hpp"

#include <algorithm>
#include <iostream>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/progress.hpp"
#include "common/cli/table.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/log_entries.hpp"
#include "coordinator/cli/log_prove.hpp"

namespace kilter::cli {
namespace {

constexpr const char* log_verify_command = "kilter log verify";

/// An entry is proved by what an agent would be given: its receipt, checked by the light client
/// alone.
std::optional<std::string> check_receipts(const storage::LogStore& store, StoreCheck& check) {
    const consensus::ChainId chain = store.genesis().chain_id();
    for (const settlement::CheckedEntry& entry : check.entries) {
        const std::string which = "entry " + std::to_string(entry.index);
        const auto receipt = store.receipt(entry.entry->id);
        if (!receipt) return which + " has no receipt";
        const auto verdict = consensus::verify(*receipt, chain, store.genesis().validators);
        if (verdict != consensus::ReceiptVerdict::valid)
            return which + ": " + consensus::describe(verdict);
        if (receipt->index != entry.index)
            return which + " has the receipt of another place in the log";
        ++check.receipts;
    }
    return std::nullopt;
}

std::optional<std::string> check_store(StoreCheck& check,
                                       std::optional<settlement::Genesis>& genesis,
                                       Progress& progress) {
    const auto store = storage::LogStore::open_read_only(check.file);
    if (!store) return store.error().message;
    if (!genesis) genesis = store->genesis();
    if (store->genesis() != *genesis)
        return "belongs to another log: its chain is " +
               to_hex(store->genesis().chain_id().view()) + ", expected " +
               to_hex(genesis->chain_id().view());

    const auto height = static_cast<double>(store->height());
    const auto report = store->verify([&](const settlement::CheckedEntry& entry) {
        check.entries.push_back(entry);
        progress.show("verifying " + check.file.string(), static_cast<double>(entry.height),
                      height);
    });
    if (!report) return report.error().message;
    check.report = *report;

    for (consensus::Height h = 1; h <= report->blocks; ++h) {
        const auto block = store->block(h);
        if (!block) return block.error().message;
        check.blocks.push_back(block->block->hash);
    }
    return check_receipts(*store, check);
}

/// A fork shows as two replicas with different blocks at one height, however well each store
/// verifies by itself.
void compare(std::vector<StoreCheck>& checks, bool same_height) {
    const auto longest = std::max_element(
        checks.begin(), checks.end(),
        [](const auto& a, const auto& b) { return a.blocks.size() < b.blocks.size(); });
    for (StoreCheck& check : checks) {
        if (check.fault) continue;
        const auto differs =
            std::mismatch(check.blocks.begin(), check.blocks.end(), longest->blocks.begin());
        if (differs.first != check.blocks.end())
            check.fault = "FORK: its block at height " +
                          std::to_string(differs.first - check.blocks.begin() + 1) +
                          " is not that of " + longest->file.string();
        else if (same_height && check.blocks.size() < longest->blocks.size())
            check.fault = "ends at height " + std::to_string(check.blocks.size()) + ", " +
                          longest->file.string() + " at " + std::to_string(longest->blocks.size());
    }
}

std::vector<std::string> failures(const std::vector<StoreCheck>& checks) {
    std::vector<std::string> out;
    for (const StoreCheck& check : checks)
        if (check.fault) out.push_back(check.file.string() + ": " + *check.fault);
    return out;
}

/// How many stores hold this very entry, signature included, in this place.
std::size_t holders(const std::vector<StoreCheck>& checks, const settlement::CheckedEntry& entry) {
    return static_cast<std::size_t>(
        std::count_if(checks.begin(), checks.end(), [&](const StoreCheck& check) {
            return entry.index < check.entries.size() &&
                   check.entries[entry.index].entry->leaf == entry.entry->leaf;
        }));
}

const StoreCheck& most_entries(const std::vector<StoreCheck>& checks) {
    return *std::max_element(checks.begin(), checks.end(), [](const auto& a, const auto& b) {
        return a.entries.size() < b.entries.size();
    });
}

void print(const std::vector<StoreCheck>& checks,
           const std::optional<settlement::Genesis>& genesis,
           bool genesis_given) {
    const std::int64_t interval_s = genesis ? interval_seconds(*genesis) : 0;
    if (genesis)
        std::cout
            << "chain " << to_hex(genesis->chain_id().view()) << "\n"
            << (genesis_given
                    ? "checked against the genesis document given\n"
                    : "checked against the genesis document in the store itself; give --genesis to "
                      "check whose log this is\n");
    Table entries(
        {{"entry"}, {"height"}, {"id", false}, {"stores"}, {"author", false}, {"what", false}});
    for (const auto& entry : most_entries(checks).entries)
        entries.add({std::to_string(entry.index), std::to_string(entry.height),
                     short_hex(entry.entry->id.view()),
                     std::to_string(holders(checks, entry)) + "/" + std::to_string(checks.size()),
                     short_hex(entry.entry->entry.author.view()),
                     entry_text(entry.entry->entry, interval_s)});
    std::cout << entries.text() << '\n';

    Table stores({{"store", false},
                  {"blocks"},
                  {"entries"},
                  {"receipts"},
                  {"certificates"},
                  {"signatures"},
                  {"log root", false},
                  {"verdict", false}});
    for (const StoreCheck& check : checks)
        stores.add({check.file.string(), std::to_string(check.blocks.size()),
                    std::to_string(check.entries.size()), std::to_string(check.receipts),
                    std::to_string(check.report.certificates),
                    std::to_string(check.report.signatures),
                    short_hex(check.report.log_root.view()), check.fault ? "FAULT" : "verified"});
    std::cout << stores.text() << std::flush;
}

void print_json(const std::vector<StoreCheck>& checks,
                const std::optional<settlement::Genesis>& genesis,
                bool genesis_given) {
    const std::int64_t interval_s = genesis ? interval_seconds(*genesis) : 0;
    Json stores = Json::array();
    for (const StoreCheck& check : checks) {
        stores.push_back({{"store", check.file.string()},
                          {"verified", !check.fault},
                          {"fault", check.fault ? Json(*check.fault) : Json(nullptr)},
                          {"blocks", check.blocks.size()},
                          {"entries", check.entries.size()},
                          {"receipts", check.receipts},
                          {"certificates", check.report.certificates},
                          {"signatures", check.report.signatures},
                          {"log_root", to_hex(check.report.log_root.view())},
                          {"state_root", to_hex(check.report.state_root.view())}});
    }
    Json entries = Json::array();
    for (const auto& entry : most_entries(checks).entries) {
        entries.push_back(entry_json(entry, interval_s));
        entries.back()["stores"] = holders(checks, entry);
    }
    std::cout << Json{{"verified", failures(checks).empty()},
                      {"chain", genesis ? Json(to_hex(genesis->chain_id().view())) : Json(nullptr)},
                      {"genesis_given", genesis_given},
                      {"stores", stores},
                      {"entries", entries}}
                     .dump(2)
              << '\n';
}

}  // namespace

int LogVerify::run() const {
    if (std::all_of(stores.begin(), stores.end(), is_proof)) {
        int worst = to_int(ExitCode::success);
        for (const std::filesystem::path& proof : stores)
            worst = std::max(worst, LogCheck{genesis, proof}.run());
        return worst;
    }
    std::optional<settlement::Genesis> reference;
    if (!genesis.empty()) {
        auto read = read_genesis(genesis);
        if (!read) return fail(log_verify_command, read.error());
        reference = std::move(*read);
    }
    std::vector<StoreCheck> checks;
    {
        Progress progress;
        for (const std::filesystem::path& path : stores) {
            checks.emplace_back().file = store_file(path);
            checks.back().fault = check_store(checks.back(), reference, progress);
        }
    }
    compare(checks, same_height);

    if (json)
        print_json(checks, reference, !genesis.empty());
    else
        print(checks, reference, !genesis.empty());
    const std::vector<std::string> faults = failures(checks);
    for (const std::string& fault : faults)
        std::cerr << "FAULT " << fault << '\n';
    if (!faults.empty()) {
        std::cerr << "NOT VERIFIED: " << faults.size() << " of " << checks.size()
                  << " stores must not be relied on\n";
        return to_int(ExitCode::not_verified);
    }
    if (!json) std::cout << "verified\n";
    return to_int(ExitCode::success);
}

void add_log_verify(CLI::App& log, int& exit_code) {
    const auto options = std::make_shared<LogVerify>();
    CLI::App* command =
        log.add_subcommand("verify", "Check stores of a log as an outsider, and with each other");
    command
        ->add_option("PATH", options->stores,
                     "Stores, state directories of coordinators, or proofs and archives")
        ->required();
    command->add_option("--genesis", options->genesis, "The genesis document to check against")
        ->check(CLI::ExistingFile);
    command->add_flag("--same-height", options->same_height,
                      "A replica that is behind the others is a fault");
    command->add_flag("--json", options->json, "Print JSON");
    command->footer(
        "Exit code 3 when anything is wrong.\nExample:\n  kilter log verify --genesis genesis.bin "
        "coordinator-0 coordinator-1/log.db");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
