#include "coordinator/ksuite/solver.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"
#include "coordinator/ksuite/kernels.hpp"
#include "coordinator/ksuite/line_step.hpp"

namespace kilter::ksuite {
namespace {

// Of tasks that are not a block of nets. Rows stay in a second-level cache: 64 lines touch 4 · 64 rows of 768 bytes.
constexpr std::size_t lines_per_task = 64;
constexpr std::size_t devices_per_task = 128;
constexpr std::size_t batteries_per_task = 32;
constexpr std::size_t nets_per_task = 128;

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
    plan();
    for (std::size_t row = 0; row < message_.count(); ++row)
        std::fill_n(message_[row], intervals, settings.start_price * exchange_of(row).price_scale);
    for (std::size_t net = 0; net < price_.count(); ++net)
        std::fill_n(price_[net], intervals, settings.start_price);
}

void Solver::Stage::add(Work work, std::size_t first, std::size_t end) {
    if (first < end)
        blocks.push_back(
            {work, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end)});
}

void Solver::Stage::end_task() {
    begin.push_back(static_cast<std::uint32_t>(blocks.size()));
    sums.emplace_back();
}

void Solver::Stage::cut(Work work, std::size_t first, std::size_t end, std::size_t size) {
    for (; first < end; first += size) {
        add(work, first, std::min(end, first + size));
        end_task();
    }
}

/// A net's price waits for the messages of all its terminals, and every line for the prices of both its nets, so lines between
/// blocks come first, at the prices of the iteration before; after them no block depends on another.
void Solver::plan() {
    const Arrangement& at = arrangement_;
    crossing_.cut(Work::lines, at.first_crossing, at.first_phased, lines_per_task);
    crossing_.cut(Work::phased_lines, at.first_phased, at.lines.count(), lines_per_task);
    if (at.blocks() == 0) plan_apart();
    for (std::size_t b = 0; b < at.blocks(); ++b)
        plan_block(b);
    blocks_.cut(Work::phases, 0, agreed_.count(), nets_per_task);
    chains_.assign(workers_.count(), prox::StorageChain(intervals));
}

// Few nets may have many devices.
void Solver::plan_apart() {
    const Instance& all = instance_;
    crossing_.cut(Work::generators, 0, all.generators.net.size(), devices_per_task);
    crossing_.cut(Work::batteries, 0, all.batteries.net.size(), batteries_per_task);
    crossing_.cut(Work::deferrable, 0, all.deferrable.net.size(), devices_per_task);
    crossing_.cut(Work::curtailable, 0, all.curtailable.net.size(), devices_per_task);
    blocks_.cut(Work::nets, 0, all.nets, nets_per_task);
}

void Solver::plan_block(std::size_t b) {
    const std::size_t first = b * Arrangement::nets_per_block;
    const std::size_t end = std::min(instance_.nets, first + Arrangement::nets_per_block);
    const auto add = [&](Work work, const std::vector<std::uint32_t>& net_of) {
        KILTER_CHECK(b > 0 || std::is_sorted(net_of.begin(), net_of.end()),
                     "devices are in the order of their nets");
        const auto place = [&](std::size_t net) {
            return static_cast<std::size_t>(std::lower_bound(net_of.begin(), net_of.end(), net) -
                                            net_of.begin());
        };
        blocks_.add(work, place(first), place(end));
    };
    add(Work::generators, instance_.generators.net);
    add(Work::batteries, instance_.batteries.net);
    add(Work::deferrable, instance_.deferrable.net);
    add(Work::curtailable, instance_.curtailable.net);
    blocks_.add(Work::lines, arrangement_.inner[b], arrangement_.inner[b + 1]);
    blocks_.add(Work::nets, first, end);
    blocks_.end_task();
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
        if (i + 1 < block.end) {
            prefetch(message_[row + 1]);
            prefetch(price_[arrangement_.net_of[row + 1]]);
        }
        read_message(message_[row], price_[arrangement_.net_of[row]], exchange, z, target);
        sums.cost += prox(i, settings_.rho * w, target, x);
        sums.moved += w * w * write_message(x, z, exchange, message_[row]);
    }
}

void Solver::run(Stage& stage) {
    auto task = [&](std::size_t worker, std::size_t i) {
        Sums& sums = stage.sums[i] = {};
        for (std::uint32_t at = stage.begin[i]; at < stage.begin[i + 1]; ++at)
            do_block(stage.blocks[at], worker, sums);
    };
    workers_.for_each(stage.sums.size(), task);
}

void Solver::do_block(const Block& block, std::size_t worker, Sums& sums) {
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
            return do_batteries(block, chains_[worker], sums);
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

void Solver::do_batteries(const Block& block, prox::StorageChain& chain, Sums& sums) {
    const Batteries& all = instance_.batteries;
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
            prefetch(message_[row + 2]);
            prefetch(message_[row + 3]);
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
    run(crossing_);
    run(blocks_);
    Sums all;
    for (const Stage* stage : {&crossing_, &blocks_})
        for (const Sums& sums : stage->sums)
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
