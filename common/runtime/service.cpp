#include "common/runtime/service.hpp"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace kilter::runtime {

namespace {

void feed_every(Loop& loop, std::int64_t period_ms) {
    loop.arm(period_ms, [&loop, period_ms] {
        notify_service("WATCHDOG=1");
        feed_every(loop, period_ms);
    });
}

/// 0: there is none, or it is not meant for this process.
std::int64_t watchdog_period_us() {
    const char* pid = std::getenv("WATCHDOG_PID");
    if (pid != nullptr && std::to_string(getpid()) != pid) return 0;
    const char* period = std::getenv("WATCHDOG_USEC");
    if (period == nullptr) return 0;
    std::int64_t period_us = 0;
    const auto [end, error] = std::from_chars(period, period + std::strlen(period), period_us);
    return error == std::errc{} && *end == '\0' && period_us > 0 ? period_us : 0;
}

}  // namespace

bool notify_service(std::string_view message) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = path != nullptr ? std::strlen(path) : 0;
    if (size == 0 || size >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path, size);
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return false;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
    const auto sent = sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length);
    close(descriptor);
    return sent == static_cast<ssize_t>(message.size());
}

void feed_watchdog(Loop& loop) {
    if (const std::int64_t period_us = watchdog_period_us(); period_us > 0) {
        const std::int64_t half_ms = period_us / 2'000;
        feed_every(loop, half_ms > 0 ? half_ms : 1);
    }
}

}  // namespace kilter::runtime
