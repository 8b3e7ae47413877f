// Real sockets on the loopback. Nothing sleeps: every wait ends with the event it waits for, and
// what must NOT happen is looked for after an event that comes later on the same path.
#include "common/transport/hub.hpp"

#include <set>

#include "tests/common/transport/party.hpp"

namespace kilter::transport::hub_test {
namespace {

using test::next;
using test::number_of;
using test::numbered;
using test::Party;
using test::quick;
using test::send_when_up;
using test::until;
using wire::Hello;
using wire::Message;

/// A CURVE client that is not a Hub: sends what it likes under the identity it holds.
struct RawClient {
    zmq::context_t context;
    zmq::socket_t socket{context, zmq::socket_type::dealer};
    zmq::socket_t events{context, zmq::socket_type::pair};

    RawClient(const crypto::Identity& self,
              const Party& server,
              const crypto::PublicKey& server_key) {
        const auto own = *crypto::curve_key(self.public_key());
        const auto theirs = *crypto::curve_key(server_key);
        const auto buffer = [](ByteView view) {
            return zmq::const_buffer(view.data(), view.size());
        };
        socket.set(zmq::sockopt::curve_publickey, buffer(own.view()));
        socket.set(zmq::sockopt::curve_secretkey, buffer(self.curve_secret()));
        socket.set(zmq::sockopt::curve_serverkey, buffer(theirs.view()));
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::reconnect_ivl, 5);
        zmq_socket_monitor(socket.handle(), "inproc://events", ZMQ_EVENT_DISCONNECTED);
        events.connect("inproc://events");
        events.set(zmq::sockopt::rcvtimeo, 20'000);
        socket.connect(server.hub->endpoint());
    }

    RawClient(const crypto::Identity& self, const Party& server)
        : RawClient(self, server, server.key()) {}

    /// Waits until the connection has been cut by the other end.
    bool cut() {
        zmq::message_t event;
        return events.recv(event).has_value();
    }

    void send(ByteView bytes, bool more = false) {
        socket.send(zmq::const_buffer(bytes.data(), bytes.size()),
                    more ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
};

std::uint64_t dropped(const Party& at, Drop reason) {
    return at.hub->stats().total.dropped_for(reason);
}

TEST(Hub, exchanges_messages_both_ways_and_counts_them) {
    Party a;
    Party b;
    a.admit({b.key()});
    b.admit({a.key()});
    a.connect(b);
    b.connect(a);
    ASSERT_TRUE(send_when_up(a, b, numbered(1)));
    ASSERT_TRUE(send_when_up(b, a, numbered(2)));
    const auto at_b = next(b);
    const auto at_a = next(a);
    ASSERT_TRUE(at_a && at_b);
    EXPECT_EQ(number_of(*at_b), 1u);
    EXPECT_EQ(at_b->from, a.key());
    EXPECT_EQ(number_of(*at_a), 2u);
    EXPECT_EQ(at_a->from, b.key());

    const Stats stats = a.hub->stats();
    const Counts& of_b = stats.peers.at(b.key());
    EXPECT_EQ(stats.total.sent, (Traffic{1, at_b->bytes}));
    EXPECT_EQ(stats.total.received, (Traffic{1, at_a->bytes}));
    EXPECT_EQ(of_b.sent, stats.total.sent);
    EXPECT_EQ(of_b.received, stats.total.received);
}

TEST(Hub, keeps_the_order_of_a_link) {
    Party a;
    Party b;
    b.admit({a.key()});
    a.connect(b);
    ASSERT_TRUE(send_when_up(a, b, numbered(0)));
    for (std::uint64_t i = 1; i < 200; ++i)
        ASSERT_TRUE(a.send(b, numbered(i)));
    for (std::uint64_t i = 0; i < 200; ++i) {
        const auto received = next(b);
        ASSERT_TRUE(received);
        ASSERT_EQ(number_of(*received), i);
    }
}

TEST(Hub, sending_to_nobody_says_so) {
    Party a;
    Party b;
    EXPECT_FALSE(a.send(b, numbered(1)));
    EXPECT_FALSE(a.hub->connected(b.key()));
    EXPECT_EQ(a.hub->stats().total.unsent, 1u);
}

TEST(Hub, a_key_that_is_not_admitted_gets_nothing_through_until_it_is) {
    Party server;
    Party stranger;
    stranger.connect(server);
    // Refused twice: so it does try again by itself, and the first refusal has been carried out.
    ASSERT_TRUE(until(server, [&] { return server.hub->stats().refused_unknown >= 2; }));
    EXPECT_FALSE(stranger.hub->connected(server.key()));
    EXPECT_FALSE(stranger.send(server, numbered(1)));
    EXPECT_FALSE(server.hub->receive());
    EXPECT_EQ(server.hub->stats().total.received, Traffic{});

    const auto refused = server.hub->take_refused();
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].key, *crypto::curve_key(stranger.key()));
    EXPECT_EQ(refused[0].address, "127.0.0.1");
    EXPECT_FALSE(refused[0].revoked);
    EXPECT_GE(refused[0].handshakes, 2u);

