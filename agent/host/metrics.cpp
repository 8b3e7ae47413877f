#include "agent/host/metrics.hpp"

#include <numeric>

#include "common/market/clearing.hpp"
#include "common/runtime/exposition.hpp"

namespace kilter::agent {

void SessionTally::count(const SessionReport& report, UnixMs now) {
    // A session is reported when it has cleared and once more when its proof is there.
    if (report.certified) certified_ms = now;
    if (report.certified || report.outcome == market::Outcome::excluded ||
        report.outcome == market::Outcome::abandoned) {
        ++by_outcome[static_cast<std::size_t>(report.outcome)];
        iterations += report.iterations;
    }
}

std::string metrics_page(const Figures& figures, const std::filesystem::path& state_dir) {
    runtime::Exposition out;
    out.gauge("kilter_roster_epoch", "Epoch of the newest roster whose proof was checked; 0: none.",
              static_cast<double>(figures.roster_epoch));
    out.gauge("kilter_peers", "Parties this daemon keeps a link to.",
              static_cast<double>(figures.peers));
    out.gauge("kilter_peers_connected", "Of these, links that are up.",
              static_cast<double>(figures.peers_connected));
    out.gauge("kilter_awaited_peers", "Parties that are waited for now.",
              static_cast<double>(figures.awaited));
    for (const auto outcome : {market::Outcome::converged, market::Outcome::partial,
                               market::Outcome::excluded, market::Outcome::abandoned})
        out.counter("kilter_sessions_total", "Sessions that are over, by outcome.", "outcome",
                    market::name_of(outcome),
                    figures.sessions.by_outcome[static_cast<std::size_t>(outcome)]);
    out.counter("kilter_session_iterations_total", "Iterations of all sessions that are over.",
                figures.sessions.iterations);
    out.gauge("kilter_session_certified_time_seconds",
              "Unix time at which the last session's proof was checked; 0: none yet.",
              static_cast<double>(figures.sessions.certified_ms) / 1e3);
    const SessionReport last = figures.last.value_or(SessionReport{});
    out.gauge("kilter_session_interval", "UTC index of the last session's interval; 0: none yet.",
              static_cast<double>(last.session.interval));
    out.gauge("kilter_session_iterations", "Iterations of the last session.", last.iterations);
    const transport::Counts& traffic = figures.traffic;
    out.counter("kilter_messages_total", "Messages to and from peers.", "direction", "sent",
                traffic.sent.messages);
    out.counter("kilter_messages_total", "", "direction", "received", traffic.received.messages);
    out.counter("kilter_message_bytes_total", "Bytes of these messages.", "direction", "sent",
                traffic.sent.bytes);
    out.counter("kilter_message_bytes_total", "", "direction", "received", traffic.received.bytes);
    out.counter("kilter_messages_unsent_total", "Messages for which there was no link.",
                traffic.unsent);
    out.counter("kilter_messages_dropped_total", "Messages received and not taken.",
                std::accumulate(traffic.dropped.begin(), traffic.dropped.end(), std::uint64_t{0}));
    runtime::add_process(out, state_dir);
    return out.text();
}

}  // namespace kilter::agent
