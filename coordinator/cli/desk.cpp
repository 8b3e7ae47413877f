#include "coordinator/cli/desk.hpp"

#include <algorithm>

#include "common/runtime/loop.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/log_store.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/entry_file.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {

namespace {
// An entry in a file may be carried about for a while.
constexpr UnixMs entry_life_ms = UnixMs{12} * 3'600'000;

// Who orders the log, as far as genesis and this file say; no file: genesis alone.
Result<consensus::EpochTable> epochs_of(const settlement::Genesis& genesis,
                                        const std::filesystem::path& file) {
    consensus::EpochTable out(genesis.chain_id(), genesis.validators);
    if (file.empty()) return out;
    const auto text = topology::read_text_file(file);
    if (!text) return text.error();
    const auto epochs = consensus::decode_epochs_file(as_bytes(*text));
    if (!epochs) return Error{file.string() + ": " + epochs.error().message};
    if (epochs->chain != genesis.chain_id())
        return Error{file.string() + " is of another log than the genesis document"};
    (void)out.learn(epochs->proofs);
    if (out.newest() != epochs->proofs.size())
        return Error{file.string() + ": the proof of epoch " + std::to_string(out.newest() + 1) +
                     " does not hold"};
    return out;
}
}  // namespace

void DeskOptions::add_to(CLI::App& command, DeskWork work, const std::string& key_help) {
    command.add_option("--key", key_file, key_help)->capture_default_str();
    command.add_option("--genesis", genesis_file, "The log's genesis document")
        ->capture_default_str();
    command.add_option("--epochs", epochs,
                       "log.epochs of a coordinator: ask those who order the log by its proofs "
                       "instead of those that genesis names");
    auto* from = command.add_option(
        "--store", store, "Without a connection: read what is needed from this store (log.db)");
    if (work != DeskWork::reads) {
        auto* into = command.add_option(
            "--entry", entry,
            "Without a connection: write the signed entry here, to be put into a coordinator's "
            "submit folder");
        if (work == DeskWork::signs_from_store) {
            into->needs(from);
            from->needs(into);
        }
    }
    command.add_option("--seconds-max", seconds_max, "How long to wait for an answer of the log")
        ->capture_default_str();
}

Result<Desk> Desk::open(const DeskOptions& options) {
    Desk out;
    out.options_ = options;
    auto genesis = read_genesis(options.genesis_file);
    if (!genesis) return genesis.error();
    out.genesis_ = std::make_unique<settlement::Genesis>(*std::move(genesis));
    auto key = storage::read_key_file(options.key_file);
    if (!key) return key.error();
    out.identity_ = std::make_unique<crypto::Identity>(std::move(*key));
    auto epochs = epochs_of(*out.genesis_, options.epochs);
    if (!epochs) return epochs.error();
    out.line_ = std::make_unique<LogConnection>(*out.genesis_, *out.identity_, *std::move(epochs),
                                                options.seconds_max);
    return out;
}

Result<std::optional<Desk::Kept>> Desk::kept() const {
    const auto store = storage::LogStore::open_read_only(store_file(options_.store));
    if (!store) return store.error();
    if (store->genesis().chain_id() != genesis_->chain_id())
        return Error{options_.store.string() + " is of another log than " +
                     options_.genesis_file.string()};
    const settlement::Ledger ledger(*genesis_);
    const auto image = store->load(ledger);
    if (!image) return image.error();
    if (!image->state) return std::optional<Kept>{};
    return std::optional(Kept{image->state, image->tip.height});
}

Result<settlement::Roster> Desk::newest_roster() {
    if (!options_.store.empty()) {
        const auto state = kept();
        if (!state) return state.error();
        return *state ? settlement::roster(*(*state)->state) : settlement::Roster{};
    }
    settlement::Roster newest;
    const auto shown = line_->ask(
        [&](const wire::Message& message) {
            const auto* update = std::get_if<wire::RosterUpdate>(&message);
            if (update == nullptr) return;
            auto roster =
                settlement::certified_roster(line_->epochs(), update->receipt, update->roster);
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

Result<settlement::CertifiedDocket> Desk::newest_docket() {
    settlement::CertifiedDocket out{governance::Docket(genesis_->rules()), 0, {}, {}};
    if (!options_.store.empty()) {
        const auto state = kept();
        if (!state) return state.error();
        if (*state)
            out = {settlement::docket(*(*state)->state, *genesis_), (*state)->height, {}, {}};
        return out;
    }
    const auto shown = line_->ask(
        [&](const wire::Message& message) {
            const auto* update = std::get_if<wire::RulesUpdate>(&message);
            if (update == nullptr) return;
            auto docket = settlement::certified_docket(*genesis_, update->proof);
            if (docket && docket->height > out.height) out = *std::move(docket);
        },
        [&](const auto& claims) {
            return std::all_of(claims.begin(), claims.end(), [&](const auto& claim) {
                return claim.second.rules <= out.docket.edition(out.height + 1);
            });
        },
        "no coordinator showed the docket");
    if (!shown) return shown.error();
    return out;
}

Result<consensus::EpochTable> Desk::epochs() {
    if (!options_.store.empty()) {
        const auto store = storage::LogStore::open_read_only(store_file(options_.store));
        if (!store) return store.error();
        consensus::EpochTable out(genesis_->chain_id(), genesis_->validators);
        const auto proofs = store->epochs();
        if (!proofs.empty() && (!out.learn(proofs) || out.newest() != proofs.size()))
            return Error{options_.store.string() + " is of another log than " +
                         options_.genesis_file.string() + ", or damaged"};
        return out;
    }
    const auto shown = line_->ask([](const wire::Message&) {}, [](const auto&) { return true; },
                                  "no coordinator answered");
    if (!shown) return shown.error();
    return line_->epochs();
}

std::pair<std::uint64_t, UnixMs> Desk::now_and_later() {
    const UnixMs now = runtime::now_ms();
    return {static_cast<std::uint64_t>(now), now + entry_life_ms};
}

Result<Appended> Desk::append(const consensus::SealedEntry& entry) {
    if (!options_.entry.empty()) {
        if (auto written = write_entry(options_.entry, entry); !written) return written.error();
        return Appended{entry.id, std::nullopt};
    }
    auto receipt = line_->submit(entry);
    if (!receipt) return receipt.error();
    return Appended{entry.id, *std::move(receipt)};
}

std::string Desk::whereabouts(const Appended& appended) const {
    if (!appended.receipt)
        return "signed in " + options_.entry.string() +
               ": put it into a coordinator's state/submit folder within 12 hours";
    const auto receipt = consensus::decode_receipt(*appended.receipt);
    return "on the log as entry " + std::to_string(receipt->index) + " at height " +
           std::to_string(receipt->header.height) + ", proof checked";
}

}  // namespace kilter::cli
