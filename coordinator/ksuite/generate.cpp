#include "coordinator/ksuite/generate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "common/base/prng.hpp"
#include "coordinator/ksuite/capacities.hpp"
#include "coordinator/ksuite/kernels.hpp"
#include "coordinator/ksuite/topology.hpp"

namespace kilter::ksuite {
namespace {

constexpr std::array<Generator, 3> generator_sizes{{
    {.power_min = 0.01, .power_max = 50, .ramp = 3, .quadratic = 0.001, .linear = 0.1},
    {.power_min = 0.01, .power_max = 20, .ramp = 5, .quadratic = 0.005, .linear = 0.2},
    {.power_min = 0.01, .power_max = 10, .ramp = 10, .quadratic = 0.02, .linear = 1},
}};

/// c + a sin(2π (τ − φ)/T), τ = 1 … T.
Profile draw_fixed_load(Prng& random) {
    const double a = random.uniform(0.5, 1);
    const double c = a + random.uniform(0, 0.1);
    const auto phi = static_cast<double>(60 + random.below(13));
    Profile profile;
    for (std::size_t t = 0; t < intervals; ++t)
        profile[t] = c + a * std::sin(2 * std::numbers::pi * (static_cast<double>(t + 1) - phi) /
                                      static_cast<double>(intervals));
    return profile;
}

void draw(Generators& all, std::uint32_t net, Prng& random) {
    const Generator& size = generator_sizes[random.below(generator_sizes.size())];
    all.net.push_back(net);
    all.power_min.push_back(size.power_min);
    all.power_max.push_back(size.power_max);
    all.ramp.push_back(size.ramp);
    all.quadratic.push_back(size.quadratic);
    all.linear.push_back(size.linear);
}

void draw(CurtailableLoads& all, std::uint32_t net, Prng& random) {
    all.net.push_back(net);
    all.fixed.push_back(draw_fixed_load(random));
    all.wanted.push_back(random.uniform(5, 15));
    all.penalty.push_back(random.uniform(0.1, 0.2));
}

void draw(DeferrableLoads& all, std::uint32_t net, Prng& random) {
    constexpr std::uint32_t window_min = 9;
    const auto first = static_cast<std::uint32_t>(random.below((intervals - window_min) / 2));
    const auto last = static_cast<std::uint32_t>(first + window_min +
                                                 random.below(intervals - first - window_min));
    const double energy = random.uniform(5, 10);
    all.net.push_back(net);
    all.fixed.push_back(draw_fixed_load(random));
    all.first.push_back(first);
    all.last.push_back(last);
    all.energy.push_back(energy);
    all.power_max.push_back(5 * energy / (last - first + 1));
}

void draw(Batteries& all, std::uint32_t net, Prng& random) {
    all.net.push_back(net);
    all.energy_max.push_back(random.uniform(20, 50));
    all.power_max.push_back(random.uniform(5, 10));
}

void draw_devices(Instance& instance, Prng& random) {
    for (std::uint32_t net = 0; net < instance.nets; ++net) {
        const double which = random.uniform();
        if (which < 0.4)
            draw(instance.generators, net, random);
        else if (which < 0.5)
            draw(instance.curtailable, net, random);
        else if (which < 0.55)
            draw(instance.deferrable, net, random);
        else if (which < 0.6)
            draw(instance.batteries, net, random);
    }
}

void draw_lines(Instance& instance, LineRule rule, Prng& random, Workers& workers) {
    const bool lossy = rule == LineRule::lossy;
    for (const double flow_max : lossless_flow_max(instance, workers)) {
        const double capacity =
            lossy ? std::max(10.0, 4 * flow_max) : std::max(30.0, 10 * flow_max);
        const double lost = lossy ? random.uniform(0.05, 0.15) : random.uniform(0.014, 0.042);
        const double turn = random.uniform(1, 5) * std::numbers::pi / 180;
        instance.lines.capacity.push_back(capacity);
        instance.lines.loss.push_back(lost / capacity);
        instance.lines.phase.push_back(random.chance(0.9) ? turn / capacity : 0);
    }
}

/// What must be served at the worst moment, with a tenth for losses, against all generators.
bool can_be_served(const Instance& instance) {
    double needed = 0;
    for (const auto* loads : {&instance.deferrable.fixed, &instance.curtailable.fixed})
        for (const Profile& load : *loads)
            needed += *std::max_element(load.begin(), load.end());
    needed = std::accumulate(instance.deferrable.power_max.begin(),
                             instance.deferrable.power_max.end(), needed);
    const auto& power = instance.generators.power_max;
    return std::accumulate(power.begin(), power.end(), 0.0) >= 1.1 * needed;
}

}  // namespace

Result<Instance> generate(const Recipe& recipe, Workers& workers) {
    if (recipe.nets < nets_min || recipe.nets > nets_max)
        return Error{"a network of " + std::to_string(recipe.nets) + " nets; the suite has " +
                     std::to_string(nets_min) + " to " + std::to_string(nets_max)};
    Prng random(recipe.seed);
    Instance instance;
    instance.nets = recipe.nets;
    for (const auto& [from, to] : draw_topology(recipe.nets, random).lines) {
        instance.lines.from.push_back(from);
        instance.lines.to.push_back(to);
    }
    draw_devices(instance, random);
    if (!can_be_served(instance))
        return Error{
            "seed " + std::to_string(recipe.seed) + " draws " + std::to_string(recipe.nets) +
            " nets whose generators cannot serve their loads; take another seed or more nets"};
    draw_lines(instance, recipe.lines, random, workers);
    return instance;
}

}  // namespace kilter::ksuite
