#include "coordinator/cli/operator_desk.hpp"

#include <set>

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
    UnixMs{12} * 3'600'000;          // an entry in a file may be carried about for a while
constexpr UnixMs others_ms = 1'500;  // to hear whether another coordinator has a newer roster
constexpr std::chrono::milliseconds tick{50};

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
    out.genesis_ = *std::move(genesis);
    auto key = storage::read_key_file(options.key_file);
    if (!key) return key.error();
    out.identity_ = std::make_unique<crypto::Identity>(std::move(*key));
    if (out.identity_->public_key() != out.genesis_.operator_key)
        return Error{options.key_file.string() + " is not the key of this log's operator (" +
                     short_hex(out.genesis_.operator_key.view()) +
                     "): name the operator's key file with --key"};
    return out;
}

Error OperatorDesk::silence(const std::string& what) const {
    return {what + " within " + std::to_string(options_.seconds_max) +
            " s: see whether the coordinators run and can be reached, wait longer with "
            "--seconds-max, or work without a connection with --store and --entry"};
}

// ---- the roster ------------------------------------------------------------------------------------------------

Result<settlement::Roster> OperatorDesk::newest_roster() {
    return options_.store.empty() ? roster_of_coordinators() : roster_of_store();
}

Result<settlement::Roster> OperatorDesk::roster_of_store() const {
    const auto store = storage::LogStore::open_read_only(store_file(options_.store));
    if (!store) return store.error();
    if (store->genesis().chain_id() != genesis_.chain_id())
        return Error{options_.store.string() + " is of another log than " +
                     options_.genesis_file.string()};
    const settlement::Ledger ledger(genesis_);
    const auto image = store->load(ledger);
    if (!image) return image.error();
    return image->state ? settlement::roster(*image->state) : settlement::Roster{};
}

Result<void> OperatorDesk::connect() {
    if (hub_) return {};
    auto hub = transport::Hub::open(*identity_, {});
    if (!hub) return hub.error();
    hub_ = std::move(*hub);
    for (const auto& validator : genesis_.validators.validators)
        if (auto linked = hub_->connect(validator.key, validator.endpoint); !linked) return linked;
    return {};
}

Result<settlement::Roster> OperatorDesk::roster_of_coordinators() {
    if (auto connected = connect(); !connected) return connected.error();
    const auto& validators = genesis_.validators.validators;
    const crypto::Digest chain = crypto::Digest::from(genesis_.chain_id().view());
    std::set<crypto::PublicKey> asked;
    std::map<crypto::PublicKey, std::uint64_t> claimed;
    settlement::Roster newest;
    const UnixMs give_up = runtime::now_ms() + 1'000 * UnixMs{options_.seconds_max};
    UnixMs enough = give_up;
    for (UnixMs now = runtime::now_ms(); now < give_up; now = runtime::now_ms()) {
        for (const auto& validator : validators)
            if (!asked.contains(validator.key) && hub_->connected(validator.key) &&
                hub_->send(validator.key, wire::Hello{chain, 0}))
                asked.insert(validator.key);
        while (const auto received = hub_->receive()) {
            if (const auto* hello = std::get_if<wire::Hello>(&received->message)) {
                claimed[received->from] = hello->roster_epoch;
                enough = std::min(enough, runtime::now_ms() + others_ms);
            } else if (const auto* refusal = std::get_if<wire::Refusal>(&received->message)) {
                return Error{"coordinator " + short_hex(received->from.view()) +
                             " refused: " + refusal->reason};
            } else if (const auto* update = std::get_if<wire::RosterUpdate>(&received->message)) {
                auto shown =
                    settlement::certified_roster(genesis_, update->receipt, update->roster);
                if (shown && shown->roster.epoch > newest.epoch) newest = std::move(shown->roster);
            }
        }
        const bool proved = std::all_of(claimed.begin(), claimed.end(), [&](const auto& claim) {
            return claim.second <= newest.epoch;
        });
        if (!claimed.empty() && proved && (claimed.size() == validators.size() || now >= enough))
            return newest;
        hub_->wait(tick);
    }
    return silence("no coordinator showed the roster");
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
        settlement::make_entry(*change, genesis_.chain_id(), static_cast<std::uint64_t>(now),
                               now + entry_life_ms, *identity_);
    AppendedChange out{*std::move(after), std::nullopt};
    if (!options_.entry.empty()) {
        if (auto written = write_entry(*entry); !written) return written.error();
        return out;
    }
    auto receipt = submit(*entry);
    if (!receipt) return receipt.error();
    out.receipt = *std::move(receipt);
    return out;
}

Result<void> OperatorDesk::write_entry(const consensus::SealedEntry& entry) const {
    return runtime::replace_file(
        options_.entry,
        {reinterpret_cast<const char*>(entry.encoded.data()), entry.encoded.size()});
}

Result<Bytes> OperatorDesk::submit(const consensus::SealedEntry& entry) {
    if (auto connected = connect(); !connected) return connected.error();
    std::set<crypto::PublicKey> told;
    const UnixMs give_up = runtime::now_ms() + 1'000 * UnixMs{options_.seconds_max};
    while (runtime::now_ms() < give_up) {
        for (const auto& validator : genesis_.validators.validators)
            if (!told.contains(validator.key) && hub_->connected(validator.key) &&
                hub_->send(validator.key, wire::Submit{entry.encoded}))
                told.insert(validator.key);
        while (const auto received = hub_->receive()) {
            if (const auto* refusal = std::get_if<wire::Refusal>(&received->message))
                return Error{"the log refuses it: " + refusal->reason};
            const auto* certified = std::get_if<wire::CertifiedEntry>(&received->message);
            if (certified == nullptr) continue;
            const auto receipt = consensus::decode_receipt(certified->receipt);
            if (!receipt || consensus::encode(receipt->entry) != entry.encoded) continue;
            const auto verdict =
                consensus::verify(*receipt, genesis_.chain_id(), genesis_.validators);
            if (verdict == consensus::ReceiptVerdict::valid) return certified->receipt;
        }
        hub_->wait(tick);
    }
    return silence("the change did not come on the log");
}

}  // namespace kilter::cli
