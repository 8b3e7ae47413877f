// Parties with real sockets on the loopback. Nothing sleeps: every wait ends with the event it waits for.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/transport/hub.hpp"

namespace kilter::transport::test {

inline Options quick() {
    Options options;
    options.bind = "tcp://127.0.0.1:*";
    options.reconnect_ms = 5;
    options.reconnect_ms_max = 20;
    options.handshake_ms_max = 500;
    options.linger_ms = 0;
    return options;
}

/// One party: its identity and its hub.
struct Party {
    crypto::Identity identity;
    std::optional<Hub> hub;

    explicit Party(crypto::Identity self = fresh(), Options options = quick())
        : identity(std::move(self)) {
        start(std::move(options));
    }

    static crypto::Identity fresh() {
        crypto::initialise();
        return crypto::Identity::generate();
    }

    void start(Options options = quick()) {
        hub.reset();
        auto opened = Hub::open(identity, std::move(options));
        EXPECT_TRUE(opened) << opened.error().message;
        hub.emplace(std::move(*opened));
    }

    [[nodiscard]] const crypto::PublicKey& key() const { return identity.public_key(); }

    void admit(std::initializer_list<crypto::PublicKey> keys) { hub->admit(std::vector(keys)); }

    void connect(const Party& to) { EXPECT_TRUE(hub->connect(to.key(), to.hub->endpoint())); }

    bool send(const Party& to, const wire::Message& message) {
        return hub->send(to.key(), message);
    }
};

inline wire::Message numbered(std::uint64_t number) {
    return wire::Hello{{}, number};
}

inline std::uint64_t number_of(const Received& received) {
    return std::get<wire::Hello>(received.message).roster_epoch;
}

/// Turns until `condition`; between two looks waits for the hub's socket, at most a few
/// milliseconds.
template <class Condition>
bool until(const Party& watched, Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        zmq::pollitem_t item{watched.hub->inbound().handle(), 0, ZMQ_POLLIN, 0};
        zmq::poll(&item, 1, std::chrono::milliseconds(2));
    }
    return true;
}

inline std::optional<Received> next(Party& at) {
    std::optional<Received> received;
    until(at, [&] { return (received = at.hub->receive()).has_value(); });
    return received;
}

inline bool send_when_up(Party& from, const Party& to, const wire::Message& message) {
    return until(from, [&] { return from.hub->connected(to.key()); }) && from.send(to, message);
}

}  // namespace kilter::transport::test
