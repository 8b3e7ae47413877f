// How scripts say what replicas do. Blocks are b<view>, and b<view>' for a second one of that view.
#include "tests/simulator/script.hpp"

namespace kilter::consensus::simulation {

namespace {
const char* name_of(VoteKind kind) {
    switch (kind) {
        case VoteKind::notar:
            return "notar";
        case VoteKind::skip:
            return "skip";
        case VoteKind::final:
            break;
    }
    return "final";
}
}  // namespace

std::string Script::name(const BlockHash& hash) const {
    const auto found = blocks_.find(hash);
    return found == blocks_.end() ? "unknown" : found->second;
}

void Script::learn(const Block& block) {
    if (blocks_.contains(block.hash)) return;
    std::string name = "b" + std::to_string(block.header.view);
    name.append(blocks_in_view_[block.header.view]++, '\'');
    blocks_[block.hash] = name;
    by_name_[name] = std::make_shared<const Block>(block);
}

std::string Script::describe(const Vote& vote) const {
    return std::string(name_of(vote.kind)) + ' ' + std::to_string(vote.view) +
           (vote.kind == VoteKind::skip ? "" : ' ' + name(vote.hash));
}

std::string Script::describe(const Cert& cert) const {
    std::string out = std::string(name_of(cert.kind)) + ' ' + std::to_string(cert.view) +
                      (cert.kind == VoteKind::skip ? "" : ' ' + name(cert.hash)) + " of";
    for (std::size_t i = 0; i < table_->config().validators.size(); ++i)
        if (((cert.signers >> i) & 1) != 0) out += ' ' + std::to_string(i);
    return out;
}

std::string Script::describe(const Block& block) const {
    std::string out = name(block.hash) + " on " + name(block.header.parent_hash);
    const View gap = block.header.view - block.header.parent_view - 1;
    if (gap > 0) out += " after " + std::to_string(gap) + " skipped";
    out += " {";
    for (const EntryPtr& entry : block.entries) {
        const auto known = entries_.find(entry->id);
        out += (entry == block.entries.front() ? "" : " ") +
               (known == entries_.end() ? "?" : known->second);
    }
    return out + "}";
}

std::string Script::message_text(const Message& message) {
    if (const auto* proposal = std::get_if<Proposal>(&message)) {
        learn(*proposal->block);
        return "proposal " + describe(*proposal->block);
    }
    if (const auto* vote = std::get_if<Vote>(&message)) return "vote " + describe(*vote);
    if (const auto* cert = std::get_if<Cert>(&message)) return "cert " + describe(*cert);
    if (const auto* status = std::get_if<Status>(&message))
        return "status: view " + std::to_string(status->view) + ", final view " +
               std::to_string(status->final_view) + ", height " +
               std::to_string(status->final_height);
    if (const auto* get = std::get_if<GetBlock>(&message)) return "get " + name(get->hash);
    if (const auto* reply = std::get_if<BlockReply>(&message))
        return "block " + name(reply->block->hash);
    if (const auto* get = std::get_if<GetRange>(&message))
        return "get blocks " + std::to_string(get->from) + " to " + std::to_string(get->to);
    if (const auto* range = std::get_if<Range>(&message))
        return "blocks " + std::to_string(range->blocks.front().block->header.height) + " to " +
               std::to_string(range->blocks.back().block->header.height);
    std::string text;
    for (const EntryPtr& entry : std::get<Submit>(message).entries) {
        const auto known = entries_.find(entry->id);
        text += (text.empty() ? "entry " : ", ") + (known == entries_.end() ? "?" : known->second);
    }
    return text;
}

std::string Script::write_text(const Write& write) const {
    if (const auto* own = std::get_if<OwnVote>(&write)) return describe(own->vote());
    if (const auto* block = std::get_if<BlockPtr>(&write)) return "block " + name((*block)->hash);
    if (const auto* cert = std::get_if<Cert>(&write)) return "cert " + describe(*cert);
    return "final mark " + name(std::get<FinalMark>(write).hash);
}

void Script::turned(Address address, const Outputs& outputs) {
    for (const Write& write : outputs.persist)
        if (const auto* block = std::get_if<BlockPtr>(&write)) learn(**block);
    const View view = table_->up(address) ? table_->status(address).view : 0;
    const bool moved = std::exchange(views_[address], view) != view;
    if (quiet_) return;
    for (const Write& write : outputs.persist)
        out_ << address << " writes " << write_text(write) << '\n';
    for (const Send& send : outputs.send)
        out_ << address << " > " << (send.to ? std::to_string(*send.to) : "*") << ' '
             << message_text(send.message) << '\n';
    for (const Finalised& final : outputs.finalised)
        out_ << address << " delivers " << final.block->header.height << ": "
             << describe(*final.block) << '\n';
    for (const Evidence& evidence : outputs.evidence)
        out_ << address << " accuses " << evidence.first.signer << ": " << describe(evidence.first)
             << " and " << describe(evidence.second) << '\n';
    for (const PeerFault& fault : outputs.faults)
        out_ << address << " blames " << *table_->config().validators.index_of(fault.from) << '\n';
    if (outputs.halt) out_ << address << " halts: " << *outputs.halt << '\n';
    if (moved) out_ << address << " is in view " << view << '\n';
}

}  // namespace kilter::consensus::simulation
