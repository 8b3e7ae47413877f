// What a relay lets through; then real hubs on the loopback with a relay between two that listen nowhere: an honest one, and
// one that does what it likes with their letters.
#include "common/transport/relay.hpp"

#include <deque>
#include <functional>

#include <gtest/gtest.h>

namespace kilter::transport::relay_test {
namespace {

crypto::Identity drawn() {
    crypto::initialise();
    return crypto::Identity::generate();
}

wire::Relayed letter_of(const crypto::PublicKey& from,
                        const crypto::PublicKey& to,
                        std::size_t bytes) {
    return {from, to, Bytes(bytes, 0xEE)};
}

TEST(Relay, passes_a_senders_own_letters_to_others) {
    const auto a = drawn().public_key();
    const auto b = drawn().public_key();
    Relay relay;
    EXPECT_TRUE(relay.takes(a, letter_of(a, b, 100), 0));
    EXPECT_FALSE(relay.takes(b, letter_of(a, b, 100), 0)) << "in another's name";
    EXPECT_FALSE(relay.takes(a, letter_of(a, a, 100), 0)) << "to itself";
    EXPECT_TRUE(relay.takes(a, letter_of(a, b, Relay::letter_bytes_max), 0));
    EXPECT_FALSE(relay.takes(a, letter_of(a, b, Relay::letter_bytes_max + 1), 0));
    EXPECT_EQ(relay.passed().messages, 2u);
    EXPECT_EQ(relay.refused().messages, 3u);
}

TEST(Relay, a_sender_that_floods_uses_up_its_own_rate_and_nobody_elses) {
    const auto a = drawn().public_key();
    const auto b = drawn().public_key();
    constexpr std::size_t cost = 1'000;
    Relay relay(10 * cost, 20 * cost);
    const auto flooded = letter_of(a, b, cost - limits::relay_letter_bytes);
    int passed = 0;
    for (int i = 0; i < 1'000; ++i)
        passed += relay.takes(a, flooded, 5'000) ? 1 : 0;
    EXPECT_EQ(passed, 20) << "a burst";
    EXPECT_TRUE(relay.takes(b, letter_of(b, a, 100), 5'000));
    EXPECT_FALSE(relay.takes(a, flooded, 5'099));
    EXPECT_TRUE(relay.takes(a, flooded, 5'199)) << "paid from 99 ms before, and 100 since";
    for (int i = 0; i < 1'000; ++i)
        passed += relay.takes(a, flooded, 1'000'000'000) ? 1 : 0;
    EXPECT_EQ(passed, 40) << "however long it was silent";
    for (int i = 0; i < 1'000; ++i)
        passed += relay.takes(a, flooded, 0) ? 1 : 0;
    EXPECT_EQ(passed, 40) << "a clock that goes back gives nothing";
    const auto large = letter_of(b, a, 20 * cost);
    EXPECT_FALSE(relay.takes(b, large, 5'000)) << "above a whole burst";
}

TEST(Relay, who_leaves_is_forgotten) {
    const auto a = drawn().public_key();
    const auto b = drawn().public_key();
    Relay relay(1, 1'000);
    const auto letter = letter_of(a, b, 488);
    EXPECT_TRUE(relay.takes(a, letter, 0));
    relay.keep(std::vector{a});
    EXPECT_FALSE(relay.takes(a, letter, 0)) << "one who stays has spent what it has spent";
    relay.keep(std::vector{b});
    EXPECT_TRUE(relay.takes(a, letter, 0));
}

// ---- real sockets ---------------------------------------------------------------------------------------------------

Options quick(bool bound) {
    Options options;
    if (bound) options.bind = "tcp://127.0.0.1:*";
    options.reconnect_ms = 5;
    options.reconnect_ms_max = 20;
    options.handshake_ms_max = 500;
    options.linger_ms = 0;
    return options;
}

/// Two homes that listen nowhere, and a relay that hands each letter to `passes` with what is to go on.
struct RelayedHubs : testing::Test {
    crypto::Identity a_identity = drawn();
    crypto::Identity b_identity = drawn();
    crypto::Identity relay_identity = drawn();
    std::optional<Hub> a, b, relay;
    std::deque<wire::Relayed> seen;  // by the relay, in order
    std::function<void(const wire::Relayed&)> passes = [this](const wire::Relayed& letter) {
        pass(letter);
    };

    void pass(const wire::Relayed& letter) { relay->send(letter.to, letter); }

    void SetUp() override {
        relay.emplace(*Hub::open(relay_identity, quick(true)));
        relay->admit(std::vector{a_identity.public_key(), b_identity.public_key()});
        begin(a, a_identity, b_identity);
        begin(b, b_identity, a_identity);
    }

    void begin(std::optional<Hub>& hub,
               const crypto::Identity& self,
               const crypto::Identity& peer) {
        hub.reset();
        hub.emplace(*Hub::open(self, quick(false)));
        ASSERT_TRUE(hub->connect(relay_identity.public_key(), relay->endpoint()));
        hub->admit(std::vector{relay_identity.public_key(), peer.public_key()});
        ASSERT_TRUE(hub->connect_through(peer.public_key(), {{relay_identity.public_key()}, {}}));
    }

    /// Everybody's turns until the condition.
    bool until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            while (auto received = relay->receive())
                if (auto* letter = std::get_if<wire::Relayed>(&received->message)) {
                    EXPECT_EQ(received->from, letter->from);
                    seen.push_back(*letter);
                    passes(*letter);
                }
            a->tend();
            b->tend();
            zmq::pollitem_t item{relay->inbound().handle(), 0, ZMQ_POLLIN, 0};
            zmq::poll(&item, 1, std::chrono::milliseconds(2));
        }
        return true;
    }

    bool meet() {
        return until([&] {
            EXPECT_FALSE(a->receive());
            EXPECT_FALSE(b->receive());
            return a->connected(b_identity.public_key()) && b->connected(a_identity.public_key());
        });
    }

    bool say(std::uint64_t number) {
        return a->send(b_identity.public_key(), wire::Hello{{}, number});
    }

    std::optional<std::uint64_t> hear() {
        const auto received = b->receive();
        if (!received) return std::nullopt;
        EXPECT_EQ(received->from, a_identity.public_key());
        return std::get<wire::Hello>(received->message).roster_epoch;
    }

    /// What b hears until it has heard `last`.
    std::vector<std::uint64_t> heard_until(std::uint64_t last) {
        std::vector<std::uint64_t> out;
        EXPECT_TRUE(until([&] {
            while (auto number = hear())
                out.push_back(*number);
            return !out.empty() && out.back() == last;
        }));
        return out;
    }

    [[nodiscard]] std::uint64_t dropped(Drop reason) const {
        return b->stats().total.dropped_for(reason);
    }
};

TEST_F(RelayedHubs, two_that_listen_nowhere_speak_with_each_other) {
    EXPECT_FALSE(say(0)) << "they have not met";
    ASSERT_TRUE(meet());
    for (std::uint64_t i = 1; i <= 20; ++i)
        ASSERT_TRUE(say(i));
    EXPECT_EQ(heard_until(20).size(), 20u);
    ASSERT_TRUE(b->send(a_identity.public_key(), wire::Hello{{}, 7}));
    std::optional<Received> answer;
    ASSERT_TRUE(until([&] { return (answer = a->receive()).has_value(); }));
    EXPECT_EQ(answer->from, b_identity.public_key());
    EXPECT_EQ(dropped(Drop::unreadable) + dropped(Drop::replayed), 0u);
    EXPECT_EQ(relay->stats().total.dropped, (std::array<std::uint64_t, drop_reasons>{}));
}

TEST_F(RelayedHubs, the_relay_sees_nothing_of_what_is_said) {
    ASSERT_TRUE(meet());
    const Bytes secret = to_bytes(as_bytes("4711 kW at a quarter past seven"));
    ASSERT_TRUE(a->send(b_identity.public_key(), wire::Submit{secret}));
    std::optional<Received> received;
    ASSERT_TRUE(until([&] { return (received = b->receive()).has_value(); }));
    EXPECT_EQ(std::get<wire::Submit>(received->message).entry, secret);
    ASSERT_GE(seen.size(), 3u) << "introductions and the letter";
    for (const auto& letter : seen)
        for (std::size_t at = 0; at + 4 <= secret.size(); ++at)
            EXPECT_TRUE(std::search(letter.sealed.begin(), letter.sealed.end(),
                                    secret.begin() + static_cast<std::ptrdiff_t>(at),
                                    secret.begin() + static_cast<std::ptrdiff_t>(at) + 4) ==
                        letter.sealed.end());
}

TEST_F(RelayedHubs, what_the_relay_drops_is_missing_and_what_it_repeats_is_heard_once) {
    ASSERT_TRUE(meet());
    int count = 0;
    passes = [&](const wire::Relayed& letter) {
        if (++count % 3 == 0) return;
        pass(letter);
        pass(letter);
    };
    for (std::uint64_t i = 1; i <= 10; ++i)
        ASSERT_TRUE(say(i));
    EXPECT_EQ(heard_until(10), (std::vector<std::uint64_t>{1, 2, 4, 5, 7, 8, 10}));
    EXPECT_GE(dropped(Drop::replayed), 6u);
}

TEST_F(RelayedHubs, what_the_relay_alters_or_makes_up_or_swaps_is_refused) {
    ASSERT_TRUE(meet());
    std::optional<wire::Relayed> held;
    passes = [&](const wire::Relayed& letter) {
        wire::Relayed forged = letter;
        forged.sealed[forged.sealed.size() / 2] ^= 1;
        pass(forged);
        forged = letter;
        std::swap(forged.from, forged.to);  // back to its sender, in the other's name
        pass(forged);
        forged = letter;
        forged.sealed = Bytes(letter.sealed.size(), 0);
        pass(forged);
        if (!held) {  // two in the wrong order
            held = letter;
            return;
        }
        pass(letter);
        pass(*std::exchange(held, std::nullopt));
    };
    for (std::uint64_t i = 1; i <= 4; ++i)
        ASSERT_TRUE(say(i));
    EXPECT_EQ(heard_until(3), (std::vector<std::uint64_t>{2, 1, 4, 3}));
    EXPECT_GE(dropped(Drop::unreadable), 8u);
    EXPECT_FALSE(a->receive()) << "nothing that a would take for b's word";
    EXPECT_GE(a->stats().total.dropped_for(Drop::unreadable), 1u);
}

TEST_F(RelayedHubs, what_the_relay_kept_is_worth_nothing_after_a_restart) {
    ASSERT_TRUE(meet());
    ASSERT_TRUE(say(1));
    EXPECT_EQ(heard_until(1).size(), 1u);
    const auto kept = seen;
    begin(b, b_identity, a_identity);
    ASSERT_TRUE(meet());
    ASSERT_TRUE(say(2));
    EXPECT_EQ(heard_until(2).size(), 1u);
    for (const auto& letter : kept)
        pass(letter);
    ASSERT_TRUE(say(3));
    EXPECT_EQ(heard_until(3), std::vector<std::uint64_t>{3});
    begin(a, a_identity, b_identity);
    ASSERT_TRUE(meet());
    for (const auto& letter : kept)
        pass(letter);
    ASSERT_TRUE(say(4));
    EXPECT_EQ(heard_until(4), std::vector<std::uint64_t>{4});
}

TEST_F(RelayedHubs, another_relay_takes_over) {
    ASSERT_TRUE(meet());
    const auto second_identity = drawn();
    Hub second = *Hub::open(second_identity, quick(true));
    second.admit(std::vector{a_identity.public_key(), b_identity.public_key()});
    for (auto* end : {&a, &b}) {
        const auto& peer = end == &a ? b_identity : a_identity;
        ASSERT_TRUE((*end)->connect(second_identity.public_key(), second.endpoint()));
        (*end)->admit(std::vector{relay_identity.public_key(), second_identity.public_key(),
                                  peer.public_key()});
        ASSERT_TRUE((*end)->connect_through(
            peer.public_key(), {{relay_identity.public_key()}, {second_identity.public_key()}}));
    }
    EXPECT_TRUE(a->connected(b_identity.public_key())) << "more relays interrupt nothing";
    relay->admit({});
    relay.reset();
    relay.emplace(*Hub::open(relay_identity, quick(true)));  // somewhere else
    int through_second = 0;
    ASSERT_TRUE(until([&] {
        while (auto received = second.receive())
            if (auto* letter = std::get_if<wire::Relayed>(&received->message)) {
                ++through_second;
                second.send(letter->to, *letter);
            }
        say(9);
        return hear() == 9u;
    }));
    EXPECT_GE(through_second, 1);
}

}  // namespace
}  // namespace kilter::transport::relay_test
