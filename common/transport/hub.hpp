/// One process's post office: CURVE-encrypted ZeroMQ to every peer, and nothing else on the
/// network.
///
/// Inbound: one bound ROUTER (CURVE server) behind a ZAP handler that admits exactly the keys set
/// by admit(). Outbound: one DEALER per peer (CURVE client that knows the peer's key). So a
/// conversation is two one-way links, each authenticated at both ends, and a message's sender is
/// what ZAP said it is, never what the message says. A program that nobody can connect to (not
/// bound: the operator's tool, a home behind an address translation) is answered over the connection it made.
///
/// Two that nobody can connect to meet through a relay: a peer that both are connected to and that passes their letters on
/// (relay.hpp). These are sealed from end to end (sealed_link.hpp); their sender is who has the key, whichever relay brought
/// them.
///
/// Delivery is at most once and in order per link; a link that is down loses what is sent (send()
/// says so) and never delivers late: protocols re-send. Every queue is bounded; nothing blocks.
///
/// Lanes: TCP keeps everything behind a lost segment waiting until that has come again, 200 ms and more, and a session's
/// iteration waits for the last of all its messages. Where the network loses, a link is therefore several connections, and a
/// message that others wait for goes over two of them, taken in turn; whichever copy comes first is delivered. Those
/// messages may overtake each other, which a session expects (messages.hpp); all others go over the first lane, in order.
///
/// Threads: the Hub is used by one thread (the loop's). The ZAP handler is a thread of its own
/// inside, so that a busy loop does not stop others from connecting; they share only the table of
/// admitted keys, under a mutex.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/base/limits.hpp"
#include "common/crypto/identity.hpp"
#include "common/wire/envelope.hpp"

namespace kilter::transport {

inline constexpr int lanes_max = 8;

/// Local choices; no peer needs to know them.
struct Options {
    /// "tcp://127.0.0.1:20001", port "*" for any free one; empty: nobody can connect to us.
    std::string bind;
    /// Larger messages are dropped; above twice this the connection is cut before the message is read.
    std::size_t message_bytes_max = limits::message_bytes_max;
    /// High-water mark, per peer and direction.
    int queue_messages_max = static_cast<int>(limits::queue_messages_max);
    /// How long to wait before connecting again, the first time and at most.
    int reconnect_ms = 50;
    int reconnect_ms_max = 500;
    /// How long an attempt to connect may take. Below reconnecting within 2 s: an attempt that began just before the
    /// network came back ends, the longest wait passes, and the next one needs a few round trips.
    int connect_ms_max = 1'000;
    /// When nothing of what was sent has been acknowledged for so long the connection is made again. TCP alone would wait
    /// twice as long after every repetition: up to as long again as the network was away.
    int unacknowledged_ms_max = 4'000;
    /// Also the longest an unknown key waits before it tries again: libzmq's server answers status
    /// 300 with silence, and which end gives up first, and when, is a matter of luck.
    int handshake_ms_max = 2'000;
    /// The end that made a connection probes it this often, and gives it up when the answer takes longer than that; the
    /// other end gives it up when two probes have not come. Each probe wakes two processes: where a thousand share two
    /// processors, probes every 5 s from both ends were half of all they did. What is on its way is watched more closely,
    /// by unacknowledged_ms_max.
    int heartbeat_ms = 20'000;
    int heartbeat_timeout_ms = 10'000;
    /// How long closing waits for messages already sent.
    int linger_ms = 200;
    /// Connections to each peer, at most lanes_max.
    int lanes = 1;
};

/// Peers that may pass on what is said to another one.
struct Relays {
    std::vector<crypto::PublicKey> first;      ///< those of them that are connected, in turn
    std::vector<crypto::PublicKey> otherwise;  ///< and when none is, these
    bool operator==(const Relays&) const = default;
};

struct Received {
    crypto::PublicKey from;  ///< authenticated; of what a relay brought, who sealed it
    wire::Message message;
    std::size_t bytes = 0;  ///< of the envelope
};

/// Why an inbound message was dropped.
enum class Drop : std::uint8_t {
    oversize,
    undecodable,   ///< not one frame, not canonical, outside the limits, or another version
    replayed,      ///< its counter was seen before, over the same connection, or is too old
    not_admitted,  ///< its sender has left the roster since it connected; the connection is cut
    unreadable,  ///< what a relay brought was altered, was for an earlier run, or is from nobody we know
};
inline constexpr std::size_t drop_reasons = 5;

/// Bytes are envelopes: what CURVE, ZMTP and TCP add is not counted.
struct Traffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;

