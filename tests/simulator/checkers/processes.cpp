#include "tests/simulator/checkers/processes.hpp"

#include "common/base/limits.hpp"

namespace kilter::consensus::simulation {

ProcessChecker::ProcessChecker(Report& report,
                               ChainId chain,
                               ValidatorSet validators,
                               std::size_t addresses)
    : report_(report), chain_(chain), epochs_{{0, std::move(validators)}}, last_(addresses) {}

void ProcessChecker::complain(std::string_view invariant,
                              Address address,
                              const std::string& what) {
    report_.violation(invariant, "process " + std::to_string(address) + ": " + what);
}

void ProcessChecker::go_on(Address address,
                           Epoch epoch,
                           const ReplicaStatus& status,
                           const char* when) {
    const auto& [old_epoch, before] = last_[address];
    if (epoch < old_epoch || status.final_height < before.final_height)
        complain("S7", address, std::string("its epoch or its final block went back ") + when);
    else if (epoch == old_epoch &&
             (status.view < before.view || status.final_view < before.final_view))
        complain("S7", address, std::string("its view went back ") + when);
    last_[address] = {epoch, status};
}

void ProcessChecker::on_turn(
    Address address, const ReplicaStatus& status, bool timer, const Image& disk, Epoch epoch) {
    go_on(address, epoch, status, "in a turn");
    if (status.mempool > limits::mempool_entries_max) complain("S17", address, "mempool too large");
    // At most three votes in each view since the last final block.
    if (disk.snapshots() > 2) complain("S17", address, "more than two snapshots");
    if (disk.journal_size() > 3 * (status.view - disk.tip_view()))
        complain("S17", address, "a journal of " + std::to_string(disk.journal_size()) + " votes");
    if (status.has_work && !timer) complain("L3", address, "work, and no timer runs");
}

void ProcessChecker::on_boot(Address address, const ReplicaStatus& status, Epoch epoch) {
    go_on(address, epoch, status, "over a restart");
}

void ProcessChecker::on_evidence(const Evidence& evidence, bool signer_is_honest) {
    if (signer_is_honest)
        complain("S15", evidence.first.signer, "honest, and accused");
    else if (const auto members = epochs_.find(evidence.first.epoch);
             members == epochs_.end() || !contradict(evidence.first, evidence.second) ||
             !verify(evidence.first, chain_, members->second) ||
             !verify(evidence.second, chain_, members->second))
        complain("S15", evidence.first.signer, "accused by evidence that proves nothing");
    ++accusations_;
}

void ProcessChecker::on_halt(Address address, const std::string& reason) {
    complain("S1", address, "halted: " + reason);
}

}  // namespace kilter::consensus::simulation
