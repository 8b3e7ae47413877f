#include "common/model/network.hpp"

#include <cmath>

#include "common/base/limits.hpp"
#include "common/base/number.hpp"
#include "common/model/names.hpp"

namespace kilter::model {

namespace {

Error at_fault(const std::string& item,
               const std::string& field,
               double value,
               const std::string& allowed) {
    return Error{item + ": " + field + " is " + number_text(value) + ", " + allowed};
}

bool finite_from(double value, double low) {
    return std::isfinite(value) && value >= low;
}

Result<void> check_bus(const Bus& bus) {
    const std::string item = "bus " + bus.name;
    if (!finite_from(bus.v_min_pu, 0))
        return at_fault(item, "v_min_pu", bus.v_min_pu, "give a magnitude of at least 0");
    if (!finite_from(bus.v_max_pu, bus.v_min_pu))
        return at_fault(item, "v_max_pu", bus.v_max_pu,
                        "give a magnitude of at least v_min_pu " + number_text(bus.v_min_pu));
    if (!std::isfinite(bus.load_p_kw))
        return at_fault(item, "load_p_kw", bus.load_p_kw, "give a finite power");
    if (!std::isfinite(bus.load_q_kvar))
        return at_fault(item, "load_q_kvar", bus.load_q_kvar, "give a finite power");
    if (!finite_from(bus.shunt_p_kw, 0))
        return at_fault(item, "shunt_p_kw", bus.shunt_p_kw, "give a power of at least 0");
    if (!std::isfinite(bus.shunt_q_kvar))
        return at_fault(item, "shunt_q_kvar", bus.shunt_q_kvar, "give a finite power");
    return {};
}

Result<void> check_branch(const Branch& branch, std::size_t buses) {
    const std::string item = "branch " + branch.name;
    if (branch.from >= buses || branch.to >= buses)
        return Error{item + ": it ends at a bus that does not exist"};
    if (branch.from == branch.to) return Error{item + ": both ends are at the same bus"};
    if (!finite_from(branch.r_ohm, 0))
        return at_fault(item, "r_ohm", branch.r_ohm, "give a resistance of at least 0");
    if (!finite_from(branch.x_ohm, 0))
        return at_fault(item, "x_ohm", branch.x_ohm, "give a reactance of at least 0");
    if (!(branch.rating_kva > 0))
        return at_fault(item, "rating_kva", branch.rating_kva,
                        "give a rating above 0, or leave it out for none");
    if (!finite_from(branch.ratio, 0.5) || branch.ratio > 2)
        return at_fault(item, "ratio", branch.ratio, "give a ratio between 0.5 and 2");
    if (!finite_from(branch.charging_kvar, 0))
        return at_fault(item, "charging_kvar", branch.charging_kvar, "give at least 0");
    return {};
}

/// The same branch seen from its other end: what is behind the transformer is now before it.
void turn(Branch& branch) {
    const double square = branch.ratio * branch.ratio;
    std::swap(branch.from, branch.to);
    branch.ratio = 1 / branch.ratio;
    branch.r_ohm *= square;
    branch.x_ohm *= square;
    branch.charging_kvar /= square;
}

/// The value of a one-day series (n values from midnight UTC, however long each) at `slot` of
/// `slots` of the day.
double at_slot(const std::vector<double>& day, std::int64_t slot, std::int64_t slots) {
    const auto values = static_cast<std::int64_t>(day.size());
    return day[static_cast<std::size_t>(slot * values / slots)];
}

}  // namespace

Result<void> Tie::validate() const {
    if (!(import_max_kw >= 0))
        return at_fault("tie", "import_max_kw", import_max_kw,
                        "give a limit of at least 0, or leave it out for none");
    if (!(export_max_kw >= 0))
        return at_fault("tie", "export_max_kw", export_max_kw,
                        "give a limit of at least 0, or leave it out for none");
    if (!finite_from(slope_eur_per_kwh_kw, 0))
        return at_fault("tie", "slope_eur_per_kwh_kw", slope_eur_per_kwh_kw,
                        "give a finite slope of at least 0");
    for (std::size_t i = 0; i < price_eur_per_kwh.size(); ++i) {
        if (!std::isfinite(price_eur_per_kwh[i]))
            return at_fault("tie", "price_eur_per_kwh[" + std::to_string(i) + "]",
                            price_eur_per_kwh[i], "give a finite price");
    }
    return {};
}

Result<void> Network::normalise() {
    if (buses.empty()) return Error{"the network has no buses"};
    if (root >= buses.size()) return Error{"the root is a bus that does not exist"};
    std::vector<std::vector<std::size_t>> at_bus(buses.size());
    for (std::size_t b = 0; b < branches.size(); ++b) {
        if (branches[b].from >= buses.size() || branches[b].to >= buses.size())
            return Error{"branch " + branches[b].name + ": it ends at a bus that does not exist"};
        at_bus[branches[b].from].push_back(b);
        at_bus[branches[b].to].push_back(b);
    }
    std::vector<bool> reached(buses.size());
    std::vector<bool> used(branches.size());
    std::vector<Branch> ordered;
    std::vector<std::size_t> frontier{root};
    reached[root] = true;
    for (std::size_t i = 0; i < frontier.size(); ++i) {
        const std::size_t bus = frontier[i];
        for (const std::size_t b : at_bus[bus]) {
            if (used[b]) continue;
            used[b] = true;
            Branch branch = branches[b];
            if (branch.from != bus) turn(branch);
            if (reached[branch.to])
                return Error{"branch " + branch.name +
                             " closes a loop, leave it out: only radial feeders are supported"};
            reached[branch.to] = true;
            frontier.push_back(branch.to);
            ordered.push_back(std::move(branch));
        }
    }
    for (std::size_t i = 0; i < buses.size(); ++i) {
        if (!reached[i])
            return Error{"bus " + buses[i].name + " cannot be reached from the root bus " +
                         buses[root].name + ", connect it by a branch or leave it out"};
    }
    branches = std::move(ordered);
    return {};
}

Result<void> Network::validate() const {
    if (buses.empty()) return Error{"the network has no buses"};
    if (root >= buses.size()) return Error{"the root is a bus that does not exist"};
    if (!finite_from(base_kv, 0) || base_kv == 0)
        return at_fault("network", "base_kv", base_kv, "give the line-to-line voltage in kV");
    if (!finite_from(v_root_pu, 0) || v_root_pu == 0)
        return at_fault("network", "v_root_pu", v_root_pu, "give a magnitude above 0");
    if (nets.size() > limits::nets_max)
        return Error{"the network has " + std::to_string(nets.size()) + " nets, at most " +
                     std::to_string(limits::nets_max) + " are allowed"};
    if (!finite_from(limit_penalty_eur_per_kwh, 0) || limit_penalty_eur_per_kwh == 0)
        return at_fault("network", "limit_penalty_eur_per_kwh", limit_penalty_eur_per_kwh,
                        "give a price above 0");
    if (auto ok = check_names("bus", buses); !ok) return ok;
    if (auto ok = check_names("branch", branches); !ok) return ok;
    if (auto ok = check_names("net", nets); !ok) return ok;
    for (const Bus& bus : buses) {
        if (auto ok = check_bus(bus); !ok) return ok;
    }
    for (const Branch& branch : branches) {
        if (auto ok = check_branch(branch, buses.size()); !ok) return ok;
    }
    for (const Net& net : nets) {
        if (net.bus >= buses.size())
            return Error{"net " + net.name + ": it is at a bus that does not exist"};
    }
    for (std::size_t i = 0; i < daily_shape.size(); ++i) {
        if (!std::isfinite(daily_shape[i]))
            return at_fault("network", "daily_shape[" + std::to_string(i) + "]", daily_shape[i],
                            "give a finite factor");
    }
    if (auto ok = tie.validate(); !ok) return ok;
    Network copy = *this;
    return copy.normalise();
}

FeederHorizon horizon_of(const Network& network,
                         std::int64_t first,
                         Eigen::Index intervals,
                         std::int64_t interval_s) {
    KILTER_CHECK(interval_s > 0 && day_s % interval_s == 0, "an interval divides a day");
    KILTER_CHECK(intervals > 0, "a horizon has intervals");
    const std::int64_t slots = day_s / interval_s;
    const auto buses = static_cast<Eigen::Index>(network.buses.size());
    FeederHorizon out{static_cast<double>(interval_s) / 3600, Schedules(buses, intervals),
                      Schedules(buses, intervals), Series(intervals)};
    for (Eigen::Index t = 0; t < intervals; ++t) {
        const std::int64_t slot = ((first + t) % slots + slots) % slots;
        const double shape =
            network.daily_shape.empty() ? 1 : at_slot(network.daily_shape, slot, slots);
        const auto& price = network.tie.price_eur_per_kwh;
        out.price_eur_per_kwh[t] = price.empty() ? 0 : at_slot(price, slot, slots);
        for (Eigen::Index i = 0; i < buses; ++i) {
            const Bus& bus = network.buses[static_cast<std::size_t>(i)];
            out.fixed_p_kw(i, t) = shape * bus.load_p_kw;
            out.fixed_q_kvar(i, t) = shape * bus.load_q_kvar;
        }
    }
    return out;
}

}  // namespace kilter::model
