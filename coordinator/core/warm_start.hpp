/// Where the next session starts from. After a session of this coordinator's own: its state, as long as no later
/// interval is on the log. Else the prices of the net's newest record there, which other hosts leave too. Else cold.
/// Everything moves on with the intervals that passed; prices no market has are not started from.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/market/session.hpp"

namespace kilter::coordinator {

class WarmStart {
  public:
    /// REQUIRES: parameters valid.
    explicit WarmStart(const market::Parameters& parameters) : parameters_(parameters) {}

    /// Other parameters from the next session on. REQUIRES: of the same interval, horizon and channels.
    void follow(const market::Parameters& parameters) { parameters_ = parameters; }

    /// A record became final. Prices in micro-EUR/kWh (kvarh), channel by channel, per interval from `interval` on.
    void on_record(IntervalIndex interval,
                   NetId net,
                   const std::vector<std::int64_t>& prices_micro_eur_per_kwh);
    /// A session of this coordinator cleared; terminal i of `warm` is net i's.
    void on_cleared(IntervalIndex interval, std::vector<NetId> nets, market::WarmState warm);

    /// One terminal per net. ρ is within limits.
    [[nodiscard]] market::WarmState start(IntervalIndex interval,
                                          const std::vector<NetId>& nets) const;

  private:
    struct Posted {
        IntervalIndex interval = 0;
        std::vector<std::int64_t> prices_micro_eur_per_kwh;
    };

    struct Own {
        IntervalIndex interval = 0;
        std::vector<NetId> nets;
        market::WarmState state;
    };

    void start_as_posted(IntervalIndex interval,
                         NetId net,
                         std::size_t terminal,
                         market::WarmState&) const;
    void start_as_left(IntervalIndex interval,
                       const std::vector<NetId>& nets,
                       market::WarmState&) const;

    market::Parameters parameters_;
    std::map<NetId, Posted> posted_;  // the newest of each net
    std::optional<Own> own_;
};

}  // namespace kilter::coordinator
