#include "common/runtime/scrape_server.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace kilter::runtime {

namespace {

constexpr std::size_t connections_max = 8;
constexpr std::size_t request_bytes_max = 4'096;
constexpr std::int64_t request_ms_max = 2'000;
constexpr int answer_bytes_max = 262'144;  // of the socket's buffer: an answer is written at once

std::optional<sockaddr_in> parse_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || text.size() - colon > 6) return std::nullopt;
    sockaddr_in out{};
    out.sin_family = AF_INET;
    if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &out.sin_addr) != 1) return std::nullopt;
    unsigned port = 0;
    for (const char digit : text.substr(colon + 1)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        port = port * 10 + static_cast<unsigned>(digit - '0');
    }
    if (colon + 1 == text.size() || port > 65'535) return std::nullopt;
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    return out;
}

std::string http(std::string_view status, std::string_view type, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
           std::string(body);
}

}  // namespace

struct ScrapeServer::State {
    struct Connection {
        std::string request;
        TimerId timer;
    };

    State(Loop& turned_by, int descriptor, Page shown)
        : loop(turned_by), listening(descriptor), page(std::move(shown)) {
        loop.watch(listening, [this] { accept_one(); });
    }

    ~State() {
        while (!connections.empty())
            close_connection(connections.begin()->first);
        loop.unwatch(listening);
        ::close(listening);
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void accept_one() {
        const int descriptor = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) return;
        if (connections.size() >= connections_max) {
            ::close(descriptor);
            return;
        }
        ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &answer_bytes_max, sizeof answer_bytes_max);
        connections[descriptor].timer =
            loop.arm(request_ms_max, [this, descriptor] { close_connection(descriptor); });
        loop.watch(descriptor, [this, descriptor] { read_from(descriptor); });
    }

    void read_from(int descriptor) {
        std::string& request = connections.at(descriptor).request;
        char buffer[1'024];
        const ssize_t size = ::recv(descriptor, buffer, sizeof buffer, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) return close_connection(descriptor);
        request.append(buffer, static_cast<std::size_t>(size));
        if (request.size() > request_bytes_max) return close_connection(descriptor);
        if (request.find("\r\n\r\n") == std::string::npos) return;
        const std::string answer = answer_to(request);
        // Whoever does not take a page that fits into the socket's buffer gets none.
        [[maybe_unused]] const ssize_t sent =
            ::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL);
        close_connection(descriptor);
    }

    [[nodiscard]] std::string answer_to(const std::string& request) const {
        constexpr auto plain = "text/plain; charset=utf-8";
        if (!request.starts_with("GET "))
            return http("405 Method Not Allowed", plain, "only GET is known here\n");
        if (!request.starts_with("GET /metrics ") && !request.starts_with("GET /metrics?"))
            return http("404 Not Found", plain, "the figures are at /metrics\n");
        return http("200 OK", "text/plain; version=0.0.4; charset=utf-8", page());
    }

    void close_connection(int descriptor) {
        loop.cancel(connections.at(descriptor).timer);
        loop.unwatch(descriptor);
        connections.erase(descriptor);
        ::close(descriptor);
    }

    Loop& loop;
    int listening;
    Page page;
    std::map<int, Connection> connections;
};

Result<ScrapeServer> ScrapeServer::open(Loop& loop, const std::string& address, Page page) {
    const auto parsed = parse_address(address);
    if (!parsed)
        return Error{"metrics = \"" + address +
                     "\" is not an address: write a numeric one with its port, for example "
                     "\"127.0.0.1:9464\""};
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (descriptor >= 0) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (descriptor < 0 ||
        ::bind(descriptor, reinterpret_cast<const sockaddr*>(&*parsed), sizeof *parsed) != 0 ||
        ::listen(descriptor, static_cast<int>(connections_max)) != 0) {
        const std::string why = std::strerror(errno);
        if (descriptor >= 0) ::close(descriptor);
        return Error{"metrics = \"" + address + "\" cannot be listened on: " + why +
                     "; name a free port, or leave metrics out"};
    }
    return ScrapeServer(std::make_unique<State>(loop, descriptor, std::move(page)));
}

std::string ScrapeServer::address() const {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(state_->listening, reinterpret_cast<sockaddr*>(&bound), &size);
    char host[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &bound.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(bound.sin_port));
}

ScrapeServer::ScrapeServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

ScrapeServer::~ScrapeServer() = default;
ScrapeServer::ScrapeServer(ScrapeServer&&) noexcept = default;
ScrapeServer& ScrapeServer::operator=(ScrapeServer&&) noexcept = default;

}  // namespace kilter::runtime
