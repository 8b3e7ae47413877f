#include <algorithm>

#include "agent/core/gateway_state.hpp"
#include "agent/core/interim.hpp"
#include "common/market/clearing.hpp"

namespace kilter::agent {

namespace {

constexpr UnixMs look_again_ms = 30'000;  // a clock may have jumped
constexpr UnixMs turn_ms = 1'000;         // between two looks whether it is this home's turn
constexpr UnixMs least_ms = 5'000;        // before an interval begins, to agree on it and to sign
constexpr UnixMs reserve_ms = 2'000;      // of these, to sign
constexpr unsigned openings_max = 3;      // of one interval, by one home
// One after the other, so that they are in order on the log; but one that does not get there must not keep out all others.
constexpr unsigned patient_submissions = 20;
constexpr std::size_t submitted_max = 8;  // at once, then
constexpr UnixMs heard_lately_ms = 300'000;

}  // namespace

std::optional<IntervalIndex> Gateway::State::traded() const {
    return std::max(known.certified, backlog.newest(interim_newest(charter.parameters, now)));
}

void Gateway::State::forget_ahead_of(IntervalIndex opened_now, Outputs& out) {
    const IntervalIndex newest = interim_newest(charter.parameters, now);
    if (known.accord && known.accord->interval() > newest) drop_accord(out);
    if (known.driven && *known.driven > newest && *known.driven >= opened_now) {
        known.driven = opened_now - 1;
        out.persist[driven_key] = encode_interval(*known.driven);
    }
    if (backlog.forget_after(newest, out))
        tell(out, Severity::notable,
             "what was agreed with the net's homes alone for intervals after " +
                 std::to_string(newest) +
                 " does not count: this home's clock was ahead then, and coordinators are back "
                 "before it began");
}

// ---- whose turn it is ---------------------------------------------------------------------------

std::uint32_t Gateway::State::next_look_ms() const {
    const IntervalIndex next = interval_at(now, charter.parameters.interval_s) + 1;
    const UnixMs starts = interval_start(next, charter.parameters.interval_s);
    const UnixMs gate = interim_gate(charter.parameters, next, 0);
    UnixMs wait = std::min(starts - now, look_again_ms);
    if (now < gate)
        wait = std::min(wait, gate - now);
    else if (known.base && traded() < next)
        wait = std::min(wait, turn_ms);
    return static_cast<std::uint32_t>(std::max<UnixMs>(1, wait));
}

void Gateway::State::on_interim(Outputs& out) {
    if (known.place && known.base && !stopped && !known.base->schedule_kw.empty()) {
        keep_to_base(out);
        open_interim(out);
    }
    out.timers.push_back({Timer::interim, next_look_ms()});
}

void Gateway::State::keep_to_base(Outputs& out) {
    const IntervalIndex present = interval_at(now, charter.parameters.interval_s);
    if (known.accord && known.accord->interval() <= present) {
        tell(out, Severity::notable,
             "session " + market::name_of(known.accord->session()) + ": " +
                 std::to_string(known.accord->missing().size()) +
                 " homes did not sign in time; it does not count");
        drop_accord(out);
    }
    if (!known.base->reaches(present) || traded() >= present) return;
    if (follow({present, known.base->consumption_kw(present)}, out))
        tell(out, Severity::notable,
             "interval " + std::to_string(present) +
                 " was not cleared: the devices keep to what session " +
                 market::name_of(known.base->session()) + " planned for it");
}

bool Gateway::State::log_takes_interim() const {
    return settlement::ledger_version(known.rules.now().versions) >= 2;
}

bool Gateway::State::can_open(IntervalIndex interval) const {
    const UnixMs silence = charter.parameters.silence_ms;
    if (traded() >= interval || backlog.find(interval) != nullptr) return false;
    if (interval_start(interval, charter.parameters.interval_s) - now < least_ms) return false;
    if (opened && opened->session.interval == interval && openings >= openings_max) return false;
    if (known.accord && known.accord->interval() == interval && now - accord_since < 2 * silence)
        return false;
    // A session that is alive has its own ways to end.
    if (active && active->chairs()) return false;
    // A former process may have opened it, under the number that this one would take.
    if (interim_gate(charter.parameters, interval, 0) < began.value_or(now)) return false;
    return !active || now - active->heard() >= (active->interim() ? 2 : 5) * silence;
}

void Gateway::State::open_interim(Outputs& out) {
    const IntervalIndex next = interval_at(now, charter.parameters.interval_s) + 1;
    if (!can_open(next) || !log_takes_interim()) return;
    charter.follow(known.rules.now().market_parameters);
    if (!opened || opened->session.interval != next) {
        openings = 0;
        unsigned_by.clear();
    }
    const settlement::Directory& directory = *known.place->directory;
    if (known.accord)
        for (const crypto::PublicKey& key : known.accord->missing())
            if (const auto party = directory.find(key)) unsigned_by.insert(*party);
    auto members = interim_members(charter, *known.place, *known.base, next);
    std::erase_if(members,
                  [&](const market::Member& member) { return unsigned_by.contains(member.party); });
    const auto rank = rank_in(members, known.place->self);
    if (!rank || now < interim_gate(charter.parameters, next, *rank)) return;
    if (auto reason = objection(charter, *known.place, *known.base, members, next)) {
        const std::string text =
            "no coordinator has opened interval " + std::to_string(next) +
            ", and this net's homes cannot clear it among themselves: " + *reason;
        if (text != last_word) tell(out, Severity::notable, text);
        return;
    }
    const crypto::PublicKey& self = charter.identity.public_key();
    const auto before = known.joined.find(self);
    const auto used = before == known.joined.end() ? std::nullopt : std::optional(before->second);
    wire::InterimOpen open;
    open.session = {next, interim_number(known.place->self, now, used)};
    open.net = known.place->net;
    for (const market::Member& member : members)
        open.members.push_back(member.party);
    open.base = known.base->session();
    open.roster_epoch = directory.epoch();
    open.parameters = charter.parameters_digest;
    open.opened_ms = std::max<UnixMs>(0, now);
    opened = open;
    ++openings;
    tell(out, Severity::notable,
         "no coordinator has opened interval " + std::to_string(next) +
             ": this home opens it for the homes of its net, from what session " +
             market::name_of(open.base) + " left them");
    tell_opening(open.members, out);
    join_interim(self, open, out);
}

// Who receives it may not have heard of the newest epoch, and no coordinator is there to show it.
wire::CertifiedEntry Gateway::State::proof_of_base() const {
    const auto receipt = consensus::decode_receipt(known.base->receipt);
    KILTER_CHECK(receipt.ok(), "the base's proof was checked when it was taken");
    wire::CertifiedEntry out{consensus::encode(consensus::whole(*receipt, charter.epochs))};
    if (!wire::check(out)) out.receipt = known.base->receipt;
    return out;
}

void Gateway::State::tell_opening(const std::vector<PartyId>& to, Outputs& out) const {
    for (const PartyId party : to) {
        if (party == known.place->self) continue;
        const crypto::PublicKey& key = known.place->directory->at(party).key;
        if (known.base->session() == opened->base) out.send.push_back({key, proof_of_base()});
        out.send.push_back({key, *opened});
    }
}

// ---- a session ----------------------------------------------------------------------------------

void Gateway::State::on_interim_open(const crypto::PublicKey& from,
                                     const wire::InterimOpen& open,
                                     Outputs& out) {
    if (!known.place || !known.place->secrets.contains(from) ||
        (active && active->id() == open.session))
        return;
    charter.follow(
        known.rules.parameters(open.parameters).value_or(known.rules.now().market_parameters));
    InterimPosition position;
    position.traded = backlog.find(open.session.interval) != nullptr
                          ? std::optional(open.session.interval)
                          : traded();
    position.now = now;
    position.began = began.value_or(now);
    if (const auto newest = known.joined.find(from); newest != known.joined.end())
        position.joined = newest->second;
    if (active && (active->chair() != from || !active->interim()) &&
        now - active->heard() < charter.parameters.silence_ms)
        position.under_way = active->id();
    const auto reason = [&]() -> std::optional<std::string> {
        if (auto why = objection_to_any()) return why;
        if (!log_takes_interim()) return "the log does not take records of homes alone yet";
        if (!known.base) return "this home knows no record of its net with the feeder";
        return objection(charter, *known.place, *known.base, position, from, open);
    }();
    if (!reason) return join_interim(from, open, out);
    const std::string text =
        "did not join session " + market::name_of(open.session) + ": " + *reason;
    if (text != last_word) tell(out, Severity::notable, text);
    if (known.base && open.base < known.base->session())
        out.send.push_back({from, proof_of_base()});
}

void Gateway::State::join_interim(const crypto::PublicKey& from,
                                  const wire::InterimOpen& open,
                                  Outputs& out) {
    const auto home = home_to_join(from, open.session, out);
    if (!home) return;
    if (known.accord) drop_accord(out);
    early_parts.clear();
    const auto candidates =
        interim_members(charter, *known.place, *known.base, open.session.interval);
    const settlement::Directory& directory = *known.place->directory;
    const InterimTerms terms{open.session, *directory.find(from), *named_in(open, candidates),
                             directory.homes(known.place->net).size()};
    active.emplace(charter, *known.place, terms, *known.base, *home, now);
    last_word = "clearing session " + market::name_of(open.session) + " with the net's homes alone";
    const market::Parameters& parameters = charter.parameters;
    const UnixMs left = interval_start(open.session.interval, parameters.interval_s) - now;
    const UnixMs deadline = std::min<UnixMs>(parameters.session_ms, left - reserve_ms);
    out.timers.push_back({Timer::deadline, static_cast<std::uint32_t>(std::max<UnixMs>(
                                               1, deadline + (active->chairs() ? 0 : 1'000)))});
    drive(market::Begin{}, out);
    hear_early(out);
}

void Gateway::State::finish_interim(const Participation& over,
                                    const market::Cleared& cleared,
                                    SessionReport& report,
                                    Outputs& out) {
    const std::string name = "session " + market::name_of(over.id());
    const auto y = market::terminal_values(cleared.y_eur_per_kw, 0, charter.parameters);
    if (cleared.outcome != market::Outcome::converged ||
        !market::plausible_prices(y, charter.interval_h())) {
        report.outcome = cleared.outcome == market::Outcome::excluded ? market::Outcome::excluded
                                                                      : market::Outcome::abandoned;
        return tell(
            out, Severity::notable,
            name + " among the net's homes came to nothing: " +
                (cleared.explanation.empty() ? "its prices are no market's" : cleared.explanation));
    }
    for (const double dual : y)
        report.price_eur_per_kwh.push_back(dual / charter.interval_h());
    report.plan = planned_steps(over.device().data(), over.device().plan(),
                                report.price_eur_per_kwh, over.id().interval);
    report.shortfall = over.device().explain();
    std::vector<crypto::PublicKey> members;
    for (const PartyId party : cleared.members.front())
        members.push_back(over.directory().at(party).key);
    known.accord.emplace(charter, over.id(), over.net(), over.directory().epoch(),
                         over.base_interval(), cleared, *over.base_kw(), members);
    accord_since = now;
    out.persist[accord_key] = known.accord->encode();
    last_words.clear();
    if (over.chairs()) last_words = over.newest_letters();
    tell(out, Severity::routine,
         name + " cleared among " + std::to_string(members.size()) + " homes after " +
             std::to_string(cleared.iteration) + " iterations");
    send_parts(known.accord->others(charter), out);
    out.timers.push_back({Timer::resend, charter.parameters.resend_ms()});
    for (const auto& [from, part] : std::exchange(early_parts, {}))
        known.accord->take(charter, from, part);
    conclude_accord(out);
}

// ---- signatures ---------------------------------------------------------------------------------

void Gateway::State::send_parts(const std::vector<crypto::PublicKey>& to, Outputs& out) const {
    for (const crypto::PublicKey& key : to)
        out.send.push_back({key, known.accord->own_share(charter)});
}

void Gateway::State::on_part(const crypto::PublicKey& from,
                             const wire::ClearingShare& part,
                             Outputs& out) {
    if (known.accord && known.accord->session() == part.session) {
        if (known.accord->take(charter, from, part)) return conclude_accord(out);
        return tell(out, Severity::wrong,
                    "home " + short_hex(from.view()) + " signed something else than session " +
                        market::name_of(part.session) + " came to");
    }
    if (active && active->interim() && active->id() == part.session) {
        if (active->directory().find(from)) early_parts.insert_or_assign(from, part);
        return;
    }
    const settlement::ClearedNet* record = backlog.find(part.session.interval);
    if (record == nullptr || record->opening != part.session.opening) return;
    for (const settlement::ClearedMember& member : record->members)
        if (member.key == from)
            out.send.push_back({from, wire::InterimRecord{settlement::encode(*record)}});
}

void Gateway::State::on_interim_record(const wire::InterimRecord& message, Outputs& out) {
    const auto record = settlement::decode_cleared_net(message.record);
    if (!record || record->outcome != settlement::Outcome::interim || !known.accord) return;
    if (known.accord->take(charter, *record)) conclude_accord(out);
}

void Gateway::State::conclude_accord(Outputs& out) {
    if (!known.accord->complete()) return;
    const settlement::ClearedNet& record = known.accord->record();
    backlog.add(record, out);
    const bool in_time = follow({record.interval, known.accord->consumption_kw()}, out);
    if (last && last->session == known.accord->session()) out.report = last;
    tell(out, Severity::routine,
         "session " + market::name_of(known.accord->session()) + ": all " +
             std::to_string(record.members.size()) +
             " homes have signed; it goes to the log when a coordinator is back" +
             (in_time ? "" : "; too late for the devices"));
    drop_accord(out);
    out.timers.push_back({Timer::append, append_again_ms});
}

void Gateway::State::drop_accord(Outputs& out) {
    known.accord.reset();
    out.persist[accord_key] = {};
}

// ---- the log is back ----------------------------------------------------------------------------

void Gateway::State::submit_backlog(const crypto::PublicKey& to, Outputs& out) {
    if (!coordinator_heard || now - *coordinator_heard > heard_lately_ms) submitted = 0;
    const std::size_t count = ++submitted > patient_submissions ? submitted_max : 1;
    for (const consensus::EntryPtr& entry : backlog.due(charter, now, count))
        out.send.push_back({to, wire::Submit{entry->encoded}});
}

void Gateway::State::on_recorded(const settlement::ClearedNet& record,
                                 Backlog::Settled settled,
                                 Outputs& out) {
    const std::string interval = "interval " + std::to_string(record.interval);
    submitted = 0;
    if (settled == Backlog::Settled::other)
        return tell(out, Severity::notable,
                    interval + " is on the log as other homes of the net have cleared it");
    if (last && last->session == market::SessionId{record.interval, record.opening})
        last->certified = true;
    tell(out, Severity::routine,
         interval + (settled == Backlog::Settled::same
                         ? ", cleared among the net's homes, is on the log, proof checked"
                         : " was cleared among other homes of the net"));
}

}  // namespace kilter::agent
