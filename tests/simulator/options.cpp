#include "tests/simulator/options.hpp"

#include <array>
#include <sstream>

namespace kilter::consensus::simulation {

namespace {
constexpr std::array<const char*, static_cast<std::size_t>(Behaviour::count)> behaviour_names{
    "double_notar", "final_and_skip",  "premature_final",   "equivocate",
    "silent",       "partly_silent",   "withhold_body",     "withhold_justification",
    "stale_parent", "unjustified_gap", "wrong_header",      "oversize",
    "bad_entries",  "bad_time",        "false_certificate", "foreign_replay",
    "far_future",   "censor",          "lying_sync",        "spam",
    "mutate"};

/// On in a part of all runs, and then between nothing and `most`.
double sometimes(Prng& prng, double share, double most) {
    return prng.chance(share) ? prng.uniform(0, most) : 0;
}

NetworkOptions draw_network(Prng& prng) {
    NetworkOptions out;
    out.loss = sometimes(prng, 0.6, 0.3);
    out.replay = sometimes(prng, 0.5, 0.5);
    out.delay_min = static_cast<Micros>(prng.below(prng.chance(0.3) ? 30 * ms : 2 * ms));
    out.delay_mean = static_cast<Micros>(prng.below(prng.chance(0.3) ? 100 * ms : 10 * ms));
    out.straggler = sometimes(prng, 0.4, 0.2);
    out.capacity = prng.chance(0.2) ? 2 + prng.below(18) : 0;
    out.weather = static_cast<Micros>(200 + prng.below(1'500)) * ms;
    out.partition = sometimes(prng, 0.6, 1);
    out.asymmetric = sometimes(prng, 0.5, 1);
    out.clog = sometimes(prng, 0.3, 1);
    out.swizzle = sometimes(prng, 0.2, 1);
    out.flap = sometimes(prng, 0.3, 1);
    return out;
}

ClockOptions draw_clock(Prng& prng) {
    ClockOptions out;
    out.skew_ms = static_cast<std::int64_t>(prng.below(900));
    out.drift_ppm = static_cast<std::int64_t>(prng.below(prng.chance(0.1) ? 100'000 : 200));
    out.jump = sometimes(prng, 0.2, 0.5);
    out.freeze = sometimes(prng, 0.15, 0.3);
    return out;
}

ProcessOptions draw_process(Prng& prng) {
    ProcessOptions out;
    out.crash = sometimes(prng, 0.6, 0.4);
    out.crash_all = sometimes(prng, 0.3, 0.5);
    out.crash_at_point = sometimes(prng, 0.4, 0.01);
    out.pause = sometimes(prng, 0.3, 0.3);
    out.restart_late = sometimes(prng, 0.3, 1);
    out.slow = sometimes(prng, 0.2, 0.5);
    return out;
}

DiskOptions draw_disk(Prng& prng) {
    DiskOptions out;
    out.sync_mean = static_cast<Micros>(prng.below(prng.chance(0.2) ? 40 * ms : 3 * ms));
    out.sync_slow = sometimes(prng, 0.2, 0.1);
    out.write_error = sometimes(prng, 0.2, 0.01);
    out.power_cut = prng.uniform();
    if (prng.chance(0.15)) out.damage = static_cast<Damage>(1 + prng.below(4));
    return out;
}

ClientOptions draw_clients(Prng& prng) {
    ClientOptions out;
    out.clients = 1 + prng.below(6);
    out.pause_mean = static_cast<Micros>(50 + prng.below(900)) * ms;
    out.burst = prng.chance(0.15) ? 40 : 1;
    out.everywhere = sometimes(prng, 0.5, 1);
    out.keyed = sometimes(prng, 0.5, 1);
    out.short_lived = sometimes(prng, 0.3, 0.5);
    out.malformed = sometimes(prng, 0.3, 0.5);
    out.waits = sometimes(prng, 0.3, 0.2);
    out.gives_up = sometimes(prng, 0.3, 1);
    return out;
}

MembershipOptions draw_membership(Prng& prng) {
    MembershipOptions out;
    if (prng.chance(0.5)) return out;
    out.checkpoint_heights = 1 + prng.below(prng.chance(0.5) ? 4 : 16);
    out.changes = prng.below(4);
    out.pause_mean = static_cast<Micros>(100 + prng.below(1'500)) * ms;
    out.bad = sometimes(prng, 0.5, 0.5);
    out.late = sometimes(prng, 0.5, 1);
    out.retires = sometimes(prng, 0.7, 1);
    out.prune_mean = static_cast<Micros>(100 + prng.below(1'500)) * ms;
    out.archives = prng.uniform();
    out.lose_snapshot = sometimes(prng, 0.3, 0.5);
    return out;
}

Parameters draw_parameters(Prng& prng) {
    Parameters out;
    if (prng.chance(0.5)) return out;
    out.view_timeout_ms = 100 + static_cast<std::int64_t>(prng.below(900));
    out.timeout_growth_percent = 120 + static_cast<std::uint32_t>(prng.below(100));
    out.view_timeout_ms_max = 5'000 + static_cast<std::int64_t>(prng.below(25'000));
    out.standstill_ms = 300 + static_cast<std::int64_t>(prng.below(1'500));
    out.batch_wait_ms = static_cast<std::int64_t>(prng.below(5));
    return out;
}
}  // namespace

const char* name(Behaviour behaviour) {
    return behaviour_names.at(static_cast<std::size_t>(behaviour));
}

Options swarm(std::uint64_t seed, std::optional<std::size_t> replicas) {
    Prng prng = stream(seed, "options");
    Options out;
    out.seed = seed;
    out.replicas = prng.chance(0.1) ? 7 : 4;
    if (replicas) out.replicas = *replicas;
    const std::size_t faults = (out.replicas - 1) / 3;
    if (faults > 0 && prng.chance(0.7)) out.byzantine = 1 + prng.below(faults);
    out.twins = prng.chance(0.4);
    const std::size_t wanted = 1 + prng.below(3);
    for (std::size_t i = 0; i < wanted; ++i)
        out.behaviours.set(prng.below(out.behaviours.size()));
    out.byzantine_heals = prng.chance(0.5);
    out.network = draw_network(prng);
    out.clock = draw_clock(prng);
    out.process = draw_process(prng);
    out.disk = draw_disk(prng);
    out.clients = draw_clients(prng);
    out.parameters = draw_parameters(prng);
    // Damage and death count as faults: never more than f in all.
    if (out.byzantine == faults) out.disk.damage = Damage::none;
    out.dead =
        out.byzantine + (out.disk.damage != Damage::none ? 1 : 0) < faults && prng.chance(0.5);
    if (out.replicas >= 4) out.membership = draw_membership(prng);
    return out;
}

Options swarm_of_fixed_members(std::uint64_t seed) {
    Options out = swarm(seed);
    out.membership = {};
    return out;
}

std::string describe(const Options& options) {
    std::ostringstream out;
    out.precision(2);
    const auto rate = [&](const char* what, double value) {
        if (value > 0) out << ' ' << what << '=' << value;
    };
    out << "n=" << options.replicas;
    if (options.byzantine > 0) {
        out << " byzantine=" << options.byzantine << (options.twins ? " twins" : "")
            << (options.byzantine_heals ? " heals" : "");
        for (std::size_t i = 0; i < options.behaviours.size(); ++i)
            if (options.behaviours.test(i)) out << ' ' << behaviour_names.at(i);
    }
    if (options.dead) out << " dead";
    const NetworkOptions& net = options.network;
    rate("loss", net.loss);
    rate("replay", net.replay);
    out << " delay=" << net.delay_min / ms << '+' << net.delay_mean / ms << "ms";
    rate("straggler", net.straggler);
    rate("capacity", static_cast<double>(net.capacity));
    rate("partition", net.partition);
    rate("asymmetric", net.asymmetric);
    rate("clog", net.clog);
    rate("swizzle", net.swizzle);
    rate("flap", net.flap);
    rate("jump", options.clock.jump);
    rate("freeze", options.clock.freeze);
    rate("crash", options.process.crash);
    rate("crash_all", options.process.crash_all);
    rate("crash_at_point", options.process.crash_at_point);
    rate("pause", options.process.pause);
    rate("slow", options.process.slow);
    out << " sync=" << options.disk.sync_mean / ms << "ms";
    rate("sync_slow", options.disk.sync_slow);
    rate("write_error", options.disk.write_error);
    rate("damage", static_cast<double>(options.disk.damage));
    rate("burst", static_cast<double>(options.clients.burst));
    rate("malformed", options.clients.malformed);
    rate("checkpoint", static_cast<double>(options.membership.checkpoint_heights));
    rate("changes", static_cast<double>(options.membership.changes));
    rate("bad_changes", options.membership.bad);
    rate("archives", options.membership.checkpoint_heights > 0 ? options.membership.archives : 0);
    rate("lose_snapshot", options.membership.lose_snapshot);
    return out.str();
}

}  // namespace kilter::consensus::simulation
