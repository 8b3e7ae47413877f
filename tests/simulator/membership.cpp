#include "tests/simulator/membership.hpp"

#include <algorithm>

#include "tests/simulator/host.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr UnixMs life_ms = 3'600'000;
constexpr std::size_t members_min = 4;
constexpr std::size_t members_max = 8;

bool contains(const std::vector<std::uint64_t>& keys, std::uint64_t key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}
}  // namespace

Membership::Membership(const MembershipOptions& options,
                       const ChainId& chain,
                       std::vector<std::uint64_t> members,
                       std::set<std::uint64_t> faulty,
                       std::optional<std::uint64_t> damaged,
                       Prng prng)
    : options_(options), chain_(chain), prng_(prng) {
    sets_.push_back(std::move(members));
    for (std::size_t i = 0; i < options.changes; ++i)
        plan(faulty, i == 0 ? damaged : std::nullopt);
}

/// The next set: one leaves, one joins, or both, within what the set can bear.
void Membership::plan(std::set<std::uint64_t> faulty, std::optional<std::uint64_t> damaged) {
    std::vector<std::uint64_t> next = sets_.back();
    std::uint64_t fresh = sets_.front().size();
    for (const std::uint64_t joiner : joiners_)
        fresh = std::max(fresh, joiner + 1);
    const std::uint64_t how = damaged ? 0 : prng_.below(4);
    const bool leaves = how != 1;
    const bool joins = how != 2 || next.size() <= members_min;
    if (leaves) {
        const auto victim =
            damaged ? std::find(next.begin(), next.end(), *damaged)
                    : next.begin() + static_cast<std::ptrdiff_t>(prng_.below(next.size()));
        if (victim != next.end()) next.erase(victim);
    }
    if ((joins || next.size() < members_min) && next.size() < members_max) {
        next.insert(next.begin() + static_cast<std::ptrdiff_t>(prng_.below(next.size() + 1)),
                    fresh);
        joiners_.push_back(fresh);
    }
    const auto bad = static_cast<std::size_t>(
        std::count_if(next.begin(), next.end(), [&](auto key) { return faulty.contains(key); }));
    if (bad > (next.size() - 1) / 3) {  // a replacement bears as much as before
        next = sets_.back();
        if (!joiners_.empty() && joiners_.back() == fresh) joiners_.pop_back();
        const auto honest =
            std::find_if(next.begin(), next.end(), [&](auto key) { return !faulty.contains(key); });
        *honest = fresh;
        joiners_.push_back(fresh);
    }
    sets_.push_back(std::move(next));
}

ValidatorSet Membership::set_of(const std::vector<std::uint64_t>& keys) {
    ValidatorSet out;
    for (const std::uint64_t key : keys)
        out.validators.push_back({identity_of(key).public_key(), ""});
    return out;
}

EntryPtr Membership::change(Epoch epoch,
                            const std::vector<std::uint64_t>& next,
                            std::size_t signers,
                            Epoch signed_epoch,
                            UnixMs now) {
    const std::vector<std::uint64_t>& members = sets_[epoch];
    EpochChange made{epoch, set_of(next), 0, {}};
    std::vector<std::size_t> places(members.size());
    for (std::size_t i = 0; i < places.size(); ++i)
        places[i] = i;
    for (std::size_t i = places.size(); i > 1; --i)
        std::swap(places[i - 1], places[prng_.below(i)]);
    places.resize(signers);
    std::sort(places.begin(), places.end());
    for (const std::size_t place : places) {
        made.signers |= std::uint64_t{1} << place;
        made.signatures.push_back(
            identity_of(members[place]).sign(epoch_change_bytes(chain_, signed_epoch, made.next)));
    }
    Entry entry;
    entry.type = epoch_change_entry;
    entry.seq = prng_.next();
    entry.key = epoch_change_key(epoch);
    entry.body = encode(made);
    entry.expires_ms = now + life_ms;
    sign(entry, chain_, identity_of(members[places[0]]));
    return seal(std::move(entry));
}

/// Too few signers, signatures for another epoch, or a key that was a member and left.
EntryPtr Membership::bad_change(Epoch epoch, UnixMs now) {
    std::vector<std::uint64_t> next = sets_[epoch];
    const std::size_t quorum = set_of(next).quorum();
    const std::uint64_t stranger = 900 + prng_.below(9);
    switch (prng_.below(3)) {
        case 0:
            next.back() = stranger;
            return change(epoch, next, quorum - 1, epoch, now);
        case 1:
            next.back() = stranger;
            return change(epoch, next, quorum, epoch + 1, now);
        case 2:
            break;
    }
    for (Epoch past = 0; past < epoch; ++past)
        for (const std::uint64_t key : sets_[past])
            if (!contains(next, key)) {
                next.back() = key;
                return change(epoch, next, quorum, epoch, now);
            }
    return change(epoch, next, quorum - 1, epoch, now);
}

std::vector<EntryPtr> Membership::submit(Epoch epoch, UnixMs now) {
    std::vector<EntryPtr> out;
    if (epoch < sets_.size() && options_.changes > 0 && prng_.chance(options_.bad)) {
        out.push_back(bad_change(epoch, now));
    }
    if (complete(epoch)) return out;
    if (!current_ || current_->first != epoch) {
        current_ = {epoch,
                    change(epoch, sets_[epoch + 1], set_of(sets_[epoch]).quorum(), epoch, now)};
        made_.push_back(current_->second);
    }
    out.push_back(current_->second);
    return out;
}

}  // namespace kilter::consensus::simulation
