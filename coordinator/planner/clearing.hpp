/// All members of one session in one process, and the messages between them: the chair is party 0, home i party 1 + i.
/// Messages of a round are delivered in the order they were sent, to every member by itself: members may be stepped by
/// several threads, and not a bit depends on how many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/ids.hpp"
#include "common/crypto/mask.hpp"
#include "common/market/session.hpp"
#include "common/model/flexibility.hpp"

namespace kilter::planner {

inline constexpr PartyId chair{0};

inline PartyId party_of(std::size_t home) {
    return PartyId{static_cast<std::uint32_t>(home + 1)};
}

/// Where a home sits and what everybody may know of it.
struct Resident {
    NetId net;
    model::Flexibility flexibility = model::Flexibility::none;
};

/// Everyone's seat at every net, by net. REQUIRES: every net has a resident.
std::vector<market::Seat> seats_of(std::size_t nets,
                                   const std::vector<Resident>& homes,
                                   const market::Parameters& parameters);

/// Masks without a key exchange: in one process a pair's secret needs to be the pair's, not a secret.
std::shared_ptr<const crypto::PairwiseMasks> masks_of(PartyId self,
                                                      const std::vector<market::Seat>& seats,
                                                      const market::SessionId& session);

/// Calls work(0) … work(count − 1), each once, in any order and on any thread; returns when all are done.
using ForEach =
    std::function<void(std::size_t count, const std::function<void(std::size_t i)>& work)>;

class Clearing {
  public:
    /// In the order of parties, the chair first. Devices outlive the clearing.
    void seat(market::Session session) {
        parts_.push_back({.session = std::move(session), .inbox = {}, .out = {}, .cleared = {}});
    }

    /// Delivers until all have finished. `for_each` empty: the caller does all the work.
    void run(const std::function<void(std::uint32_t iteration)>& on_iteration,
             const ForEach& for_each = {});

    [[nodiscard]] const market::Cleared& cleared(PartyId party) const;

  private:
    struct Part {
        market::Session session;
        std::vector<const market::Input*> inbox;
        std::vector<market::Dispatch> out;
        std::optional<market::Cleared> cleared;
    };

    static void attend(Part& part);

    std::vector<Part> parts_;
};

}  // namespace kilter::planner
