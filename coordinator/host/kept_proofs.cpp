#include "coordinator/host/kept_proofs.hpp"

#include <spdlog/spdlog.h>

#include "common/consensus/epoch.hpp"
#include "common/consensus/state_proof.hpp"
#include "common/runtime/files.hpp"
#include "common/settlement/certified_docket.hpp"
#include "common/settlement/certified_roster.hpp"
#include "common/settlement/docket_state.hpp"
#include "common/topology/files.hpp"
#include "coordinator/log/outgoing_mail.hpp"

namespace kilter::coordinator {

namespace {

constexpr const char* roster_file = "roster.receipt";
constexpr const char* rules_file = "rules.proof";
constexpr const char* epochs_file = "log.epochs";

}  // namespace

void KeptProofs::keep(const std::string& name, const Bytes& proof) {
    unwritten_.erase(name);
    const auto written = write(name, proof);
    if (written) return;
    spdlog::error("{}; it is tried again until it is written", written.error().message);
    unwritten_.emplace(name, proof);
}

void KeptProofs::retry() {
    std::erase_if(unwritten_, [&](const auto& one) { return write(one.first, one.second).ok(); });
}

Result<void> KeptProofs::write(const std::string& name, const Bytes& proof) const {
    return runtime::replace_file(directory_ / name,
                                 {reinterpret_cast<const char*>(proof.data()), proof.size()});
}

std::optional<Bytes> KeptProofs::kept(const std::string& name) const {
    if (const auto waits = unwritten_.find(name); waits != unwritten_.end()) return waits->second;
    const auto text = topology::read_text_file(directory_ / name);
    return text ? std::optional(to_bytes(as_bytes(*text))) : std::nullopt;
}

std::optional<wire::RosterUpdate> KeptProofs::roster(const settlement::Roster& roster,
                                                     storage::LogStore& store) {
    Bytes receipt;
    if (const auto stored = store.receipt_for_key(settlement::roster_key(roster.epoch))) {
        receipt = consensus::encode(*stored);
        keep(roster_file, receipt);
    } else {
        receipt = kept(roster_file).value_or(Bytes{});
    }
    wire::RosterUpdate update{std::move(receipt), settlement::encode(roster)};
    if (settlement::certified_roster(genesis_, update.receipt, update.roster)) {
        update.receipt = fitting(*consensus::decode_receipt(update.receipt));
        return update;
    }
    spdlog::warn(
        "the proof of roster epoch {} is not in this store any more: other coordinators "
        "have to show it",
        roster.epoch);
    return std::nullopt;
}

std::optional<wire::RulesUpdate> KeptProofs::rules(const consensus::Finalised& final,
                                                   const consensus::LedgerState& state,
                                                   storage::LogStore& store) {
    const auto proof =
        consensus::make_state_proof(final, state, settlement::docket_key(), store.epochs());
    if (!proof) return std::nullopt;
    wire::RulesUpdate update{consensus::encode(*proof)};
    keep(rules_file, update.proof);
    return update;
}

std::optional<wire::RulesUpdate> KeptProofs::kept_rules(std::uint64_t edition,
                                                        consensus::Height next) const {
    auto proof = kept(rules_file);
    if (!proof) return std::nullopt;
    const auto shown = settlement::certified_docket(genesis_, *proof);
    if (!shown || shown->docket.edition(next) != edition) return std::nullopt;
    return wire::RulesUpdate{std::move(*proof)};
}

void KeptProofs::keep_epochs(std::vector<consensus::EpochProof> proofs) {
    keep(epochs_file,
         consensus::encode(consensus::EpochsFile{genesis_.chain_id(), std::move(proofs)}));
}

}  // namespace kilter::coordinator
