#include "tests/simulator/network.hpp"

#include <cmath>
#include <numeric>

namespace kilter::consensus::simulation {

namespace {
constexpr Micros healed_delay_max = 4 * ms;
constexpr Micros clog_max = 5 * second;
constexpr Micros flap_max = 300 * ms;
constexpr std::uint64_t kinds_of_cut = 6;

void shuffle(std::vector<Address>& order, Prng& prng) {
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[prng.below(i)]);
}
}  // namespace

Network::Network(const NetworkOptions& options, Prng prng, std::size_t addresses)
    : options_(options), prng_(prng), addresses_(addresses), paths_(addresses * addresses) {}

const std::vector<Micros>& Network::send(Address from, Address to, Micros now) {
    delays_.clear();
    Path& path = this->path(from, to);
    if (path.cut) return delays_;
    if (healed_) {
        delays_.push_back(options_.delay_min + static_cast<Micros>(prng_.below(healed_delay_max)));
        ++path.under_way;
        return delays_;
    }
    if (now < path.down_until || prng_.chance(options_.loss)) return delays_;
    const std::size_t copies = prng_.chance(options_.replay) ? 2 : 1;
    for (std::size_t copy = 0; copy < copies; ++copy) {
        if (options_.capacity > 0 && path.under_way >= options_.capacity) break;
        Micros delay =
            options_.delay_min + static_cast<Micros>(-std::log(1 - prng_.uniform()) *
                                                     static_cast<double>(options_.delay_mean));
        if (prng_.chance(options_.straggler))
            delay += static_cast<Micros>(prng_.below(options_.straggler_late));
        if (copy > 0) delay += static_cast<Micros>(prng_.below(options_.replay_late));
        if (path.clogged_from <= now && now < path.clogged_until) delay += path.clogged_until - now;
        ++path.under_way;
        delays_.push_back(delay);
    }
    return delays_;
}

void Network::arrived(Address from, Address to) {
    --path(from, to).under_way;
}

Micros Network::change_weather(Micros now) {
    if (healed_) return 0;
    for (Path& path : paths_)
        path.cut = false;
    if (addresses_ > 1 && prng_.chance(options_.partition)) partition();
    if (prng_.chance(options_.clog)) {
        Path& path = paths_[prng_.below(paths_.size())];
        path.clogged_from = now;
        path.clogged_until = now + static_cast<Micros>(prng_.below(clog_max));
    }
    if (prng_.chance(options_.swizzle)) swizzle(now);
    if (prng_.chance(options_.flap))
        paths_[prng_.below(paths_.size())].down_until =
            now + static_cast<Micros>(prng_.below(flap_max));
    return 1 + static_cast<Micros>(-std::log(1 - prng_.uniform()) *
                                   static_cast<double>(options_.weather));
}

void Network::partition() {
    std::vector<Address> order(addresses_);
    std::iota(order.begin(), order.end(), Address{0});
    shuffle(order, prng_);
    const bool one_way = prng_.chance(options_.asymmetric);
    const auto cut_between = [&](Address a, Address b) {
        path(a, b).cut = true;
        if (!one_way) path(b, a).cut = true;
    };
    std::vector<bool> side(addresses_, false);
    switch (static_cast<Cut>(prng_.below(kinds_of_cut))) {
        case Cut::halves:
            for (std::size_t i = 0; i < addresses_ / 2; ++i)
                side[order[i]] = true;
            break;
        case Cut::by_size:
            for (std::size_t i = 0, n = 1 + prng_.below(addresses_ - 1); i < n; ++i)
                side[order[i]] = true;
            break;
        case Cut::by_coin:
            for (std::size_t i = 0; i < addresses_; ++i)
                side[i] = prng_.chance(0.5);
            break;
        case Cut::single:
            side[order[0]] = true;
            break;
        case Cut::ring:
            for (std::size_t i = 0; i < addresses_; ++i)
                for (std::size_t j = i + 2; j < addresses_; ++j)
                    if (i != 0 || j != addresses_ - 1) cut_between(order[i], order[j]);
            return;
        case Cut::one_path:
            cut_between(order[0], order[1 % addresses_]);
            return;
    }
    for (Address a = 0; a < addresses_; ++a)
        for (Address b = 0; b < addresses_; ++b)
            if (side[a] && !side[b]) cut_between(a, b);
}

/// Processes of a random subset stop hearing and speaking one after the other, and come back in another order.
void Network::swizzle(Micros now) {
    std::vector<Address> order(addresses_);
    std::iota(order.begin(), order.end(), Address{0});
    shuffle(order, prng_);
    order.resize(1 + prng_.below(addresses_));
    std::vector<Address> freed = order;
    shuffle(freed, prng_);
    const Micros gap = 1 + static_cast<Micros>(prng_.below(300 * ms));
    for (std::size_t i = 0; i < order.size(); ++i) {
        std::size_t back = 0;
        while (freed[back] != order[i])
            ++back;
        for (Address other = 0; other < addresses_; ++other)
            for (Path* path : {&path(order[i], other), &path(other, order[i])}) {
                path->clogged_from = now + static_cast<Micros>(i) * gap;
                path->clogged_until = now + static_cast<Micros>(order.size() + back + 1) * gap;
            }
    }
}

void Network::heal() {
    healed_ = true;
    for (Path& path : paths_)
        path.cut = false;
}

}  // namespace kilter::consensus::simulation
