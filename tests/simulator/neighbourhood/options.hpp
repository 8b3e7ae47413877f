/// Everything one run of a neighbourhood is made of. draw(seed) draws all of it from the seed: most faults are off in most
/// runs, so that each gets runs in which it is not drowned by the others.
#pragma once

#include <string>

#include "common/market/parameters.hpp"
#include "tests/simulator/clock.hpp"
#include "tests/simulator/network.hpp"

namespace kilter::simulation {

using consensus::simulation::ClockOptions;
using consensus::simulation::Micros;
using consensus::simulation::NetworkOptions;

/// What one home does to the messages it sends, from the first session on, for ever.
enum class Lie : std::uint8_t {
    none,
    offset,      ///< wrong values, the same to everyone
    beyond,      ///< likewise, far beyond what a connection can carry
    two_faced,   ///< other values to each
    malformed,   ///< shares with a word too few, a member too many, a notice
    changing,    ///< says something else when it repeats itself
    half_heard,  ///< speaks with some of its net only
    mute,        ///< joins, and says nothing from some iteration on
    forger,      ///< signs something else than what cleared
    replayer,    ///< sends what it sent before once more
    count,
};
const char* name(Lie lie);

/// Once, in the first session: when its chair is about to send its message of an iteration, and has sent a part of that
/// turn's letters, it dies, or stands still and sends the rest when it goes on.
struct Strike {
    std::uint32_t iteration = 0;  ///< 0: never
    std::size_t permille = 0;     ///< of the turn's letters
    Micros still = 0;             ///< 0: it dies
};

/// Once: a clock is set by mistake, until it heals.
struct Misset {
    std::int64_t by_ms = 0;     ///< 0: never
    Micros at = 0;              ///< 0: in the moment of the strike
    std::size_t process = 0;    ///< coordinators come first, then homes
    std::size_t processes = 1;  ///< alike, from that one on
};

/// What is wrong with a whole run on purpose, to prove that its checkers notice.
enum class Sabotage : std::uint8_t {
    none,
    bare_words,  ///< messages are not masked
    lone_homes,  ///< a home's messages name one home of its net
    deaf,        ///< no coordinator hears a home after the network has healed
    cut_words,   ///< the network cuts a word off some homes' messages
    long_words,  ///< homes send longer messages than there are
    any_import,  ///< coordinators let the feeder import whatever homes want
};

struct Options {
    std::uint64_t seed = 1;
    std::vector<std::size_t> homes;  ///< on each net
    std::vector<std::size_t> homes_elsewhere =
        {};  ///< likewise on a second feeder of the same log, which half of the coordinators host
    std::size_t coordinators = 4;
    std::uint32_t horizon = 6;  ///< intervals
    std::uint32_t privacy_members_min = 2;
    double import_max_kw_per_home = 0;  ///< of the feeder; 0: as it was drawn
    double v_min_pu = 0;                ///< likewise, of its buses but the substation
    market::Method method = market::Method::priced;
    double rho_factor = 1;             ///< on the penalty that cold sessions start from
    std::int64_t break_intervals = 2;  ///< market intervals of faults
    NetworkOptions network;
    ClockOptions clock;
    double crash = 0;           ///< chance per process and second
    double crash_at_point = 0;  ///< chance at each point between the steps of a turn
    double crash_all = 0;       ///< chance per second that every coordinator dies
    Micros all_down = 0;        ///< when every coordinator dies until the network heals; 0: never
    double kill_chair = 0;  ///< chance per second that the coordinator dies that is in a session
    double pause = 0;       ///< chance per process and second of standing still for a while
    double restart_late = 0.2;  ///< chance that a dead process stays so until the network heals
    double put_back =
        0;  ///< chance that a dead home comes back with what it remembered some time before
    Micros down_max = 20 * consensus::simulation::second;
    Strike strike;
    Misset misset;
    Lie lie = Lie::none;
    Lie second_lie = Lie::none;  ///< of another home of the same net
    Sabotage sabotage = Sabotage::none;
};

Options draw(std::uint64_t seed);
/// What is switched on, in one line.
std::string describe(const Options& options);

}  // namespace kilter::simulation
