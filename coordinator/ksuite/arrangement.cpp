#include "coordinator/ksuite/arrangement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coordinator/ksuite/cycles.hpp"

namespace kilter::ksuite {

Groups::Groups(std::size_t groups, std::span<const std::uint32_t> group_of)
    : begin_(groups + 1, 0), member_(group_of.size()) {
    for (const std::uint32_t group : group_of)
        ++begin_[group + 1];
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
    for (std::uint32_t i = 0; i < group_of.size(); ++i)
        member_[next[group_of[i]]++] = i;
}

Arrangement::Arrangement(const Instance& instance, const Settings& settings) {
    place_devices(instance);
    place_lines(instance, settings);
    weigh(instance, settings);
    place_phases(instance.nets, settings);
}

void Arrangement::place_devices(const Instance& instance) {
    const auto place = [&](const std::vector<std::uint32_t>& of_kind) {
        net_of.insert(net_of.end(), of_kind.begin(), of_kind.end());
        return net_of.size();
    };
    first_battery = place(instance.generators.net);
    first_deferrable = place(instance.batteries.net);
    first_curtailable = place(instance.deferrable.net);
    first_line = place(instance.curtailable.net);
}

void Arrangement::place_lines(const Instance& instance, const Settings& settings) {
    const Lines& all = instance.lines;
    std::vector<bool> phased(all.count());
    for (std::size_t i = 0; i < all.count(); ++i)
        phased[i] = all.phase[i] > 0;
    if (settings.phases_on_cycles_only) phased = on_cycle(instance.nets, all.from, all.to, phased);
    const std::size_t blocks =
        instance.nets < nets_per_block ? 0 : (instance.nets + nets_per_block - 1) / nets_per_block;
    const auto group_of =
        [&](std::size_t i) {  // the block, then what crosses, then what has phases
            const std::size_t block = all.from[i] / nets_per_block;
            if (phased[i]) return blocks + 1;
            return blocks > 0 && block == all.to[i] / nets_per_block ? block : blocks;
        };
    std::vector<std::uint32_t> group(all.count());
    for (std::size_t i = 0; i < all.count(); ++i)
        group[i] = static_cast<std::uint32_t>(group_of(i));
    const Groups grouped(blocks + 2, group);
    for (std::size_t g = 0; g < grouped.count(); ++g) {
        if (g == blocks) first_crossing = lines.count();
        if (g == blocks + 1) first_phased = lines.count();
        for (const std::uint32_t i : grouped.members(g)) {
            lines.from.push_back(all.from[i]);
            lines.to.push_back(all.to[i]);
            lines.capacity.push_back(all.capacity[i]);
            lines.loss.push_back(all.loss[i]);
            lines.phase.push_back(all.phase[i]);
            net_of.push_back(all.from[i]);
            net_of.push_back(all.to[i]);
        }
        if (g < blocks) inner.push_back(static_cast<std::uint32_t>(lines.count()));
    }
    nets = Groups(instance.nets, net_of);
}

void Arrangement::weigh(const Instance& instance, const Settings& settings) {
    const Weights& weights = settings.weights;
    weight.reserve(terminals());
    for (const double cost : instance.generators.linear)
        weight.push_back(cost > settings.costly ? weights.costly_generator : weights.generator);
    weight.resize(first_deferrable, weights.battery);
    weight.resize(first_curtailable, weights.deferrable);
    weight.resize(first_line, weights.curtailable);
    for (const double loss : lines.loss)
        weight.resize(weight.size() + 2,
                      weights.line * std::pow(loss / loss_reference, weights.line_exponent));
    uniform = std::all_of(weight.begin(), weight.end(), [](double w) { return w == 1; });
    softness.assign(instance.nets, 0);
    for (std::size_t row = 0; row < terminals(); ++row)
        softness[net_of[row]] += 1 / weight[row];
}

void Arrangement::place_phases(std::size_t nets_count, const Settings& settings) {
    constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::uint32_t> number(nets_count, none);
    std::uint32_t count = 0;
    for (std::size_t i = first_phased; i < lines.count(); ++i) {
        for (const std::uint32_t net : {lines.from[i], lines.to[i]}) {
            if (number[net] == none) number[net] = count++;
            phase_net_of.push_back(number[net]);
        }
        const double square = lines.phase[i] * lines.phase[i];
        const double gauge = settings.phase_unit == PhaseUnit::flow ? 1 / square : 1;
        const double added =
            gauge / weight[first_line + 2 * i] * square / 2;  // w κ²/2 of line_step.hpp
        phase_gauge.push_back(gauge);
        curvature.push_back(2 + added);
        coupling.push_back(added / (2 + added));
    }
    phase_nets = Groups(count, phase_net_of);
    phase_gauge_sum.assign(count, 0);
    for (std::size_t i = 0; i < phase_net_of.size(); ++i)
        phase_gauge_sum[phase_net_of[i]] += phase_gauge[i / 2];
}

}  // namespace kilter::ksuite
