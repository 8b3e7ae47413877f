/// Answers a monitoring system's HTTP requests (GET /metrics) from the daemon's loop, so that an answer also shows that the
/// loop turns. Everything about it is bounded: connections, the request's size and time, one answer per connection.
///
/// No encryption and no passwords: bind it to a loopback address, and let a proxy of the operator's choice carry figures
/// further. Threads: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.hpp"
#include "common/runtime/loop.hpp"

namespace kilter::runtime {

class ScrapeServer {
  public:
    using Page = std::function<std::string()>;

    /// `address`: "127.0.0.1:9464", numeric IPv4; port 0 takes any free one. `page` is called per request. The loop and
    /// what `page` refers to must outlive the server. Error: the address is not one, or cannot be bound; what to do.
    static Result<ScrapeServer> open(Loop& loop, const std::string& address, Page page);
    ~ScrapeServer();
    ScrapeServer(const ScrapeServer&) = delete;
    ScrapeServer& operator=(const ScrapeServer&) = delete;
    ScrapeServer(ScrapeServer&&) noexcept;
    ScrapeServer& operator=(ScrapeServer&&) noexcept;

    /// With the port that was taken.
    [[nodiscard]] std::string address() const;

  private:
    struct State;
    explicit ScrapeServer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::runtime
