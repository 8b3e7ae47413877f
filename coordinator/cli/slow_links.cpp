#include "coordinator/cli/slow_links.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <queue>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "common/base/prng.hpp"

namespace kilter::cli {

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t segment_bytes = 1'448;
constexpr std::size_t under_way_max = 4u << 20;  // of one direction; then its sender waits
constexpr std::chrono::milliseconds retransmission_timeout_min{200};
constexpr std::chrono::milliseconds look_again{100};
constexpr std::uint64_t listener_mark = std::uint64_t{1} << 62;

sockaddr_in on_loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

struct SlowLinks::State {
    struct Chunk {
        Steady::time_point due;
        std::vector<char> bytes;
        std::size_t written = 0;
    };

    // One direction of a connection.
    struct Way {
        int from = -1;
        int to = -1;
        std::deque<Chunk> under_way;
        std::size_t bytes = 0;
        bool reads = true;
        bool ended = false;  // nothing more comes
    };

    using Line = std::array<Way, 2>;
    using Due = std::pair<Steady::time_point, std::uint64_t>;  // line * 2 + way

    Options options;
    std::vector<Route> routes;
    std::vector<int> listeners;
    int poll = -1;
    Prng prng;
    std::map<std::uint64_t, Line> lines;
    std::uint64_t next_line = 0;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
    std::atomic<std::uint64_t> segments = 0;
    std::atomic<std::uint64_t> lost = 0;
    std::atomic<bool> ends = false;
    std::thread thread;

    State(Options given, std::vector<Route> all)
        : options(given), routes(std::move(all)), prng(given.seed) {}

    State(const State&) = delete;
    State& operator=(const State&) = delete;
    State(State&&) = delete;
    State& operator=(State&&) = delete;

    ~State() {
        ends = true;
        if (thread.joinable()) thread.join();
        while (!lines.empty())
            close(lines.begin()->first);
        for (const int listener : listeners)
            ::close(listener);
        if (poll >= 0) ::close(poll);
    }

    void watch(int descriptor, std::uint64_t mark, std::uint32_t events, int how) const {
        epoll_event event{};
        event.events = events;
        event.data.u64 = mark;
        ::epoll_ctl(poll, how, descriptor, &event);
    }

    Result<void> listen() {
        poll = ::epoll_create1(EPOLL_CLOEXEC);
        for (std::size_t i = 0; i < routes.size(); ++i) {
            const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            const int on = 1;
            ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            const sockaddr_in address = on_loopback(routes[i].listens);
            listeners.push_back(listener);
            if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
                    0 ||
                ::listen(listener, 512) != 0)
                return Error{"port " + std::to_string(routes[i].listens) +
                             " cannot be listened on: stop what uses it, or raise the limit of "
                             "open files (ulimit -n)"};
            watch(listener, listener_mark | i, EPOLLIN, EPOLL_CTL_ADD);
        }
        return {};
    }

