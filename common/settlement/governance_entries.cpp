#include "common/settlement/governance_entries.hpp"

#include "common/settlement/entries.hpp"

namespace kilter::settlement {

Bytes statement_key(const governance::Statement& statement, const PublicKey& author) {
    return ByteWriter{}
        .text("said|")
        .raw(statement.proposal.view())
        .raw(author.view().first(16))
        .u8(static_cast<std::uint8_t>(statement.opinion))
        .bytes();
}

consensus::EntryPtr make_entry(const governance::Proposal& proposal,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(proposal_entry, {}, governance::encode(proposal), chain, seq, expires_ms,
                      author);
}

consensus::EntryPtr make_entry(const governance::Statement& statement,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& author) {
    return make_entry(statement_entry, statement_key(statement, author.public_key()),
                      governance::encode(statement), chain, seq, expires_ms, author);
}

Result<void> check_governance(const consensus::Entry& entry) {
    if (entry.type == proposal_entry) {
        if (!entry.key.empty()) return Error{"docket: a proposal has no semantic key"};
        const auto proposal = governance::decode_proposal(entry.body);
        return proposal ? governance::check(proposal->action) : proposal.error();
    }
    const auto statement = governance::decode_statement(entry.body);
    if (!statement) return statement.error();
    if (entry.key != statement_key(*statement, entry.author))
        return Error{"docket: the entry's key does not name its proposal, author and opinion"};
    return {};
}

}  // namespace kilter::settlement
