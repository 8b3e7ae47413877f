#include "common/transport/hub.hpp"

#include <algorithm>
#include <cerrno>
#include <netdb.h>
#include <sys/socket.h>

#include "common/transport/admission.hpp"
#include "common/transport/sealed_link.hpp"
#include "common/wire/replay.hpp"

namespace kilter::transport {

namespace {

/// What CURVE and ZMTP add to a frame, and room for the handshake's commands.
constexpr std::int64_t frame_overhead_bytes = 1'024;
constexpr int sockets_max = 8'192;
constexpr int backlog = 1'024;
constexpr std::size_t copies_of_urgent = 2;
/// Waiting for one peer that is answered over its connection, of which it may have stopped reading: what is relayed to it is
/// somebody else's to choose.
constexpr int answers_queued_max = 64;
using Steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds presence_every{2'000};
constexpr std::chrono::milliseconds introductions_apart{200};  // to one peer, whatever it asks
constexpr std::chrono::milliseconds introductions_every{500};  // until it answers

std::int64_t unix_ms() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

Result<void> check_endpoint(const std::string& endpoint) {
    if (endpoint.starts_with("tcp://")) return {};
    return Error{"endpoint \"" + endpoint + "\" is not usable: write it as tcp://HOST:PORT"};
}

Result<void> check_options(const Options& options) {
    if (!options.bind.empty())
        if (auto bind = check_endpoint(options.bind); !bind) return bind;
    const auto times = {options.reconnect_ms,        options.reconnect_ms_max,
                        options.connect_ms_max,      options.unacknowledged_ms_max,
                        options.handshake_ms_max,    options.heartbeat_ms,
                        options.heartbeat_timeout_ms};
    if (std::ranges::any_of(times, [](int ms) { return ms <= 0; }) || options.linger_ms < 0)
        return Error{"transport: every time must be positive (linger may be 0)"};
    if (options.queue_messages_max <= 0)
        return Error{"transport: queue_messages_max must be positive"};
    if (options.lanes < 1 || options.lanes > lanes_max)
        return Error{"transport: there must be between 1 and " + std::to_string(lanes_max) +
                     " lanes to a peer, not " + std::to_string(options.lanes)};
    if (options.bind.empty() && options.lanes > 1)
        return Error{"transport: a program that is not bound has one lane to a peer"};
    if (options.message_bytes_max == 0 || options.message_bytes_max > limits::message_bytes_max)
        return Error{"transport: message_bytes_max must be between 1 and " +
                     std::to_string(limits::message_bytes_max)};
    return {};
}

/// Ends the connection that a message came over. libzmq only tells its descriptor, which may be another's by now: it must
/// still lead to the address that the message came from. At worst, an innocent connection is made again.
void cut(zmq::message_t& message) {
    const int descriptor = zmq_msg_get(message.handle(), ZMQ_SRCFD);
    const char* address = zmq_msg_gets(message.handle(), "Peer-Address");
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (descriptor < 0 || address == nullptr ||
        ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0)
        return;
    std::array<char, NI_MAXHOST> host{};
    if (::getnameinfo(reinterpret_cast<const sockaddr*>(&peer), size, host.data(), host.size(),
                      nullptr, 0, NI_NUMERICHOST) == 0 &&
        std::string_view(host.data()) == address)
        ::shutdown(descriptor, SHUT_RDWR);
}

/// Of a session's exchange, in which everybody waits for everybody: nobody minds their order.
bool is_urgent(const wire::Message& message) {
    return std::holds_alternative<wire::Share>(message) ||
           std::holds_alternative<wire::SessionOpen>(message) ||
           std::holds_alternative<wire::ClearingShare>(message);
}

struct Link {
    std::string endpoint;
    crypto::CurveKey peer;
    std::vector<zmq::socket_t> lanes;  // the first one; the others once it is up
    std::uint64_t counter;
    std::size_t next_lane = 0;
    Steady::time_point said_present = {};
};

/// A conversation through relays.
struct Conversation {
    SealedLink end;
    Relays relays;
    std::size_t turn = 0;
    Steady::time_point introduced;  // newest
};

/// What is known of one other party: admitted, linked to, or both.
struct Peer {
    bool admitted = false;
    wire::ReplayWindow window;
    std::optional<Link> link;
    std::optional<Conversation> relayed;
    std::string routing_id;     // of the connection it was last heard over
    std::string answered_over;  // which reply_counter is of
    std::uint64_t reply_counter = 0;
    std::map<std::string, std::uint64_t> newest_over;  // counters, by connection
    Counts counts;

    /// Whether this connection's counters go up, as they do where nobody says anything twice.
    bool advances(const std::string& connection, std::uint64_t counter) {
        if (newest_over.size() > 2 * std::size_t{lanes_max})
            newest_over.clear();  // it has reconnected often
        const auto [newest, is_first] = newest_over.try_emplace(connection, counter);
        const bool out = is_first || counter > newest->second;
        newest->second = std::max(newest->second, counter);
        return out;
    }
};

}  // namespace

struct Hub::State {
    State(const crypto::Identity& self, Options chosen)
        : identity(self), options(std::move(chosen)), curve(*crypto::curve_key(self.public_key())) {
        context.set(zmq::ctxopt::max_sockets, sockets_max);
        admission.emplace(context);
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State() {
        peers.clear();
        router.close();
        context.shutdown();  // ends the ZAP handler; the context's own end waits for what lingers
    }

    zmq::socket_t make_socket(zmq::socket_type type) {
        zmq::socket_t socket(context, type);
        socket.set(zmq::sockopt::curve_publickey, buffer(curve.view()));
        socket.set(zmq::sockopt::curve_secretkey, buffer(identity.curve_secret()));
        socket.set(zmq::sockopt::linger, options.linger_ms);
        socket.set(zmq::sockopt::handshake_ivl, options.handshake_ms_max);
        socket.set(zmq::sockopt::tcp_maxrt, options.unacknowledged_ms_max);
        return socket;
    }

    Result<void> bind();
    Result<Link> make_link(const crypto::CurveKey& peer, const std::string& to);
    zmq::socket_t make_lane(const crypto::CurveKey& peer, const std::string& to);
    void add_lanes(Link& link);

    /// Above every counter used before, by this process or by an earlier one of the same identity:
    /// nobody sends 2^20 messages in a millisecond. A clock that was set back between two processes
    /// breaks this, and the peers then drop what we send (Drop::replayed).
    std::uint64_t first_counter() {
        constexpr std::uint64_t room = 1u << 20;
        counter_base = std::max(static_cast<std::uint64_t>(unix_ms()) * room, counter_base + room);
        return counter_base;
    }

    /// One message off the ROUTER. Empty: none there.
    struct Frame {
        std::string routing_id;  // empty: over a link
        std::string user_id;
        zmq::message_t payload;
        bool alone = true;  // exactly one frame after the routing id
    };

    std::optional<Frame> next_frame();
    /// One message off a link of a program that is not bound.
    std::optional<Frame> next_answer();
    /// How many copies are on their way.
    std::size_t send_over_link(Link& link, const Bytes& bytes, bool urgent);
    /// Clears the id of a connection that is gone.
    bool send_over_connection(std::string& routing_id, const Bytes& bytes);
    /// The message in `frame`, or empty after counting why not.
    std::optional<Received> judge(Frame& frame);
    /// What a relay has brought for us, likewise.
    std::optional<Received> unseal(const wire::Relayed& letter);

    bool connected(const Peer& peer) const;
    /// The relay for the next letter to this peer; null: none is connected.
    const crypto::PublicKey* next_relay(Conversation& with);
    bool send(Peer& peer, const wire::Message& message);
    bool send_sealed(const crypto::PublicKey& to, Peer& peer, const wire::Message& message);
    bool send_letter(const crypto::PublicKey& to, Conversation& with, Bytes sealed);
    void introduce(const crypto::PublicKey& to, Conversation& with);

    bool unsent(Peer* peer) {
        ++total.unsent;
        if (peer != nullptr) ++peer->counts.unsent;
        return false;
    }

    void drop(Peer* peer, Drop reason) {
        ++total.dropped[static_cast<std::size_t>(reason)];
        if (peer != nullptr) ++peer->counts.dropped[static_cast<std::size_t>(reason)];
    }

    void forget_unless_needed(std::map<crypto::PublicKey, Peer>::iterator& peer) {
        const bool needed = peer->second.admitted || peer->second.link || peer->second.relayed;
        peer = needed ? std::next(peer) : peers.erase(peer);
    }

    static zmq::const_buffer buffer(ByteView view) { return {view.data(), view.size()}; }

    const crypto::Identity& identity;
    Options options;
    crypto::CurveKey curve;
    zmq::context_t context;
    std::optional<Admission> admission;  // its thread uses the context: ends before it
    zmq::socket_t router;
    std::string endpoint;
    std::map<crypto::PublicKey, Peer> peers;
    Counts total;
    std::uint64_t counter_base = 0;  // of the newest link
    Run run{.began_ms = unix_ms()};
};

Result<void> Hub::State::bind() {
    try {
        router = make_socket(zmq::socket_type::router);
        router.set(zmq::sockopt::curve_server, true);
        router.set(zmq::sockopt::zap_domain, std::string(Admission::domain));
        router.set(zmq::sockopt::router_mandatory, true);  // says when a connection is gone
        router.set(zmq::sockopt::rcvhwm, options.queue_messages_max);
        router.set(zmq::sockopt::sndhwm, std::min(options.queue_messages_max, answers_queued_max));
        router.set(zmq::sockopt::maxmsgsize,
                   2 * static_cast<std::int64_t>(options.message_bytes_max) + frame_overhead_bytes);
        router.set(zmq::sockopt::backlog, backlog);
        router.bind(options.bind);
        endpoint = router.get(zmq::sockopt::last_endpoint);
        return {};
    } catch (const zmq::error_t& error) {
        return Error{"cannot listen on " + options.bind + ": " + error.what() +
                     "; choose another address or stop what uses it"};
    }
}

Result<Link> Hub::State::make_link(const crypto::CurveKey& peer, const std::string& to) {
    try {
        Link link{to, peer, {}, first_counter()};
        link.lanes.push_back(make_lane(peer, to));
        return link;
    } catch (const zmq::error_t& error) {
        return Error{"cannot connect to " + to + ": " + error.what()};
    }
}

zmq::socket_t Hub::State::make_lane(const crypto::CurveKey& peer, const std::string& to) {
    zmq::socket_t socket = make_socket(zmq::socket_type::dealer);
    socket.set(zmq::sockopt::curve_serverkey, buffer(peer.view()));
    // Nothing is queued for a link that is down: what would come late is worthless, and the
    // sender wants to know.
    socket.set(zmq::sockopt::immediate, true);
    socket.set(zmq::sockopt::sndhwm, options.queue_messages_max);
    if (options.bind.empty()) {
        socket.set(zmq::sockopt::rcvhwm, options.queue_messages_max);
        socket.set(zmq::sockopt::maxmsgsize,
                   2 * static_cast<std::int64_t>(options.message_bytes_max) + frame_overhead_bytes);
    } else {  // the other end has nothing to say on this link
        socket.set(zmq::sockopt::rcvhwm, 1);
        socket.set(zmq::sockopt::maxmsgsize, frame_overhead_bytes);
    }
    socket.set(zmq::sockopt::reconnect_ivl, options.reconnect_ms);
    socket.set(zmq::sockopt::reconnect_ivl_max, options.reconnect_ms_max);
    socket.set(zmq::sockopt::connect_timeout, options.connect_ms_max);
    socket.set(zmq::sockopt::heartbeat_ivl, options.heartbeat_ms);
    socket.set(zmq::sockopt::heartbeat_timeout, options.heartbeat_timeout_ms);
    socket.set(zmq::sockopt::heartbeat_ttl,
               2 * options.heartbeat_ms + options.heartbeat_timeout_ms);
    socket.connect(to);
    return socket;
}

std::optional<Hub::State::Frame> Hub::State::next_frame() {
    zmq::message_t routing_id;
    if (!router.recv(routing_id, zmq::recv_flags::dontwait)) return std::nullopt;
    Frame frame;
    frame.routing_id = routing_id.to_string();
    bool more = routing_id.more();
    frame.alone = more;
    for (int part = 0; more; ++part) {
        (void)router.recv(frame.payload);  // the parts of one message are there together
        more = frame.payload.more();
        if (part > 0) frame.alone = false;
    }
    if (const char* user_id = zmq_msg_gets(frame.payload.handle(), "User-Id"))
        frame.user_id = user_id;
    return frame;
}

std::optional<Hub::State::Frame> Hub::State::next_answer() {
    for (auto& [key, peer] : peers) {
        if (!peer.link) continue;
        Frame frame;
        zmq::socket_t& socket = peer.link->lanes.front();
        if (!socket.recv(frame.payload, zmq::recv_flags::dontwait)) continue;
        for (bool more = frame.payload.more(); more; more = frame.payload.more()) {
            frame.alone = false;
            (void)socket.recv(frame.payload);
        }
        frame.user_id = to_hex(key.view());  // whom CURVE has proved to be at the other end
        return frame;
    }
    return std::nullopt;
}

// Not before the peer has let the first one in: whom it does not know yet would ask it so much oftener.
void Hub::State::add_lanes(Link& link) {
    try {
        while (link.lanes.size() < static_cast<std::size_t>(options.lanes))
            link.lanes.push_back(make_lane(link.peer, link.endpoint));
    } catch (const zmq::error_t&) {
        // The process has no more sockets: it goes on with the lanes there are.
    }
}

std::size_t Hub::State::send_over_link(Link& link, const Bytes& bytes, bool urgent) {
    const auto send = [&](std::size_t lane) -> std::size_t {
        zmq::socket_t& socket = link.lanes[lane];
        // What comes back over a link of a bound program is nothing; left there, it would fill the link's queue, and libzmq
        // 4.3.4 aborts when a peer hangs up on a full one.
        if (!options.bind.empty())
            for (zmq::message_t nothing; socket.recv(nothing, zmq::recv_flags::dontwait);) {
            }
        return socket.send(buffer(bytes), zmq::send_flags::dontwait) ? 1 : 0;
    };
    const std::size_t lanes = link.lanes.size();
    if (!urgent || lanes == 1) {
        const std::size_t sent = send(0);
        if (sent > 0) add_lanes(link);
        return sent;
    }
    std::size_t out = 0;
    for (std::size_t tried = 0; tried < lanes && out < copies_of_urgent; ++tried)
        out += send(link.next_lane++ % lanes);
    return out;
}

bool Hub::State::send_over_connection(std::string& routing_id, const Bytes& bytes) {
    if (routing_id.empty()) return false;
    try {
        const auto flags = zmq::send_flags::dontwait;
        return router.send(zmq::buffer(routing_id), flags | zmq::send_flags::sndmore) &&
               router.send(buffer(bytes), flags);
    } catch (const zmq::error_t& error) {
        KILTER_CHECK(error.num() == EHOSTUNREACH, "the ROUTER's socket failed");
        routing_id.clear();
        return false;
    }
}

std::optional<Received> Hub::State::judge(Frame& frame) {
    const auto from = fixed_from_hex<crypto::PublicKey>(frame.user_id);
    const auto found = from ? peers.find(*from) : peers.end();
    const bool answer = frame.routing_id.empty();
    if (found == peers.end() || (!found->second.admitted && !answer)) {
        drop(nullptr, Drop::not_admitted);
        cut(frame.payload);
        return std::nullopt;
    }
    Peer& peer = found->second;
    const ByteView bytes = as_bytes(frame.payload.to_string_view());
    if (bytes.size() > options.message_bytes_max) {
        drop(&peer, Drop::oversize);
        return std::nullopt;
    }
    auto opened = wire::open(bytes);
    if (!frame.alone || !opened) {
        drop(&peer, Drop::undecodable);
        return std::nullopt;
    }
    const bool in_order = peer.advances(frame.routing_id, opened->counter);
    if (const auto freshness = peer.window.accept(opened->counter);
        freshness != wire::Freshness::fresh) {
        if (freshness == wire::Freshness::replayed && in_order)
            for (Counts* counts : {&total, &peer.counts})
                counts->copies.add(bytes.size());
        else
            drop(&peer, Drop::replayed);
        return std::nullopt;
    }
    peer.routing_id = frame.routing_id;
    for (Counts* counts : {&total, &peer.counts})
        counts->received.add(bytes.size());
    if (std::holds_alternative<wire::Presence>(opened->message)) return std::nullopt;
    if (const auto* letter = std::get_if<wire::Relayed>(&opened->message);
        letter != nullptr && letter->to == identity.public_key())
        return unseal(*letter);
    return Received{*from, std::move(opened->message), bytes.size()};
}

std::optional<Received> Hub::State::unseal(const wire::Relayed& letter) {
    const auto found = peers.find(letter.from);
    if (found == peers.end() || !found->second.relayed || !found->second.admitted) {
        drop(nullptr, Drop::unreadable);
        return std::nullopt;
    }
    Peer& peer = found->second;
    auto opened = peer.relayed->end.open(letter.sealed);
    if (opened.introduce) introduce(letter.from, *peer.relayed);
    switch (opened.verdict) {
        case SealedLink::Verdict::introduced:
            break;
        case SealedLink::Verdict::unreadable:
            drop(&peer, Drop::unreadable);
            break;
        case SealedLink::Verdict::replayed:
            drop(&peer, Drop::replayed);
            break;
        case SealedLink::Verdict::message:
            peer.counts.received.add(letter.sealed.size());
            return Received{letter.from, *std::move(opened.message), letter.sealed.size()};
    }
    return std::nullopt;
}

bool Hub::State::connected(const Peer& peer) const {
    if (peer.link)
        return std::ranges::any_of(peer.link->lanes, [](const zmq::socket_t& lane) {
            return (lane.get(zmq::sockopt::events) & ZMQ_POLLOUT) != 0;
        });
    if (!peer.relayed) return !peer.routing_id.empty();
    const auto reached = [this](const crypto::PublicKey& relay) {
        const auto found = peers.find(relay);
        return found != peers.end() && !found->second.relayed && connected(found->second);
    };
    const Relays& relays = peer.relayed->relays;
    return peer.relayed->end.up() && (std::ranges::any_of(relays.first, reached) ||
                                      std::ranges::any_of(relays.otherwise, reached));
}

const crypto::PublicKey* Hub::State::next_relay(Conversation& with) {
    for (const auto* relays : {&with.relays.first, &with.relays.otherwise})
        for (std::size_t tried = 0; tried < relays->size(); ++tried) {
            const crypto::PublicKey& relay = (*relays)[with.turn++ % relays->size()];
            const auto found = peers.find(relay);
            if (found != peers.end() && !found->second.relayed && connected(found->second))
                return &relay;
        }
    return nullptr;
}

bool Hub::State::send(Peer& peer, const wire::Message& message) {
    if (!peer.link && peer.answered_over != peer.routing_id) {
        peer.answered_over = peer.routing_id;
        peer.reply_counter = first_counter();
    }
    std::uint64_t& counter = peer.link ? peer.link->counter : peer.reply_counter;
    const Bytes bytes = wire::seal(counter++, message);
    if (bytes.size() > options.message_bytes_max) return unsent(&peer);
    const std::size_t copies = peer.link
                                   ? send_over_link(*peer.link, bytes, is_urgent(message))
                                   : std::size_t{send_over_connection(peer.routing_id, bytes)};
    if (copies == 0) return unsent(&peer);
    for (Counts* sent : {&total, &peer.counts})
        sent->sent.add(bytes.size(), copies);
    return true;
}

bool Hub::State::send_letter(const crypto::PublicKey& to, Conversation& with, Bytes sealed) {
    const crypto::PublicKey* relay = next_relay(with);
    return relay != nullptr && sealed.size() <= limits::relayed_bytes_max &&
           send(peers.at(*relay), wire::Relayed{identity.public_key(), to, std::move(sealed)});
}

bool Hub::State::send_sealed(const crypto::PublicKey& to,
                             Peer& peer,
                             const wire::Message& message) {
    if (!peer.relayed->end.up()) {
        introduce(to, *peer.relayed);
        return unsent(&peer);
    }
    Bytes sealed = peer.relayed->end.seal(message);
    const std::size_t size = sealed.size();
    if (!send_letter(to, *peer.relayed, std::move(sealed))) return unsent(&peer);
    peer.counts.sent.add(size);
    return true;
}

void Hub::State::introduce(const crypto::PublicKey& to, Conversation& with) {
    const Steady::time_point now = Steady::now();
    if (now - with.introduced < introductions_apart) return;
    if (send_letter(to, with, with.end.introduction())) with.introduced = now;
}

Result<Hub> Hub::open(const crypto::Identity& identity, Options options) {
    if (const auto checked = check_options(options); !checked) return checked.error();
    auto state = std::make_unique<State>(identity, std::move(options));
    if (!state->options.bind.empty())
        if (const auto bound = state->bind(); !bound) return bound.error();
    return Hub(std::move(state));
}

void Hub::admit(std::span<const crypto::PublicKey> keys,
                std::span<const crypto::PublicKey> revoked) {
    state_->admission->admit(keys, revoked);
    for (auto& [_, peer] : state_->peers)
        peer.admitted = false;
    for (const auto& key : keys)
        state_->peers[key].admitted = true;
    for (const auto& key : revoked)
        if (const auto found = state_->peers.find(key); found != state_->peers.end())
            found->second.admitted = false;
    for (auto peer = state_->peers.begin(); peer != state_->peers.end();)
        state_->forget_unless_needed(peer);
}

Result<void> Hub::connect(const crypto::PublicKey& peer, const std::string& endpoint) {
    const auto found = state_->peers.find(peer);
    if (found != state_->peers.end() && found->second.link &&
        found->second.link->endpoint == endpoint)
        return {};
    if (auto checked = check_endpoint(endpoint); !checked) return checked;
    const auto curve = crypto::curve_key(peer);
    if (!curve) return curve.error();
    auto link = state_->make_link(*curve, endpoint);
    if (!link) return link.error();
    state_->peers[peer].link = std::move(*link);
    state_->peers[peer].relayed.reset();
    return {};
}

void Hub::disconnect(const crypto::PublicKey& peer) {
    auto found = state_->peers.find(peer);
    if (found == state_->peers.end()) return;
    found->second.link.reset();
    found->second.relayed.reset();
    state_->forget_unless_needed(found);
}

Result<void> Hub::connect_through(const crypto::PublicKey& peer, Relays relays) {
    if (const auto found = state_->peers.find(peer);
        found != state_->peers.end() && found->second.relayed) {
        found->second.relayed->relays = std::move(relays);
        return {};
    }
    auto end = SealedLink::to(peer, state_->identity, state_->run);
    if (!end) return end.error();
    Peer& reached = state_->peers[peer];
    reached.link.reset();
    reached.relayed.emplace(Conversation{*std::move(end), std::move(relays), 0, {}});
    return {};
}

bool Hub::connected(const crypto::PublicKey& peer) const {
    const auto found = state_->peers.find(peer);
    return found != state_->peers.end() && state_->connected(found->second);
}

bool Hub::send(const crypto::PublicKey& to, const wire::Message& message) {
    const auto found = state_->peers.find(to);
    if (found == state_->peers.end()) return state_->unsent(nullptr);
    return found->second.relayed ? state_->send_sealed(to, found->second, message)
                                 : state_->send(found->second, message);
}

void Hub::tend() {
    const Steady::time_point now = Steady::now();
    for (auto& [key, peer] : state_->peers)
        if (peer.relayed && !peer.relayed->end.up() &&
            now - peer.relayed->introduced >= introductions_every)
            state_->introduce(key, *peer.relayed);
    if (state_->router) return;
    const wire::Presence presence{static_cast<std::uint64_t>(state_->run.began_ms)};
    for (auto& [_, peer] : state_->peers)
        if (peer.link && now - peer.link->said_present >= presence_every &&
            state_->connected(peer) && state_->send(peer, presence))
            peer.link->said_present = now;
}

std::optional<Received> Hub::receive() {
    for (int frames = 0; frames < state_->options.queue_messages_max; ++frames) {
        auto frame = state_->router ? state_->next_frame() : state_->next_answer();
        if (!frame) return std::nullopt;
        if (auto received = state_->judge(*frame)) return received;
    }
    return std::nullopt;
}

zmq::socket_ref Hub::inbound() const {
    KILTER_CHECK(static_cast<bool>(state_->router), "inbound() of a hub that is not bound");
    return state_->router;
}

std::vector<zmq::socket_ref> Hub::inbounds() const {
    if (state_->router) return {state_->router};
    std::vector<zmq::socket_ref> out;
    for (auto& [_, peer] : state_->peers)
        if (peer.link) out.emplace_back(peer.link->lanes.front());
    return out;
}

void Hub::wait(std::chrono::milliseconds at_most) const {
    KILTER_CHECK(!state_->router, "wait() of a hub that is bound");
    std::vector<zmq::pollitem_t> links;
    for (auto& [_, peer] : state_->peers)
        if (peer.link) links.push_back({peer.link->lanes.front().handle(), 0, ZMQ_POLLIN, 0});
    zmq::poll(links, at_most);
}

const std::string& Hub::endpoint() const {
    return state_->endpoint;
}

Stats Hub::stats() const {
    const auto refusals = state_->admission->refusals();
    Stats out{.total = state_->total,
              .peers = {},
              .refused_unknown = refusals.unknown,
              .refused_revoked = refusals.revoked};
    for (const auto& [key, peer] : state_->peers)
        out.peers.emplace(key, peer.counts);
    return out;
}

std::vector<RefusedKey> Hub::take_refused() {
    return state_->admission->take_refused();
}

Hub::Hub(std::unique_ptr<State> state) : state_(std::move(state)) {}

Hub::Hub(Hub&&) noexcept = default;
Hub& Hub::operator=(Hub&&) noexcept = default;
Hub::~Hub() = default;

}  // namespace kilter::transport
