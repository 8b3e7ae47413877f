#include <algorithm>
#include <iterator>

#include "agent/core/gateway_state.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

constexpr std::size_t early_shares_max = 4;  // of one member

void send(std::vector<wire::Outgoing> letters, Outputs& out) {
    std::move(letters.begin(), letters.end(), std::back_inserter(out.send));
}

}  // namespace

Position Gateway::State::position(const crypto::PublicKey& from) const {
    Position out;
    out.certified = traded();
    out.now = now;
    out.began = began.value_or(now);
    if (const auto newest = known.joined.find(from); newest != known.joined.end())
        out.joined = newest->second;
    if (active && !active->interim() && active->chair() != from &&
        now - active->heard() < charter.parameters.silence_ms)
        out.under_way = active->id();
    return out;
}

std::optional<std::string> Gateway::State::objection_to_any() const {
    if (stopped)
        return "the market is stopped by case " + std::to_string(*stopped) + " of the docket";
    if (recorded_epoch > known.epoch)
        return "a record on the log is of roster epoch " + std::to_string(recorded_epoch) +
               ", this home has " + std::to_string(known.epoch) + " and waits for that one";
    return std::nullopt;
}

std::optional<std::string> Gateway::State::objection_to(const crypto::PublicKey& from,
                                                        const wire::SessionOpen& open) const {
    if (auto why = objection_to_any()) return why;
    return objection(charter, *known.place, position(from), from, open);
}

void Gateway::State::on_open(const crypto::PublicKey& from,
                             const wire::SessionOpen& open,
                             Outputs& out) {
    if (!known.place || (active && active->id() == open.session)) return;
    charter.follow(
        known.rules.parameters(open.parameters).value_or(known.rules.now().market_parameters));
    if (postponed && postponed->second.session == open.session) return;
    if (auto reason = objection_to(from, open)) {
        const std::string text =
            "did not join session " + market::name_of(open.session) + ": " + *reason;
        if (text != last_word) tell(out, Severity::notable, text);
        if (charter.is_validator(from) &&
            (open.roster_epoch > known.epoch || open.parameters != charter.parameters_digest))
            greet(out);
        return;
    }
    if (known.agreed.empty() || known.agreed.newest().session.interval >= open.session.interval ||
        known.agreed.newest().session == missed)
        return join(from, open, out);
    postponed.emplace(from, open);
    postponed_since = now;
    greetings = 0;
    on_greet(out);
}

void Gateway::State::join_postponed(Outputs& out) {
    if (!postponed) return;
    const auto [from, open] = std::move(*postponed);
    postponed.reset();
    if (!known.agreed.empty()) missed = known.agreed.newest().session;
    if (!objection_to(from, open)) join(from, open, out);
}

std::optional<model::Home> Gateway::State::home_to_join(const crypto::PublicKey& chair,
                                                        const market::SessionId& session,
                                                        Outputs& out) {
    model::Home home = forecast(session.interval, charter.parameters.horizon);
    if (auto reason = objection(charter, home)) {
        tell(out, Severity::wrong, "cannot trade: " + *reason);
        return std::nullopt;
    }
    if (active)
        tell(out, Severity::notable,
             "session " + market::name_of(active->id()) + " given up for a later one");
    known.joined[chair] = session;
    out.persist[joined_key] = encode(known.joined);
    return home;
}

void Gateway::State::join(const crypto::PublicKey& from,
                          const wire::SessionOpen& open,
                          Outputs& out) {
    const auto home = home_to_join(from, open.session, out);
    if (!home) return;
    forget_ahead_of(open.session.interval, out);
    active.emplace(charter, *known.place, open, *home, known.warm, now);
    last_word = "clearing session " + market::name_of(open.session);
    const market::Parameters& parameters = charter.parameters;
    out.timers.push_back({Timer::deadline, parameters.session_ms + parameters.silence_ms});
    if (known.agreed.empty()) out.timers.push_back({Timer::greet, 0});
    drive(market::Begin{}, out);
    hear_early(out);
}

void Gateway::State::hear_early(Outputs& out) {
    auto waiting = std::move(early);
    early.clear();
    for (auto& [sender, shares] : waiting)
        for (wire::Share& share : shares)
            on_share(sender, std::move(share), out);
}

void Gateway::State::on_share(const crypto::PublicKey& from, wire::Share share, Outputs& out) {
    if (active && share.session == active->id()) {
        if (active->admits(from, share.share, now))
            drive(market::ShareReceived{std::move(share.share)}, out);
        return;
    }
    if (!known.place || !known.place->secrets.contains(from)) return;
    for (const wire::Outgoing& word : last_words)
        if (word.to == from && std::get<wire::Share>(word.message).session == share.session)
            out.send.push_back(word);
    if (!known.agreed.empty() && known.agreed.newest().session == share.session &&
        share.share.notice && charter.is_validator(from))
        return hand_over(from, out);
    const bool past = (active && share.session < active->id()) ||
                      (known.certified && share.session.interval <= *known.certified);
    if (past) return;
    auto& kept = early[from];
    kept.push_back(std::move(share));
    if (kept.size() > early_shares_max) kept.pop_front();
}

void Gateway::State::hand_over(const crypto::PublicKey& from, Outputs& out) {
    if (from == heir.value_or(known.agreed.newest().chair)) return;
    heir = from;
    if (regret) regret->to = from;
    send_clearing_share(out);
}

