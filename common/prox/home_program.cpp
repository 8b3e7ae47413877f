#include "common/prox/home_program.hpp"

#include <algorithm>
#include <cmath>

namespace kilter::prox {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;
using Kind = ChainName::Kind;

constexpr double unbounded = std::numeric_limits<double>::infinity();

/// One chain before it is packed; per interval.
struct Chain {
    ChainName name;
    bool two_way = false;
    double meter_input = 1, meter_state = 0;
    ArrayXd keep, inflow, gain, gain2;
    ArrayXd input_low, input_high, second_high, second_cost;
    ArrayXd state_cost, state_curvature;
    // bounds of the state; infinite: none
    ArrayXd low, high, soft_low, soft_high, soft_low_price, soft_high_price;

    Chain(Kind kind, std::size_t item, Index n) : name{kind, item} {
        keep = gain = ArrayXd::Ones(n);
        inflow = gain2 = input_low = input_high = second_high = second_cost = state_cost =
            state_curvature = soft_low_price = soft_high_price = ArrayXd::Zero(n);
        low = soft_low = ArrayXd::Constant(n, -unbounded);
        high = soft_high = ArrayXd::Constant(n, unbounded);
    }

    /// The state before the first interval.
    void start(double value) {
        inflow[0] += keep[0] * value;
        keep[0] = 0;
    }
};

struct Free {
    double meter = 1;
    ArrayXd high, cost;
};

/// What a leak of κ per hour leaves of a level, and of an even inflow, after h hours.
struct Leak {
    double keep, gain;

