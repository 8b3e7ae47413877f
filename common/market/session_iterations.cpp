// One iteration of a session.
#include <bit>
#include <cmath>
#include <limits>

#include "common/market/session_state.hpp"

namespace kilter::market {

namespace {
/// In units of the tolerances: near enough that prices tell a device's choices apart.
constexpr double settling_badness = 30;
constexpr double settling_badness_smoothed = 50;  // of an iterate that is not judged exactly
/// In place of prices: every net moves its own from where the session started. NaN: from where it is.
constexpr double start_anew = std::numeric_limits<double>::infinity();
}  // namespace

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
    if (!redo.empty() && redo.back().priced && prices_heard() != redo.back().y_eur_per_kw)
        redo.clear();
    if (!redo.empty()) {
        next = std::move(redo.back());
        redo.pop_back();
        rho = next.rho_working;
        priced = next.priced;
        send_all(out);
        return;
    }
    std::optional<Iterate> at_prices;
    if (priced) at_prices = priced_step();
    priced = at_prices.has_value();
    if (priced) {
        next = std::move(*at_prices);
    } else {
        const Iterate& last = history.last();
        if (last.priced) rho = unpriced_rho();
        const bool anew = last.priced && (chairs() ? progress.strayed() : told_to_start_anew());
        next = device_step(device, anew ? start : last, weights, rho, terms.parameters.alpha);
        next.iteration = last.iteration + 1;
        next.anew = anew;
    }
    send_all(out);
}

std::optional<Iterate> Session::State::priced_step() {
    const Iterate& last = history.last();
    if (last.iteration > 0)
        rho = answered() ? next_working_rho(terms.parameters, rho)
                         : next_priced_rho(terms.parameters, rho);
    if (chairs()) return chair_sets_prices();
    if (last.iteration == 0) return answer(last.y_eur_per_kw);
    const auto prices = prices_heard();
    if (!prices) return std::nullopt;
    return answer(*prices);
}

Iterate Session::State::answer(const model::Schedules& prices) {
    const Iterate& last = history.last();
    if (answered())
        return answer_prices(device, last, prices, rho, smoothing(last.iteration + 1),
                             units.front(), terms.parameters);
    return follow_prices(device, history.find(last.iteration - 1), last, prices, rho,
                         terms.parameters);
}

Iterate Session::State::post(const model::Schedules& prices,
                             const model::Schedules& delivery) const {
    const Iterate& last = history.last();
    if (answered()) return set_prices(last, prices, delivery, rho, terms.parameters);
    return post_prices(history.find(last.iteration - 1), last, prices, delivery, rho,
                       terms.parameters);
}

double Session::State::smoothing(std::uint32_t iteration) const {
    return smoothing_kw2(iteration, terms.rho_eur_per_kw2, terms.parameters);
}

bool Session::State::judged_exactly(const Iterate& iterate) const {
    return !iterate.priced || !answered() ||
           market::judged_exactly(smoothing(iterate.iteration), terms.parameters);
}

std::optional<Iterate> Session::State::chair_sets_prices() {
    const Iterate& last = history.last();
    if (last.iteration == 0) return post(last.y_eur_per_kw, -last.z_kw);
    if (follows) return chair_has_set_prices();
    model::Schedules prices;
    model::Schedules delivery;
    const bool found = answered()
                           ? acceleration.step(device, history.find(last.iteration - 1), last,
                                               answers, terms.parameters, prices, delivery)
                           : find_prices(device, last, terms.parameters, prices, delivery);
    if (!found || !plausible(prices, delivery, terms.parameters)) return std::nullopt;
    return post(prices, delivery);
}

std::optional<Iterate> Session::State::chair_has_set_prices() {
    const Iterate& last = history.last();
    const std::size_t first = words_per_message(terms.parameters);
    const std::size_t quantities = terms.parameters.quantities();
    model::Schedules prices(last.z_kw.rows(), last.z_kw.cols());
    model::Schedules delivery(last.z_kw.rows(), last.z_kw.cols());
    std::vector<std::uint64_t> held_back;
    for (std::size_t i = 0; i < nets.size(); ++i) {
        const std::vector<std::uint64_t>& words = told->nets[i].words;
        if (words.size() != first + 2 * quantities + (answered() ? 1 : 0)) return std::nullopt;
        auto price = terminal_values(prices, i, terms.parameters);
        auto delivered = terminal_values(delivery, i, terms.parameters);
        for (std::size_t k = 0; k < quantities; ++k) {
            const auto at = static_cast<Eigen::Index>(k);
            price[at] = std::bit_cast<double>(words[first + k]);
            delivered[at] = std::bit_cast<double>(words[first + quantities + k]);
        }
        if (answered()) held_back.push_back(words.back());
    }
    if (!plausible(prices, delivery, terms.parameters)) return std::nullopt;
    device.recall(told->memory);
    acceleration.recall(held_back);
    return post(prices, delivery);
}