    void accept(std::size_t route) {
        for (;;) {
            const int client =
                ::accept4(listeners[route], nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (client < 0) return;
            const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            const sockaddr_in address = on_loopback(routes[route].leads_to);
            if (server < 0 || (::connect(server, reinterpret_cast<const sockaddr*>(&address),
                                         sizeof address) != 0 &&
                               errno != EINPROGRESS)) {
                ::close(client);
                if (server >= 0) ::close(server);
                continue;
            }
            const int on = 1;
            for (const int end : {client, server})
                ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const std::uint64_t line = next_line++;
            Line& made = lines[line];
            made[0].from = made[1].to = client;
            made[0].to = made[1].from = server;
            watch(client, line * 2, EPOLLIN, EPOLL_CTL_ADD);
            watch(server, line * 2 + 1, EPOLLIN, EPOLL_CTL_ADD);
        }
    }

    void close(std::uint64_t line) {
        const auto found = lines.find(line);
        if (found == lines.end()) return;
        ::close(found->second[0].from);
        ::close(found->second[1].from);
        lines.erase(found);
    }

    // What its sender has written is on its way from now on.
    bool read(std::uint64_t line, std::size_t number) {
        Way& way = lines.at(line)[number];
        for (;;) {
            if (way.bytes >= under_way_max) {
                way.reads = false;
                watch(way.from, line * 2 + number, 0, EPOLL_CTL_MOD);
                return true;
            }
            Chunk chunk;
            chunk.bytes.resize(65'536);
            const ssize_t got = ::recv(way.from, chunk.bytes.data(), chunk.bytes.size(), 0);
            if (got < 0) return errno == EAGAIN || errno == EINTR;
            if (got == 0) {
                way.ended = true;
                watch(way.from, line * 2 + number, 0, EPOLL_CTL_MOD);
                return !way.under_way.empty();
            }
            chunk.bytes.resize(static_cast<std::size_t>(got));
            const std::chrono::milliseconds delay(options.delay_ms);
            chunk.due = Steady::now() + delay;
            if (is_lost(chunk.bytes.size())) chunk.due += retransmission_timeout_min + 2 * delay;
            if (!way.under_way.empty()) chunk.due = std::max(chunk.due, way.under_way.back().due);
            due.emplace(chunk.due, line * 2 + number);
            way.bytes += chunk.bytes.size();
            way.under_way.push_back(std::move(chunk));
        }
    }

    bool is_lost(std::size_t bytes) {
        bool any = false;
        for (std::size_t sent = 0; sent < bytes; sent += segment_bytes) {
            ++segments;
            if (!prng.chance(options.loss)) continue;
            ++lost;
            any = true;
        }
        return any;
    }

    // What has arrived is its receiver's.
    bool write(std::uint64_t line, std::size_t number) {
        Way& way = lines.at(line)[number];
        while (!way.under_way.empty() && way.under_way.front().due <= Steady::now()) {
            Chunk& chunk = way.under_way.front();
            const ssize_t put = ::send(way.to, chunk.bytes.data() + chunk.written,
                                       chunk.bytes.size() - chunk.written, MSG_NOSIGNAL);
            if (put < 0 && errno != EAGAIN && errno != EINTR) return false;
            if (put > 0) chunk.written += static_cast<std::size_t>(put);
            if (chunk.written < chunk.bytes.size()) {
                due.emplace(Steady::now() + std::chrono::milliseconds(1), line * 2 + number);
                return true;
            }
            way.bytes -= chunk.bytes.size();
            way.under_way.pop_front();
        }
        if (!way.reads && way.bytes < under_way_max / 2) {
            way.reads = true;
            watch(way.from, line * 2 + number, EPOLLIN, EPOLL_CTL_MOD);
        }
        return !way.ended || !way.under_way.empty();
    }

    void run() {
        std::array<epoll_event, 256> events{};
        while (!ends) {
            auto wait = look_again;
            if (!due.empty())
                wait = std::clamp(
                    std::chrono::ceil<std::chrono::milliseconds>(due.top().first - Steady::now()),
                    std::chrono::milliseconds(0), look_again);
            const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()),
                                           static_cast<int>(wait.count()));
            for (int i = 0; i < count; ++i) {
                const std::uint64_t mark = events[static_cast<std::size_t>(i)].data.u64;
                if ((mark & listener_mark) != 0)
                    accept(mark & ~listener_mark);
                else if (lines.contains(mark / 2) && !read(mark / 2, mark % 2))
                    close(mark / 2);
            }
            while (!due.empty() && due.top().first <= Steady::now()) {
                const std::uint64_t mark = due.top().second;
                due.pop();
                if (lines.contains(mark / 2) && !write(mark / 2, mark % 2)) close(mark / 2);
            }
        }
    }
};

Result<SlowLinks> SlowLinks::open(const std::vector<Route>& routes, Options options) {
    auto state = std::make_unique<State>(options, routes);
    if (auto listening = state->listen(); !listening) return listening.error();
    state->thread = std::thread([own = state.get()] { own->run(); });
    return SlowLinks(std::move(state));
}

SlowLinks::Carried SlowLinks::carried() const {
    return {state_->segments, state_->lost};
}

SlowLinks::SlowLinks(std::unique_ptr<State> state) : state_(std::move(state)) {}

SlowLinks::~SlowLinks() = default;
SlowLinks::SlowLinks(SlowLinks&&) noexcept = default;

}  // namespace kilter::cli
