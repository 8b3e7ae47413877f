#include "tests/simulator/checkers/processes.hpp"

#include "common/base/limits.hpp"

namespace kilter::consensus::simulation {

ProcessChecker::ProcessChecker(Report& report,
                               ChainId chain,
                               ValidatorSet validators,
                               std::size_t addresses)
    : report_(report), chain_(chain), validators_(std::move(validators)), last_(addresses) {}

void ProcessChecker::complain(std::string_view invariant,
                              Address address,
                              const std::string& what) {
    report_.violation(invariant, "process " + std::to_string(address) + ": " + what);
}

void ProcessChecker::on_turn(Address address,
                             const ReplicaStatus& status,
                             bool timer,
                             const Image& disk) {
    const ReplicaStatus& before = last_[address];
    if (status.view < before.view || status.final_view < before.final_view ||
        status.final_height < before.final_height)
        complain("S7", address, "its view or its final block went back");
    last_[address] = status;
    if (status.mempool > limits::mempool_entries_max) complain("S17", address, "mempool too large");
    // At most three votes in each view since the last final block.
    if (disk.journal_size() > 3 * (status.view - disk.tip_view()))
        complain("S17", address, "a journal of " + std::to_string(disk.journal_size()) + " votes");
    if (status.has_work && !timer) complain("L3", address, "work, and no timer runs");
}

void ProcessChecker::on_boot(Address address, const ReplicaStatus& status) {
    const ReplicaStatus& before = last_[address];
    if (status.view < before.view)
        complain("S7", address,
                 "restarted in view " + std::to_string(status.view) + " after view " +
                     std::to_string(before.view));
    if (status.final_view < before.final_view || status.final_height < before.final_height)
        complain("S7", address, "a restart lost final blocks");
    last_[address] = status;
}

void ProcessChecker::on_evidence(const Evidence& evidence, bool signer_is_honest) {
    if (signer_is_honest)
        complain("S15", evidence.first.signer, "honest, and accused");
    else if (!contradict(evidence.first, evidence.second) ||
             !verify(evidence.first, chain_, validators_) ||
             !verify(evidence.second, chain_, validators_))
        complain("S15", evidence.first.signer, "accused by evidence that proves nothing");
    ++accusations_;
}

void ProcessChecker::on_halt(Address address, const std::string& reason) {
    complain("S1", address, "halted: " + reason);
}

}  // namespace kilter::consensus::simulation
