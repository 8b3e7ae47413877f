#include <algorithm>
#include <cmath>

#include "common/market/clearing.hpp"
#include "coordinator/core/feeder_host_state.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::uint32_t gather_tick_ms = 250;
constexpr std::uint32_t no_homes_ms = 1'000;  // between two looks for homes
constexpr std::uint32_t joining_iterations = 2;
constexpr std::uint32_t fruitless_max = 6;  // the pause between sessions doubles so often

settlement::TiePrices tie_prices_of(const Charter& charter, IntervalIndex interval) {
    const model::FeederHorizon horizon = model::horizon_of(
        charter.network, interval, charter.parameters.horizon, charter.parameters.interval_s);
    settlement::TiePrices out{interval, {}, charter.network.number};
    for (const double price : horizon.price_eur_per_kwh)
        out.prices_micro_eur_per_kwh.push_back(std::llround(price * 1e6));
    return out;
}

}  // namespace

void FeederHost::State::succeed(Outputs& out) {
    chaired.emplace(followed->take());
    auto cleared = followed->take_cleared();
    followed.reset();
    taken_over = true;
    out.tell(Severity::notable, "took over " + session_name() + " in iteration " +
                                    std::to_string(chaired->iteration()) + " from " +
                                    acting_name() + ", which is silent");
    turn.take_over();
    out.arm(Timer::presence, 1);
    out.arm(Timer::takeover, 0);
    const std::int64_t spent = std::max<std::int64_t>(0, now - chaired->report().started_ms);
    out.arm(Timer::deadline, static_cast<std::uint32_t>(
                                 std::max<std::int64_t>(1, charter.parameters.session_ms - spent)));
    drive(market::Succeed{}, out);
    if (cleared && chaired) collect(std::move(*cleared), out);
}

void FeederHost::State::gather_or_open(Outputs& out) {
    if (!may_open() || !turn.mine()) return;
    const Turn::Gate gate = turn.next_gate(now);
    for (const PartyId home : attendance->to_greet(now))
        out.send.push_back({attendance->directory()->at(home).key, hello()});
    if (gate.wait_ms > 0) return await_gate(out);
    if (!gathering_since) gathering_since = now;
    const auto absent = attendance->missing(now);
    if (!absent.empty() && now - *gathering_since < pace.gather_ms)
        return out.arm(Timer::gather, gather_tick_ms);
    attendance->waive(absent);
    open(gate.interval, absent.size(), out);
}

void FeederHost::State::open(IntervalIndex interval, std::size_t absent, Outputs& out) {
    follow_parameters();
    auto seats = attendance->seats(now, left_out());
    if (seats.empty()) {
        if (!lonely) out.tell(Severity::notable, "no net has enough homes to trade; trying on");
        lonely = true;
        return out.arm(Timer::gather, no_homes_ms);
    }
    lonely = false;
    if (const auto expiring = attendance->expiring(now).size(); expiring > 0)
        out.tell(Severity::notable,
                 std::to_string(expiring) +
                     " homes cannot trade because their certificates have expired: renew them "
                     "with 'kilter renew'");
    if (absent > 0)
        out.tell(Severity::notable,
                 std::to_string(absent) + " homes have not greeted; opening without them");
    gathering_since.reset();
    followed.reset();
    taken_over = false;
    auto start = warm_start.start(interval, nets_of(seats));
    chaired.emplace(charter, naming.next(interval, now), *attendance, std::move(seats),
                    std::move(start), now);
    out.persist = ByteWriter{}.u32(*naming.newest()).bytes();
    chaired->announce(out);
    tell_left_out(out);
    out.tell(Severity::routine, session_name() + " opened with " +
                                    std::to_string(chaired->homes()) + " homes on " +
                                    std::to_string(chaired->nets().size()) + " nets");
    out.arm(Timer::takeover, 0);
    out.arm(Timer::deadline, charter.parameters.session_ms);
    drive(market::Begin{}, out);
}

std::vector<PartyId> FeederHost::State::left_out() const {
    std::vector<PartyId> out;
    for (const NetId net : attendance->directory()->nets())
        for (const Elimination::Absence& absence : elimination.absent(net))
            if (const auto party = attendance->directory()->find(absence.home))
                out.push_back(*party);
    return out;
}

void FeederHost::State::tell_left_out(Outputs& out) const {
    for (const market::Seat& seat : chaired->seats()) {
        const auto homes = homes_of(seat);
        for (const Elimination::Absence& absence : elimination.absent(seat.net)) {
            if (std::ranges::find(homes, absence.home) != homes.end()) continue;
            const std::string why = "net " + settlement::name_of(seat.net) + why_without(absence);
            out.send.push_back(
                {absence.home, wire::refusal("no seat in " + session_name() + ": " + why)});
            out.tell(Severity::notable, session_name() + " is without home " +
                                            short_hex(absence.home.view()) + ": " + why);
        }
    }
}