    Leak(double rate_per_h, double hours)
        : keep(std::exp(-rate_per_h * hours)),
          gain(rate_per_h * hours > 1e-9 ? -std::expm1(-rate_per_h * hours) / (rate_per_h * hours)
                                         : 1) {}
};

Chain chain_of(const model::Battery& battery, double hours, Index n) {
    Chain out(Kind::battery, 0, n);
    const Leak leak(battery.self_discharge_per_h, hours);
    const bool lossless = battery.charge_efficiency == 1 && battery.discharge_efficiency == 1 &&
                          battery.cycle_cost_eur_per_kwh == 0;
    out.two_way = !lossless;
    out.keep.setConstant(leak.keep);
    out.gain.setConstant(leak.gain * hours * battery.charge_efficiency);
    out.gain2.setConstant(-leak.gain * hours / battery.discharge_efficiency);
    out.input_high.setConstant(battery.power_max_kw);
    if (lossless)
        out.input_low.setConstant(-battery.power_max_kw);
    else
        out.second_high.setConstant(battery.power_max_kw);
    out.second_cost.setConstant(battery.cycle_cost_eur_per_kwh * hours);
    out.low.setZero();
    out.high.setConstant(battery.energy_max_kwh);
    if (battery.energy_end_min_kwh > 0) {
        out.soft_low[n - 1] = battery.energy_end_min_kwh;
        out.soft_low_price[n - 1] = model::required_eur_per_kwh;
    }
    out.start(battery.energy_start_kwh);
    return out;
}

/// State: energy charged less energy required, ≤ 0. What is missing costs, and is never negative: a linear cost.
Chain chain_of(const model::Vehicle& vehicle, std::size_t item, double hours, Index n) {
    Chain out(Kind::vehicle, item, n);
    out.gain.setConstant(hours * vehicle.charge_efficiency);
    out.keep[0] = 0;
    for (const model::Stay& stay : vehicle.stays) {
        const auto from = static_cast<Index>(stay.arrival),
                   leaves = static_cast<Index>(stay.departure),
                   end = static_cast<Index>(stay.latest);
        out.keep[from] = 0;
        out.inflow[from] = -stay.required_kwh;
        if (end < n) out.keep[end] = 0;
        if (stay.required_kwh == 0 || vehicle.power_max_kw == 0) continue;
        out.input_high.segment(from, end - from).setConstant(vehicle.power_max_kw);
        out.high[end - 1] = 0;
        out.state_cost.segment(leaves - 1, end - leaves)
            .setConstant(-vehicle.lateness_eur_per_kwh_h * hours);
        out.state_cost[end - 1] = -model::required_eur_per_kwh;
    }
    return out;
}

Chain chain_of(const model::Climate& climate, std::size_t item, double hours, Index n) {
    Chain out(Kind::climate, item, n);
    const double keep =
        std::exp(-hours / (climate.resistance_k_per_kw * climate.capacity_kwh_per_k));
    const double sign = climate.cools ? -1 : 1;
    out.keep.setConstant(keep);
    out.gain = (1 - keep) * climate.resistance_k_per_kw * sign * climate.cop.array();
    out.inflow = (1 - keep) * climate.outdoor_c.array();
    if (climate.gains_kw.size() > 0)
        out.inflow += (1 - keep) * climate.resistance_k_per_kw * climate.gains_kw.array();
    out.input_high.setConstant(climate.power_max_kw);
    out.soft_low = climate.low_c;
    out.soft_high = climate.high_c;
    out.soft_low_price.setConstant(climate.discomfort_eur_per_k_h * hours);
    out.soft_high_price = out.soft_low_price;
    out.start(climate.temperature_start_c);
    return out;
}

Chain chain_of(const model::HotWater& tank, std::size_t item, double hours, Index n) {
    Chain out(Kind::tank, item, n);
    const Leak leak((tank.loss_full_kw - tank.loss_empty_kw) / tank.energy_max_kwh, hours);
    out.keep.setConstant(leak.keep);
    out.gain.setConstant(leak.gain * hours);
    if (tank.cop.size() > 0) out.gain *= tank.cop.array();
    out.inflow = -leak.gain * hours * (tank.draw_kw.array() + tank.loss_empty_kw);
    out.input_high.setConstant(tank.power_max_kw);
    out.high.setConstant(tank.energy_max_kwh);
    out.soft_low.setZero();
    out.soft_low_price.setConstant(tank.shortage_eur_per_kwh_h * hours);
    out.start(tank.energy_start_kwh);
    return out;
}

/// As a vehicle's: state = energy taken less energy required.
Chain chain_of(const model::Deferrable& load, std::size_t item, double hours, Index n) {
    Chain out(Kind::deferrable, item, n);
    out.gain.setConstant(hours);
    out.start(-load.energy_kwh);
    if (load.energy_kwh == 0 || load.power_max_kw == 0) return out;
    const auto from = static_cast<Index>(load.first), end = static_cast<Index>(load.end);
    out.input_high.segment(from, end - from).setConstant(load.power_max_kw);
    out.high[end - 1] = 0;
    out.state_cost[end - 1] = -model::required_eur_per_kwh;
    return out;
}

/// State: power; input: its change.
Chain chain_of(const model::Generator& generator, std::size_t item, double hours, Index n) {
    Chain out(Kind::generator, item, n);
    out.meter_input = 0;
    out.meter_state = -1;
    const double step = std::min(generator.ramp_kw_per_h * hours, 2 * generator.power_max_kw);
    out.input_low.setConstant(-step);
    out.input_high.setConstant(step);
    out.state_cost.setConstant(generator.cost_eur_per_kwh * hours);
    out.state_curvature.setConstant(generator.slope_eur_per_kwh_kw * hours);
    out.low.setZero();
    out.high.setConstant(generator.power_max_kw);
    out.start(generator.power_start_kw);
    return out;
}

std::vector<Chain> chains_of(const model::Home& home) {
    const Index n = home.intervals();
    const double hours = home.interval_h;
    std::vector<Chain> out;
    if (home.battery.power_max_kw > 0 && home.battery.energy_max_kwh > HomeProgram::slack_of_bounds)
        out.push_back(chain_of(home.battery, hours, n));
    const auto add = [&](const auto& items) {
        for (std::size_t i = 0; i < items.size(); ++i)
            out.push_back(chain_of(items[i], i, hours, n));
    };
    add(home.vehicles);
    add(home.climates);
    add(home.tanks);
    add(home.deferrables);
    add(home.generators);
    return out;
}

/// Puts the parts one after the other into the vector of scalars.
class Packer {
  public:
    Packer(const model::Home& home, const std::vector<std::optional<std::size_t>>& starts)
        : home_(home), n_(home.intervals()) {
        out_.intervals = n_;
        out_.base_kw = home.load_kw;
        out_.base_kvar =
            home.load_kvar.size() > 0 ? ArrayXd(home.load_kvar) : ArrayXd(ArrayXd::Zero(n_));
        collect_frees();
        collect_appliances(starts);
        const std::vector<Chain> chains = chains_of(home);
        lay_out(chains);
        for (std::size_t i = 0; i < chains.size(); ++i)
            pack(chains[i], static_cast<Index>(i));
        for (std::size_t f = 0; f < frees_.size(); ++f)
            pack(frees_[f], static_cast<Index>(f));
        pack_appliances();
        pack_limits();
    }

