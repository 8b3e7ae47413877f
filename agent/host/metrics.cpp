#include "agent/host/metrics.hpp"

namespace kilter::agent {

void SessionTally::count(const SessionReport& report, UnixMs now) {
    // A session is reported when it has cleared and once more when its proof is there.
    if (report.certified) certified_ms = now;
    if (report.certified || report.outcome == market::Outcome::excluded ||
        report.outcome == market::Outcome::abandoned)
        over.count(report.outcome, report.iterations);
}

std::string metrics_page(const Figures& figures, const std::filesystem::path& state_dir) {
    runtime::Exposition out;
    cli::add_links(out, figures.roster_epoch, figures.peers, figures.peers_connected);
    out.gauge("kilter_awaited_peers", "Parties that are waited for now.",
              static_cast<double>(figures.awaited));
    const SessionReport last = figures.last.value_or(SessionReport{});
    cli::add_sessions(out, figures.sessions.over, last.session.interval, last.iterations);
    out.gauge("kilter_session_certified_time_seconds",
              "Unix time at which the last session's proof was checked; 0: none yet.",
              static_cast<double>(figures.sessions.certified_ms) / 1e3);
    cli::add_traffic(out, figures.traffic);
    runtime::add_process(out, state_dir);
    return out.text();
}

}  // namespace kilter::agent
