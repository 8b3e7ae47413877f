#include "common/topology/neighbourhood.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/base/number.hpp"
#include "common/base/prng.hpp"

namespace kilter::topology {
namespace {

/// How alike the forecast errors of neighbouring intervals are.
constexpr double error_memory = 0.9;
/// No forecast misses by more standard deviations than this.
constexpr double error_max = 3;

/// 0 … count − 1 in a drawn order, over and over: a draw without repetition as far as the values
/// reach.
class Deck {
  public:
    Deck(std::size_t count, Prng& random) : order_(count), random_(random) {
        std::iota(order_.begin(), order_.end(), std::size_t{0});
    }

    std::size_t draw() {
        if (next_ == 0)
            for (std::size_t i = order_.size(); i > 1; --i)
                std::swap(order_[i - 1], order_[random_.below(i)]);
        const std::size_t drawn = order_[next_];
        next_ = (next_ + 1) % order_.size();
        return drawn;
    }

  private:
    std::vector<std::size_t> order_;
    std::size_t next_ = 0;
    Prng& random_;
};

/// Says yes to exactly one of every two askers.
class Pairs {
  public:
    bool ask(Prng& random) {
        if (second_) {
            second_ = false;
            return !first_had_;
        }
        second_ = true;
        return first_had_ = random.chance(0.5);
    }

  private:
    bool second_ = false;
    bool first_had_ = false;
};

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Rounded to three decimals: ratings as people write them.
double rated(double value) {
    return std::round(value * 1000) / 1000;
}

/// A stationary first-order sequence with variance 1/2, so that the difference of two sessions' errors has variance 1;
/// clipped: e_t = φ e_{t−1} + √(1 − φ²) n_t.
class ForecastError {
  public:
    ForecastError(std::uint64_t seed, IntervalIndex first, std::uint64_t channel)
        : random_(Prng(seed ^ Prng(static_cast<std::uint64_t>(first) * 2 + channel).next())),
          error_(random_.normal()) {}

    double next() {
        error_ =
            error_memory * error_ + std::sqrt(1 - error_memory * error_memory) * random_.normal();
        return std::clamp(error_, -error_max, error_max) / std::numbers::sqrt2;
    }

  private:
    Prng random_;
    double error_;
};

model::Series horizon_series(const std::vector<double>& days,
                             const HomeSpec& spec,
                             IntervalIndex first,
                             Eigen::Index intervals,
                             std::uint64_t channel) {
    model::Series out = model::Series::Zero(intervals);
    if (days.empty()) return out;
    const auto length = static_cast<std::int64_t>(days.size());
    ForecastError error(spec.forecast.seed, first, channel);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        const std::int64_t at = ((first + t) % length + length) % length;
        const double factor =
            t == 0 ? 1 : std::max(0.0, 1 + spec.forecast.noise_fraction * error.next());
        out[t] = days[static_cast<std::size_t>(at)] * factor;
    }
    return out;
}

}  // namespace

Result<void> HomeSpec::validate() const {
    const auto refuse = [this](const std::string& what) {
        return Error{"home \"" + name + "\": " + what};
    };
    const auto number = [](double value) { return std::to_string(value); };
    if (name.empty()) return Error{"a home has no name; give it one"};
    if (interval_s <= 0 || day_s % interval_s != 0)
        return refuse("interval_s is " + std::to_string(interval_s) +
                      "; it must divide a day of 86400 s");
    const auto per_day = static_cast<std::size_t>(day_s / interval_s);
    const auto whole_days = [&](const std::vector<double>& series) {
        return series.size() % per_day == 0;
    };
    if (load_kw.empty() || !whole_days(load_kw))
        return refuse("load_kw has " + std::to_string(load_kw.size()) +
                      " values; it must be whole days of " + std::to_string(per_day));
    if (!whole_days(pv_kw))
        return refuse("pv_kw has " + std::to_string(pv_kw.size()) +
                      " values; it must be empty or whole days of " + std::to_string(per_day));
    const auto quantity = [](double value) { return std::isfinite(value) && value >= 0; };
    if (!std::all_of(load_kw.begin(), load_kw.end(), quantity))
        return refuse("load_kw has a value that is not a number of at least 0");
    if (!std::all_of(pv_kw.begin(), pv_kw.end(), quantity))
        return refuse("pv_kw has a value that is not a number of at least 0");
    if (!quantity(battery.power_max_kw))
        return refuse("the battery's power_max_kw is " + number(battery.power_max_kw) +
                      "; it must be at least 0");
    if (!quantity(battery.energy_max_kwh))
        return refuse("the battery's energy_max_kwh is " + number(battery.energy_max_kwh) +
                      "; it must be at least 0");
    const auto stored = [this](double energy) {
        return energy >= 0 && energy <= battery.energy_max_kwh;
    };
    if (!stored(battery.energy_start_kwh))
        return refuse("the battery's energy_start_kwh is " + number(battery.energy_start_kwh) +
                      "; it must be between 0 and energy_max_kwh");
    if (!stored(battery.energy_end_min_kwh))
        return refuse("the battery's energy_end_min_kwh is " + number(battery.energy_end_min_kwh) +
                      "; it must be between 0 and energy_max_kwh");
    if (!(forecast.noise_fraction >= 0 && forecast.noise_fraction <= 1))
        return refuse("the forecast's noise_fraction is " + number(forecast.noise_fraction) +
                      "; it must be between 0 and 1");
    return {};
}

