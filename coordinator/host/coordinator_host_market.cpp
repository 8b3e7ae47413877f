#include <spdlog/spdlog.h>

#include "common/runtime/files.hpp"
#include "common/runtime/logging.hpp"
#include "coordinator/host/coordinator_host_state.hpp"
#include "coordinator/host/report.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::uint32_t late_ms = 200;  // a timer that is later says that this process stood still
constexpr int postponed_max = 100;      // turns
constexpr std::int64_t entry_life_ms = 3'600'000;

}  // namespace

void CoordinatorHost::State::step_feeder(const Input& input) {
    Outputs out = feeder->step(input, runtime::now_ms());
    for (const Event& event : out.events)
        runtime::log_event(event);
    if (out.persist) persist = std::move(out.persist);
    for (auto& letter : out.send)
        mail.push_back(std::move(letter));
    for (const ArmTimer& timer : out.timers)
        arm(timer);
    if (out.tie) submit(*out.tie);
    for (const settlement::ClearedNet& record : out.submit)
        submit(record);
    if (out.report) {
        write_report(*out.report);
        sessions.count(*out.report);
    }
    status_due = status_due || !out.events.empty() || out.report;
}

void CoordinatorHost::State::arm(const ArmTimer& timer) {
    loop.cancel(feeder_timers[timer.timer]);
    if (timer.delay_ms == 0) return;
    feeder_timers[timer.timer] = loop.arm(
        timer.delay_ms, [this, timer = timer.timer, due = runtime::now_ms() + timer.delay_ms] {
            on_feeder_timer(timer, due, 0);
        });
}

// Who has spoken and was not read yet is not silent: a machine that stood still finds everybody's messages waiting.
void CoordinatorHost::State::on_feeder_timer(Timer timer, UnixMs due, int postponed) {
    const bool is_late = postponed == 0 && runtime::now_ms() - due > late_ms;
    if (timer != Timer::silence || postponed == postponed_max || !(is_late || mail_left))
        return step_feeder(TimerElapsed{timer});
    feeder_timers[timer] = loop.arm(is_late ? late_ms : 1, [this, timer, due, postponed] {
        on_feeder_timer(timer, due, postponed + 1);
    });
}

void CoordinatorHost::State::submit(const settlement::ClearedNet& record) {
    log->submit(settlement::make_entry(record, genesis.chain_id(), record.opening,
                                       runtime::now_ms() + entry_life_ms, *identity));
}

void CoordinatorHost::State::submit(const settlement::TiePrices& prices) {
    const auto key = settlement::tie_prices_key(prices.feeder, prices.interval);
    if (settlement::entry_with_key(*log->replica().state(), key)) return;
    log->submit(settlement::make_entry(prices, genesis.chain_id(),
                                       static_cast<std::uint64_t>(prices.interval),
                                       runtime::now_ms() + entry_life_ms, *identity));
}

void CoordinatorHost::State::write_report(const SessionReport& report) const {
    const auto file = config.state_dir / "reports" /
                      (std::to_string(report.session.interval) + "-" +
                       std::to_string(report.session.opening) + ".json");
    if (auto written = runtime::replace_file(file, to_json(report, network)); !written)
        spdlog::error("{}", written.error().message);
}

}  // namespace kilter::coordinator
