/// Between processes on loopback: every coordinator is reached through a port of this proxy only. A connection carries what
/// its opener says (docs/decisions/0004), so holding one back silences one process towards another, one way.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/prng.hpp"

namespace kilter::tests {

class FaultProxy {
  public:
    struct Route {
        int listens = 0;  ///< port on 127.0.0.1
        int leads_to = 0;
    };

    /// REQUIRES: the ports are free.
    explicit FaultProxy(const std::vector<Route>& routes);
    ~FaultProxy();
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;

    /// Carries bytes for so long.
    void run(int duration_ms);

    /// Connections break; their openers may come again.
    void cut(Prng& prng, double share);
    /// Connections to this route carry nothing more, neither way: not even that they broke.
    void silence(std::size_t route);
    /// Of all connections so many, as they are now, hold back what comes for a while; it arrives later, in order.
    void delay(Prng& prng, double share, int for_ms);
    /// No more faults: silent connections break, so that new ones come.
    void heal();

    [[nodiscard]] std::size_t connections() const { return lines_.size(); }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    struct Line {
        int client = -1, server = -1;
        std::size_t route = 0;
        bool silent = false;
        std::int64_t held_until_ms = 0;
        std::vector<char> to_server, to_client;  // not written yet
    };

    void accept(std::size_t route);
    /// False: the line is broken.
    bool carry(int from, int to, std::vector<char>& waiting, bool readable, bool writable);
    static void close(Line& line);

    std::vector<Route> routes_;
    std::vector<int> listeners_;
    std::vector<bool> silent_;
    std::vector<Line> lines_;
    std::uint64_t bytes_ = 0;
};

}  // namespace kilter::tests
