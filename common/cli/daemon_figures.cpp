#include "common/cli/daemon_figures.hpp"

#include <numeric>

#include "common/market/clearing.hpp"

namespace kilter::cli {

void SessionCounts::count(market::Outcome outcome, std::uint32_t session_iterations) {
    ++by_outcome[static_cast<std::size_t>(outcome)];
    iterations += session_iterations;
}

void add_links(runtime::Exposition& out,
               std::uint64_t roster_epoch,
               std::size_t peers,
               std::size_t peers_connected) {
    out.gauge("kilter_roster_epoch", "Epoch of the newest roster that is on the log; 0: none.",
              static_cast<double>(roster_epoch));
    out.gauge("kilter_peers", "Parties this daemon keeps a link to.", static_cast<double>(peers));
    out.gauge("kilter_peers_connected", "Of these, links that are up.",
              static_cast<double>(peers_connected));
}

void add_sessions(runtime::Exposition& out,
                  const SessionCounts& counts,
                  IntervalIndex last_interval,
                  std::uint32_t last_iterations) {
    for (const auto outcome : {market::Outcome::converged, market::Outcome::partial,
                               market::Outcome::excluded, market::Outcome::abandoned})
        out.counter(
            "kilter_sessions_total",
            "Sessions that are over, by outcome: an agent's, or those a coordinator chaired.",
            "outcome", market::name_of(outcome),
            counts.by_outcome[static_cast<std::size_t>(outcome)]);
    out.counter("kilter_session_iterations_total", "Iterations of all of them.", counts.iterations);
    out.gauge("kilter_session_interval", "UTC index of the last one's interval; 0: none yet.",
              static_cast<double>(last_interval));
    out.gauge("kilter_session_iterations", "Iterations of the last one.", last_iterations);
}

void add_traffic(runtime::Exposition& out, const transport::Counts& traffic) {
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
}

}  // namespace kilter::cli