std::string FeederHost::State::why_without(const Elimination::Absence& absence) {
    if (absence.sessions == 0)
        return " came to nothing; this session is to show whether it clears without this home";
    return (absence.caught ? " goes on without this home, which contradicted itself or sent "
                             "what no home sends; it is tried again after "
                           : " came to nothing; it clears without this home, which is tried "
                             "again after ") +
           std::to_string(absence.sessions) + " sessions";
}

std::vector<crypto::PublicKey> FeederHost::State::homes_of(const market::Seat& seat) const {
    std::vector<crypto::PublicKey> out;
    for (const market::Member& member : seat.members)
        if (const auto& party = chaired->directory()->at(member.party);
            party.role == settlement::Role::home)
            out.push_back(party.key);
    return out;
}

void FeederHost::State::follow_parameters() {
    if (!parameters_due) return;
    charter.parameters = *parameters_due;
    charter.parameters_digest = parameters_due->digest();
    turn.follow(charter.parameters);
    warm_start.follow(charter.parameters);
    attendance->follow(charter.parameters);
    parameters_due.reset();
}

void FeederHost::State::drive(const market::Input& input, Outputs& out) {
    Chaired::Step step = chaired->step(input, now, out);
    for (const crypto::PublicKey& home : step.silent)
        attendance->on_silence(home);
    if (step.caught) elimination.on_caught(step.caught->first, step.caught->second);
    if (step.cleared) collect(std::move(*step.cleared), out);
}

void FeederHost::State::collect(market::Cleared cleared, Outputs& out) {
    out.cancel({Timer::silence, Timer::deadline, Timer::resend});
    if (cleared.outcome == market::Outcome::abandoned) {
        out.tell(Severity::notable, session_name() + " came to nothing: " + cleared.explanation);
        learn_who_is_in_the_way({});
        return taken_over ? leave(out) : come_to_nothing(out);
    }
    records.emplace(charter, chaired->id(), chaired->directory(), chaired->nets(), cleared);
    for (const NetId net : records->implausible())
        out.tell(Severity::wrong, session_name() + " ended at prices no market has on net " +
                                      settlement::name_of(net) +
                                      "; it is not recorded: a home there sends wrong values");
    out.tell(cleared.outcome == market::Outcome::converged ? Severity::routine : Severity::notable,
             session_name() + " cleared after " + std::to_string(cleared.iteration) +
                 " iterations" + (cleared.explanation.empty() ? "" : ": " + cleared.explanation));
    records->leave_out_who_left(*attendance->directory());
    warm_start.on_cleared(chaired->id().interval, chaired->nets(), std::move(cleared.warm));
    out.arm(Timer::signatures, charter.parameters.silence_ms);
    if (records->complete()) append(out);
}

void FeederHost::State::on_clearing_share(const crypto::PublicKey& from,
                                          const wire::ClearingShare& share,
                                          Outputs& out) {
    if (!signing()) return;
    switch (records->on_signature(from, share)) {
        case Records::Verdict::accepted:
            if (records->complete()) append(out);
            return;
        case Records::Verdict::not_asked:
            return;
        case Records::Verdict::forged:
            return out.tell(Severity::wrong, "home " + short_hex(from.view()) +
                                                 " signed something else than this net's "
                                                 "prices; its signature is not used");
    }
}

void FeederHost::State::append(Outputs& out) {
    out.cancel({Timer::signatures});
    learn_who_is_in_the_way(records->endings());
    out.submit = records->make();
    if (out.submit.empty()) {
        out.tell(Severity::notable,
                 session_name() + " has no signature of any home; nothing to record");
        return come_to_nothing(out);
    }
    out.tie = tie_prices_of(charter, chaired->id().interval);
    out.arm(Timer::finality, finality_ms);
}

void FeederHost::State::learn_who_is_in_the_way(const std::map<NetId, Ending>& endings) {
    for (const market::Seat& seat : chaired->seats()) {
        const auto found = endings.find(seat.net);
        Ending ending = found == endings.end() ? Ending::unclear : found->second;
        if (ending == Ending::cleared && chaired->parted().contains(seat.net))
            ending = Ending::unclear;
        // Homes that never spoke have not joined: a clock is wrong, or nobody could be reached.
        if (ending == Ending::unclear && chaired->iteration() <= joining_iterations &&
            !chaired->all_spoke(seat))
            continue;
        elimination.on_session(seat.net, chaired->id().interval, homes_of(seat),
                               std::max(1U, charter.parameters.privacy_members_min), ending);
    }
}

void FeederHost::State::come_to_nothing(Outputs& out) {
    fruitless = std::min(fruitless + 1, fruitless_max);
    end(out);
}

void FeederHost::State::end(Outputs& out) {
    chaired->certify();
    out.report = chaired->report();
    out.report->final_ms = now;
    out.report->homes = records ? records->homes() : 0;
    leave(out);
}

void FeederHost::State::give_up(const std::string& why, Outputs& out) {
    out.tell(Severity::notable, session_name() + " given up: " + why);
    leave(out);
}

void FeederHost::State::leave(Outputs& out) {
    out.cancel(
        {Timer::silence, Timer::deadline, Timer::resend, Timer::signatures, Timer::finality});
    records.reset();
    chaired.reset();
    await_gate(out);
}

}  // namespace kilter::coordinator
