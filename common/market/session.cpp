#include "common/market/session.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "common/base/limits.hpp"
#include "common/market/acceleration.hpp"
#include "common/market/certificate.hpp"
#include "common/market/gathering.hpp"
#include "common/market/history.hpp"
#include "common/market/residuals.hpp"
#include "common/market/step.hpp"

namespace kilter::market {

namespace {

/// In units of the tolerances: near enough that prices tell a device's choices apart.
constexpr double settling_badness = 30;

std::vector<PartyId> without(const std::vector<PartyId>& set, const std::vector<PartyId>& left) {
    std::vector<PartyId> out;
    std::set_difference(set.begin(), set.end(), left.begin(), left.end(), std::back_inserter(out));
    return out;
}

}  // namespace

struct Session::State {
    State(const Terms& agreed,
          PartyId party,
          std::vector<Seat> seats,
          model::Device& own_device,
          std::shared_ptr<const crypto::PairwiseMasks> pairwise,
          const WarmState& start);

    // inputs
    void on_begin(Outputs& out);
    void on_follow(Outputs& out);
    void on_journal(const Journal& journal, Outputs& out);
    void on_succeed(Outputs& out);
    void on_share(const MaskedShare& share, Outputs& out);
    void on_silence(Outputs& out);
    void on_deadline(Outputs& out);
    void on_expelled(Outputs& out);

    [[nodiscard]] bool chairs() const { return self == terms.chair; }

    [[nodiscard]] PartyId host_of(std::uint32_t generation) const {
        return terms.hosts[generation % terms.hosts.size()];
    }

    /// At a home: whether another coordinator takes the chair with this share.
    [[nodiscard]] bool succeeds(const MaskedShare& share, const Gathering& net) const;
    /// And what the home does then.
    void follow_heir(const MaskedShare& first, Gathering& net, Outputs& out);
    /// Of a generation that this home has not heard the chair of yet.
    void keep_ahead(const MaskedShare& share);
    /// Whether the journal speaks of the net's present set, or one it can have become.
    [[nodiscard]] bool fits(const Journal::Net& net, const Gathering& gathering) const;
    void apply(const Journal& journal, Outputs& out);

    Gathering* net_of(NetId net);
    [[nodiscard]] bool all_complete() const;
    /// At a home in an accelerated iteration that is all in: the chair has not said the next prices yet.
    [[nodiscard]] bool waits_for_prices() const;

    void begin_iteration(Outputs& out);
    /// The next iterate while the session is accelerated; nothing: it is so no longer.
    std::optional<Iterate> accelerated_step();
    std::optional<Iterate> chair_sets_prices();
    [[nodiscard]] std::optional<model::Schedules> prices_heard() const;
    [[nodiscard]] std::vector<std::uint64_t> words_of(std::size_t terminal) const;
    void send(Gathering& net, Outputs& out);
    void send_all(Outputs& out);
    /// Does all that can be done with what is there.
    void advance(Outputs& out);
    /// A home follows the chair into a later attempt, undoing a net step if need be. True: it did.
    bool follow_chair(Outputs& out);
    using Sums = std::vector<std::vector<std::uint64_t>>;  // per terminal
    [[nodiscard]] Sums sums() const;
    void complete_iteration(const Sums& sums, Outputs& out);
    [[nodiscard]] Journal journal_of(const Sums& sums) const;
    /// Has the device make its choices once what is announced is near enough for them to be the right ones.
    void settle_choices(const Notice& heard);
    /// The chair's word about the iterate before the one just completed.
    [[nodiscard]] Notice assess(std::uint32_t collected) const;
    [[nodiscard]] const Iterate* best_common(std::uint32_t reached) const;
    [[nodiscard]] Notice notice_about(const Iterate& iterate) const;

    /// Empty if what the notice says agrees with what this member can see.
    [[nodiscard]] std::string disagreement(const Notice& heard) const;
    void obey_stop(const Notice& heard, Outputs& out);
    void stop(const Notice& heard, Outputs& out);
    void give_up(Outcome outcome, std::string why, Outputs& out);
    [[nodiscard]] std::string device_trouble(const Iterate& iterate) const;
    /// A home's part in the certificate of the iterate all stop at.
    [[nodiscard]] std::optional<MaskedShare> regret_at(const Iterate& end);

