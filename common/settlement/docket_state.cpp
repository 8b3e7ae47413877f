#include "common/settlement/docket_state.hpp"

namespace kilter::settlement {

namespace {
Bytes case_key(std::uint32_t number) {
    return ByteWriter{}.text("case").u32(number).bytes();
}
}  // namespace

Bytes docket_key() {
    return ByteWriter{}.text("docket").bytes();
}

governance::Docket docket_in(const crypto::MerkleMap& map, const Genesis& genesis) {
    const Bytes* stored = map.find(docket_key());
    if (stored == nullptr) return governance::Docket(genesis.rules());
    auto docket = governance::Docket::decode(*stored);
    KILTER_CHECK(docket.ok(), "the ledger holds a malformed docket");
    return *std::move(docket);
}

std::optional<governance::Case> closed_case(const crypto::MerkleMap& map, std::uint32_t number) {
    const Bytes* stored = map.find(case_key(number));
    if (stored == nullptr) return std::nullopt;
    auto one = governance::decode_case(*stored);
    KILTER_CHECK(one.ok(), "the ledger holds a malformed case");
    return *std::move(one);
}

Result<void> move_docket(crypto::MerkleMap& map,
                         const Genesis& genesis,
                         const consensus::SealedEntry& sealed,
                         governance::Offices offices,
                         governance::Place place) {
    const consensus::Entry& entry = sealed.entry;
    governance::Docket docket = docket_in(map, genesis);
    std::vector<governance::Case> closed = docket.close(place);
    if (entry.type == proposal_entry) {
        const auto proposal = governance::decode_proposal(entry.body);
        if (!proposal) return proposal.error();
        if (auto taken = docket.propose(entry.author, offices, sealed.id, *proposal, place); !taken)
            return taken;
    } else {
        const auto statement = governance::decode_statement(entry.body);
        if (!statement) return statement.error();
        if (auto taken = docket.state(entry.author, offices, *statement, place); !taken)
            return taken;
    }
    for (governance::Case& one : docket.close(place))
        closed.push_back(std::move(one));
    for (const governance::Case& one : closed)
        map.set(case_key(one.number), governance::encode(one));
    map.set(docket_key(), docket.encode());
    return {};
}

}  // namespace kilter::settlement
