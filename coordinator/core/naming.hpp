/// Names no session twice, neither across a crash nor between coordinators, and stores nothing for it: the number of an
/// opening is the second since the log began, times the validators, plus this coordinator's index.
#pragma once

#include <optional>

#include "common/base/time.hpp"
#include "common/consensus/types.hpp"
#include "common/market/session.hpp"

namespace kilter::coordinator {

class Naming {
  public:
    /// For the validator with index `own` of `validators`, on the log that began at `began_ms`.
    Naming(consensus::ReplicaIndex own, std::size_t validators, UnixMs began_ms);

    /// A second opening of one interval within one second takes the next second's number.
    market::SessionId next(IntervalIndex interval, UnixMs now);

  private:
    struct Opened {
        IntervalIndex interval = 0;
        std::uint32_t second = 0;
    };

    consensus::ReplicaIndex own_;
    std::uint32_t validators_;
    UnixMs began_ms_;
    std::optional<Opened> newest_;
};

}  // namespace kilter::coordinator
