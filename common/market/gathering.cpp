#include "common/market/gathering.hpp"

#include <algorithm>

namespace kilter::market {

namespace {

bool ascending(const std::vector<PartyId>& set) {
    return std::adjacent_find(set.begin(), set.end(), std::greater_equal<>()) == set.end();
}

bool contains(const std::vector<PartyId>& set, PartyId party) {
    return std::binary_search(set.begin(), set.end(), party);
}

bool includes(const std::vector<PartyId>& set, const std::vector<PartyId>& subset) {
    return std::includes(set.begin(), set.end(), subset.begin(), subset.end());
}

/// A notice speaks of the iterate two before its message, or of the one to stop at.
bool consistent(const Notice& notice, std::uint32_t iteration) {
    if (notice.stop_iteration == 0)
        return notice.about_iteration == (iteration > 2 ? iteration - 2 : 0);
    return notice.about_iteration == notice.stop_iteration && notice.stop_iteration < iteration &&
           (notice.outcome == Outcome::converged || notice.outcome == Outcome::partial);
}

}  // namespace

Gathering::Gathering(Seat seat, PartyId self, PartyId chair, const Words& words)
    : seat_(std::move(seat)), self_(self), chair_(chair), words_(words) {
    for (const Member& member : seat_.members) {
        KILTER_CHECK(member.weight > 0, "weights are positive");
        members_.push_back(member.party);
        kept_.emplace(member.party, Kept{});
    }
    std::sort(members_.begin(), members_.end());
    KILTER_CHECK(ascending(members_), "a party sits at a seat once");
    KILTER_CHECK(takes_part(self_) && takes_part(chair_), "self and chair sit at every seat");
}

bool Gathering::sat_here(PartyId party) const {
    return kept_.contains(party);
}

bool Gathering::takes_part(PartyId party) const {
    return contains(members_, party);
}

double Gathering::own_weight() const {
    for (const Member& member : seat_.members)
        if (member.party == self_) return member.weight;
    return 0;
}

double Gathering::inverse_weights() const {
    double sum = 0;
    for (const Member& member : seat_.members)
        if (takes_part(member.party)) sum += 1 / member.weight;
    return sum;
}

bool Gathering::well_formed(const MaskedShare& share) const {
    const std::size_t more = share.words.size() - words_.for_all;
    if (share.words.size() < words_.for_all || share.iteration == 0) return false;
    if (share.from == chair_ ? more != words_.from_chair : more != 0 && more != words_.to_chair)
        return false;
    if (!ascending(share.members) || !includes(members_, share.members)) return false;
    for (const PartyId needed : {self_, chair_, share.from})
        if (!contains(share.members, needed)) return false;
    if (share.notice.has_value() != (share.from == chair_)) return false;
    if (share.notice && !consistent(*share.notice, share.iteration)) return false;
    if (share.attempt == attempt_) return share.members == members_;
    return self_ != chair_;  // nobody's attempt is ahead of the chair's
}

void Gathering::expect_answers(bool expected) {
    answers_expected_ = expected && self_ == chair_;
}

Verdict Gathering::receive(const MaskedShare& share, std::uint32_t current) {
    if (!sat_here(share.from) || share.from == self_) return Verdict::not_a_member;
    if (!takes_part(share.from) || share.iteration + 1 < current || share.attempt < attempt_)
        return Verdict::duplicate;
    if (share.iteration > current + 1 || !well_formed(share)) return Verdict::malformed;
    if (share.iteration == current && share.words.size() < summed()) return Verdict::malformed;

    auto& slot = kept_.at(share.from)[share.iteration % iterations_kept];
    if (slot && slot->attempt >= attempt_) {
        if (slot->iteration > share.iteration) return Verdict::duplicate;
        if (slot->iteration == share.iteration) {
            if (slot->attempt > share.attempt) return Verdict::duplicate;
            if (slot->attempt == share.attempt)
                return *slot == share ? Verdict::duplicate : Verdict::contradiction;
        }
    }
    if (share.iteration < current && share.attempt == attempt_) return Verdict::duplicate;
    slot = share;
    return share.iteration > current ? Verdict::early : Verdict::accepted;
}

void Gathering::keep_own(const MaskedShare& share) {
    kept_.at(self_)[share.iteration % iterations_kept] = share;
}

const MaskedShare* Gathering::kept(PartyId party, std::uint32_t iteration) const {
    const auto& slot = kept_.at(party)[iteration % iterations_kept];
    return slot && slot->iteration == iteration ? &*slot : nullptr;
}

std::vector<PartyId> Gathering::awaited(std::uint32_t iteration) const {
    std::vector<PartyId> out;
    for (const PartyId member : members_) {
        const MaskedShare* share = kept(member, iteration);
        if (!share || share->attempt != attempt_ || share->words.size() < summed())
            out.push_back(member);
    }
    return out;
}

std::vector<std::uint64_t> Gathering::sum(std::uint32_t iteration) const {
    std::vector<std::uint64_t> out(summed(), 0);
    for (const PartyId member : members_) {
        const MaskedShare* share = kept(member, iteration);
        KILTER_CHECK(share && share->attempt == attempt_, "a sum over an incomplete net");
        for (std::size_t k = 0; k < out.size(); ++k)
            out[k] += share->words[k];
    }
    return out;
}

const MaskedShare* Gathering::from_chair(std::uint32_t iteration) const {
    return kept(chair_, iteration);
}

void Gathering::restrict_to(std::vector<PartyId> members, std::uint16_t attempt) {
    KILTER_CHECK(includes(members_, members) && attempt > attempt_, "sets shrink, attempts grow");
    KILTER_CHECK(contains(members, self_) && contains(members, chair_), "self and chair stay");
    members_ = std::move(members);
    attempt_ = attempt;
    for (auto& [party, slots] : kept_)
        for (auto& slot : slots)
            if (slot && slot->attempt >= attempt_ && !well_formed(*slot)) slot.reset();
}

bool Gathering::can_succeed(const MaskedShare& share, PartyId heir) const {
    if (sat_here(heir) || share.from != heir || !share.notice || share.iteration == 0) return false;
    if (share.words.size() != words_.for_all + words_.from_chair ||
        !consistent(*share.notice, share.iteration))
        return false;
    if (!ascending(share.members) || !contains(share.members, heir) ||
        !contains(share.members, self_))
        return false;
    return std::all_of(share.members.begin(), share.members.end(), [&](PartyId party) {
        return party == heir || (party != chair_ && takes_part(party));
    });
}

void Gathering::succeed(PartyId heir) {
    KILTER_CHECK(!sat_here(heir), "who takes over was no member");
    for (Member& member : seat_.members)
        if (member.party == chair_) member.party = heir;
    std::erase(members_, chair_);
    members_.insert(std::upper_bound(members_.begin(), members_.end(), heir), heir);
    kept_.erase(chair_);
    kept_.emplace(heir, Kept{});
    chair_ = heir;
}

}  // namespace kilter::market
