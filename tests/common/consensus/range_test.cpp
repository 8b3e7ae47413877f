// Blocks that are final through blocks that a replica does not have yet: it follows what is proved, and nothing else.
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "tests/common/consensus/past.hpp"

namespace kilter::consensus::range_test {
namespace {

FinalBlock bare(const FinalBlock& final) {
    return {final.block, std::nullopt};
}

struct Tails : testing::Test {
    LoneReplica r;
    Past past{r};
    const FinalBlock first = past.add({r.entry(1)});
    const FinalBlock second = past.add({r.entry(2)});
    const FinalBlock third = past.add({r.entry(3)});
    const FinalBlock fourth = past.add({r.entry(4)});

    Tails() { r.receive(2, Status{0, 9, 0, 4, {}}); }

    /// That `of` is final by the certificate of the last of these.
    [[nodiscard]] static CertifiedHeader tail(const FinalBlock& of,
                                              const std::vector<FinalBlock>& above) {
        CertifiedHeader out{of.block->header, {}, *above.back().certificate};
        for (const FinalBlock& child : above)
            out.descendants.push_back(child.block->header);
        return out;
    }

    [[nodiscard]] Height height() const { return r.replica->status().final_height; }

    /// The same certificate by members 1 ... 3 of what they were asked to sign.
    [[nodiscard]] Cert signed_by_quorum(VoteKind kind,
                                        Epoch epoch,
                                        View view,
                                        const BlockHash& hash) const {
        Cert out{kind, epoch, view, hash, 0b1110, {}};
        for (ReplicaIndex i = 1; i <= 3; ++i)
            out.signatures.push_back(
                LoneReplica::key(i).sign(vote_bytes(r.config.chain, kind, epoch, view, hash)));
        return out;
    }
};

TEST_F(Tails, AStretchEndsAnywhereAndTheNextGoesOnFromThere) {
    r.receive(2, Range{{bare(first), bare(second)}, tail(second, {third, fourth})});
    EXPECT_TRUE(r.out.faults.empty());
    EXPECT_EQ(height(), 2u);
    ASSERT_EQ(r.out.finalised.size(), 2u);
    for (const Finalised& final : r.out.finalised)
        EXPECT_EQ(verify(CertifiedHeader{final.block->header, final.descendants, final.certificate},
                         r.config.chain, r.config.validators),
                  HeaderVerdict::certified);
    ASSERT_EQ(r.sent<GetRange>().size(), 1u);
    EXPECT_EQ(r.sent<GetRange>()[0].second, (GetRange{3, 4}));
    r.receive(*r.sent<GetRange>()[0].first, Range{{bare(third)}, tail(third, {fourth})});
    EXPECT_EQ(height(), 3u);
    ASSERT_EQ(r.sent<GetRange>().size(), 1u);
    r.receive(*r.sent<GetRange>()[0].first, Range{{fourth}});
    EXPECT_EQ(height(), 4u);
    EXPECT_TRUE(r.out.faults.empty());
    EXPECT_TRUE(r.sent<GetRange>().empty());
}

TEST_F(Tails, TheBlockOfTheCertificateMayComeByItself) {
    r.receive(2, Range{{bare(first), bare(second)}, tail(second, {third})});
    EXPECT_EQ(height(), 2u);
    bool asked = false;
    for (const auto& [to, get] : r.sent<GetBlock>())
        asked = asked || get.hash == third.block->hash;
    EXPECT_TRUE(asked) << "as for any block that is certified final and not here";
    r.receive(1, BlockReply{third.block});
    EXPECT_EQ(height(), 3u);
}

TEST_F(Tails, LiesAreBlamedAndMoveNothing) {
    std::vector<std::pair<const char*, CertifiedHeader>> lies;
    const auto lie = [&](const char* name, auto alter) {
        CertifiedHeader out = tail(second, {third, fourth});
        alter(out);
        lies.emplace_back(name, std::move(out));
    };
    const auto certify_last = [&](CertifiedHeader& t, Epoch epoch) {
        const Header& last = t.descendants.back();
        t.certificate = signed_by_quorum(VoteKind::final, epoch, last.view, hash(last));
    };
    lie("the header of another block", [&](auto& t) { t = tail(first, {second, third}); });
    lie("a descendant is left out", [&](auto& t) { t.descendants.erase(t.descendants.begin()); });
    lie("the last descendant is left out", [&](auto& t) { t.descendants.pop_back(); });
    lie("the descendants are of another block", [&](auto& t) {
        t.descendants[0].parent_hash = first.block->hash;
        t.descendants[1].parent_hash = hash(t.descendants[0]);
        certify_last(t, 0);
    });
    lie("an altered descendant", [&](auto& t) { ++t.descendants[0].time_ms; });
    lie("the certificate is another block's", [&](auto& t) { t.certificate = *third.certificate; });
    lie("a notar certificate", [&](auto& t) {
        t.certificate =
            signed_by_quorum(VoteKind::notar, 0, fourth.block->header.view, fourth.block->hash);
    });
    lie("another view's", [&](auto& t) {
        t.certificate =
            signed_by_quorum(VoteKind::final, 0, fourth.block->header.view + 1, fourth.block->hash);
    });
    lie("too few have signed", [&](auto& t) {
        t.certificate.signers &= t.certificate.signers - 1;
        t.certificate.signatures.erase(t.certificate.signatures.begin());
    });
    lie("the certificate is of another epoch", [&](auto& t) { certify_last(t, 1); });
    lie("the descendants are of another epoch", [&](auto& t) {
        t.descendants = {t.descendants[0]};
        t.descendants[0].epoch = 1;
        certify_last(t, 1);
    });
    for (const auto& [name, tail] : lies) {
        r.receive(2, Range{{bare(first), bare(second)}, tail});
        ASSERT_EQ(r.out.faults.size(), 1u) << name;
        EXPECT_EQ(r.out.faults[0].from, LoneReplica::key(2).public_key()) << name;
        EXPECT_EQ(r.out.faults[0].misconduct, Misconduct::bad_certificate) << name;
        EXPECT_TRUE(r.out.persist.empty()) << name;
        EXPECT_EQ(height(), 0u) << name;
        EXPECT_EQ(r.replica->status().final_view, 0u) << name;
    }
    r.receive(2, Range{{bare(first), bare(second)}});
    ASSERT_EQ(r.out.faults.size(), 1u) << "no tail at all";
    EXPECT_EQ(r.out.faults[0].misconduct, Misconduct::bad_certificate);
    r.receive(2, Range{{bare(first), bare(second)}, tail(second, {third, fourth})});
    EXPECT_EQ(height(), 2u) << "the truth is still welcome";
}

TEST_F(Tails, OneThatIsNotNeededIsNotBelieved) {
    CertifiedHeader lie = tail(second, {third});
    lie.certificate = signed_by_quorum(VoteKind::final, 0, 99, third.block->hash);
    r.receive(2, Range{{bare(first), second}, lie});
    EXPECT_EQ(height(), 2u);
    EXPECT_EQ(r.replica->status().final_view, second.block->header.view);
}

TEST_F(Tails, NoSnapshotIsMadeThatNobodyCouldRead) {
    Parameters parameters;
    parameters.checkpoint_heights = 1;
    LoneReplica behind(4, 0, parameters);
    Past other{behind};
    std::vector<FinalBlock> blocks;
    std::vector<FinalBlock> above;
    for (std::size_t i = 0; i < 2 + limits::descendants_max; ++i) {
        const FinalBlock final = other.add({});
        (i < 2 ? blocks : above).push_back(i < 2 ? bare(final) : final);
    }
    behind.receive(2, Status{0, 99, 0, 66, {}});
    behind.receive(2, Range{blocks, tail(blocks.back(), above)});
    EXPECT_EQ(behind.replica->status().final_height, 2u);
    std::vector<Height> snapshots;
    for (const Write& write : behind.out.persist)
        if (const auto* snapshot = std::get_if<Snapshot>(&write))
            snapshots.push_back(snapshot->manifest.certified.header.height);
    EXPECT_EQ(snapshots, std::vector<Height>{2})
        << "65 headers lie between the first one and its certificate";
}

}  // namespace
}  // namespace kilter::consensus::range_test
