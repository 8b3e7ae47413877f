#include "tests/integration/fault_proxy.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.hpp"

namespace kilter::tests {

namespace {
constexpr std::size_t waiting_max = 4u << 20;  // then the sender has to wait

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int socket_of_its_own() {
    return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
}  // namespace

FaultProxy::FaultProxy(const std::vector<Route>& routes)
    : routes_(routes), silent_(routes.size(), false) {
    for (const Route& route : routes) {
        const int listener = socket_of_its_own();
        const int on = 1;
        ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const sockaddr_in address = loopback(route.listens);
        KILTER_CHECK(
            ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                ::listen(listener, 64) == 0,
            "the proxy's port is not free");
        listeners_.push_back(listener);
    }
}

FaultProxy::~FaultProxy() {
    for (Line& line : lines_)
        close(line);
    for (const int listener : listeners_)
        ::close(listener);
}

void FaultProxy::close(Line& line) {
    ::close(line.client);
    ::close(line.server);
}

void FaultProxy::accept(std::size_t route) {
    for (;;) {
        const int client =
            ::accept4(listeners_[route], nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) return;
        const int server = socket_of_its_own();
        const sockaddr_in address = loopback(routes_[route].leads_to);
        const int connected =
            ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (connected != 0 && errno != EINPROGRESS) {
            ::close(client);
            ::close(server);
            continue;
        }
        lines_.push_back({client, server, route, silent_[route], 0, {}, {}});
    }
}

bool FaultProxy::carry(int from, int to, std::vector<char>& waiting, bool readable, bool writable) {
    if (readable && waiting.size() < waiting_max) {
        char chunk[65'536];
        const ssize_t got = ::recv(from, chunk, sizeof chunk, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
        if (got > 0) waiting.insert(waiting.end(), chunk, chunk + got);
    }
    if (writable && !waiting.empty()) {
        const ssize_t put = ::send(to, waiting.data(), waiting.size(), MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (put > 0) {
            bytes_ += static_cast<std::uint64_t>(put);
            waiting.erase(waiting.begin(), waiting.begin() + put);
        }
    }
    return true;
}

void FaultProxy::run(int duration_ms) {
    const std::int64_t end = now_ms() + duration_ms;
    for (std::int64_t now = now_ms(); now < end; now = now_ms()) {
        std::vector<pollfd> watched;
        for (const int listener : listeners_)
            watched.push_back({listener, POLLIN, 0});
        const std::size_t lines = lines_.size();
        std::int64_t wake = end;
        for (const Line& line : lines_) {
            const bool held = line.silent || line.held_until_ms > now;
            if (line.held_until_ms > now) wake = std::min(wake, line.held_until_ms);
            const auto events = [&](const std::vector<char>& in, const std::vector<char>& out) {
                if (held) return static_cast<short>(0);
                return static_cast<short>((in.size() < waiting_max ? POLLIN : 0) |
                                          (out.empty() ? 0 : POLLOUT));
            };
            // A negative descriptor is not looked at: a held line does not even break.
            watched.push_back({held ? -1 : line.client, events(line.to_server, line.to_client), 0});
            watched.push_back({held ? -1 : line.server, events(line.to_client, line.to_server), 0});
        }
        if (::poll(watched.data(), watched.size(), static_cast<int>(wake - now)) < 0) continue;
        std::vector<bool> broken(lines, false);
        for (std::size_t i = 0; i < lines; ++i) {
            Line& line = lines_[i];
            const pollfd& client = watched[routes_.size() + 2 * i];
            const pollfd& server = watched[routes_.size() + 2 * i + 1];
            if (client.fd < 0) continue;
            const auto readable = [](const pollfd& p) {
                return (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
            };
            const auto writable = [](const pollfd& p) { return (p.revents & POLLOUT) != 0; };
            broken[i] = !carry(line.client, line.server, line.to_server, readable(client),
                               writable(server)) ||
                        !carry(line.server, line.client, line.to_client, readable(server),
                               writable(client));
        }
        for (std::size_t i = lines; i-- > 0;)
            if (broken[i]) {
                close(lines_[i]);
                lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
            }
        for (std::size_t i = 0; i < routes_.size(); ++i)
            if ((watched[i].revents & POLLIN) != 0) accept(i);
    }
}

void FaultProxy::cut(Prng& prng, double share) {
    std::erase_if(lines_, [&](Line& line) {
        if (!prng.chance(share)) return false;
        close(line);
        return true;
    });
}

void FaultProxy::silence(std::size_t route) {
    silent_[route] = true;
    for (Line& line : lines_)
        if (line.route == route) line.silent = true;
}

void FaultProxy::delay(Prng& prng, double share, int for_ms) {
    for (Line& line : lines_)
        if (prng.chance(share)) line.held_until_ms = now_ms() + for_ms;
}

void FaultProxy::heal() {
    silent_.assign(routes_.size(), false);
    std::erase_if(lines_, [&](Line& line) {
        line.held_until_ms = 0;
        if (!line.silent) return false;
        close(line);
        return true;
    });
}

}  // namespace kilter::tests
