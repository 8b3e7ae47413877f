#include "coordinator/planner/clearing.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <utility>

#include "common/base/bytes.hpp"
#include "common/base/check.hpp"
#include "common/crypto/digest.hpp"

namespace kilter::planner {

std::vector<market::Seat> seats_of(std::size_t nets,
                                   const std::vector<Resident>& homes,
                                   const market::Parameters& parameters) {
    std::vector<market::Seat> seats(nets);
    for (std::size_t n = 0; n < seats.size(); ++n) {
        seats[n].net = NetId{static_cast<std::uint32_t>(n)};
        seats[n].members.push_back({.party = chair, .weight = 1});
    }
    for (std::size_t i = 0; i < homes.size(); ++i)
        seats[homes[i].net.value].members.push_back(
            {.party = party_of(i), .weight = parameters.home_weight(homes[i].flexibility)});
    for (market::Seat& seat : seats)
        seat.members.front().weight = parameters.feeder_weight(seat.members.size() - 1);
    return seats;
}

std::shared_ptr<const crypto::PairwiseMasks> masks_of(PartyId self,
                                                      const std::vector<market::Seat>& seats,
                                                      const market::SessionId& session) {
    std::map<PartyId, crypto::SharedSecret> secrets;
    for (const market::Seat& seat : seats)
        for (const market::Member& member : seat.members) {
            if (member.party == self) continue;
            const auto [low, high] = std::minmax(self.value, member.party.value);
            const Bytes pair = ByteWriter().u32(low).u32(high).bytes();
            secrets.emplace(member.party, crypto::SharedSecret::from(
                                              crypto::digest("kilter planner", pair).view()));
        }
    const Bytes name = ByteWriter().i64(session.interval).u32(session.opening).bytes();
    return std::make_shared<const crypto::PairwiseMasks>(self, name, std::move(secrets));
}

void Clearing::attend(Part& part) {
    for (const market::Input* input : part.inbox) {
        market::Outputs out = part.session.step(*input);
        std::move(out.send.begin(), out.send.end(), std::back_inserter(part.out));
        if (out.cleared) part.cleared = std::move(out.cleared);
    }
    part.inbox.clear();
}

void Clearing::run(const std::function<void(std::uint32_t iteration)>& on_iteration,
                   const ForEach& for_each) {
    const std::function<void(std::size_t)> work = [this](std::size_t i) { attend(parts_[i]); };
    const market::Input begin = market::Begin{};
    for (Part& part : parts_)
        part.inbox.push_back(&begin);
    std::vector<market::Dispatch> round;
    std::deque<market::Input> letters;
    std::uint32_t iteration = 0;
    do {
        if (for_each)
            for_each(parts_.size(), work);
        else
            for (std::size_t i = 0; i < parts_.size(); ++i)
                work(i);
        round.clear();
        letters.clear();
        for (Part& part : parts_) {
            std::move(part.out.begin(), part.out.end(), std::back_inserter(round));
            part.out.clear();
        }
        for (const market::Dispatch& sent : round) {
            const market::Input* common = nullptr;
            for (const PartyId to : sent.share.members) {
                if (to == sent.share.from) continue;
                const bool whole = to == sent.chair;
                if (whole || common == nullptr) {
                    letters.emplace_back(market::ShareReceived{sent.to(to)});
                    if (!whole) common = &letters.back();
                }
                parts_[to.value].inbox.push_back(whole ? &letters.back() : common);
            }
        }
        const std::uint32_t reached = parts_[chair.value].session.iteration();
        if (on_iteration && reached > iteration) on_iteration(iteration = reached);
    } while (!round.empty());
}

const market::Cleared& Clearing::cleared(PartyId party) const {
    const std::optional<market::Cleared>& end = parts_[party.value].cleared;
    KILTER_CHECK(end.has_value(), "a session without faults always ends");
    return *end;
}

}  // namespace kilter::planner
