/// A daemon's log: one line per event on standard error, logfmt-like, for journald and people
/// alike:
///     2026-05-01T12:00:00.123Z level=info program=kilter-agent session cleared interval=1978321
///     iterations=71
/// Hosts write with spdlog::info("session cleared interval={} iterations={}", ...). Never keys'
/// secrets, never a home's schedule, device or read: docs/protocol/identity.md says who may learn
/// what, and a log is read by others. Peers can provoke lines, but not many: line_limit.hpp.
#pragma once

#include <string>
#include <string_view>

#include "common/base/event.hpp"
#include "common/base/result.hpp"

namespace kilter::runtime {

/// Level: trace, debug, info, warning, error or off. Error: any other.
Result<void> set_up_logging(const std::string& program, std::string_view level);

/// What a core has to tell, at the level its severity asks for: info, warning, error.
void log_event(const Event& event);

/// For a value with spaces: quoted, with quotes, backslashes and control characters escaped. Peers'
/// text goes through here, so that nobody writes lines into another one's log.
std::string quoted(std::string_view text);

}  // namespace kilter::runtime
