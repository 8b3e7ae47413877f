/// L1, L2, L4, L5, L6: what must happen once the network is whole. Told about time passing by the run.
#pragma once

#include <map>
#include <vector>

#include "common/consensus/types.hpp"
#include "tests/simulator/network.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::consensus::simulation {

class LivenessChecker {
  public:
    /// `view_lag_max`: within this all honest replicas follow into a view that one of them has entered.
    LivenessChecker(Report& report, std::size_t addresses, Micros view_lag_max);

    // ---- L4
    /// An honest process that counts is in this view.
    void on_view(Address address, View view, Micros now);

    /// The process is not expected to keep up (any more).
    void excuse(Address address) { excused_[address] = true; }

    // ---- L6: what one honest process sends in one second
    void on_sent(Address address, std::size_t bytes, Micros now);

    // ---- L5
    /// From now on there is nothing to do: no writes, and of messages only the keep-alives (status, own votes that are
    /// not final) of two or three rounds and what they are answered with.
    void quiet(std::size_t replicas);
    void on_message(Address address);
    void on_write(Address address);

    // ---- L1, L2
    /// `settled`: every healed replica is up, at the tip, and has nothing left to do.
    void at_the_end(std::size_t entries_waiting, bool settled);

  private:
    struct Second {
        Micros begin = 0;
        std::size_t bytes = 0;
    };

    Report& report_;
    Micros view_lag_max_;
    std::map<View, Micros> entered_;  // by the first of them
    std::vector<View> views_;
    std::vector<bool> excused_;
    std::vector<Second> sent_;
    std::size_t quiet_messages_max_ = 0;  // per process; 0: not quiet
    std::vector<std::size_t> quiet_messages_;
};

}  // namespace kilter::consensus::simulation