    Terms terms;
    PartyId self;
    model::Device& device;
    std::shared_ptr<const crypto::PairwiseMasks> masks;
    std::vector<Gathering> nets;  // per terminal
    Eigen::VectorXd weights;      // per terminal
    History history;
    Iterate next;  // the iteration under way
    double rho;
    bool accelerated;      ///< from the next iteration on
    bool settled = false;  ///< the device's choices
    bool over = false;
    // of a home
    std::vector<Iterate> redo;  ///< undone for a new chair, the next one last
    std::map<PartyId, MaskedShare> ahead;
    // of who follows the chair, or took over from it
    bool follows = false;
    bool missed = false;           ///< a journal
    std::optional<Journal> held;   ///< of the iteration under way
    std::uint32_t resumed_at = 0;  ///< the iteration it took over in
    // of the chair
    Notice notice;                                        // sent with the iteration under way
    std::map<std::uint32_t, std::uint64_t> dual_squares;  // per iterate still in the history
    std::uint32_t settled_since = 1;  // first iterate that may be final: of present sets, choices
    Acceleration acceleration;
    std::vector<NetAnswer> answers;  // of the nets, in the last iteration
};

Session::State::State(const Terms& agreed,
                      PartyId party,
                      std::vector<Seat> seats,
                      model::Device& own_device,
                      std::shared_ptr<const crypto::PairwiseMasks> pairwise,
                      const WarmState& start)
    : terms(agreed),
      self(party),
      device(own_device),
      masks(std::move(pairwise)),
      weights(static_cast<Eigen::Index>(seats.size())),
      history(start_from(start, seats.size())),
      rho(terms.rho_eur_per_kw2),
      accelerated(terms.parameters.accelerated) {
    const auto terminals = static_cast<Eigen::Index>(seats.size());
    const Eigen::Index rows = terminals * terms.parameters.channels;
    const auto horizon = static_cast<Eigen::Index>(terms.parameters.horizon);
    KILTER_CHECK(terms.parameters.validate().ok() && rho > 0 && terms.terminals > 0,
                 "invalid terms");
    KILTER_CHECK(terminals > 0 && (terminals == 1 || chairs()),
                 "only the chair sits at several nets");
    KILTER_CHECK(device.channels() == terms.parameters.channels && device.rows() == rows &&
                     device.intervals() == horizon,
                 "the device has another shape than the session");
    for (const auto* given : {&start.z_kw, &start.y_eur_per_kw})
        KILTER_CHECK(given->rows() == rows && given->cols() == horizon && given->allFinite(),
                     "the start has another shape than the session");
    const std::size_t words =
        words_per_message(terms.parameters) + (accelerated ? answer_words(terms.parameters) : 0);
    const std::size_t prices = accelerated ? terms.parameters.quantities() : 0;
    if (accelerated)
        settled_since = 2;  // at iterate 1 the chair has not said what it would deliver
    for (Seat& seat : seats)
        nets.emplace_back(std::move(seat), self, terms.chair, words, prices);
    for (Eigen::Index i = 0; i < terminals; ++i)
        weights(i) = nets[static_cast<std::size_t>(i)].own_weight();
}

// ---- inputs
// --------------------------------------------------------------------------------------

void Session::State::on_begin(Outputs& out) {
    if (next.iteration != 0) return;
    begin_iteration(out);
    advance(out);
}

void Session::State::on_share(const MaskedShare& share, Outputs& out) {
    Gathering* net = net_of(share.net);
    if (net == nullptr || follows) {
        out.verdict = Verdict::not_a_member;
        return;
    }
    if (succeeds(share, *net)) {
        follow_heir(share, *net, out);
        return;
    }
    if (generation_of(share.attempt) > generation_of(net->attempt())) {
        out.verdict = Verdict::early;
        if (!chairs() && net->sat_here(share.from)) keep_ahead(share);
        return;
    }
    const bool shrinks = share.members.size() < net->members().size();
    if (share.from == terms.chair && shrinks &&
        share.members.size() < 1 + terms.parameters.privacy_members_min) {
        out.verdict = Verdict::malformed;
        return;
    }
    if (chairs() && net->sat_here(share.from) && !net->takes_part(share.from))
        out.expel.push_back({.net = share.net, .party = share.from});
    out.verdict = net->receive(share, next.iteration);
    if (out.verdict != Verdict::accepted && out.verdict != Verdict::early) return;
    if (share.notice && share.notice->stop_iteration != 0)
        obey_stop(*share.notice, out);
    else if (next.iteration != 0)
        advance(out);
}

void Session::State::on_silence(Outputs& out) {
    if (!chairs() || follows || next.iteration == 0) return;
    if (next.iteration == resumed_at && !all_complete()) {
        give_up(Outcome::abandoned,
                "not all homes followed when this coordinator took the session over", out);
        return;
    }
    for (Gathering& net : nets) {
        std::vector<PartyId> left = net.awaited(next.iteration);
        if (left.empty()) continue;
        std::vector<PartyId> stay = without(net.members(), left);
        if (stay.size() < 1 + terms.parameters.privacy_members_min) {
            stay = {self};
            left = without(net.members(), stay);
        }
        for (const PartyId party : left)
            out.expel.push_back({.net = net.net(), .party = party});
        net.restrict_to(std::move(stay), net.attempt() + 1);
        settled_since = next.iteration;
        out.progressed = true;
        send(net, out);
    }
    const bool alone = std::all_of(nets.begin(), nets.end(),
                                   [](const Gathering& net) { return net.members().size() == 1; });
    if (alone)
        give_up(Outcome::abandoned,
                "All homes were silent: check the network between them and this coordinator.", out);
    else
        advance(out);
}

void Session::State::on_deadline(Outputs& out) {
    if (!chairs()) {
        give_up(Outcome::abandoned,
                "The feeder's host has not said how the session ends before the deadline; the home "
                "keeps to its own plan and joins the next session.",
                out);
        return;
    }
    const Iterate* best = best_common(next.iteration);
    if (best == nullptr) {
        give_up(Outcome::abandoned,
                "The deadline came before any iterate was complete at every member; check that "
                "the homes are reachable or allow more time (session_ms).",
                out);
        return;
    }
    notice = notice_about(*best);
    notice.stop_iteration = best->iteration;
    notice.outcome = Outcome::partial;
    out.journals.push_back({next.iteration, {}, notice});
    for (Gathering& net : nets) {
        net.restrict_to(net.members(), net.attempt() + 1);
        send(net, out);
    }
    stop(notice, out);
}

void Session::State::on_expelled(Outputs& out) {
    if (chairs()) return;
    give_up(Outcome::excluded,
            "The session went on without this home because its messages did not arrive in time; "
            "it joins the next one.",
            out);
}

// ---- iterations
// ----------------------------------------------------------------------------------

Gathering* Session::State::net_of(NetId net) {
    const auto found = std::find_if(nets.begin(), nets.end(),
                                    [net](const Gathering& one) { return one.net() == net; });
    return found == nets.end() ? nullptr : &*found;
}

bool Session::State::all_complete() const {
    return std::all_of(nets.begin(), nets.end(),
                       [this](const Gathering& net) { return net.complete(next.iteration); });
}

void Session::State::begin_iteration(Outputs& out) {
    if (!redo.empty()) {
        next = std::move(redo.back());
        redo.pop_back();
        rho = next.rho_working;
        accelerated = next.accelerated;
        send_all(out);
        return;
    }
    std::optional<Iterate> priced;
    if (accelerated) priced = accelerated_step();
    if (accelerated && !priced) {
        accelerated = false;
        rho = terms.parameters.rho_eur_per_kw2;
    }
    next = priced ? std::move(*priced)
                  : device_step(device, history.last(), weights, rho, terms.parameters.alpha);
    send_all(out);
}

std::optional<Iterate> Session::State::accelerated_step() {
    const Iterate& last = history.last();
    if (last.iteration > 0) rho = next_working_rho(terms.parameters, rho);
    if (chairs()) return chair_sets_prices();
    if (last.iteration == 0)
        return answer_prices(device, last, last.y_eur_per_kw, rho, terms.parameters);
    const auto prices = prices_heard();
    if (!prices) return std::nullopt;
    return answer_prices(device, last, *prices, rho, terms.parameters);
}

std::optional<Iterate> Session::State::chair_sets_prices() {
    const Iterate& last = history.last();
    if (last.iteration == 0)
        return set_prices(last, last.y_eur_per_kw, -last.z_kw, rho, terms.parameters);
    model::Schedules prices;
    model::Schedules delivery;
    if (!acceleration.step(device, last, answers, last.rho_working, terms.parameters, prices,
                           delivery))
        return std::nullopt;
    return set_prices(last, prices, delivery, rho, terms.parameters);
}

/// What follows the masked words of the chair's message: the net's prices; not numbers where it sets none any more.
std::optional<model::Schedules> Session::State::prices_heard() const {
    const MaskedShare* word = nets.front().from_chair(history.last().iteration + 1);
    KILTER_CHECK(word != nullptr, "a home waits for the chair's prices");
    model::Schedules out(terms.parameters.channels, terms.parameters.horizon);
    const std::size_t first = word->words.size() - terms.parameters.quantities();
    for (Eigen::Index k = 0; k < out.size(); ++k)
        out.data()[k] = std::bit_cast<double>(word->words[first + static_cast<std::size_t>(k)]);
    const double most = limits::price_eur_per_kwh_max * terms.parameters.interval_s / 3600.0;
    if (!out.allFinite() || out.cwiseAbs().maxCoeff() > most) return std::nullopt;
    return out;
}

std::vector<std::uint64_t> Session::State::words_of(std::size_t terminal) const {
    std::vector<std::uint64_t> words = plain_words(history.last(), next, terminal);
    if (next.answer) append_answer(next, next.rho_working, words);
    if (terms.parameters.accelerated)
        words.resize(words_per_message(terms.parameters) + answer_words(terms.parameters), 0);
    return words;
}

void Session::State::send(Gathering& net, Outputs& out) {
    const auto terminal = static_cast<std::size_t>(&net - nets.data());
    MaskedShare share{.net = net.net(),
                      .from = self,
                      .iteration = next.iteration,
                      .attempt = net.attempt(),
                      .members = net.members(),
                      .words = words_of(terminal),
                      .notice = {}};
    if (chairs()) share.notice = notice;
    if (masks) masks->add(share.net, share.iteration, share.attempt, share.members, share.words);
    if (chairs() && terms.parameters.accelerated) {
        for (const double y : terminal_values(next.y_eur_per_kw, terminal, terms.parameters))
            share.words.push_back(std::bit_cast<std::uint64_t>(next.accelerated ? y : NAN));
    }
    net.keep_own(share);
    if (share.members.size() > 1) out.send.push_back(std::move(share));
}

void Session::State::send_all(Outputs& out) {
    if (follows) return;
    out.progressed = true;
    for (Gathering& net : nets)
        send(net, out);
}

void Session::State::advance(Outputs& out) {
    while (!over) {
        if (follow_chair(out)) continue;
        if (!all_complete() || waits_for_prices()) return;
        complete_iteration(sums(), out);
    }
}

bool Session::State::waits_for_prices() const {
    return next.accelerated && !chairs() && nets.front().from_chair(next.iteration + 1) == nullptr;
}

bool Session::State::follow_chair(Outputs& out) {
    if (chairs()) return false;
    Gathering& net = nets.front();
    for (const std::uint32_t iteration : {next.iteration - 1, next.iteration}) {
        const MaskedShare* word = net.from_chair(iteration);
        if (word == nullptr || word->attempt <= net.attempt()) continue;
        if (iteration < next.iteration) {
            if (!history.can_undo()) continue;
            next = history.undo();
            rho = next.rho_working;
        }
        redo.clear();
        net.restrict_to(word->members, word->attempt);
        send_all(out);
        return true;
    }
    return false;
}

Session::State::Sums Session::State::sums() const {
    Sums out;
    for (const Gathering& net : nets)
        out.push_back(net.sum(next.iteration));
    return out;
}

void Session::State::complete_iteration(const Sums& net_sums, Outputs& out) {
    const std::uint32_t iteration = next.iteration;
    const std::optional<Iterate> before = redo.empty() ? std::nullopt : std::optional(next);
    std::uint64_t moved = 0;
    next.primal_square = 0;
    next.members.clear();
    answers.clear();
    for (std::size_t i = 0; i < nets.size(); ++i) {
        const std::vector<std::uint64_t>& sums = net_sums[i];
        moved =
            saturating_add(moved, next.accelerated ? judge(next, i, sums)
                                                   : net_step(history.last(), next, i,
                                                              weights(static_cast<Eigen::Index>(i)),
                                                              nets[i].inverse_weights(), sums));
        if (chairs() && next.accelerated)
            answers.push_back(net_answer(sums, next.rho_working, terms.parameters));
        next.members.push_back(nets[i].members());
    }
    const Notice heard = chairs() ? notice : *nets.front().from_chair(iteration)->notice;
    if (std::string wrong = disagreement(heard); !wrong.empty()) {
        give_up(Outcome::abandoned, std::move(wrong), out);
        return;
    }
    settle_choices(heard);
    const Iterate* then = history.find(heard.about_iteration);
    if (then != nullptr && !then->accelerated)
        rho = next_rho(terms, rho, then->rho_eur_per_kw2, heard, iteration);

    if (before && (before->z_kw != next.z_kw || before->y_eur_per_kw != next.y_eur_per_kw))
        redo.clear();
    if (chairs()) dual_squares[iteration - 1] = moved;
    history.push(std::move(next));
    if (!chairs()) {
        begin_iteration(out);
        return;
    }
    acceleration.observe(history.last().primal_square);
    if (const Iterate* judged = history.find(iteration - 1); judged != nullptr && accelerated) {
        const Notice about = notice_about(*judged);
        accelerated = acceleration.goes_on(
            badness(terms, residuals_of(terms, about.primal_square, about.dual_square,
                                        judged->rho_eur_per_kw2, judged->alpha)));
        if (!accelerated) rho = terms.parameters.rho_eur_per_kw2;
    }
    dual_squares.erase(dual_squares.begin(),
                       dual_squares.lower_bound(history.all().front().iteration));
    notice = assess(iteration);
    if (!follows) out.journals.push_back(journal_of(net_sums));
    if (notice.stop_iteration == 0) {
        begin_iteration(out);
        return;
    }
    // Nobody will use the words of a message that stops everyone: nothing but masks.
    next = history.last();
    next.iteration = iteration + 1;
    next.a_units.setZero();
    send_all(out);
    stop(notice, out);
}

void Session::State::settle_choices(const Notice& heard) {
    const Iterate* then = history.find(heard.about_iteration);
    if (settled || then == nullptr) return;
    if (badness(terms, residuals_of(terms, heard.primal_square, heard.dual_square,
                                    then->rho_eur_per_kw2, then->alpha)) > settling_badness)
        return;
    device.settle_choices();
    settled = true;
    settled_since = std::max(settled_since, next.iteration + 1);
}

// ---- one chair after the other
// -----------------------------------------------------------------------

void Session::State::on_follow(Outputs& out) {
    if (next.iteration != 0) return;
    follows = true;
    begin_iteration(out);
}

Journal Session::State::journal_of(const Sums& net_sums) const {
    Journal out{history.last().iteration, {}, {}};
    for (std::size_t i = 0; i < nets.size(); ++i)
        out.nets.push_back({nets[i].attempt(), without(nets[i].members(), {self}), net_sums[i]});
    if (notice.stop_iteration != 0) out.stop = notice;
    return out;
}

bool Session::State::fits(const Journal::Net& net, const Gathering& gathering) const {
    const std::size_t words = words_per_message(terms.parameters) +
                              (terms.parameters.accelerated ? answer_words(terms.parameters) : 0);
    if (net.words.size() != words || net.attempt < gathering.attempt()) return false;
    const std::vector<PartyId> present = without(gathering.members(), {self});
    if (net.attempt == gathering.attempt()) return net.homes == present;
    return std::includes(present.begin(), present.end(), net.homes.begin(), net.homes.end());
}

void Session::State::on_journal(const Journal& journal, Outputs& out) {
    if (!follows || over || missed) return;
    const bool fitting =
        journal.nets.empty() || (journal.nets.size() == nets.size() &&
                                 std::equal(nets.begin(), nets.end(), journal.nets.begin(),
                                            [this](const Gathering& its, const Journal::Net& net) {
                                                return fits(net, its);
                                            }));
    if (journal.iteration < next.iteration) {
        // Told again by one who took over: of the same homes, or what this one computed is not what they did.
        const Iterate* then = history.find(journal.iteration);
        for (std::size_t i = 0; then != nullptr && i < journal.nets.size(); ++i)
            missed = missed || i >= nets.size() ||
                     without(then->members[i], {self}) != journal.nets[i].homes;
        return;
    }
    const bool due =
        journal.iteration == next.iteration || (held && journal.iteration == next.iteration + 1);
    if (!due || !fitting || (journal.nets.empty() && !journal.stop)) {
        missed = true;
        return;
    }
    if (journal.iteration > next.iteration) apply(*std::exchange(held, std::nullopt), out);
    if (over || missed) return;
    if (!journal.stop) {
        held = journal;
    } else if (!journal.nets.empty()) {
        apply(journal, out);
        missed = !over;
    } else if (history.find(journal.stop->stop_iteration) != nullptr) {
        notice = *journal.stop;
        stop(notice, out);
    } else {
        missed = true;
    }
}

void Session::State::apply(const Journal& journal, Outputs& out) {
    Sums told;
    for (std::size_t i = 0; i < nets.size(); ++i) {
        const Journal::Net& net = journal.nets[i];
        if (!fits(net, nets[i])) {
            missed = true;
            return;
        }
        if (net.attempt > nets[i].attempt()) {
            const bool same = net.homes.size() + 1 == nets[i].members().size();
            std::vector<PartyId> members = net.homes;
            members.insert(std::upper_bound(members.begin(), members.end(), self), self);
            nets[i].restrict_to(std::move(members), net.attempt);
            if (!same) settled_since = next.iteration;
        }
        told.push_back(net.words);
    }
    complete_iteration(told, out);
}

void Session::State::on_succeed(Outputs& out) {
    if (!follows || missed || terms.hosts.empty()) return;
    follows = false;
    std::uint32_t generation = 0;
    for (const Gathering& net : nets)
        generation = std::max(generation, generation_of(net.attempt()));
    do
        ++generation;
    while (host_of(generation) != self);
    if (generation > generation_of(UINT16_MAX)) {
        if (!over) give_up(Outcome::abandoned, "the chair has changed too often", out);
        return;
    }
    held.reset();
    for (Gathering& net : nets)
        net.restrict_to(net.members(), static_cast<std::uint16_t>(generation << 8));
    resumed_at = next.iteration;
    send_all(out);
}

bool Session::State::succeeds(const MaskedShare& share, const Gathering& net) const {
    const std::uint32_t generation = generation_of(share.attempt);
    if (chairs() || terms.hosts.empty() || next.iteration == 0 ||
        generation <= generation_of(net.attempt()))
        return false;
    const PartyId heir = host_of(generation);
    if (!net.can_succeed(share, heir) || (masks && !masks->covers(heir))) return false;
    if (share.members.size() < 1 + terms.parameters.privacy_members_min) return false;
    if (share.notice->stop_iteration != 0)
        return history.find(share.notice->stop_iteration) != nullptr;
    return share.iteration <= next.iteration && history.all().front().iteration < share.iteration;
}

void Session::State::follow_heir(const MaskedShare& first, Gathering& net, Outputs& out) {
    net.succeed(first.from);
    terms.chair = first.from;
    net.restrict_to(first.members, first.attempt);
    if (first.notice->stop_iteration != 0) {
        obey_stop(*first.notice, out);
        return;
    }
    while (next.iteration > first.iteration) {
        redo.push_back(std::move(next));
        next = history.undo();
        rho = next.rho_working;
        accelerated = next.accelerated;
    }
    send_all(out);
    out.verdict = net.receive(first, next.iteration);
    for (const auto& [_, share] : std::exchange(ahead, {}))
        net.receive(share, next.iteration);
    advance(out);
}

void Session::State::keep_ahead(const MaskedShare& share) {
    const auto [place, fresh] = ahead.try_emplace(share.from, share);
    if (!fresh && share.attempt >= place->second.attempt) place->second = share;
}

// ---- the chair's judgement
// -----------------------------------------------------------------------

Notice Session::State::notice_about(const Iterate& iterate) const {
    Notice out;
    out.about_iteration = iterate.iteration;
    out.primal_square = iterate.primal_square;
    out.dual_square = dual_squares.at(iterate.iteration);
    return out;
}

Notice Session::State::assess(std::uint32_t collected) const {
    const Iterate* newest = history.find(collected - 1);
    Notice out;
    if (newest != nullptr) {
        out = notice_about(*newest);
        const Residuals residuals = residuals_of(terms, out.primal_square, out.dual_square,
                                                 newest->rho_eur_per_kw2, newest->alpha);
        if (settled && newest->iteration >= settled_since && badness(terms, residuals) <= 1) {
            out.stop_iteration = newest->iteration;
            return out;
        }
    }
    if (collected < terms.parameters.iterations_max) return out;
    if (const Iterate* best = best_common(collected)) {
        out = notice_about(*best);
        out.stop_iteration = best->iteration;
        out.outcome = Outcome::partial;
    }
    return out;
}

/// When the chair has reached `reached`, others have completed `reached` at most and keep
/// history_max iterates; those with known movement are complete everywhere. Iterates of the present
/// sets come first.
const Iterate* Session::State::best_common(std::uint32_t reached) const {
    const Iterate* best = nullptr;
    double best_badness = 0;
    for (const Iterate& iterate : history.all()) {
        if (iterate.iteration == 0 || !dual_squares.contains(iterate.iteration)) continue;
        if (iterate.iteration + limits::history_max <= reached) continue;
        const double its = badness(
            terms, residuals_of(terms, iterate.primal_square, dual_squares.at(iterate.iteration),
                                iterate.rho_eur_per_kw2, iterate.alpha));
        const bool settles = best != nullptr && best->iteration < settled_since &&
                             iterate.iteration >= settled_since;
        if (best == nullptr || settles || its < best_badness) {
            best = &iterate;
            best_badness = its;
        }
    }
    return best;
}

// ---- the end
// -------------------------------------------------------------------------------------

std::string Session::State::disagreement(const Notice& heard) const {
    if (chairs() || heard.about_iteration == 0) return {};
    const Iterate* seen = history.find(heard.about_iteration);
    if (seen == nullptr)
        return "The feeder's host speaks of iterate " + std::to_string(heard.about_iteration) +
               ", which this home has not kept; nothing is agreed.";
    if (heard.primal_square < seen->primal_square)
        return "The feeder's host announced a smaller imbalance than this home's net alone has at "
               "iterate " +
               std::to_string(heard.about_iteration) + "; nothing is agreed.";
    return {};
}

void Session::State::obey_stop(const Notice& heard, Outputs& out) {
    std::string wrong = disagreement(heard);
    if (const Iterate* end = history.find(heard.stop_iteration); wrong.empty() && end != nullptr) {
        const Residuals residuals = residuals_of(terms, heard.primal_square, heard.dual_square,
                                                 end->rho_eur_per_kw2, end->alpha);
        if (heard.outcome == Outcome::converged && badness(terms, residuals) > 1)
            wrong =
                "The feeder's host called an iterate converged whose announced residuals are "
                "over the agreed tolerance; nothing is agreed.";
    }
    if (wrong.empty())
        stop(heard, out);
    else
        give_up(Outcome::abandoned, std::move(wrong), out);
}

std::string Session::State::device_trouble(const Iterate& iterate) const {
    if (iterate.feasible) return {};
    return "The device could not keep all its limits: " + device.explain();
}

std::optional<MaskedShare> Session::State::regret_at(const Iterate& end) {
    const auto regret = device.regret(end.x_kw, end.y_eur_per_kw);
    if (!regret) return std::nullopt;
    // Without whoever chaired then or does now: a set with a chair in it has masked that iterate's message.
    std::vector<PartyId> chairs = terms.hosts;
    chairs.push_back(terms.chair);
    std::sort(chairs.begin(), chairs.end());
    MaskedShare share = regret_share(*regret, nets.front().net(), self, end.iteration,
                                     without(end.members.front(), chairs));
    if (masks) masks->add(share.net, share.iteration, share.attempt, share.members, share.words);
    return share;
}

void Session::State::stop(const Notice& heard, Outputs& out) {
    const Iterate* end = history.find(heard.stop_iteration);
    KILTER_CHECK(end != nullptr, "a stop was accepted at an iterate that is not kept");
    const Residuals residuals = residuals_of(terms, heard.primal_square, heard.dual_square,
                                             end->rho_eur_per_kw2, end->alpha);
    std::string explanation = device_trouble(*end);
    if (heard.outcome == Outcome::partial)
        explanation =
            "The session ran out of time or iterations: the best iterate misses balance "
            "by " +
            std::to_string(residuals.primal_kw) + " kW (RMS). " + explanation;
    out.cleared =
        Cleared{.outcome = heard.outcome,
                .iteration = end->iteration,
                .rounds = next.iteration,
                .primal_residual_kw = residuals.primal_kw,
                .dual_residual_eur_per_kw = residuals.dual_eur_per_kw,
                .x_kw = end->x_kw,
                .y_eur_per_kw = end->y_eur_per_kw,
                .members = end->members,
                .imbalance_kw = end->imbalance_kw,
                .regret = chairs() ? std::nullopt : regret_at(*end),
                .warm = {.z_kw = end->z_kw,
                         .y_eur_per_kw = end->y_eur_per_kw,
                         .rho_eur_per_kw2 = end->accelerated ? terms.parameters.rho_eur_per_kw2
                                                             : end->rho_working},
                .explanation = std::move(explanation)};
    over = true;
}

void Session::State::give_up(Outcome outcome, std::string why, Outputs& out) {
    const Iterate& last = history.last();
    out.cleared = Cleared{.outcome = outcome,
                          .iteration = last.iteration,
                          .rounds = next.iteration,
                          .primal_residual_kw = 0,
                          .dual_residual_eur_per_kw = 0,
                          .x_kw = next.iteration > 0 ? next.x_kw : last.x_kw,
                          .y_eur_per_kw = last.y_eur_per_kw,
                          .members = last.members,
                          .imbalance_kw = last.imbalance_kw,
                          .regret = {},
                          .warm = {.z_kw = last.z_kw,
                                   .y_eur_per_kw = last.y_eur_per_kw,
                                   .rho_eur_per_kw2 = last.rho_working},
                          .explanation = std::move(why)};
    over = true;
}

// ---- the machine
// ---------------------------------------------------------------------------------

Session::Session(const Terms& terms,
                 PartyId self,
                 std::vector<Seat> seats,
                 model::Device& device,
                 std::shared_ptr<const crypto::PairwiseMasks> masks,
                 const WarmState& start)
    : state_(std::make_unique<State>(
          terms, self, std::move(seats), device, std::move(masks), start)) {}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Outputs Session::step(const Input& input) {
    Outputs out;
    if (state_->over && !std::holds_alternative<Succeed>(input)) {
        out.verdict = Verdict::duplicate;
        return out;
    }

    struct Visitor {
        State& state;
        Outputs& out;

        void operator()(const Begin&) const { state.on_begin(out); }

        void operator()(const Follow&) const { state.on_follow(out); }

        void operator()(const Journaled& input) const { state.on_journal(input.journal, out); }

        void operator()(const Succeed&) const { state.on_succeed(out); }

        void operator()(const ShareReceived& input) const { state.on_share(input.share, out); }

        void operator()(const SilenceElapsed&) const { state.on_silence(out); }

        void operator()(const DeadlineElapsed&) const { state.on_deadline(out); }

        void operator()(const Expelled&) const { state.on_expelled(out); }
    };

    std::visit(Visitor{*state_, out}, input);
    return out;
}

std::uint32_t Session::iteration() const {
    return state_->next.iteration;
}

PartyId Session::chair() const {
    return state_->terms.chair;
}

std::uint8_t Session::generation() const {
    return static_cast<std::uint8_t>(generation_of(state_->nets.front().attempt()));
}

bool Session::lost() const {
    return state_->missed;
}

std::vector<std::vector<PartyId>> Session::awaited() const {
    std::vector<std::vector<PartyId>> out;
    for (const Gathering& net : state_->nets) {
        out.push_back(net.awaited(state_->next.iteration));
        std::erase(out.back(), state_->self);
    }
    return out;
}

}  // namespace kilter::market
