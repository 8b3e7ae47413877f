// What liars say to a replica that is behind, each beside the rule that guards against it: with the rule no harm is done,
// without it there is. Chance comes by these too seldom.
#include <gtest/gtest.h>

#include "common/consensus/mutation.hpp"
#include "tests/common/consensus/past.hpp"

namespace kilter::consensus {
namespace {

/// A replica of epoch 0; the others are in epoch 1, with a closing block of epoch 0 that was certified, too.
struct Behind {
    LoneReplica r;
    Past past{r};
    FinalBlock first = past.add({r.entry(1)});
    FinalBlock end = past.add(
        {past.change(0, Past::set_of({0, 1, 2, 3}), Past::set_of({0, 1, 2, 4}), {0, 1, 2})});
    FinalBlock closing = past.add({});

    /// A peer ahead, and the proof that it may be.
    void meet(ReplicaIndex peer) {
        r.receive(peer, Status{0, 9, 0, 3, {}});
        r.receive(peer, past.turn(end, Past::set_of({0, 1, 2, 4})));
    }

    /// The pieces of the state after `of`, as long as there are any; the first one through `alter`.
    template <class Alter>
    void give(const FinalBlock& of, const Manifest& manifest, Alter alter) {
        r.receive(2, manifest);
        const std::size_t wanted = r.sent<GetPiece>().size();
        for (std::uint32_t i = 0; i < wanted; ++i) {
            Piece piece{manifest.certified.header.height, i, past.piece(of, manifest, i)};
            if (i == 0) alter(piece.bytes);
            r.receive(2, piece);
        }
    }
};

void unaltered(Bytes& /*piece*/) {}

bool follows_a_closing_block() {
    Behind b;
    const Manifest lie = b.past.manifest(b.closing);
    b.meet(2);
    b.r.receive(2, lie);
    return !b.r.sent<GetPiece>().empty();
}

bool follows_an_uncertified_block() {
    Behind b;
    Manifest lie = b.past.manifest(b.end);
    lie.certified.certificate.signers &= lie.certified.certificate.signers - 1;
    lie.certified.certificate.signatures.erase(lie.certified.certificate.signatures.begin());
    b.meet(2);
    b.give(b.end, lie, unaltered);
    return b.r.replica->status().final_height > 0;
}

bool stops_over_a_wrong_piece() {
    Behind b;
    const Manifest manifest = b.past.manifest(b.end);
    b.meet(2);
    b.give(b.end, manifest, [](Bytes& piece) { piece.back() ^= 1; });
    return b.r.replica->status().halted;
}

bool follows_what_no_quorum_certified_above() {
    LoneReplica r;
    Past past{r};
    const FinalBlock first = past.add({r.entry(1)});
    const FinalBlock second = past.add({});
    Cert lie = *second.certificate;
    lie.signers &= lie.signers - 1;
    lie.signatures.erase(lie.signatures.begin());
    r.receive(2, Status{0, 9, 0, 2, {}});
    r.receive(2, Range{{{first.block, std::nullopt}},
                       CertifiedHeader{first.block->header, {second.block->header}, lie}});
    return r.replica->status().final_height > 0;
}

bool asks_the_same_liar_for_ever() {
    LoneReplica r;
    std::set<ReplicaIndex> asked;
    for (int period = 0; period < 3; ++period) {
        for (const ReplicaIndex peer : std::vector<ReplicaIndex>{3, 2, 1}) {
            r.receive(peer, Status{0, 9, 0, 1'000, {}});
            for (const auto& [to, get] : r.sent<GetRange>())
                asked.insert(*to);
        }
        r.now += r.config.parameters.standstill_ms;
    }
    return asked.size() == 1;
}

struct Lie {
    const char* name;
    Mutant mutant;
    bool (*does_harm)();
};

class Liars : public testing::TestWithParam<Lie> {
  protected:
    void TearDown() override { mutant = Mutant::none; }
};

TEST_P(Liars, DoHarmOnlyWithoutTheRule) {
    EXPECT_FALSE(GetParam().does_harm());
    mutant = GetParam().mutant;
    EXPECT_TRUE(GetParam().does_harm());
}

INSTANTIATE_TEST_SUITE_P(
    Log,
    Liars,
    testing::Values(
        Lie{"closing_snapshot", Mutant::closing_snapshot, follows_a_closing_block},
        Lie{"unchecked_manifest", Mutant::unchecked_manifest, follows_an_uncertified_block},
        Lie{"unchecked_piece", Mutant::unchecked_piece, stops_over_a_wrong_piece},
        Lie{"unchecked_tail", Mutant::unchecked_tail, follows_what_no_quorum_certified_above},
        Lie{"patient_with_liars", Mutant::patient_with_liars, asks_the_same_liar_for_ever}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace kilter::consensus
