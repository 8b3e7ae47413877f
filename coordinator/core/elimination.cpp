#include "coordinator/core/elimination.hpp"

#include <algorithm>

namespace kilter::coordinator {

namespace {

bool contains(const std::vector<crypto::PublicKey>& homes, const crypto::PublicKey& home) {
    return std::ranges::find(homes, home) != homes.end();
}

bool contains_all(const std::vector<crypto::PublicKey>& homes,
                  const std::vector<crypto::PublicKey>& some) {
    return std::ranges::all_of(some, [&](const auto& home) { return contains(homes, home); });
}

}  // namespace

std::vector<Elimination::Absence> Elimination::absent(NetId net) const {
    std::vector<Absence> out;
    const auto found = nets_.find(net);
    if (found == nets_.end()) return out;
    const Net& its = found->second;
    for (const auto& [home, caught] : its.caught)
        if (caught.remaining > 0) out.push_back({home, caught.remaining, true});
    for (const crypto::PublicKey& home : its.out)
        if (std::ranges::find(out, home, &Absence::home) == out.end())
            out.push_back({home, its.remaining});
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
        const bool had_a_seat = contains(seated, home);
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
    if (std::ranges::any_of(its.out, [&](const auto& home) { return contains(seated, home); })) {
        // Too few others were there to leave it out: nothing is learned. Without one of two it may go on for good.
        if (its.out.size() > 1 && (its.remaining == 0 || --its.remaining == 0)) its.out.clear();
        return;
    }
    seated.insert(seated.end(), its.out.begin(), its.out.end());
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
    if (net.out.empty()) {
        std::uint32_t longest = rest_min;
        for (const auto& [_, trial] : net.trials)
            longest = std::max(longest, trial.rest);
        return ++net.good > longest;
    }
    if (net.remaining == 0) {
        Trial& trial = net.trials[net.out];
        trial.clears = true;
        trial.rest = std::clamp(2 * trial.rest, rest_min, rest_max);
        trial.since = net.sessions;
        net.remaining = trial.rest;
    } else if (--net.remaining == 0) {
        // One of two may have stopped: each is tried alone again.
        if (net.out.size() > 1)
            for (const crypto::PublicKey& home : net.out)
                net.trials[{home}].clears.reset();
        net.out.clear();
    }
    return false;
}

Elimination::Group Elimination::next_of(Net& net, const std::vector<Group>& groups) {
    const auto rank = [&](const Group& group) {
        const Trial& trial = net.trials[group];
        return std::pair(trial.clears.has_value(), trial.since);
    };
    Group next;
    for (const Group& group : groups) {
        if (net.trials[group].clears == false) continue;
        if (next.empty() || rank(group) < rank(next)) next = group;
    }
    return next;
}

void Elimination::on_failed(Net& net,
                            const std::vector<crypto::PublicKey>& homes,
                            std::size_t homes_min) {
    net.good = 0;
    if (!net.out.empty()) net.trials[net.out].clears = false;
    net.out.clear();
    net.remaining = 0;
    if (net.paused > 0) {
        --net.paused;
        return;
    }
    if (homes.size() <= homes_min) return;
    std::erase_if(net.trials, [&](const auto& trial) { return !contains_all(homes, trial.first); });
    std::vector<Group> groups;
    groups.reserve(homes.size());
    for (const crypto::PublicKey& home : homes)
        groups.push_back({home});
    net.out = next_of(net, groups);
    if (!net.out.empty()) return;
    if (homes.size() >= homes_min + 2 && homes.size() <= homes_for_pairs_max) {
        groups.clear();
        for (auto one = homes.begin(); one != homes.end(); ++one)
            for (auto other = std::next(one); other != homes.end(); ++other)
                groups.push_back({std::min(*one, *other), std::max(*one, *other)});
        net.out = next_of(net, groups);
    }
    if (!net.out.empty()) return;
    for (auto& [_, trial] : net.trials)
        trial.clears.reset();
    net.pause = std::clamp(2 * net.pause, rest_min, rest_max);
    net.paused = net.pause;
}

}  // namespace kilter::coordinator
