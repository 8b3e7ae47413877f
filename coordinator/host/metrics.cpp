#include "coordinator/host/metrics.hpp"

namespace kilter::coordinator {

namespace {

void add_log(runtime::Exposition& out, const consensus::ReplicaStatus& log) {
    out.gauge("kilter_log_height", "Height of the last final block.",
              static_cast<double>(log.final_height));
    out.gauge("kilter_log_view", "View the replica is in.", static_cast<double>(log.view));
    out.gauge("kilter_log_final_view", "View of the last final block.",
              static_cast<double>(log.final_view));
    out.gauge("kilter_log_entries", "Entries on the log.", static_cast<double>(log.entries));
    out.gauge("kilter_log_waiting_entries", "Entries that wait for a block.",
              static_cast<double>(log.mempool));
    out.gauge("kilter_log_halted", "1: the replica has found the log contradictory and stopped.",
              log.halted ? 1 : 0);
}

void add_sessions(runtime::Exposition& out, const SessionTally& sessions) {
    const SessionReport last = sessions.last.value_or(SessionReport{});
    cli::add_sessions(out, sessions.over, last.session.interval, last.iterations);
    out.gauge("kilter_session_primal_residual_kw", "Its residual, RMS over terminals.",
              last.primal_residual_kw);
    out.gauge("kilter_session_homes", "Homes that cleared in it.", static_cast<double>(last.homes));
    out.gauge("kilter_session_excluded_homes", "Homes left out of it because they were silent.",
              static_cast<double>(last.excluded));
    out.gauge("kilter_session_clearing_seconds", "From its opening to agreement.",
              static_cast<double>(last.cleared_ms - last.started_ms) / 1e3);
    out.gauge("kilter_session_final_time_seconds", "Unix time at which all its records were final.",
              static_cast<double>(last.final_ms) / 1e3);
}

}  // namespace

void SessionTally::count(const SessionReport& report) {
    over.count(report.outcome, report.iterations);
    last = report;
}

std::string metrics_page(const Figures& figures,
                         const SessionTally& sessions,
                         const std::filesystem::path& state_dir) {
    runtime::Exposition out;
    cli::add_links(out, figures.roster_epoch, figures.peers, figures.peers_connected);
    out.gauge("kilter_coordinators_connected", "Links to other replicas that are up.",
              static_cast<double>(figures.coordinators_connected));
    add_log(out, figures.log);
    add_sessions(out, sessions);
    cli::add_traffic(out, figures.traffic.total);
    out.counter("kilter_handshakes_refused_total", "Connections by keys that are not admitted.",
                "reason", "unknown", figures.traffic.refused_unknown);
    out.counter("kilter_handshakes_refused_total", "", "reason", "revoked",
                figures.traffic.refused_revoked);
    runtime::add_process(out, state_dir);
    return out.text();
}

}  // namespace kilter::coordinator