    void add(std::size_t size, std::size_t times = 1) {
        messages += times;
        bytes += times * size;
    }

    auto operator<=>(const Traffic&) const = default;
};

struct Counts {
    Traffic sent;                                       ///< copies included
    Traffic received;                                   ///< and handed out by receive()
    Traffic copies;                                     ///< received again over another lane
    std::uint64_t unsent = 0;                           ///< send() said false
    std::array<std::uint64_t, drop_reasons> dropped{};  ///< by Drop

    [[nodiscard]] std::uint64_t dropped_for(Drop reason) const {
        return dropped[static_cast<std::size_t>(reason)];
    }
};

struct Stats {
    Counts total;
    std::map<crypto::PublicKey, Counts> peers;  ///< of peers admitted or connected to
    std::uint64_t refused_unknown =
        0;  ///< handshakes of keys that are not admitted (they will try again)
    std::uint64_t refused_revoked = 0;  ///< handshakes of revoked keys (they will not)
};

/// A key that was refused since the last report. Only its X25519 form is known: it never said more.
struct RefusedKey {
    crypto::CurveKey key;
    std::string address;  ///< the IP address it came from
    bool revoked = false;
    std::uint64_t handshakes = 0;
};

class Hub {
  public:
    /// Binds if asked to. `identity` must outlive the Hub. Nobody is admitted yet.
    /// Error: the address cannot be bound; or the options make no sense.
    static Result<Hub> open(const crypto::Identity& identity, Options options);

    /// From now on exactly these keys are admitted: others that try are told to try again,
    /// `revoked` ones to stop. A connection that stands although its key is not in `keys` any more is
    /// cut when the next message comes over it, which is dropped. A key without a CURVE form
    /// (curve_key() fails) admits nobody.
    void admit(std::span<const crypto::PublicKey> keys,
               std::span<const crypto::PublicKey> revoked = {});

    /// From now on there is a link to this peer, which connects and reconnects by itself.
    /// Idempotent; a changed endpoint replaces the link. Error: the endpoint or the key is not
    /// usable.
    Result<void> connect(const crypto::PublicKey& peer, const std::string& endpoint);
    /// From now on this peer, who cannot be connected to, is spoken to through one of these; who is no peer of ours carries
    /// nothing. Idempotent; other relays do not interrupt the conversation. Has to be done at both ends, and needs tend().
    /// Error: no secret can be shared with this key.
    Result<void> connect_through(const crypto::PublicKey& peer, Relays relays);
    /// Ends the link, if there is one. What is known of a peer that is neither admitted nor linked
    /// to is forgotten.
    void disconnect(const crypto::PublicKey& peer);
    /// The link to this peer is up (handshake done) and has room for a message; or there is a connection to answer over; or
    /// each end knows the other through a relay that is connected.
    [[nodiscard]] bool connected(const crypto::PublicKey& peer) const;

    /// Hands the message to the link to a peer, or, without one, to the connection the peer was last heard over; never
    /// blocks. False, and counted, when there is neither, it is down, or its queue is full.
    /// REQUIRES: wire::check(message).ok().
    bool send(const crypto::PublicKey& to, const wire::Message& message);

    /// The next message that is in order in every respect; never blocks. Empty: nothing there (wait
    /// on inbound()). Drops and counts all others, at most queue_messages_max in one call. A wire::Relayed is for somebody
    /// else, or nobody: its sender may want it passed on.
    std::optional<Received> receive();

    /// What is due without being asked for: who is not bound says to its peers that it is there, and introduces itself to
    /// those it meets through relays. Call it every tend_ms.
    void tend();
    static constexpr int tend_ms = 250;

    /// Readable when receive() may have something. REQUIRES: Options::bind was set.
    [[nodiscard]] zmq::socket_ref inbound() const;
    /// The same for any hub: one of them is. Who is not bound has one per link, valid until connect() or disconnect().
    [[nodiscard]] std::vector<zmq::socket_ref> inbounds() const;
    /// For a program without a loop: until receive() may have something, at most so long.
    /// REQUIRES: Options::bind was not set.
    void wait(std::chrono::milliseconds at_most) const;
    /// Where others connect to, with the port that was chosen; empty when not bound.
    [[nodiscard]] const std::string& endpoint() const;

    [[nodiscard]] Stats stats() const;
    /// The keys refused since the last call, at most limits::refusals_kept_max; call it every few
    /// seconds and log them: that is the rate limit.
    std::vector<RefusedKey> take_refused();

    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;
    Hub(Hub&&) noexcept;
    Hub& operator=(Hub&&) noexcept;
    ~Hub();

  private:
    struct State;
    explicit Hub(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::transport
