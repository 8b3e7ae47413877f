#include "tests/simulator/watch.hpp"

namespace kilter::consensus::simulation {

Watch::Watch(Table& table, std::set<ReplicaIndex> byzantine)
    : table_(table),
      byzantine_(std::move(byzantine)),
      votes_(report_),
      certificates_(
          report_, table.config().chain, table.config().validators, [this](const Cert& cert) {
              std::size_t bodies = 0;
              for (Address address = 0; address < table_.size(); ++address)
                  if (!byzantine_.contains(table_.key(address)) &&
                      table_.disk(address).durable().holds_body(cert.hash))
                      ++bodies;
              return bodies;
          }) {}

void Watch::turned(Address address, const Outputs& outputs) {
    for (const Evidence& evidence : outputs.evidence) {
        ++accusations_;
        if (!byzantine_.contains(evidence.first.signer))
            report_.violation("S15", "replica " + std::to_string(evidence.first.signer) +
                                         " is honest, and accused");
    }
    if (byzantine_.contains(table_.key(address))) return;
    const Image& disk = table_.disk(address).durable();
    for (const Send& send : outputs.send) {
        if (const auto* vote = std::get_if<Vote>(&send.message))
            votes_.on_vote(*vote, disk.holds(*vote));
        if (const auto* proposal = std::get_if<Proposal>(&send.message))
            votes_.on_vote(proposal->vote, disk.holds(proposal->vote));
        if (const auto* cert = std::get_if<Cert>(&send.message))
            certificates_.on_certificate(*cert);
    }
    for (const Finalised& final : outputs.finalised) {
        const Header& header = final.block->header;
        const auto [known, fresh] = chain_.try_emplace(header.height, final.block->hash);
        if (!fresh && known->second != final.block->hash)
            report_.violation("S1", "two blocks at height " + std::to_string(header.height));
    }
    if (outputs.halt) report_.violation("S1", *outputs.halt);
}

}  // namespace kilter::consensus::simulation
