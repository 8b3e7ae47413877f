#include "coordinator/core/elimination.hpp"

#include <algorithm>

namespace kilter::coordinator {

std::vector<Elimination::Absence> Elimination::absent(NetId net) const {
    std::vector<Absence> out;
    const auto found = nets_.find(net);
    if (found == nets_.end()) return out;
    const Net& its = found->second;
    for (const auto& [home, caught] : its.caught)
        if (caught.remaining > 0) out.push_back({home, caught.remaining, true});
    if (its.out && std::ranges::find(out, *its.out, &Absence::home) == out.end())
        out.push_back({*its.out, its.remaining});
    return out;
}

void Elimination::on_caught(NetId net, const crypto::PublicKey& home) {
    Caught& its = nets_[net].caught[home];
    if (its.remaining > 0) return;
    its.rest = std::clamp(2 * its.rest, rest_min, rest_max);
    its.remaining = its.rest;
    its.good = 0;
}

bool Elimination::count_caught(Net& net, const std::vector<crypto::PublicKey>& seated) {
    bool in_it = false;
    for (auto& [home, caught] : net.caught) {
        const bool had_a_seat = std::ranges::find(seated, home) != seated.end();
        if (caught.remaining == 0)
            caught.good += had_a_seat ? 1 : 0;
        else if (had_a_seat)
            in_it = true;
        else
            --caught.remaining;
    }
    std::erase_if(net.caught, [](const auto& one) { return one.second.good > one.second.rest; });
    return in_it;
}

void Elimination::on_session(NetId net,
                             IntervalIndex interval,
                             std::vector<crypto::PublicKey> seated,
                             std::size_t homes_min,
                             Ending ending) {
    if (ending == Ending::cleared && !nets_.contains(net)) return;
    Net& its = nets_[net];
    if (count_caught(its, seated) && ending != Ending::cleared) return;
    if (its.out) {
        // Too few others were there to leave it out: nothing is learned.
        if (std::find(seated.begin(), seated.end(), *its.out) != seated.end()) return;
        seated.push_back(*its.out);
    }
    ++its.sessions;
    if (ending != Ending::unclear) its.unclear = 0;
    switch (ending) {
        case Ending::cleared:
            if (!on_cleared(its)) return;
            if (its.caught.empty()) {
                nets_.erase(net);
            } else {
                auto caught = std::move(its.caught);
                its = Net{};
                its.caught = std::move(caught);
            }
            return;
        case Ending::unclear:
            // Once the net is looked into, a doubt is an answer.
            if (its.trials.empty()) {
                if (its.unclear > 0 && its.unclear_until == interval) return;
                its.unclear_until = interval;
                if (++its.unclear < unclear_max) return;
            }
            its.unclear = 0;
            return on_failed(its, seated, homes_min);
        case Ending::failed:
            return on_failed(its, seated, homes_min);
    }
}

bool Elimination::on_cleared(Net& net) {
    if (!net.out) {
        std::uint32_t longest = rest_min;
        for (const auto& [_, trial] : net.trials)
            longest = std::max(longest, trial.rest);
        return ++net.good > longest;
    }
    if (net.remaining == 0) {
        Trial& trial = net.trials[*net.out];
        trial.clears = true;
        trial.rest = std::clamp(2 * trial.rest, rest_min, rest_max);
        trial.since = net.sessions;
        net.remaining = trial.rest;
    } else if (--net.remaining == 0) {
        net.out.reset();
    }
    return false;
}

void Elimination::on_failed(Net& net,
                            const std::vector<crypto::PublicKey>& homes,
                            std::size_t homes_min) {
    net.good = 0;
    if (net.out) net.trials[*net.out].clears = false;
    net.out.reset();
    net.remaining = 0;
    if (net.paused > 0) {
        --net.paused;
        return;
    }
    if (homes.size() <= homes_min) return;
    std::erase_if(net.trials, [&](const auto& trial) {
        return std::find(homes.begin(), homes.end(), trial.first) == homes.end();
    });
    const auto rank = [&](const crypto::PublicKey& home) {
        const Trial& trial = net.trials[home];
        return std::pair(trial.clears.has_value(), trial.since);
    };
    for (const crypto::PublicKey& home : homes) {
        if (net.trials[home].clears == false) continue;
        if (!net.out || rank(home) < rank(*net.out)) net.out = home;
    }
    if (net.out) return;
    for (auto& [_, trial] : net.trials)
        trial.clears.reset();
    net.pause = std::clamp(2 * net.pause, rest_min, rest_max);
    net.paused = net.pause;
}

}  // namespace kilter::coordinator