std::vector<HomeSpec> generate_neighbourhood(const model::Network& network,
                                             std::size_t homes_per_net,
                                             std::uint64_t seed,
                                             const Profiles& profiles) {
    KILTER_CHECK(!profiles.load_kw.empty() && !profiles.pv_per_kwp.empty(),
                 "a neighbourhood needs profiles");
    Prng random(seed);
    Deck households(profiles.load_kw.size(), random);
    Deck sites(profiles.pv_per_kwp.size(), random);
    Pairs panels;
    Pairs batteries;
    std::vector<HomeSpec> homes;
    homes.reserve(network.nets.size() * homes_per_net);
    for (std::size_t net = 0; net < network.nets.size(); ++net) {
        for (std::size_t i = 0; i < homes_per_net; ++i) {
            HomeSpec home;
            home.name = network.nets[net].name + "/" + std::to_string(i + 1);
            home.net = NetId{static_cast<std::uint32_t>(net)};
            home.source = profiles.source;
            home.load_kw = profiles.load_kw[households.draw()];
            const double size = random.uniform(0.8, 1.6);
            for (double& value : home.load_kw)
                value *= size;
            if (panels.ask(random)) {
                home.pv_kw = profiles.pv_per_kwp[sites.draw()];
                const double rating_kwp = rated(random.uniform(2, 6));
                for (double& value : home.pv_kw)
                    value *= rating_kwp;
            }
            if (batteries.ask(random)) {
                home.battery.power_max_kw = rated(random.uniform(3, 5));
                home.battery.energy_max_kwh = rated(random.uniform(8, 14));
                home.battery.energy_start_kwh = home.battery.energy_max_kwh / 2;
                home.battery.energy_end_min_kwh = home.battery.energy_max_kwh / 2;
            }
            home.forecast.seed = random.next() >> 1;  // a TOML integer is signed
            homes.push_back(std::move(home));
        }
    }
    return homes;
}

model::Network without_homes(model::Network network, const std::vector<HomeSpec>& homes) {
    for (const HomeSpec& home : homes) {
        KILTER_CHECK(home.net.value < network.nets.size(),
                     "a home on a net the network does not have");
        double& load_p_kw = network.buses[network.nets[home.net.value].bus].load_p_kw;
        load_p_kw = std::max(0.0, load_p_kw - mean(home.load_kw));
    }
    return network;
}

model::Home home_horizon(const HomeSpec& spec,
                         IntervalIndex first,
                         Eigen::Index intervals,
                         std::int64_t interval_s,
                         std::optional<double> energy_start_kwh) {
    KILTER_CHECK(interval_s == spec.interval_s,
                 "a home's series have the market's interval length");
    KILTER_CHECK(intervals > 0 && static_cast<std::size_t>(intervals) <= limits::horizon_max,
                 "horizon out of range");
    model::Home home;
    home.interval_h = static_cast<double>(interval_s) / 3600;
    home.load_kw = horizon_series(spec.load_kw, spec, first, intervals, 0);
    home.pv_available_kw = horizon_series(spec.pv_kw, spec, first, intervals, 1);
    home.battery = spec.battery;
    home.battery.energy_start_kwh = energy_start_kwh.value_or(spec.battery.energy_start_kwh);
    KILTER_CHECK(home.battery.energy_start_kwh >= 0 &&
                     home.battery.energy_start_kwh <= spec.battery.energy_max_kwh,
                 "a battery holds between nothing and its capacity");
    return home;
}

}  // namespace kilter::topology