    HomeProgram take() && { return std::move(out_); }

  private:
    void collect_frees() {
        const double hours = home_.interval_h;
        out_.reactive =
            home_.trades_reactive && std::isfinite(home_.inverter_kva) && home_.inverter_kva > 0;
        out_.inverter_kva = home_.inverter_kva;
        if (out_.reactive || (home_.pv_available_kw.array() > 0).any()) {
            out_.panels = static_cast<Index>(frees_.size());
            frees_.push_back(
                {-1, home_.pv_available_kw.array().min(home_.inverter_kva), ArrayXd::Zero(n_)});
        }
        for (const model::Curtailable& load : home_.curtailables) {
            out_.base_kw += load.load_kw.array();
            frees_.push_back(
                {-1, load.load_kw, ArrayXd::Constant(n_, load.price_eur_per_kwh * hours)});
        }
        if (!home_.tie) return;
        const model::ExternalTie& tie = *home_.tie;
        if (tie.demand_charge_eur_per_kw > 0 && tie.import_max_kw > tie.peak_so_far_kw)
            out_.imports = static_cast<Index>(frees_.size());
        out_.demand_charge = tie.demand_charge_eur_per_kw;
        frees_.push_back(
            {-1, ArrayXd::Constant(n_, tie.import_max_kw), tie.buy_eur_per_kwh.array() * hours});
        frees_.push_back(
            {1, ArrayXd::Constant(n_, tie.export_max_kw), -tie.sell_eur_per_kwh.array() * hours});
    }

    void collect_appliances(const std::vector<std::optional<std::size_t>>& starts) {
        for (std::size_t i = 0; i < home_.shiftables.size(); ++i) {
            const model::Shiftable& load = home_.shiftables[i];
            const auto add_to_base = [&](Index start) {
                const Index length = std::min<Index>(load.profile_kw.size(), n_ - start);
                out_.base_kw.segment(start, length) += load.profile_kw.array().head(length);
            };
            if (starts[i])
                add_to_base(static_cast<Index>(*starts[i]));
            else if (load.first_start == load.last_start)
                add_to_base(static_cast<Index>(load.first_start));
            else
                out_.appliances.push_back(
                    {0, static_cast<Index>(load.first_start),
                     static_cast<Index>(load.last_start - load.first_start + 1),
                     load.profile_kw.array(), i});
        }
    }

    void lay_out(const std::vector<Chain>& chains) {
        const auto count = static_cast<Index>(chains.size());
        for (const Chain& chain : chains) {
            out_.names.push_back(chain.name);
            out_.two_way += chain.two_way;
        }
        out_.frees = static_cast<Index>(frees_.size());
        out_.at_second = n_ * count;
        out_.at_state = out_.at_second + n_ * out_.two_way;
        out_.at_free = out_.at_state + n_ * count;
        out_.at_meter = out_.at_free + n_ * out_.frees;
        out_.at_weight = out_.at_meter + n_;
        out_.at_peak = out_.at_weight;
        for (ApplianceBlock& block : out_.appliances) {
            block.at = out_.at_peak;
            out_.at_peak += block.starts;
        }
        out_.scalars = out_.at_peak + (out_.imports ? 1 : 0);
        out_.cost = out_.curvature = out_.low = out_.high = ArrayXd::Zero(out_.scalars);
        out_.keep = out_.inflow = out_.gain = Eigen::ArrayXXd::Zero(count, n_);
        out_.gain2 = Eigen::ArrayXXd::Zero(out_.two_way, n_);
        out_.meter_input = out_.meter_state = ArrayXd::Zero(count);
        out_.meter_free = ArrayXd::Zero(out_.frees);
    }

    /// What is closer together than slack_of_bounds is one value.
    void bound_both(Index at, double low, double high) {
        const bool fixed = high - low <= HomeProgram::slack_of_bounds;
        out_.low[at] = low;
        out_.high[at] = fixed ? low : high;
        if (fixed) return;
        out_.hard.push_back({at, 1, low});
        out_.hard.push_back({at, -1, high});
    }