    server.admit({stranger.key()});
    ASSERT_TRUE(send_when_up(stranger, server, numbered(2)));
    const auto received = next(server);
    ASSERT_TRUE(received);
    EXPECT_EQ(number_of(*received), 2u);
    EXPECT_EQ(received->from, stranger.key());
}

TEST(Hub, a_revoked_key_is_told_to_stop) {
    Party server;
    Party revoked;
    Party friendly;
    const std::vector keys{friendly.key(), revoked.key()};  // revocation outweighs admission
    const std::vector barred{revoked.key()};
    server.hub->admit(keys, barred);
    revoked.connect(server);
    ASSERT_TRUE(until(server, [&] { return server.hub->stats().refused_revoked >= 1; }));
    friendly.connect(server);
    ASSERT_TRUE(send_when_up(friendly, server, numbered(1)));
    ASSERT_TRUE(next(server));
    EXPECT_EQ(server.hub->stats().refused_revoked, 1u)
        << "libzmq's client must not try again after status 400";
    EXPECT_FALSE(revoked.hub->connected(server.key()));
    EXPECT_TRUE(server.hub->take_refused().at(0).revoked);
    EXPECT_TRUE(server.hub->take_refused().empty()) << "each refusal is reported once";
}

TEST(Hub, who_leaves_the_roster_is_not_heard_on_a_connection_that_stands) {
    Party server;
    Party leaver;
    server.admit({leaver.key()});
    leaver.connect(server);
    ASSERT_TRUE(send_when_up(leaver, server, numbered(1)));
    ASSERT_TRUE(next(server));
    server.admit({});
    ASSERT_TRUE(leaver.send(server, numbered(2)));
    ASSERT_TRUE(until(
        server, [&] { return server.hub->receive() || dropped(server, Drop::not_admitted) > 0; }));
    EXPECT_EQ(dropped(server, Drop::not_admitted), 1u);
    EXPECT_EQ(server.hub->stats().total.received.messages, 1u);
}

TEST(Hub, the_connection_of_a_revoked_key_is_cut_and_no_other_one) {
    Party server;
    Party friendly;
    const crypto::Identity leaver = Party::fresh();
    server.admit({leaver.public_key(), friendly.key()});
    RawClient client(leaver, server);
    client.send(wire::seal(1, numbered(1)));
    friendly.connect(server);
    ASSERT_TRUE(next(server));
    ASSERT_TRUE(send_when_up(friendly, server, numbered(2)));
    ASSERT_TRUE(next(server));
    const std::vector keys{friendly.key()};
    const std::vector barred{leaver.public_key()};
    server.hub->admit(keys, barred);
    client.send(wire::seal(2, numbered(3)));
    ASSERT_TRUE(until(server, [&] {
        EXPECT_FALSE(server.hub->receive());
        return server.hub->stats().refused_revoked >= 1;
    })) << "it connects again and is told to stop";
    EXPECT_TRUE(client.cut());
    EXPECT_EQ(dropped(server, Drop::not_admitted), 1u);
    ASSERT_TRUE(friendly.send(server, numbered(4))) << "its connection stands";
    const auto heard = next(server);
    ASSERT_TRUE(heard);
    EXPECT_EQ(number_of(*heard), 4u);
}

TEST(Hub, a_replayed_message_is_refused) {
    Party server;
    const auto home = Party::fresh();
    server.admit({home.public_key()});
    RawClient client(home, server);
    const Bytes frame = wire::seal(7, numbered(1));
    client.send(frame);
    ASSERT_TRUE(next(server));
    client.send(frame);
    RawClient again(home, server);  // nor over a new connection
    again.send(frame);
    again.send(wire::seal(8, numbered(2)));
    const auto received = next(server);
    ASSERT_TRUE(received);
    EXPECT_EQ(number_of(*received), 2u);
    const auto copies = [&] { return server.hub->stats().total.copies.messages; };
    ASSERT_TRUE(until(server, [&] {
        return server.hub->receive() || (dropped(server, Drop::replayed) == 1 && copies() == 1);
    }));
    EXPECT_EQ(server.hub->stats().total.received.messages, 2u);
    EXPECT_EQ(server.hub->stats().peers.at(home.public_key()).dropped_for(Drop::replayed), 1u);
}

Message urgent(std::uint32_t number) {
    return wire::ClearingShare{{1, 1}, NetId{0}, number, {}, {}};
}

// Over as many lanes as there are: so many copies sent by one call.
bool all_lanes_are_up(Party& from, const Party& to, Party& watched) {
    unsigned in_a_row = 0;
    return until(watched, [&] {
        while (watched.hub->receive()) {
        }
        const auto before = from.hub->stats().total.sent.messages;
        from.send(to, urgent(1));
        in_a_row = from.hub->stats().total.sent.messages == before + 2 ? in_a_row + 1 : 0;
        return in_a_row == lanes_max;
    });
}

TEST(Hub, over_lanes_a_sessions_message_goes_twice_and_is_heard_once) {
    Options wide = quick();
    wide.lanes = 4;
    Party home(Party::fresh(), wide);
    Party server;
    server.admit({home.key()});
    home.connect(server);
    ASSERT_TRUE(all_lanes_are_up(home, server, server));
    const auto total = [&] { return server.hub->stats().total; };
    const auto sent = [&] { return home.hub->stats().total.sent; };
    const auto all_are_there = [&] {
        while (server.hub->receive()) {
        }
        return total().received.messages + total().copies.messages == sent().messages;
    };
    ASSERT_TRUE(until(server, all_are_there));
    const Counts before = total();

    std::set<std::uint32_t> heard;
    for (std::uint32_t i = 0; i < 100; ++i)
        ASSERT_TRUE(home.send(server, urgent(1'000 + i)));
    ASSERT_TRUE(until(server, [&] {
        while (const auto received = server.hub->receive())
            EXPECT_TRUE(
                heard.insert(std::get<wire::ClearingShare>(received->message).iteration).second);
        return total().copies.messages == before.copies.messages + 100;
    }));
    EXPECT_EQ(heard.size(), 100u);
    EXPECT_EQ(total().received.messages, before.received.messages + 100);
    EXPECT_EQ(total().received.bytes + total().copies.bytes, sent().bytes);
    EXPECT_EQ(dropped(server, Drop::replayed), 0u);

    for (std::uint64_t i = 0; i < 100; ++i)
        ASSERT_TRUE(home.send(server, numbered(i)));
    for (std::uint64_t i = 0; i < 100; ++i) {
        const auto received = next(server);
        ASSERT_TRUE(received);
        EXPECT_EQ(number_of(*received), i) << "others keep their order";
    }
    EXPECT_EQ(total().copies.messages, before.copies.messages + 100) << "and go once";
}

TEST(Hub, lanes_are_few_and_for_those_who_are_bound) {
    Party a;
    Options options = quick();
    for (const int lanes : {0, lanes_max + 1}) {
        options.lanes = lanes;
        EXPECT_FALSE(Hub::open(a.identity, options)) << lanes;
    }
    options.lanes = 2;
    options.bind.clear();
    EXPECT_FALSE(Hub::open(a.identity, options));
}

TEST(Hub, a_message_above_the_limit_is_refused_and_far_above_it_the_connection_is_cut) {
    Options options = quick();
    options.message_bytes_max = 10'000;
    Party server(Party::fresh(), options);
    const auto home = Party::fresh();
    server.admit({home.public_key()});
    {
        RawClient client(home, server);
        client.send(wire::seal(1, wire::ConsensusMessage{Bytes(10'001, 1)}));
        client.send(wire::seal(2, numbered(2)));
        const auto received = next(server);
        ASSERT_TRUE(received);
        EXPECT_EQ(number_of(*received), 2u);
        EXPECT_EQ(dropped(server, Drop::oversize), 1u);

        client.send(wire::seal(3, wire::ConsensusMessage{Bytes(100'000, 1)}));
        EXPECT_TRUE(client.cut());
    }
    RawClient client(home, server);
    client.send(wire::seal(5, numbered(5)));
    const auto received = next(server);
    ASSERT_TRUE(received);
    EXPECT_EQ(number_of(*received), 5u);
    EXPECT_EQ(dropped(server, Drop::oversize), 1u)
        << "the large one never reached this process's memory";
}

TEST(Hub, does_not_send_what_its_own_limit_forbids) {
    Options options = quick();
    options.message_bytes_max = 10'000;
    Party a(Party::fresh(), options);
    Party b;
    b.admit({a.key()});
    a.connect(b);
    ASSERT_TRUE(send_when_up(a, b, numbered(1)));
    EXPECT_FALSE(a.send(b, wire::ConsensusMessage{Bytes(10'000, 1)}));
    EXPECT_EQ(a.hub->stats().peers.at(b.key()).unsent, 1u);
}

TEST(Hub, garbage_is_refused_and_what_follows_is_heard) {
    Party server;
    const auto home = Party::fresh();
    server.admit({home.public_key()});
    RawClient client(home, server);
    client.send(as_bytes("garbage"));
    client.send({});
    const Bytes good = wire::seal(1, numbered(1));
    client.send(good, true);  // a good message in two frames is not a message
    client.send(good);
    client.send(wire::seal(2, numbered(2)));
    const auto received = next(server);
    ASSERT_TRUE(received);
    EXPECT_EQ(number_of(*received), 2u);
    EXPECT_EQ(dropped(server, Drop::undecodable), 3u);
}

TEST(Hub, a_restarted_peer_is_heard_at_once) {
    Party server;
    Party home;
    server.admit({home.key()});
    for (std::uint64_t life = 1; life <= 3; ++life) {
        home.connect(server);
        for (int i = 0; i < 3; ++i)
            ASSERT_TRUE(send_when_up(home, server, numbered(life)));
        for (int i = 0; i < 3; ++i) {
            const auto received = next(server);
            ASSERT_TRUE(received);
            EXPECT_EQ(number_of(*received), life);
        }
        home.start();
    }
    EXPECT_EQ(dropped(server, Drop::replayed), 0u);
}

TEST(Hub, connects_again_to_a_restarted_server_without_late_deliveries) {
    Party server;
    Party home;
    server.admit({home.key()});
    home.connect(server);
    ASSERT_TRUE(send_when_up(home, server, numbered(1)));
    ASSERT_TRUE(next(server));
    Options same = quick();
    same.bind = server.hub->endpoint();
    server.hub.reset();
    ASSERT_TRUE(until(home, [&] { return !home.hub->connected(server.key()); }));
    EXPECT_FALSE(home.send(server, numbered(2)));
    server.start(same);
    server.admit({home.key()});
    ASSERT_TRUE(send_when_up(home, server, numbered(3)));
    const auto received = next(server);
    ASSERT_TRUE(received);
    EXPECT_EQ(number_of(*received), 3u);
}

TEST(Hub, a_changed_endpoint_moves_the_link) {
    Party home;
    Party server;
    server.admit({home.key()});
    home.connect(server);
    ASSERT_TRUE(send_when_up(home, server, numbered(1)));
    home.connect(server);  // the same again changes nothing
    EXPECT_TRUE(home.hub->connected(server.key()));

    Options elsewhere = quick();
    server.start(elsewhere);
    server.admit({home.key()});
    home.connect(server);
    ASSERT_TRUE(send_when_up(home, server, numbered(2)));
    const auto received = next(server);
    ASSERT_TRUE(received);
    EXPECT_EQ(number_of(*received), 2u);
    home.hub->disconnect(server.key());
    EXPECT_FALSE(home.send(server, numbered(3)));
}

TEST(Hub, a_link_that_moves_to_and_fro_is_always_heard) {
    Party home;
    Party server;
    server.admit({home.key()});
    const std::string one = server.hub->endpoint();
    const std::string other = "tcp://127.1" + one.substr(one.rfind(':'));
    for (std::uint64_t move = 0; move < 20; ++move) {
        ASSERT_TRUE(home.hub->connect(server.key(), move % 2 == 0 ? one : other));
        ASSERT_TRUE(send_when_up(home, server, numbered(move)));
        const auto received = next(server);
        ASSERT_TRUE(received);
        EXPECT_EQ(number_of(*received), move);
    }
    EXPECT_EQ(dropped(server, Drop::replayed), 0u);
}

TEST(Hub, a_peer_that_never_reads_costs_a_bounded_queue) {
    Options small = quick();
    small.queue_messages_max = 10;
    Party reader(Party::fresh(), small);
    Party sender(Party::fresh(), small);
    reader.admit({sender.key()});
    sender.connect(reader);
    ASSERT_TRUE(until(sender, [&] { return sender.hub->connected(reader.key()); }));
    // Two queues of ten and what TCP holds; 64 KiB each, so that TCP holds few.
    const Message large = wire::ConsensusMessage{Bytes(64u << 10, 1)};
    const auto unsent = [&] { return sender.hub->stats().total.unsent; };
    const auto sent = [&] { return sender.hub->stats().total.sent.messages; };
    while (unsent() < 10'000 && sent() < 10'000)
        sender.send(reader, large);
    EXPECT_EQ(unsent(), 10'000u);
    EXPECT_LT(sent(), 1'000u);
    const std::uint64_t before = sent();
    for (std::uint64_t i = 0; i < before; ++i)
        ASSERT_TRUE(next(reader)) << "what was accepted does arrive";
}

TEST(Hub, a_server_without_the_expected_key_is_not_spoken_to) {
    Party server;
    Party home;
    const auto impostor_of = Party::fresh().public_key();
    server.admit({home.key()});
    ASSERT_TRUE(home.hub->connect(impostor_of, server.hub->endpoint()));
    // A second, honest link to the same server comes up later and works; the first still is not up.
    home.connect(server);
    ASSERT_TRUE(send_when_up(home, server, numbered(1)));
    ASSERT_TRUE(next(server));
    EXPECT_FALSE(home.hub->connected(impostor_of));
    EXPECT_FALSE(home.hub->send(impostor_of, numbered(2)));
    EXPECT_EQ(server.hub->stats().total.received.messages, 1u);
}

TEST(Hub, a_client_without_curve_gets_nothing_through) {
    Party server;
    Party home;
    server.admit({home.key()});
    zmq::context_t context;
    zmq::socket_t plain(context, zmq::socket_type::dealer);
    plain.set(zmq::sockopt::linger, 0);
    plain.connect(server.hub->endpoint());
    plain.send(zmq::str_buffer("hello"), zmq::send_flags::dontwait);
    home.connect(server);
    ASSERT_TRUE(send_when_up(home, server, numbered(1)));
    ASSERT_TRUE(next(server));
    const Stats stats = server.hub->stats();
    EXPECT_EQ(stats.total.received.messages, 1u);
    EXPECT_EQ(stats.total.dropped, (std::array<std::uint64_t, drop_reasons>{}));
}

TEST(Hub, unusable_options_and_endpoints_are_errors_with_a_reason) {
    Party a;
    Options taken = quick();
    taken.bind = a.hub->endpoint();
    const auto second = Hub::open(a.identity, taken);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find(a.hub->endpoint()), std::string::npos);

    Options plain = quick();
    plain.bind = "inproc://not-encrypted";
    EXPECT_FALSE(Hub::open(a.identity, plain));
    EXPECT_FALSE(a.hub->connect(a.key(), "ipc:///tmp/x"));
    EXPECT_FALSE(a.hub->connect(a.key(), "tcp://127.0.0.1"));
    EXPECT_FALSE(a.hub->connect(crypto::PublicKey{}, "tcp://127.0.0.1:1")) << "not a key";
}

TEST(Hub, without_a_bind_address_nobody_can_connect_but_it_can_send) {
    Options outbound_only = quick();
    outbound_only.bind.clear();
    Party home(Party::fresh(), outbound_only);
    Party server;
    server.admit({home.key()});
    EXPECT_EQ(home.hub->endpoint(), "");
    EXPECT_FALSE(home.hub->receive());
    home.connect(server);
    ASSERT_TRUE(until(server, [&] { return home.hub->connected(server.key()); }));
    ASSERT_TRUE(home.send(server, numbered(1)));
    ASSERT_TRUE(next(server));
}

TEST(Hub, a_program_that_is_not_bound_is_answered_over_its_connection) {
    Options outbound_only = quick();
    outbound_only.bind.clear();
    Party tool(Party::fresh(), outbound_only);
    Party server;
    server.admit({tool.key()});
    EXPECT_FALSE(server.send(tool, numbered(0))) << "it was never heard";
    for (std::uint64_t round = 1; round <= 2; ++round) {  // the second time over a new connection
        tool.connect(server);
        ASSERT_TRUE(until(server, [&] { return tool.hub->connected(server.key()); }));
        ASSERT_TRUE(tool.send(server, numbered(round)));
        ASSERT_TRUE(next(server));
        ASSERT_TRUE(server.send(tool, numbered(10 + round)));
        ASSERT_TRUE(server.send(tool, numbered(20 + round)));
        for (const std::uint64_t expected : {10 + round, 20 + round}) {
            std::optional<Received> answer;
            while (!(answer = tool.hub->receive()))
                tool.hub->wait(std::chrono::seconds(20));
            EXPECT_EQ(answer->from, server.key());
            EXPECT_EQ(number_of(*answer), expected);
        }
        tool.hub->disconnect(server.key());
    }
    ASSERT_TRUE(until(server, [&] { return !server.send(tool, numbered(9)); }))
        << "its connection is gone";
}

}  // namespace
}  // namespace kilter::transport::hub_test
