// Who is not told what it knows, and that everybody else is.
#include "coordinator/log/held_certificates.hpp"

#include <gtest/gtest.h>

namespace kilter::coordinator::held_certificates_test {
namespace {

using consensus::VoteKind;

consensus::Cert notarised(consensus::View view) {
    consensus::Cert cert;
    cert.kind = VoteKind::notar;
    cert.view = view;
    return cert;
}

consensus::Vote vote(VoteKind kind, consensus::View view, consensus::ReplicaIndex signer) {
    consensus::Vote out;
    out.kind = kind;
    out.view = view;
    out.signer = signer;
    return out;
}

crypto::PublicKey key(std::uint8_t of) {
    crypto::PublicKey out;
    out.bytes[0] = static_cast<std::uint8_t>(of + 1);
    return out;
}

// Of four, of which this is the second.
std::vector<std::pair<int, int>> told(HeldCertificates& held,
                                      std::vector<std::uint8_t> members = {0, 1, 2, 3}) {
    consensus::ValidatorSet set;
    for (const std::uint8_t member : members)
        set.validators.push_back({key(member), ""});
    std::vector<std::pair<int, int>> out;
    for (const auto& [member, cert] : held.take(set, 1))
        out.emplace_back(static_cast<int>(member), static_cast<int>(cert.view));
    return out;
}

using Told = std::vector<std::pair<int, int>>;

TEST(HeldCertificates, WhoHasNotVotedFinalIsTold) {
    HeldCertificates held;
    held.hold(notarised(7));
    EXPECT_EQ(told(held), (Told{{0, 7}, {2, 7}, {3, 7}}));
    EXPECT_EQ(told(held), Told{}) << "once";
}

TEST(HeldCertificates, AFinalVoteOfTheEpochBeforeSaysNothing) {
    HeldCertificates held;
    held.heard(key(0), vote(VoteKind::final, 9, 0));  // a closing view
    consensus::Cert cert = notarised(8);
    cert.epoch = 1;
    held.hold(cert);
    EXPECT_EQ(told(held), (Told{{0, 8}, {2, 8}, {3, 8}}));
}

TEST(HeldCertificates, WhoHasVotedFinalBeforeOrAfterIsNot) {
    HeldCertificates held;
    held.heard(key(0), vote(VoteKind::final, 7, 0));
    held.hold(notarised(7));
    held.hold(notarised(8));
    held.heard(key(3), vote(VoteKind::final, 8, 3));
    held.heard(key(3), vote(VoteKind::final, 6, 3));  // one that was on its way
    EXPECT_EQ(told(held), (Told{{2, 7}, {0, 8}, {2, 8}}));
}

TEST(HeldCertificates, OtherVotesAndVotesInAnothersNameTellNothing) {
    HeldCertificates held;
    held.hold(notarised(7));
    held.heard(key(0), vote(VoteKind::notar, 7, 0));
    held.heard(key(2), vote(VoteKind::skip, 8, 2));
    held.heard(key(3), vote(VoteKind::final, 7, 0));  // counts for whoever sent it
    EXPECT_EQ(told(held), (Told{{0, 7}, {2, 7}}));
}

TEST(HeldCertificates, WhoTakesTheirPlaceIsTold) {
    HeldCertificates held;
    held.heard(key(3), vote(VoteKind::final, ~consensus::View{0}, 3));
    held.hold(notarised(7));
    EXPECT_EQ(told(held, {0, 1, 2, 4}), (Told{{0, 7}, {2, 7}, {3, 7}}));
}

}  // namespace
}  // namespace kilter::coordinator::held_certificates_test
