// One chair after the other.
#include <bit>

#include "common/market/session_state.hpp"

namespace kilter::market {

void Session::State::on_follow(Outputs& out) {
    if (next.iteration != 0) return;
    follows = true;
    begin_iteration(out);
}

Journal Session::State::journal_of(const Sums& net_sums) const {
    Journal out{history.last().iteration, {}, {}};
    const auto common = static_cast<std::ptrdiff_t>(words_per_message(terms.parameters));
    for (std::size_t i = 0; i < nets.size(); ++i)
        out.nets.push_back({nets[i].attempt(),
                            without(nets[i].members(), {self}),
                            {net_sums[i].begin(), net_sums[i].begin() + common}});
    if (notice.stop_iteration != 0) {
        out.stop = notice;
    } else if (next.priced) {
        const std::vector<std::uint64_t> held_back = acceleration.held_back();
        for (std::size_t i = 0; i < nets.size(); ++i) {
            std::vector<std::uint64_t>& words = out.nets[i].words;
            for (const double y : terminal_values(next.y_eur_per_kw, i, terms.parameters))
                words.push_back(std::bit_cast<std::uint64_t>(y));
            for (const double x : terminal_values(next.x_kw, i, terms.parameters))
                words.push_back(std::bit_cast<std::uint64_t>(-x));
            if (answered()) words.push_back(held_back[i]);
        }
        out.memory = device.price_memory();
    }
    return out;
}

bool Session::State::fits(const Journal::Net& net, const Gathering& gathering) const {
    const std::size_t more = net.words.size() - words_per_message(terms.parameters);
    const bool with_prices =
        terms.parameters.method != Method::proximal &&
        more == std::size_t{2} * terms.parameters.quantities() + (answered() ? 1 : 0);
    if ((more != 0 && !with_prices) || net.attempt < gathering.attempt()) return false;
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
    Sums sums;
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
        sums.push_back(net.words);
    }
    told = &journal;
    complete_iteration(sums, out);
    told = nullptr;
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
        priced = next.priced;
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

}  // namespace kilter::market