void Gateway::State::drive(const market::Input& input, Outputs& out) {
    market::Outputs result = active->step(input);
    if (const auto* received = std::get_if<market::ShareReceived>(&input))
        tell_if_caught(received->share, result.verdict, out);
    for (const market::Dispatch& sent : result.send)
        send(active->letters(sent), out);
    for (const market::Expulsion& expulsion : result.expel) {
        const crypto::PublicKey& key = active->directory().at(expulsion.party).key;
        out.send.push_back({key, wire::SessionExcluded{active->id(), expulsion.net}});
    }
    if (result.progressed && active->chairs())
        out.timers.push_back({Timer::silence, charter.parameters.silence_ms});
    if (result.progressed || !result.send.empty())
        out.timers.push_back({Timer::resend, charter.parameters.resend_ms()});
    if (result.cleared) finish(std::move(*result.cleared), out);
}

void Gateway::State::tell_if_caught(const market::MaskedShare& share,
                                    market::Verdict verdict,
                                    Outputs& out) {
    const bool contradicts = verdict == market::Verdict::contradiction;
    if (!contradicts && verdict != market::Verdict::malformed) return;
    if (!active->catches(share.from)) return;
    tell(out, Severity::wrong,
         "member " + short_hex(active->directory().at(share.from).key.view()) + " of the net " +
             (contradicts ? "contradicted its own message" : "sent a malformed message") +
             " of iteration " + std::to_string(share.iteration) + " of session " +
             market::name_of(active->id()) + "; ignored");
}

void Gateway::State::on_resend(Outputs& out) const {
    if (!active && !known.accord) return;
    if (active) send(active->newest_letters(), out);
    if (active && active->chairs() && active->session().iteration() <= 1)
        tell_opening(active->session().awaited().front(), out);
    if (known.accord) send_parts(known.accord->missing(), out);
    out.timers.push_back({Timer::resend, charter.parameters.resend_ms()});
}

void Gateway::State::finish(market::Cleared cleared, Outputs& out) {
    const Participation over = std::move(*active);
    active.reset();
    for (const Timer timer : {Timer::deadline, Timer::resend, Timer::silence})
        out.timers.push_back({timer, 0});

    SessionReport report;
    report.session = over.id();
    report.outcome = cleared.outcome;
    report.iterations = cleared.iteration;
    report.rounds = cleared.rounds;
    if (over.interim()) {
        finish_interim(over, cleared, report, out);
    } else if (cleared.outcome == market::Outcome::excluded ||
               cleared.outcome == market::Outcome::abandoned) {
        tell(out, Severity::notable,
             "session " + market::name_of(over.id()) + ": " + cleared.explanation);
        greet(out);
    } else if (!market::plausible_prices(
                   market::terminal_values(cleared.y_eur_per_kw, 0, charter.parameters),
                   charter.interval_h())) {
        report.outcome = market::Outcome::abandoned;
        tell(out, Severity::wrong,
             "session " + market::name_of(over.id()) +
                 " ended at prices no market has; nothing is agreed: somebody on this net "
                 "sends wrong values");
        greet(out);
    } else {
        agree(over, cleared, report, out);
    }
    last = report;
    out.report = report;
}

void Gateway::State::agree(const Participation& over,
                           const market::Cleared& cleared,
                           SessionReport& report,
                           Outputs& out) {
    const model::Series y = cleared.y_eur_per_kw.row(0);
    for (const double dual : y)
        report.price_eur_per_kwh.push_back(dual / charter.interval_h());
    report.plan = planned_steps(over.device().data(), over.device().plan(),
                                report.price_eur_per_kwh, over.id().interval);
    report.shortfall = over.device().explain();
    known.warm = Warm{over.id().interval, cleared.warm};
    const std::int64_t interval_s = charter.parameters.interval_s;
    const std::optional<IntervalIndex> before =
        known.base ? std::optional(known.base->record.interval) : known.certified;
    const bool day_ahead = !before || settlement::day_end(*before, interval_s) !=
                                          settlement::day_end(over.id().interval, interval_s);
    const model::Series x = market::terminal_values(cleared.x_kw, 0, charter.parameters);
    known.plans.add(over.id(), {x.begin(), x.end()},
                    known.base ? std::optional(known.base->session()) : std::nullopt);
    out.persist[plans_key] = known.plans.encode();
    known.agreed.add(
        agreement_on(charter, over.id(), over.net(), over.chair(), cleared, day_ahead));
    out.persist[warm_key] = encode(*known.warm);
    out.persist[pending_key] = known.agreed.encode();
    greetings = 0;
    regret.reset();
    heir.reset();
    if (cleared.regret) regret = over.regret_letter(cleared);
    tell(out, cleared.outcome == market::Outcome::partial ? Severity::notable : Severity::routine,
         "session " + market::name_of(over.id()) + " cleared after " +
             std::to_string(cleared.iteration) + " iterations" +
             (cleared.explanation.empty() ? "" : ": " + cleared.explanation));
    send_clearing_share(out);
    out.timers.push_back({Timer::greet, greet_waiting_ms});
}

void Gateway::State::send_clearing_share(Outputs& out) const {
    const Agreement& mine = known.agreed.newest();
    if (regret) out.send.push_back(*regret);
    out.send.push_back({heir.value_or(mine.chair), clearing_share(charter, mine)});
}

void Gateway::State::on_excluded(const crypto::PublicKey& from,
                                 const wire::SessionExcluded& message,
                                 Outputs& out) {
    if (active && active->id() == message.session && active->net() == message.net &&
        active->chair() == from)
        drive(market::Expelled{}, out);
    if (postponed && postponed->second.session == message.session && postponed->first == from)
        postponed.reset();
}

}  // namespace kilter::agent