model::Schedules Session::State::price_words() const {
    const MaskedShare* word = nets.front().from_chair(history.last().iteration + 1);
    KILTER_CHECK(word != nullptr, "a home waits for the chair's prices");
    model::Schedules out(terms.parameters.channels, terms.parameters.horizon);
    const std::size_t first = word->words.size() - terms.parameters.quantities();
    for (Eigen::Index k = 0; k < out.size(); ++k)
        out.data()[k] = std::bit_cast<double>(word->words[first + static_cast<std::size_t>(k)]);
    return out;
}

std::optional<model::Schedules> Session::State::prices_heard() const {
    const model::Schedules out = price_words();
    const double most = limits::price_eur_per_kwh_max * terms.parameters.interval_s / 3600.0;
    if (!out.allFinite() || out.cwiseAbs().maxCoeff() > most) return std::nullopt;
    return out;
}

bool Session::State::told_to_start_anew() const {
    return (price_words().array() == start_anew).all();
}

std::vector<std::uint64_t> Session::State::words_of(std::size_t terminal) const {
    std::vector<std::uint64_t> words = plain_words(history.last(), next, terminal);
    if (next.answer)
        append_answer(next, next.rho_working, units[terminal], words);
    else if (next.priced && answered())
        words.resize(words.size() + answer_words(terms.parameters), 0);
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
    net.expect_answers(next.priced && answered());
    net.keep_own(share);
    std::size_t for_all = words_per_message(terms.parameters);
    if (chairs()) {
        share.words.resize(for_all);  // what the homes sum; the chair sums the rest
        if (terms.parameters.method != Method::proximal)
            for (const double y : terminal_values(next.y_eur_per_kw, terminal, terms.parameters))
                share.words.push_back(std::bit_cast<std::uint64_t>(next.priced ? y
                                                                   : next.anew ? start_anew
                                                                               : NAN));
        for_all = share.words.size();
    }
    if (share.members.size() > 1) out.send.push_back({std::move(share), for_all, terms.chair});
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
    return next.priced && !chairs() && nets.front().from_chair(next.iteration + 1) == nullptr;
}

bool Session::State::follow_chair(Outputs& out) {
    if (chairs()) return false;
    return std::any_of(nets.begin(), nets.end(),
                       [&](Gathering& net) { return follow_chair(net, out); });
}

bool Session::State::follow_chair(Gathering& net, Outputs& out) {
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
            saturating_add(moved, next.priced ? judge(next, i, sums)
                                              : net_step(next.anew ? start : history.last(), next,
                                                         i, weights(static_cast<Eigen::Index>(i)),
                                                         nets[i].inverse_weights(), sums));
        if (chairs() && !follows && next.priced && answered())
            answers.push_back(
                net_answer(std::span(sums).subspan(words_per_message(terms.parameters)),
                           next.rho_working, units[i], terms.parameters));
        next.members.push_back(nets[i].members());
    }
    const Notice heard = chairs() ? notice : *nets.front().from_chair(iteration)->notice;
    if (std::string wrong = disagreement(heard); !wrong.empty()) {
        give_up(Outcome::abandoned, std::move(wrong), out);
        return;
    }
    settle_choices(heard);
    const Iterate* then = history.find(heard.about_iteration);
    if (then != nullptr && !then->priced)
        rho = balancing.next_rho(terms, rho, then->rho_eur_per_kw2, heard, iteration);

    if (before && (before->z_kw != next.z_kw || before->y_eur_per_kw != next.y_eur_per_kw))
        redo.clear();
    if (chairs()) dual_squares[iteration - 1] = moved;
    history.push(std::move(next));
    if (!chairs()) {
        begin_iteration(out);
        return;
    }
    acceleration.observe(history.last().primal_square);
    if (const Iterate* judged = history.find(iteration - 1); judged != nullptr && priced) {
        priced = progress.made(badness_of(*judged, notice_about(*judged)));
    }
    dual_squares.erase(dual_squares.begin(),
                       dual_squares.lower_bound(history.all().front().iteration));
    notice = assess(iteration);
    if (notice.stop_iteration == 0) begin_iteration(out);
    if (!follows) out.journals.push_back(journal_of(net_sums));
    if (notice.stop_iteration == 0) return;
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
    if (badness_of(*then, heard) >
        (judged_exactly(*then) ? settling_badness : settling_badness_smoothed))
        return;
    device.settle_choices();
    settled = true;
    settled_since = std::max(settled_since, next.iteration + 1);
}

}  // namespace kilter::market
