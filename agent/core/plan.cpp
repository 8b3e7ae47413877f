#include "agent/core/plan.hpp"

#include <algorithm>
#include <cmath>

namespace kilter::agent {

namespace {

using Eigen::Index;
using model::Series;

constexpr double idle_fraction = 0.05;  // of the device's largest power: counts as doing nothing
constexpr double minute_s = 60;

struct Run {
    Index from;
    Index until;
};

// Where the power is above what counts as nothing; a pause of one interval does not end a run.
std::vector<Run> runs_of(const Series& power_kw) {
    const double least = idle_fraction * std::max(0.0, power_kw.maxCoeff());
    std::vector<Run> out;
    if (least <= 0) return out;
    for (Index t = 0; t < power_kw.size(); ++t) {
        if (power_kw[t] <= least) continue;
        if (!out.empty() && t - out.back().until <= 1)
            out.back().until = t + 1;
        else
            out.push_back({t, t + 1});
    }
    return out;
}

struct Horizon {
    const std::vector<double>& price;
    IntervalIndex first;
    double interval_h;

    [[nodiscard]] IntervalIndex at(Index t) const { return first + t; }

    [[nodiscard]] Index dearest(Index from) const {
        return std::max_element(price.begin() + from, price.end()) - price.begin();
    }

    [[nodiscard]] Index cheapest(Index until) const {
        return std::min_element(price.begin(), price.begin() + std::max<Index>(until, 1)) -
               price.begin();
    }
};

PlannedStep step_of(const std::string& device,
                    const char* does,
                    const Series& power_kw,
                    const Run& run,
                    const Horizon& horizon) {
    PlannedStep out;
    out.device = device;
    out.does = does;
    out.from = horizon.at(run.from);
    out.until = horizon.at(run.until);
    const Index length = run.until - run.from;
    const Series power = power_kw.segment(run.from, length).cwiseMax(0.0);
    const Series price = Eigen::Map<const Series>(horizon.price.data() + run.from, length);
    out.energy_kwh = power.sum() * horizon.interval_h;
    out.price_eur_per_kwh = price.mean();
    return out;
}

// Consumption is explained by the dearest price that it avoids, production by the cheapest it was bought at.
void add_steps(const std::string& device,
               const char* does,
               const Series& power_kw,
               bool consumes,
               const Horizon& horizon,
               std::vector<PlannedStep>& out) {
    if (power_kw.size() == 0) return;
    std::vector<PlannedStep> steps;
    for (const Run& run : runs_of(power_kw)) {
        PlannedStep step = step_of(device, does, power_kw, run, horizon);
        const Index other = consumes ? horizon.dearest(run.from) : horizon.cheapest(run.from);
        step.compared_with = horizon.at(other);
        step.compared_eur_per_kwh = horizon.price[static_cast<std::size_t>(other)];
        steps.push_back(std::move(step));
    }
    std::sort(steps.begin(), steps.end(),
              [](const auto& a, const auto& b) { return a.energy_kwh > b.energy_kwh; });
    if (steps.size() > steps_per_device_max) steps.resize(steps_per_device_max);
    out.insert(out.end(), steps.begin(), steps.end());
}

void add_each(const std::string& device,
              const char* does,
              const std::vector<Series>& powers_kw,
              const Horizon& horizon,
              std::vector<PlannedStep>& out) {
    for (std::size_t i = 0; i < powers_kw.size(); ++i)
        add_steps(powers_kw.size() == 1 ? device : device + " " + std::to_string(i + 1), does,
                  powers_kw[i], true, horizon, out);
}

std::string two_digits(std::int64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string time_of_day(IntervalIndex interval, IntervalIndex first, std::int64_t interval_s) {
    constexpr std::int64_t day_s = 86'400;
    const std::int64_t second = interval * interval_s;
    const std::int64_t minutes = second % day_s / static_cast<std::int64_t>(minute_s);
    const std::int64_t days = second / day_s - first * interval_s / day_s;
    std::string out = two_digits(minutes / 60) + ":" + two_digits(minutes % 60);
    if (days == 1) return out + " tomorrow";
    return days > 1 ? out + " in " + std::to_string(days) + " days" : out;
}

std::string cents(double eur_per_kwh) {
    const auto tenths = std::llround(eur_per_kwh * 1'000);
    return std::string(tenths < 0 ? "-" : "") + std::to_string(std::abs(tenths) / 10) + "." +
           std::to_string(std::abs(tenths) % 10);
}

}  // namespace

std::vector<PlannedStep> planned_steps(const model::Home& home,
                                       const prox::HomePlan& plan,
                                       const std::vector<double>& price_eur_per_kwh,
                                       IntervalIndex first) {
    const Horizon horizon{price_eur_per_kwh, first, home.interval_h};
    std::vector<PlannedStep> out;
    add_steps("battery", "charges", plan.battery_kw, true, horizon, out);
    add_steps("battery", "discharges", -plan.battery_kw, false, horizon, out);
    add_each("vehicle", "charges", plan.vehicle_kw, horizon, out);
    add_each("heat pump", "runs", plan.climate_kw, horizon, out);
    add_each("hot water", "heats", plan.tank_kw, horizon, out);
    add_each("appliance", "runs", plan.shiftable_kw, horizon, out);
    add_each("deferrable load", "runs", plan.deferrable_kw, horizon, out);
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.from < b.from; });
    return out;
}

std::string in_words(const PlannedStep& step, IntervalIndex first, std::int64_t interval_s) {
    const auto at = [&](IntervalIndex interval) {
        return time_of_day(interval, first, interval_s);
    };
    std::string out =
        "the " + step.device + " " + step.does + " " + at(step.from) + " to " + at(step.until);
    const std::string then = cents(step.price_eur_per_kwh) + " ct/kWh";
    const std::string other = cents(step.compared_eur_per_kwh) + " ct/kWh";
    if (step.does == "discharges" && step.compared_eur_per_kwh < step.price_eur_per_kwh)
        return out + " because energy costs " + then + " then and cost " + other + " at " +
               at(step.compared_with);
    if (step.does != "discharges" && step.compared_eur_per_kwh > step.price_eur_per_kwh)
        return out + " because energy costs " + then + " then and " + other + " at " +
               at(step.compared_with);
    return out + ", when energy costs " + then;
}

std::string in_words(const std::vector<double>& price_eur_per_kwh,
                     IntervalIndex first,
                     std::int64_t interval_s) {
    if (price_eur_per_kwh.empty()) return {};
    const auto low = std::min_element(price_eur_per_kwh.begin(), price_eur_per_kwh.end());
    const auto high = std::max_element(price_eur_per_kwh.begin(), price_eur_per_kwh.end());
    const auto at = [&](auto place) {
        return time_of_day(first + (place - price_eur_per_kwh.begin()), first, interval_s);
    };
    return "energy costs " + cents(price_eur_per_kwh.front()) + " ct/kWh at " +
           time_of_day(first, first, interval_s) + ", least at " + at(low) + " (" + cents(*low) +
           ") and most at " + at(high) + " (" + cents(*high) + ")";
}

}  // namespace kilter::agent
