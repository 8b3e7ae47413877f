/// systemd's Type=notify without its library: datagrams to $NOTIFY_SOCKET, nothing at all when it
/// is not set. Source: sd_notify(3).
#pragma once

#include <string_view>

#include "common/runtime/loop.hpp"

namespace kilter::runtime {

/// Best effort; false when there is no service manager to tell.
bool notify_service(std::string_view message);

inline bool notify_ready() {
    return notify_service("READY=1");
}

inline bool notify_stopping() {
    return notify_service("STOPPING=1");
}

/// Feeds the service manager's watchdog ($WATCHDOG_USEC) from the loop, at half its time, for as
/// long as the loop turns. Does nothing without a watchdog. The loop must outlive its run().
void feed_watchdog(Loop& loop);

}  // namespace kilter::runtime
