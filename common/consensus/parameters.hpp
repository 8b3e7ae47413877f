/// Local timing of a replica: liveness only, never safety, so replicas may differ.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/result.hpp"

namespace kilter::consensus {

struct Parameters {
    std::int64_t view_timeout_ms =
        500;  ///< T0: a view with work and without a certificate is skipped after this
    std::uint32_t timeout_growth_percent =
        150;  ///< alpha: per view without finality, from the third on
    std::int64_t view_timeout_ms_max = 30'000;
    std::int64_t dead_leader_timeout_ms =
        20;  ///< when the leader was silent in its last three views and others not
    std::int64_t standstill_ms = 1'000;    ///< Ts: status and own votes again while there is work
    std::int64_t idle_status_ms = 10'000;  ///< status while there is none
    std::int64_t batch_wait_ms =
        2;  ///< a leader waits this long for company of a young, lonely entry
    std::int64_t clock_drift_ms_max =
        2'000;  ///< a proposal's time may be this far ahead of the local clock
    std::size_t catch_up_bytes_max = 256u
                                     << 10;  ///< sent to one peer per Ts in answer to its status

    std::uint64_t checkpoint_heights = 1'024;  ///< a snapshot at every multiple

    [[nodiscard]] Result<void> validate() const;
};

}  // namespace kilter::consensus
