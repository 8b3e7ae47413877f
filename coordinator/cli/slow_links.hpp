/// What kilter demo puts between its processes to have them apart: a proxy for TCP that carries every byte late, and some
/// of them as late as TCP makes them when it loses a segment (lossy_way.hpp) of 1448 bytes. Runs on a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::cli {

class SlowLinks {
  public:
    struct Route {
        int listens = 0;  ///< port on 127.0.0.1
        int leads_to = 0;
    };

    struct Options {
        std::int64_t delay_ms = 0;  ///< one way
        double loss = 0;            ///< of a segment, 0 to 1
        std::uint64_t seed = 1;
    };

    /// Error: a port is not free, or there are no descriptors left.
    static Result<SlowLinks> open(const std::vector<Route>& routes, Options options);
    ~SlowLinks();
    SlowLinks(const SlowLinks&) = delete;
    SlowLinks& operator=(const SlowLinks&) = delete;
    SlowLinks(SlowLinks&&) noexcept;
    SlowLinks& operator=(SlowLinks&&) = delete;

    struct Carried {
        std::uint64_t segments = 0;
        std::uint64_t lost = 0;
    };

    /// So far, from any thread.
    [[nodiscard]] Carried carried() const;

  private:
    struct State;
    explicit SlowLinks(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::cli
