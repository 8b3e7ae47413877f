#include "coordinator/cli/operator_desk.hpp"

#include <algorithm>

#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/log_store.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {

namespace {

constexpr UnixMs entry_life_ms =
    UnixMs{12} * 3'600'000;  // an entry in a file may be carried about for a while

}  // namespace

void OperatorOptions::add_to(CLI::App& command) {
    command.add_option("--key", key_file, "The operator's key file")->capture_default_str();
    command.add_option("--genesis", genesis_file, "The log's genesis document")
        ->capture_default_str();
    auto* from = command.add_option(
        "--store", store, "Without a connection: read the roster from this store (log.db)");
    command
        .add_option("--entry", entry,
                    "Without a connection: write the signed entry here, to be put into a "
                    "coordinator's submit folder")
        ->needs(from);
    from->needs("--entry");
    command.add_option("--seconds-max", seconds_max, "How long to wait for an answer of the log")
        ->capture_default_str();
}

Result<OperatorDesk> OperatorDesk::open(const OperatorOptions& options) {
    OperatorDesk out;
    out.options_ = options;
    auto document = topology::read_text_file(options.genesis_file);
    if (!document) return document.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*document));
    if (!genesis) return Error{options.genesis_file.string() + ": " + genesis.error().message};
    out.genesis_ = std::make_unique<settlement::Genesis>(*std::move(genesis));
    auto key = storage::read_key_file(options.key_file);
    if (!key) return key.error();
    out.identity_ = std::make_unique<crypto::Identity>(std::move(*key));
    if (out.identity_->public_key() != out.genesis_->operator_key)
        return Error{options.key_file.string() + " is not the key of this log's operator (" +
                     short_hex(out.genesis_->operator_key.view()) +
                     "): name the operator's key file with --key"};
    out.line_ = std::make_unique<LogConnection>(*out.genesis_, *out.identity_, options.seconds_max);
    return out;
}

// ---- the roster ------------------------------------------------------------------------------------------------

Result<settlement::Roster> OperatorDesk::newest_roster() {
    return options_.store.empty() ? roster_of_coordinators() : roster_of_store();
}

Result<settlement::Roster> OperatorDesk::roster_of_store() const {
    const auto store = storage::LogStore::open_read_only(store_file(options_.store));
    if (!store) return store.error();
    if (store->genesis().chain_id() != genesis_->chain_id())
        return Error{options_.store.string() + " is of another log than " +
                     options_.genesis_file.string()};
    const settlement::Ledger ledger(*genesis_);
    const auto image = store->load(ledger);
    if (!image) return image.error();
    return image->state ? settlement::roster(*image->state) : settlement::Roster{};
}

Result<settlement::Roster> OperatorDesk::roster_of_coordinators() {
    settlement::Roster newest;
    const auto shown = line_->ask(
        [&](const wire::Message& message) {
            const auto* update = std::get_if<wire::RosterUpdate>(&message);
            if (update == nullptr) return;
            auto roster = settlement::certified_roster(*genesis_, update->receipt, update->roster);
            if (roster && roster->roster.epoch > newest.epoch) newest = std::move(roster->roster);
        },
        [&](const auto& claims) {
            return std::all_of(claims.begin(), claims.end(), [&](const auto& claim) {
                return claim.second.roster_epoch <= newest.epoch;
            });
        },
        "no coordinator showed the roster");
    if (!shown) return shown.error();
    return newest;
}

// ---- changes ---------------------------------------------------------------------------------------------------

Result<AppendedChange> OperatorDesk::append(const settlement::Roster& before,
                                            std::vector<settlement::Removal> removals,
                                            std::vector<settlement::RosterMember> grants) {
    const UnixMs now = runtime::now_ms();
    const auto touched = [&](const crypto::PublicKey& key) {
        const auto is_it = [&](const auto& item) { return item.key == key; };
        return std::any_of(removals.begin(), removals.end(), is_it) ||
               std::any_of(grants.begin(), grants.end(), is_it);
    };
    for (const auto& member : before.members)
        if (now >= member.valid_until_ms && !touched(member.key))
            removals.push_back({member.key, false});
    const auto change = settlement::make_change(before, std::move(removals), std::move(grants));
    if (!change) return change.error();
    auto after = settlement::apply(before, *change);
    if (!after) return after.error();
    const auto entry =
        settlement::make_entry(*change, genesis_->chain_id(), static_cast<std::uint64_t>(now),
                               now + entry_life_ms, *identity_);
    AppendedChange out{*std::move(after), std::nullopt};
    if (!options_.entry.empty()) {
        if (auto written = write_entry(*entry); !written) return written.error();
        return out;
    }
    auto receipt = line_->submit(*entry);
    if (!receipt) return receipt.error();
    out.receipt = *std::move(receipt);
    return out;
}

Result<void> OperatorDesk::write_entry(const consensus::SealedEntry& entry) const {
    return runtime::replace_file(
        options_.entry,
        {reinterpret_cast<const char*>(entry.encoded.data()), entry.encoded.size()});
}

}  // namespace kilter::cli
