#include "coordinator/cli/rules_desk.hpp"

#include <algorithm>
#include <iostream>

#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/log_store.hpp"
#include "common/topology/files.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {

namespace {
constexpr UnixMs statement_life_ms = UnixMs{12} * 3'600'000;
}  // namespace

void RulesOptions::add_to(CLI::App& command, bool signs) {
    command.add_option("--key", key_file, "Your key file: it must hold an office, or be a home's")
        ->capture_default_str();
    command.add_option("--genesis", genesis_file, "The log's genesis document")
        ->capture_default_str();
    command.add_option("--store", store,
                       "Without a connection: read the docket from this store (log.db)");
    if (signs)
        command.add_option("--entry", entry,
                           "Without a connection: write the signed entry here, to be put into a "
                           "coordinator's submit folder");
    command.add_option("--seconds-max", seconds_max, "How long to wait for an answer of the log")
        ->capture_default_str();
}

Result<RulesDesk> RulesDesk::open(const RulesOptions& options) {
    RulesDesk out;
    out.options_ = options;
    auto document = topology::read_text_file(options.genesis_file);
    if (!document) return document.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*document));
    if (!genesis) return Error{options.genesis_file.string() + ": " + genesis.error().message};
    out.genesis_ = std::make_unique<settlement::Genesis>(*std::move(genesis));
    auto key = storage::read_key_file(options.key_file);
    if (!key) return key.error();
    out.identity_ = std::make_unique<crypto::Identity>(std::move(*key));
    out.line_ = std::make_unique<LogConnection>(*out.genesis_, *out.identity_, options.seconds_max);
    return out;
}

Result<settlement::CertifiedDocket> RulesDesk::newest() {
    settlement::CertifiedDocket out{governance::Docket(genesis_->rules()), 0};
    if (!options_.store.empty()) {
        const auto store = storage::LogStore::open_read_only(store_file(options_.store));
        if (!store) return store.error();
        const settlement::Ledger ledger(*genesis_);
        const auto image = store->load(ledger);
        if (!image) return image.error();
        if (image->state) out = {settlement::docket(*image->state, *genesis_), image->tip.height};
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

Result<void> RulesDesk::propose(const governance::Proposal& proposal) {
    const UnixMs now = runtime::now_ms();
    return append(*settlement::make_entry(proposal, genesis_->chain_id(),
                                          static_cast<std::uint64_t>(now), now + statement_life_ms,
                                          *identity_));
}

Result<void> RulesDesk::state(const governance::Statement& statement) {
    const UnixMs now = runtime::now_ms();
    return append(*settlement::make_entry(statement, genesis_->chain_id(),
                                          static_cast<std::uint64_t>(now), now + statement_life_ms,
                                          *identity_));
}

Result<void> RulesDesk::append(const consensus::SealedEntry& entry) {
    if (!options_.entry.empty()) {
        auto written = runtime::replace_file(
            options_.entry,
            {reinterpret_cast<const char*>(entry.encoded.data()), entry.encoded.size()});
        if (written)
            std::cout << "entry    " << short_hex(entry.id.view()) << ", signed in "
                      << options_.entry.string()
                      << ": put it into a coordinator's state/submit folder within 12 hours\n";
        return written;
    }
    const auto receipt = line_->submit(entry);
    if (!receipt) return receipt.error();
    std::cout << "entry    " << to_hex(entry.id.view()) << "\non log   height "
              << consensus::decode_receipt(*receipt)->header.height << ", proof checked\n";
    return {};
}

}  // namespace kilter::cli
