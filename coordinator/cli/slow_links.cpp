#include "coordinator/cli/slow_links.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <queue>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "common/base/prng.hpp"
#include "coordinator/cli/lossy_way.hpp"

namespace kilter::cli {

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t segment_bytes = 1'448;
constexpr std::size_t under_way_max = 4u << 20;  // of one direction; then its sender waits
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
    // One direction of a connection.
    struct Way {
        int from = -1;
        int to = -1;
        LossyWay under_way;
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
    std::array<char, 65'536> inbound{};
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
            const LossyWay empty{std::chrono::milliseconds(options.delay_ms)};
            lines.emplace(line, Line{Way{client, server, empty}, Way{server, client, empty}});
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
            if (way.under_way.bytes() >= under_way_max) {
                way.reads = false;
                watch(way.from, line * 2 + number, 0, EPOLL_CTL_MOD);
                return true;
            }
            const ssize_t got = ::recv(way.from, inbound.data(), inbound.size(), 0);
            if (got < 0) return errno == EAGAIN || errno == EINTR;
            if (got == 0) {
                way.ended = true;
                watch(way.from, line * 2 + number, 0, EPOLL_CTL_MOD);
                return !way.under_way.empty();
            }
            const Loss loss = draw_loss(static_cast<std::size_t>(got));
            way.under_way.send({inbound.begin(), inbound.begin() + got}, loss, Steady::now());
            due.emplace(*way.under_way.due(), line * 2 + number);
            if (static_cast<std::size_t>(got) < inbound.size()) return true;
        }
    }

    Loss draw_loss(std::size_t bytes) {
        bool all = true;
        bool any = false;
        bool last = false;
        for (std::size_t sent = 0; sent < bytes; sent += segment_bytes) {
            ++segments;
            last = prng.chance(options.loss);
            lost += last ? 1 : 0;
            any = any || last;
            all = all && last;
        }
        if (all) return Loss::whole;
        if (last) return Loss::last;
        return any ? Loss::within : Loss::none;
    }

    // What has arrived is its receiver's.
    bool write(std::uint64_t line, std::size_t number) {
        Way& way = lines.at(line)[number];
        while (LossyWay::Chunk* chunk = way.under_way.arrived(Steady::now())) {
            const ssize_t put = ::send(way.to, chunk->bytes.data() + chunk->taken,
                                       chunk->bytes.size() - chunk->taken, MSG_NOSIGNAL);
            if (put < 0 && errno != EAGAIN && errno != EINTR) return false;
            if (put > 0) chunk->taken += static_cast<std::size_t>(put);
            if (chunk->taken < chunk->bytes.size()) {
                due.emplace(Steady::now() + std::chrono::milliseconds(1), line * 2 + number);
                return true;
            }
            way.under_way.pop();
        }
        if (const auto next = way.under_way.due()) due.emplace(*next, line * 2 + number);
        if (!way.reads && way.under_way.bytes() < under_way_max / 2) {
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
