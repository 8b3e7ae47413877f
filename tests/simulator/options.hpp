/// Everything one run is made of. swarm(seed) draws all of it from the seed: most faults are off in most runs, so that
/// each gets runs in which it is not drowned by the others.
#pragma once

#include <bitset>
#include <optional>
#include <string>

#include "common/consensus/parameters.hpp"
#include "tests/simulator/clock.hpp"
#include "tests/simulator/disk.hpp"
#include "tests/simulator/network.hpp"

namespace kilter::consensus::simulation {

struct ProcessOptions {
    double crash = 0;           ///< chance per process and second
    double crash_all = 0;       ///< chance per second that every process dies
    double crash_at_point = 0;  ///< chance at each point between the steps of a turn
    double pause = 0;           ///< chance per process and second of a stop and late resume
    double restart_late = 0.2;  ///< chance that a dead process stays so until the network heals
    Micros down_max = 4 * second;
    Micros input_cost = 20;  ///< computing time per input
    double slow = 0;         ///< chance that a process is much slower, in computing and in writing
    std::optional<Address> slowest;  ///< this one is
};

struct DiskOptions {
    Micros sync_mean = 1 * ms;
    double sync_slow = 0;    ///< chance that one synchronisation takes up to a second
    double write_error = 0;  ///< per turn with writes: EIO or ENOSPC, which must end the process
    double power_cut = 0.5;  ///< chance that a crash takes the turn in the page cache with it
    Damage damage = Damage::none;  ///< done once, to a replica that counts as faulty from then on
};

struct ClientOptions {
    std::size_t clients = 5;
    Micros pause_mean = 250 * ms;  ///< between two submissions of all clients together
    std::size_t burst = 1;         ///< entries at once, at most
    double everywhere = 0.1;       ///< chance that an entry goes to all replicas at once
    double keyed = 0.2;            ///< with a semantic key, of which there are few
    double short_lived = 0.1;      ///< expires within two seconds
    double malformed = 0.1;  ///< expired, oversize, unsigned, or with a body the ledger refuses
    double waits = 0.05;     ///< refers to entries that come later
    double gives_up = 0.2;   ///< disappears before its receipt
};

/// Changes of the set of validators, and what travels because of them. Runs without are on a ledger whose states cannot
/// travel: no snapshots, nothing is pruned.
struct MembershipOptions {
    std::size_t changes = 0;
    Micros pause_mean = 700 * ms;  ///< between two attempts to submit one
    double bad = 0;                ///< chance per attempt of one that must be refused, too
    double late = 0.3;     ///< chance that a joiner first starts when it is a member already
    double retires = 0.5;  ///< chance that who left is switched off
    std::uint64_t checkpoint_heights = 0;  ///< 0: states do not travel
    Micros prune_mean = 500 * ms;          ///< per process
    double archives = 0.3;                 ///< chance that a process never prunes
    double lose_snapshot = 0;              ///< chance per death that the newest snapshot is gone
};

/// What a Byzantine key does beside running the protocol.
enum class Behaviour : std::uint8_t {
    double_notar,            ///< notar votes for two blocks
    final_and_skip,          ///< both in one view
    premature_final,         ///< final for a block without a certificate
    equivocate,              ///< as leader: two blocks, each to some
    silent,                  ///< says nothing
    partly_silent,           ///< nothing to some, some kinds to nobody
    withhold_body,           ///< votes for blocks that it shows to few and never hands out
    withhold_justification,  ///< proposals without their certificates
    stale_parent,            ///< builds on an older certified block
    unjustified_gap,         ///< and leaves out the skip certificates
    wrong_header,            ///< one field of its block's header is a lie
    oversize,                ///< blocks and entries beyond the limits
    bad_entries,             ///< blocks with duplicate, expired or unsigned entries
    bad_time,                ///< blocks from the past and the future
    false_certificate,       ///< q-1 signers, a signer twice, a signature for another block
    foreign_replay,          ///< votes of another epoch or chain
    far_future,              ///< votes for views far ahead
    censor,                  ///< leaves entries out of its blocks
    lying_sync,              ///< heights it does not have, corrupt and cut ranges
    spam,                    ///< questions and votes without end
    mutate,  ///< small changes of anything it sends: a number off by one, an old value, another signer
    count,
};
using Behaviours = std::bitset<static_cast<std::size_t>(Behaviour::count)>;
const char* name(Behaviour behaviour);

struct Options {
    std::uint64_t seed = 1;
    std::size_t replicas = 4;
    std::size_t byzantine = 0;  ///< keys, at most f unless a test wants a fork
    bool twins = false;         ///< each Byzantine key runs as two processes
    bool dead =
        false;  ///< one replica that is not Byzantine stays down for good when the rest heals
    bool byzantine_heals = false;  ///< Byzantine replicas behave from then on
    std::int64_t break_ms = 4'000;
    std::int64_t heal_ms =
        120'000;  ///< at most; a run ends as soon as everything is final and quiet
    Behaviours behaviours;
    NetworkOptions network;
    ClockOptions clock;
    ProcessOptions process;
    DiskOptions disk;
    ClientOptions clients;
    MembershipOptions membership;
    Parameters parameters;
    /// The process dies at this point between the steps of its turns, counted from the start over all processes.
    std::optional<std::uint64_t> kill_at_point;
};

/// `replicas`: as many, or drawn from the seed.
Options swarm(std::uint64_t seed, std::optional<std::size_t> replicas = std::nullopt);
/// The same run with a fixed set of validators and all blocks kept.
Options swarm_of_fixed_members(std::uint64_t seed);
/// What is switched on, in one line.
std::string describe(const Options& options);

}  // namespace kilter::consensus::simulation
