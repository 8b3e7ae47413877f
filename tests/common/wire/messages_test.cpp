#include "common/wire/messages.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "tests/common/wire/samples.hpp"

namespace kilter::wire {
namespace {

TEST(Messages, every_one_survives_the_wire) {
    for (const auto& [name, message] : samples::all()) {
        const auto back = decode(encode(message));
        ASSERT_TRUE(back) << name << ": " << back.error().message;
        EXPECT_TRUE(*back == message) << name;
    }
}

TEST(Messages, no_proper_prefix_and_no_extension_of_one_is_one) {
    for (const auto& [name, message] : samples::all()) {
        Bytes bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(decode(ByteView(bytes).first(size))) << name << " cut to " << size;
        bytes.push_back(0);
        EXPECT_FALSE(decode(bytes)) << name;
    }
}

TEST(Messages, one_changed_byte_is_refused_or_a_different_message) {
    Prng prng(1);
    for (const auto& [name, message] : samples::all()) {
        const Bytes bytes = encode(message);
        for (int round = 0; round < 300; ++round) {
            Bytes changed = bytes;
            changed[prng.below(bytes.size())] ^= static_cast<std::uint8_t>(1 + prng.below(255));
            if (const auto back = decode(changed)) {
                EXPECT_FALSE(*back == message) << name;
                EXPECT_EQ(encode(*back), changed) << name;
            }
        }
    }
}

TEST(Messages, random_bytes_are_refused_quietly) {
    Prng prng(2);
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes(prng.below(64));
        for (auto& byte : bytes)
            byte = static_cast<std::uint8_t>(prng.next());
        EXPECT_FALSE(decode(bytes)) << to_hex(bytes);
    }
}

TEST(Messages, the_largest_of_each_fit) {
    SessionOpen open = samples::session_open();
    open.members.clear();
    Share share = samples::share();
    share.share.members.clear();
    for (std::uint32_t i = 0; i < limits::members_per_net_max; ++i) {
        open.members.push_back({{0xffff0000 + i}, 0.1});
        share.share.members.push_back({0xffff0000 + i});
    }
    open.start_dual_eur_per_kw.assign(limits::horizon_max, -1.5);
    share.share.words.assign(limits::share_words_max, ~std::uint64_t{0});
    for (const Message& message :
         {Message(open), Message(share),
          Message(Refusal{std::string(limits::refusal_bytes_max, '~')}),
          Message(CertifiedEntry{Bytes(limits::receipt_bytes_max, 1)}),
          Message(Submit{Bytes(limits::submit_bytes_max, 1)}),
          Message(ConsensusMessage{Bytes(limits::consensus_payload_bytes_max, 1)})}) {
        const auto back = decode(encode(message));
        ASSERT_TRUE(back) << name_of(kind_of(message)) << ": " << back.error().message;
        EXPECT_TRUE(*back == message);
    }
}

TEST(Messages, one_byte_more_than_the_largest_does_not_fit) {
    EXPECT_FALSE(check(CertifiedEntry{Bytes(limits::receipt_bytes_max + 1, 1)}));
    EXPECT_FALSE(check(Submit{Bytes(limits::submit_bytes_max + 1, 1)}));
    EXPECT_FALSE(check(ConsensusMessage{Bytes(limits::consensus_payload_bytes_max + 1, 1)}));
    EXPECT_FALSE(decode(Bytes(limits::message_bytes_max + 1, 0)));
}

TEST(Messages, check_names_the_field_before_anything_is_sent) {
    SessionOpen open = samples::session_open();
    open.start_dual_eur_per_kw[1] = std::numeric_limits<double>::quiet_NaN();
    const auto refused = check(open);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("start_dual_eur_per_kw"), std::string::npos);
    EXPECT_DEATH(encode(open), "session_open that is outside the limits: .*start_dual_eur_per_kw");
}

TEST(Messages, a_refusal_can_be_made_from_any_text) {
    const Refusal refused = refusal("tab\there, \xc3\xa4, " + std::string(300, 'x'));
    EXPECT_TRUE(check(refused));
    EXPECT_EQ(refused.reason.size(), limits::refusal_bytes_max);
    EXPECT_TRUE(refused.reason.starts_with("tab?here, ??, x"));
}

TEST(Messages, context_is_what_the_message_says_of_itself) {
    EXPECT_EQ(context_of(samples::share()), (Context{samples::session, std::nullopt, 42, 2}));
    EXPECT_EQ(context_of(samples::session_open()),
              (Context{samples::session, 3, std::nullopt, std::nullopt}));
    EXPECT_EQ(context_of(Hello{samples::digest, 9}),
              (Context{std::nullopt, 9, std::nullopt, std::nullopt}));
    EXPECT_EQ(context_of(Submit{{1}}), Context{});
}

TEST(Messages, the_chair_signs_everything_but_the_signature_and_the_chain) {
    const SessionOpen open = samples::session_open();
    const Bytes signed_bytes = signing_bytes(open, samples::digest);

    SessionOpen other_signature = open;
    other_signature.signature = {};
    EXPECT_EQ(signing_bytes(other_signature, samples::digest), signed_bytes);
    EXPECT_NE(signing_bytes(open, crypto::Digest{}), signed_bytes);

    const auto changed = [&](auto change) {
        SessionOpen copy = open;
        change(copy);
        return signing_bytes(copy, samples::digest) != signed_bytes;
    };
    EXPECT_TRUE(changed([](SessionOpen& o) { o.session.opening = 2; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.chair = {2}; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.net = {18}; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.members[2].weight = 1; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.roster_epoch = 4; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.parameters = {}; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.rho_eur_per_kw2 = 0.0076; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.terminals = 129; }));
    EXPECT_TRUE(changed([](SessionOpen& o) { o.start_dual_eur_per_kw[1] = 0.0; }))
        << "minus zero is not zero here";
}

}  // namespace
}  // namespace kilter::wire
