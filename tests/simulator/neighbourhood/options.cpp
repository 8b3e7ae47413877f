#include "tests/simulator/neighbourhood/options.hpp"

#include <array>
#include <sstream>

#include "common/market/parameters_text.hpp"

namespace kilter::simulation {

namespace {

using consensus::simulation::ms;
using consensus::simulation::stream;

constexpr std::array<const char*, static_cast<std::size_t>(Lie::count)> lies{
    "none",     "offset",     "beyond", "two_faced", "malformed",
    "changing", "half_heard", "mute",   "forger",    "replayer"};

/// On in a part of all runs, and then between nothing and `most`.
double at_times(Prng& prng, double share, double most) {
    return prng.chance(share) ? prng.uniform(0, most) : 0;
}

NetworkOptions draw_links(Prng& prng) {
    NetworkOptions out;
    out.loss = at_times(prng, 0.5, 0.15);
    out.replay = at_times(prng, 0.4, 0.3);
    out.delay_min = static_cast<Micros>(prng.below(prng.chance(0.3) ? 50 * ms : 2 * ms));
    out.delay_mean = static_cast<Micros>(1 + prng.below(prng.chance(0.3) ? 50 * ms : 5 * ms));
    out.straggler = at_times(prng, 0.3, 0.05);
    out.weather = static_cast<Micros>(1'000 + prng.below(9'000)) * ms;
    out.partition = at_times(prng, 0.5, 0.8);
    out.asymmetric = at_times(prng, 0.5, 1);
    out.clog = at_times(prng, 0.3, 1);
    out.swizzle = at_times(prng, 0.2, 1);
    out.flap = at_times(prng, 0.3, 1);
    return out;
}

ClockOptions draw_clocks(Prng& prng) {
    ClockOptions out;
    out.skew_ms = static_cast<std::int64_t>(prng.below(900));
    out.drift_ppm = static_cast<std::int64_t>(prng.below(200));
    out.jump = at_times(prng, 0.2, 0.02);
    out.jump_ms = prng.chance(0.3) ? 3'600'000 : 5'000;
    out.freeze = at_times(prng, 0.1, 0.01);
    return out;
}

}  // namespace

const char* name(Lie lie) {
    return lies.at(static_cast<std::size_t>(lie));
}

Options draw(std::uint64_t seed) {
    Options out;
    out.seed = seed;
    Prng prng = stream(seed, "neighbourhood");
    out.homes.resize(2 + prng.below(prng.chance(0.3) ? 5 : 2));
    for (std::size_t& homes : out.homes)
        homes = 2 + prng.below(3);
    out.coordinators = prng.chance(0.1) ? 1 : 4;
    out.horizon = static_cast<std::uint32_t>(4 + prng.below(5));
    out.privacy_members_min = prng.chance(0.2) ? 3 : 2;
    const market::Method unanswered =
        seed % 2 == 0 ? market::Method::priced : market::Method::proximal;
    out.method = prng.chance(0.3) ? market::Method::accelerated : unanswered;
    out.break_intervals = static_cast<std::int64_t>(1 + prng.below(2));
    out.network = draw_links(prng);
    out.clock = draw_clocks(prng);
    out.crash = at_times(prng, 0.4, 0.01);
    out.crash_at_point = at_times(prng, 0.4, 0.002);
    out.crash_all = at_times(prng, 0.2, 0.01);
    out.kill_chair = at_times(prng, 0.3, 0.3);
    out.pause = at_times(prng, 0.2, 0.005);
    out.restart_late = at_times(prng, 0.3, 1);
    if (prng.chance(0.4))
        out.lie = static_cast<Lie>(1 + prng.below(static_cast<std::uint64_t>(Lie::count) - 1));
    if (prng.chance(0.15)) {
        out.all_down = static_cast<Micros>(100 + prng.below(200)) * consensus::simulation::second;
        out.break_intervals = static_cast<std::int64_t>(3 + prng.below(3));
        out.restart_late = 1;
    }
    out.put_back = at_times(prng, 0.2, 1);
    if (out.lie != Lie::none && prng.chance(0.3)) {
        out.second_lie =
            static_cast<Lie>(1 + prng.below(static_cast<std::uint64_t>(Lie::count) - 1));
        for (std::size_t& homes : out.homes)
            homes = 4 + prng.below(2);
    }
    if (out.coordinators > 1 && prng.chance(0.25)) {
        out.homes_elsewhere.resize(1 + prng.below(2));
        for (std::size_t& homes : out.homes_elsewhere)
            homes = 2 + prng.below(3);
    }
    return out;
}

std::string describe(const Options& options) {
    std::ostringstream out;
    out.precision(2);
    const auto rate = [&](const char* what, double value) {
        if (value > 0) out << ' ' << what << '=' << value;
    };
    out << "homes=";
    for (std::size_t i = 0; i < options.homes.size(); ++i)
        out << (i > 0 ? "+" : "") << options.homes[i];
    for (std::size_t i = 0; i < options.homes_elsewhere.size(); ++i)
        out << (i > 0 ? "+" : "/") << options.homes_elsewhere[i];
    out << " coordinators=" << options.coordinators << " horizon=" << options.horizon
        << " privacy=" << options.privacy_members_min << ' ' << market::name_of(options.method);
    if (options.lie != Lie::none) out << " lie=" << name(options.lie);
    if (options.second_lie != Lie::none) out << '+' << name(options.second_lie);
    const NetworkOptions& net = options.network;
    rate("loss", net.loss);
    rate("replay", net.replay);
    out << " delay=" << net.delay_min / ms << '+' << net.delay_mean / ms << "ms";
    rate("straggler", net.straggler);
    rate("partition", net.partition);
    rate("asymmetric", net.asymmetric);
    rate("clog", net.clog);
    rate("swizzle", net.swizzle);
    rate("flap", net.flap);
    rate("jump", options.clock.jump);
    if (options.clock.jump > 0)
        rate("jump_s", static_cast<double>(options.clock.jump_ms) / 1'000.0);
    rate("freeze", options.clock.freeze);
    rate("crash", options.crash);
    rate("crash_at_point", options.crash_at_point);
    rate("crash_all", options.crash_all);
    rate("all_down_s", static_cast<double>(options.all_down / consensus::simulation::second));
    rate("kill_chair", options.kill_chair);
    rate("pause", options.pause);
    rate("put_back", options.put_back);
    return out.str();
}

}  // namespace kilter::simulation
