#include "common/market/session.hpp"

#include "common/market/session_state.hpp"

namespace kilter::market {

Session::State::State(Terms agreed,
                      PartyId party,
                      std::vector<Seat> seats,
                      model::Device& own_device,
                      std::shared_ptr<const crypto::PairwiseMasks> pairwise,
                      const WarmState& warm)
    : terms(std::move(agreed)),
      self(party),
      device(own_device),
      masks(std::move(pairwise)),
      weights(static_cast<Eigen::Index>(seats.size())),
      start(start_from(warm, seats.size())),
      history(start),
      rho(terms.rho_eur_per_kw2),
      priced(terms.parameters.method != Method::proximal),
      progress(answered() ? Acceleration::stalls_max : priced_stalls_max) {
    const auto terminals = static_cast<Eigen::Index>(seats.size());
    const Eigen::Index rows = terminals * terms.parameters.channels;
    const auto horizon = static_cast<Eigen::Index>(terms.parameters.horizon);
    KILTER_CHECK(terms.parameters.validate().ok() && rho > 0 && terms.terminals > 0,
                 "invalid terms");
    KILTER_CHECK(terminals > 0, "a member sits somewhere");
    KILTER_CHECK(terminals == 1 || chairs() || !priced,
                 "only the chair sits at several nets where it sets the prices");
    KILTER_CHECK(device.channels() == terms.parameters.channels && device.rows() == rows &&
                     device.intervals() == horizon,
                 "the device has another shape than the session");
    for (const auto* given : {&warm.z_kw, &warm.y_eur_per_kw})
        KILTER_CHECK(given->rows() == rows && given->cols() == horizon && given->allFinite(),
                     "the start has another shape than the session");
    Gathering::Words words{.for_all = words_per_message(terms.parameters)};
    if (priced) words.from_chair = terms.parameters.quantities();
    if (answered() && chairs()) words.to_chair = answer_words(terms.parameters);
    if (priced) settled_since = 2;  // at iterate 1 the chair has not said what it would deliver
    for (Seat& seat : seats) {
        units.emplace_back(seat.members.size() - 1);
        nets.emplace_back(std::move(seat), self, terms.chair, words);
    }
    for (Eigen::Index i = 0; i < terminals; ++i)
        weights(i) = nets[static_cast<std::size_t>(i)].own_weight();
}

MaskedShare Dispatch::to(PartyId party) const {
    MaskedShare out = share;
    if (party != chair) out.words.resize(words_for_all);
    return out;
}

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
