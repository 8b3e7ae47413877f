/// The network between the processes: it delays, loses, repeats and reorders, has little room, is cut in every way, and
/// is whole again after heal(). It never alters bytes (links are authenticated) and never invents them.
#pragma once

#include <string>
#include <vector>

#include "tests/simulator/schedule.hpp"

namespace kilter::consensus::simulation {

using Address = std::size_t;  ///< of a process; the twins of one key have two

struct NetworkOptions {
    double loss = 0;    ///< per packet
    double replay = 0;  ///< per packet: once more, up to replay_late later
    Micros replay_late = 5 * second;
    Micros delay_min = 200;      ///< one way
    Micros delay_mean = 5 * ms;  ///< of the exponential part
    double straggler = 0;        ///< per packet: uniform up to straggler_late on top
    Micros straggler_late = 3 * second;
    std::size_t capacity = 0;   ///< packets under way on one path, more are dropped; 0: no bound
    Micros weather = 800 * ms;  ///< mean time between changes of the following
    double partition = 0;       ///< chance per change that there is a cut until the next change
    double asymmetric = 0;      ///< chance that a cut works one way only
    double clog = 0;            ///< chance per change that a path holds everything back for a while
    double swizzle =
        0;            ///< chance per change that processes clog one by one, freed in another order
    double flap = 0;  ///< chance per change that a path loses everything for a moment
};

enum class Cut : std::uint8_t { halves, by_size, by_coin, single, ring, one_path };

class Network {
  public:
    Network(const NetworkOptions& options, Prng prng, std::size_t addresses);

    /// When the copies of a packet sent now arrive, as delays; none if it is lost.
    [[nodiscard]] const std::vector<Micros>& send(Address from, Address to, Micros now);
    /// A copy has arrived: its path has room again.
    void arrived(Address from, Address to);
    /// Changes cuts, clogs and flaps. The time until the next change.
    Micros change_weather(Micros now);
    /// From now on whole and quick.
    void heal();

    /// For directed tests.
    void cut(Address from, Address to, bool is_cut) { path(from, to).cut = is_cut; }

  private:
    struct Path {
        bool cut = false;
        std::size_t under_way = 0;
        Micros clogged_from = 0, clogged_until = 0;  // holds packets back
        Micros down_until = 0;                       // loses them
    };

    Path& path(Address from, Address to) { return paths_[from * addresses_ + to]; }

    void partition();
    void swizzle(Micros now);

    NetworkOptions options_;
    Prng prng_;
    std::size_t addresses_;
    std::vector<Path> paths_;
    std::vector<Micros> delays_;
    bool healed_ = false;
};

}  // namespace kilter::consensus::simulation