    void pack(const Chain& chain, Index i) {
        out_.keep.row(i) = chain.keep.transpose();
        out_.inflow.row(i) = chain.inflow.transpose();
        out_.gain.row(i) = chain.gain.transpose();
        if (chain.two_way) out_.gain2.row(i) = chain.gain2.transpose();
        out_.meter_input[i] = chain.meter_input;
        out_.meter_state[i] = chain.meter_state;
        const double wider = HomeProgram::slack_of_bounds;
        for (Index t = 0; t < n_; ++t) {
            bound_both(out_.input(i, t), chain.input_low[t], chain.input_high[t]);
            if (chain.two_way) {
                bound_both(out_.second(i, t), 0, chain.second_high[t]);
                out_.cost[out_.second(i, t)] = chain.second_cost[t];
            }
            const Index state = out_.state(i, t);
            out_.cost[state] = chain.state_cost[t];
            out_.curvature[state] = chain.state_curvature[t];
            if (std::isfinite(chain.low[t])) out_.hard.push_back({state, 1, chain.low[t] - wider});
            if (std::isfinite(chain.high[t]))
                out_.hard.push_back({state, -1, chain.high[t] + wider});
            if (chain.soft_low_price[t] > 0 && std::isfinite(chain.soft_low[t]))
                out_.soft.push_back({state, 1, chain.soft_low[t], chain.soft_low_price[t]});
            if (chain.soft_high_price[t] > 0 && std::isfinite(chain.soft_high[t]))
                out_.soft.push_back({state, -1, chain.soft_high[t], chain.soft_high_price[t]});
        }
        require(chain.name, i);
    }

    void require(const ChainName& name, Index i) {
        const auto add = [&](Requirement::Kind kind, std::size_t end, double level) {
            const auto last = static_cast<Index>(end) - 1;
            out_.required.push_back({kind, name.item, last, out_.state(i, last), 1, level});
        };
        if (name.kind == Kind::battery)
            add(Requirement::Kind::battery_end, static_cast<std::size_t>(n_),
                home_.battery.energy_end_min_kwh);
        if (name.kind == Kind::deferrable)
            add(Requirement::Kind::deferrable, home_.deferrables[name.item].end, 0);
        if (name.kind == Kind::vehicle)
            for (const model::Stay& stay : home_.vehicles[name.item].stays)
                add(Requirement::Kind::vehicle, stay.latest, 0);
    }

    void pack(const Free& free, Index f) {
        out_.meter_free[f] = free.meter;
        for (Index t = 0; t < n_; ++t) {
            bound_both(out_.free(f, t), 0, free.high[t]);
            out_.cost[out_.free(f, t)] = free.cost[t];
        }
    }

    void pack_appliances() {
        for (const ApplianceBlock& block : out_.appliances)
            for (Index s = 0; s < block.starts; ++s) {
                out_.hard.push_back({block.at + s, 1, 0});
                out_.high[block.at + s] = 1;
            }
    }

    void pack_limits() {
        const double price = model::required_eur_per_kwh * home_.interval_h;
        for (Index t = 0; t < n_; ++t) {
            const Index at = out_.at_meter + t;
            if (std::isfinite(home_.import_max_kw)) {
                out_.soft.push_back({at, -1, home_.import_max_kw, price});
                out_.required.push_back(
                    {Requirement::Kind::import_limit, 0, t, at, -1, home_.import_max_kw});
            }
            if (std::isfinite(home_.export_max_kw)) {
                out_.soft.push_back({at, 1, -home_.export_max_kw, price});
                out_.required.push_back(
                    {Requirement::Kind::export_limit, 0, t, at, 1, -home_.export_max_kw});
            }
        }
        if (!out_.imports) return;
        out_.hard.push_back({out_.at_peak, 1, home_.tie->peak_so_far_kw});
        out_.cost[out_.at_peak] = out_.demand_charge;
        out_.low[out_.at_peak] = home_.tie->peak_so_far_kw;
        out_.high[out_.at_peak] = home_.tie->import_max_kw + 1;
    }

    const model::Home& home_;
    Index n_;
    HomeProgram out_;
    std::vector<Free> frees_;
};

}  // namespace

HomeProgram program_of(const model::Home& home,
                       const std::vector<std::optional<std::size_t>>& starts) {
    return Packer(home, starts).take();
}

}  // namespace kilter::prox
