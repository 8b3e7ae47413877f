#include "coordinator/ksuite/solver.hpp"

#include <algorithm>
#include <cmath>

#include "coordinator/ksuite/kernels.hpp"
#include "coordinator/ksuite/line_step.hpp"

namespace kilter::ksuite {
namespace {

// Rows of a block stay in a second-level cache: 64 lines touch 4 · 64 rows of 768 bytes.
constexpr std::size_t lines_per_block = 64;
constexpr std::size_t devices_per_block = 128;
constexpr std::size_t batteries_per_block = 32;
constexpr std::size_t nets_per_block = 128;

}  // namespace

void Solver::Sums::add(const Sums& other) {
    cost += other.cost;
    moved += other.moved;
    phase_missed += other.phase_missed;
    imbalance += other.imbalance;
    corrected += other.corrected;
    value += other.value;
    phase_moved += other.phase_moved;
}

Solver::Solver(const Instance& instance, const Settings& settings, Workers& workers)
    : instance_(instance),
      settings_(settings),
      workers_(workers),
      arrangement_(instance, settings),
      message_(arrangement_.terminals()),
      price_(instance.nets),
      said_(arrangement_.phase_net_of.size()),
      agreed_(arrangement_.phase_nets.count()) {
    const auto cut = [](std::vector<Block>& blocks, Work work, std::size_t begin, std::size_t end,
                        std::size_t size) {
        for (std::size_t at = begin; at < end; at += size)
            blocks.push_back({work, static_cast<std::uint32_t>(at),
                              static_cast<std::uint32_t>(std::min(end, at + size))});
    };
    cut(device_blocks_, Work::lines, 0, arrangement_.first_phased, lines_per_block);
    cut(device_blocks_, Work::phased_lines, arrangement_.first_phased, arrangement_.lines.count(),
        lines_per_block);
    cut(device_blocks_, Work::generators, 0, instance.generators.net.size(), devices_per_block);
    cut(device_blocks_, Work::batteries, 0, instance.batteries.net.size(), batteries_per_block);
    cut(device_blocks_, Work::deferrable, 0, instance.deferrable.net.size(), devices_per_block);
    cut(device_blocks_, Work::curtailable, 0, instance.curtailable.net.size(), devices_per_block);
    cut(net_blocks_, Work::nets, 0, instance.nets, nets_per_block);
    cut(net_blocks_, Work::phases, 0, agreed_.count(), nets_per_block);
    for (Block& block : device_blocks_)
        if (block.work == Work::batteries) {
            block.chain = static_cast<std::uint32_t>(chains_.size());
            chains_.emplace_back(intervals);
        }
    device_sums_.resize(device_blocks_.size());
    net_sums_.resize(net_blocks_.size());

    for (std::size_t row = 0; row < message_.count(); ++row)
        std::fill_n(message_[row], intervals, settings.start_price * exchange_of(row).price_scale);
    for (std::size_t net = 0; net < price_.count(); ++net)
        std::fill_n(price_[net], intervals, settings.start_price);
}

Exchange Solver::exchange_of(std::size_t row) const {
    return {settings_.alpha, 1 / (settings_.rho * arrangement_.weight[row])};
}

double Solver::balanced(std::size_t row, std::size_t t) const {
    return message_[row][t] - exchange_of(row).price_scale * price_[arrangement_.net_of[row]][t];
}

std::size_t Solver::bytes() const {
    return message_.bytes() + price_.bytes() + said_.bytes() + agreed_.bytes();
}

/// prox(i, ρ w, target, x) solves the i-th device of the kind and returns its cost.
template <class Prox>
void Solver::do_rows(const Block& block, std::size_t first_row, Prox prox, Sums& sums) {
    alignas(64) double z[intervals];
    alignas(64) double target[intervals];
    alignas(64) double x[intervals];
    for (std::size_t i = block.begin; i < block.end; ++i) {
        const std::size_t row = first_row + i;
        const double w = arrangement_.weight[row];
        const Exchange exchange = exchange_of(row);
        if (i + 1 < block.end) prefetch(price_[arrangement_.net_of[row + 1]]);
        read_message(message_[row], price_[arrangement_.net_of[row]], exchange, z, target);
        sums.cost += prox(i, settings_.rho * w, target, x);
        sums.moved += w * w * write_message(x, z, exchange, message_[row]);
    }
}

void Solver::do_devices(const Block& block, Sums& sums) {
    const Arrangement& at = arrangement_;
    switch (block.work) {
        case Work::generators: {
            RampChain chain;
            const auto solve = [&](std::size_t i, double rho, const double* target, double* x) {
                const Generator device = generator(instance_.generators, i);
                prox(device, rho, target, x, chain);
                return cost(device, x);
            };
            return do_rows(block, 0, solve, sums);
        }
        case Work::deferrable: {
            const auto solve = [&](std::size_t i, double, const double* target, double* x) {
                prox(deferrable_load(instance_.deferrable, i), target, x);
                return 0.0;
            };
            return do_rows(block, at.first_deferrable, solve, sums);
        }
        case Work::curtailable: {
            const auto solve = [&](std::size_t i, double rho, const double* target, double* x) {
                const CurtailableLoad device = curtailable_load(instance_.curtailable, i);
                prox(device, rho, target, x);
                return cost(device, x);
            };
            return do_rows(block, at.first_curtailable, solve, sums);
        }
        case Work::batteries:
            return do_batteries(block, sums);
        case Work::lines:
            return do_lines(block, sums);
        case Work::phased_lines:
            return do_phased_lines(block, sums);
        case Work::nets:
            return do_nets(block, sums);
        case Work::phases:
            return do_phases(block, sums);
    }
}

void Solver::do_batteries(const Block& block, Sums& sums) {
    const Batteries& all = instance_.batteries;
    prox::StorageChain& chain = chains_[block.chain];
    const auto solve = [&](std::size_t i, double, const double* target, double* x) {
        prox(Battery{all.power_max[i], all.energy_max[i]}, target, x, chain);
        return 0.0;
    };
    do_rows(block, arrangement_.first_battery, solve, sums);
}

void Solver::do_lines(const Block& block, Sums& sums) {
    const Lines& lines = arrangement_.lines;
    for (std::size_t i = block.begin; i < block.end; ++i) {
        const std::size_t row = arrangement_.first_line + 2 * i;
        const double w = arrangement_.weight[row];
        if (i + 1 < block.end) {
            prefetch(price_[lines.from[i + 1]]);
            prefetch(price_[lines.to[i + 1]]);
        }
        sums.moved += w * w *
                      line_step({lines.loss[i], lines.capacity[i]}, exchange_of(row), message_[row],
                                message_[row + 1], price_[lines.from[i]], price_[lines.to[i]]);
    }
}

void Solver::do_phased_lines(const Block& block, Sums& sums) {
    const Arrangement& at = arrangement_;
    const Lines& lines = at.lines;
    for (std::size_t i = block.begin; i < block.end; ++i) {
        const std::size_t row = at.first_line + 2 * i;
        const std::size_t p = i - at.first_phased;
        const double w = at.weight[row];
        const LineSums both = line_step(
            {lines.loss[i], lines.capacity[i]}, {lines.phase[i], at.curvature[p], at.coupling[p]},
            exchange_of(row), message_[row], message_[row + 1], price_[lines.from[i]],
            price_[lines.to[i]], {said_[2 * p], agreed_[at.phase_net_of[2 * p]]},
            {said_[2 * p + 1], agreed_[at.phase_net_of[2 * p + 1]]});
        sums.moved += w * w * both.moved;
        sums.phase_missed += at.phase_gauge[p] * both.phase_missed;
    }
}

void Solver::do_nets(const Block& block, Sums& sums) {
    alignas(64) double sum[intervals];
    for (std::size_t net = block.begin; net < block.end; ++net) {
        const auto rows = arrangement_.nets.members(net);
        if (net + 1 < block.end)
            for (const std::uint32_t row : arrangement_.nets.members(net + 1))
                prefetch(message_[row]);
        std::fill_n(sum, intervals, 0.0);
        for (const std::uint32_t row : rows)
            add_row(message_[row], sum);
        const double softness = arrangement_.softness[net];
        const Moved moved = update_row(sum, settings_.rho / softness, price_[net]);
        const auto count = static_cast<double>(rows.size());
        sums.imbalance += moved.square * softness * softness / count;
        sums.corrected += moved.square * count;
        sums.value += moved.value * softness;
    }
}

void Solver::do_phases(const Block& block, Sums& sums) {
    alignas(64) double sum[intervals];
    for (std::size_t net = block.begin; net < block.end; ++net) {
        std::fill_n(sum, intervals, 0.0);
        for (const std::uint32_t terminal : arrangement_.phase_nets.members(net))
            add_row(said_[terminal], arrangement_.phase_gauge[terminal / 2], sum);
        const double gauge = arrangement_.phase_gauge_sum[net];
        sums.phase_moved += gauge * update_row(sum, 1 / gauge, agreed_[net]).square;
    }
}

/// All residuals come from movements. With Δy a net's price movement and W its softness:
///   power    Σ x = W Δy/(ρ α), so the mean of a net's n powers misses zero by that over n;
///   movement w Δz = w Δs − Δy/ρ, and Σ Δs = W Δy/ρ makes Σ (Δz)² = Σ (Δs)² − n (Δy/ρ)² where all w = 1;
///   phases   Σ g (θ − agreed⁺)² = Σ g (θ − agreed)² − (2/α − 1) Σ g (Δ agreed)², as Σ g (θ − agreed) = Σ g Δ agreed/α.
Iterate Solver::iterate() {
    auto devices = [this](std::size_t i) { do_devices(device_blocks_[i], device_sums_[i] = {}); };
    workers_.for_each(device_blocks_.size(), devices);
    auto nets = [this](std::size_t i) { do_devices(net_blocks_[i], net_sums_[i] = {}); };
    workers_.for_each(net_blocks_.size(), nets);

    Sums all;
    for (const Sums& sums : device_sums_)
        all.add(sums);
    for (const Sums& sums : net_sums_)
        all.add(sums);
    const double alpha = settings_.alpha;
    const double rho = settings_.rho;
    const double numbers =
        2.0 * static_cast<double>(arrangement_.terminals()) * static_cast<double>(intervals);
    const double corrected = all.corrected / (rho * rho);
    const double moved =
        arrangement_.uniform ? std::max(0.0, all.moved - corrected) : 2 * (all.moved + corrected);
    const double phase_missed = std::max(0.0, all.phase_missed - (2 / alpha - 1) * all.phase_moved);
    const double scale = 1 / (rho * alpha);
    Iterate at;
    at.iteration = ++iteration_;
    at.primal = std::sqrt((all.imbalance * scale * scale + phase_missed) / numbers);
    at.dual = rho * std::sqrt((moved + all.phase_moved) / numbers);
    at.cost = all.cost;
    at.objective = all.cost + all.value * scale;
    return at;
}

Iterate Solver::solve() {
    Iterate at;
    do
        at = iterate();
    while (at.iteration < settings_.iterations_max && !at.within(settings_.tolerance));
    return at;
}

}  // namespace kilter::ksuite
