/// Names no session twice, neither across a crash nor between coordinators: the number of an opening is the second since
/// the log began, times the validators, plus this coordinator's index. The newest number is remembered, and the next one is
/// greater: a clock that stops or goes back repeats none, and homes, which join no older one, follow also where fewer validators
/// would make the numbers smaller.
#pragma once

#include <optional>

#include "common/base/time.hpp"
#include "common/consensus/types.hpp"
#include "common/market/session.hpp"

namespace kilter::coordinator {

class Naming {
  public:
    /// For the validator with index `own` of `validators`, on the log that began at `began_ms`. `newest`: as remembered; a program
    /// of an earlier version remembered the second, which is less.
    Naming(consensus::ReplicaIndex own,
           std::size_t validators,
           UnixMs began_ms,
           std::optional<std::uint32_t> newest = std::nullopt);

    /// Another set, and this coordinator's place in it.
    void follow(consensus::ReplicaIndex own, std::size_t validators) {
        own_ = own;
        validators_ = static_cast<std::uint32_t>(validators);
    }

    /// A second opening within one second takes a later second's number.
    market::SessionId next(IntervalIndex interval, UnixMs now);

    /// To remember before anything is said under the name that next() gave.
    [[nodiscard]] std::optional<std::uint32_t> newest() const { return newest_; }

  private:
    consensus::ReplicaIndex own_;
    std::uint32_t validators_;
    UnixMs began_ms_;
    std::optional<std::uint32_t> newest_;
};

}  // namespace kilter::coordinator
