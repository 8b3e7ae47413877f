/// The slow oracle of a home: its equipment written out as one dense quadratic programme straight from the equations of
/// common/model/equipment.hpp, solved by a textbook interior-point method in extended precision. Shares no code with
/// what it checks.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include "common/model/home.hpp"

namespace kilter::test {

using Real = long double;
using RealVector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;
using RealMatrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

/// min ½ z'Pz + c'z  over  G z ≤ h,  A z = b, where an inner point exists; `reached`: to the end of its precision.
inline RealVector solve_dense(const RealMatrix& p,
                              const RealVector& c,
                              const RealMatrix& g,
                              const RealVector& h,
                              const RealMatrix& a,
                              const RealVector& b,
                              bool& reached) {
    const Eigen::Index n = c.size(), m = h.size(), e = b.size();
    reached = m == 0;
    if (m == 0) return RealVector::Zero(n);
    RealVector z = RealVector::Zero(n), dual = RealVector::Constant(m, 1), nu = RealVector::Zero(e);
    RealVector slack = (h - g * z).cwiseMax(Real(1));
    RealMatrix kkt = RealMatrix::Zero(n + e, n + e);
    RealVector rhs(n + e), ds(m), dd(m);
    for (int i = 0; i < 60; ++i) {
        const RealVector stationary = p * z + c + g.transpose() * dual + a.transpose() * nu;
        const RealVector primal = g * z + slack - h, equal = a * z - b;
        const Real mu = slack.dot(dual) / Real(m);
        if (mu < 1e-15L && stationary.cwiseAbs().maxCoeff() < 1e-10L &&
            primal.cwiseAbs().maxCoeff() < 1e-10L) {
            reached = true;
            break;
        }
        const RealVector weight = dual.cwiseQuotient(slack);
        kkt.topLeftCorner(n, n) = p + g.transpose() * weight.asDiagonal() * g;
        kkt.topLeftCorner(n, n).diagonal().array() += 1e-9L;
        kkt.topRightCorner(n, e) = a.transpose();
        kkt.bottomLeftCorner(e, n) = a;
        const Eigen::PartialPivLU<RealMatrix> factors(kkt);
        const auto direction = [&](const RealVector& products) {  // products: the wanted s z
            const RealVector pull =
                (products - dual.cwiseProduct(slack) + dual.cwiseProduct(primal))
                    .cwiseQuotient(slack);
            rhs.head(n) = -stationary - g.transpose() * pull;
            rhs.tail(e) = -equal;
            rhs = factors.solve(rhs).eval();
            ds = -primal - g * rhs.head(n);
            dd = (products - dual.cwiseProduct(slack) - dual.cwiseProduct(ds)).cwiseQuotient(slack);
        };
        const auto longest = [&] {
            Real step = 1;
            for (Eigen::Index j = 0; j < m; ++j) {
                if (ds[j] < 0) step = std::min(step, -slack[j] / ds[j]);
                if (dd[j] < 0) step = std::min(step, -dual[j] / dd[j]);
            }
            return step;
        };
        direction(RealVector::Zero(m));
        if (!rhs.allFinite()) break;
        const Real affine = longest();
        const Real left = (slack + affine * ds).dot(dual + affine * dd) / Real(m) / mu;
        const RealVector products =
            (RealVector::Constant(m, mu * left * left * left) - ds.cwiseProduct(dd)).eval();
        direction(products);
        const Real step = std::min(Real(1), 0.995L * longest());
        if (!rhs.allFinite() || !(step > 0)) break;  // nothing left to gain in this precision
        z += step * rhs.head(n);
        nu += step * rhs.tail(e);
        slack += step * ds;
        dual += step * dd;
    }
    return z;
}

/// An affine function of the unknowns.
struct Affine {
    RealVector of;
    Real constant = 0;

    Affine operator+(const Affine& other) const {
        return {of + other.of, constant + other.constant};
    }

    Affine operator-(const Affine& other) const {
        return {of - other.of, constant - other.constant};
    }

    Affine operator*(Real factor) const { return {of * factor, constant * factor}; }

    Affine operator+(Real shift) const { return {of, constant + shift}; }

    [[nodiscard]] Real at(const RealVector& z) const { return of.dot(z) + constant; }
};

class HomeOracle {
  public:
    /// `starts`: where shiftables are fixed; −1: the convex hull.
    explicit HomeOracle(const model::Home& home, std::vector<long> starts = {})
        : home_(home), n_(home.intervals()) {
        // at most: battery 2, panels 2, tie 2, and one or two per item, with two slacks per interval
        const auto items = home.vehicles.size() + 3 * home.climates.size() + 2 * home.tanks.size() +
                           home.deferrables.size() + home.curtailables.size() +
                           home.generators.size() + home.shiftables.size();
        size_ = n_ * static_cast<Eigen::Index>(9 + items) + 2;
        for (Eigen::Index t = 0; t < n_; ++t) {
            p_.push_back(number(home.load_kw[t]));
            q_.push_back(number(home.load_kvar.size() > 0 ? home.load_kvar[t] : 0));
        }
        cost_ = RealVector::Zero(size_);
        curvature_ = RealVector::Zero(size_);
        panels();
        battery();
        for (const auto& vehicle : home.vehicles)
            add(vehicle);
        for (const auto& climate : home.climates)
            add(climate);
        for (const auto& tank : home.tanks)
            add(tank);
        starts.resize(home.shiftables.size(), -1);
        for (std::size_t i = 0; i < home.shiftables.size(); ++i)
            add(home.shiftables[i], starts[i]);
        for (const auto& load : home.deferrables)
            add(load);
        for (const auto& load : home.curtailables)
            add(load);
        for (const auto& generator : home.generators)
            add(generator);
        if (home.tie) add(*home.tie);
        for (Eigen::Index t = 0; t < n_; ++t) {
            if (std::isfinite(home.import_max_kw))
                softly(p_[t] + (-home.import_max_kw), hours() * 10);
            if (std::isfinite(home.export_max_kw))
                softly(p_[t] * -1 + (-home.export_max_kw), hours() * 10);
        }
    }

    /// argmin f(x) + Σ curvature/2 x² + linear·x; rows p, q. Also the optimal f + meter cost in `objective`.
    model::Schedules solve(const model::Schedules& linear,
                           const Eigen::VectorXd& curvature,
                           Real* objective = nullptr) {
        const Real unit = curvature[0] > 0 ? curvature[0] : 0.05;
        RealMatrix p = (curvature_ / unit).asDiagonal();
        RealVector c = cost_ / unit;
        const auto add_meter = [&](const Affine& x, Real k, Real l) {
            p += (k / unit) * x.of * x.of.transpose();
            c += ((k * x.constant + l) / unit) * x.of;
        };
        for (Eigen::Index t = 0; t < n_; ++t) {
            add_meter(p_[t], curvature[0], linear(0, t));
            if (linear.rows() > 1) add_meter(q_[t], curvature[1], linear(1, t));
        }
        p = p.topLeftCorner(used_, used_).eval();
        c = c.head(used_).eval();
        RealVector z;
        for (int round = 0; round < 30; ++round) {  // the inverter's disc by ever more tangents
            const auto m = static_cast<Eigen::Index>(most_.size());
            RealMatrix g(m, used_);
            RealVector h(m);
            for (Eigen::Index i = 0; i < m; ++i) {
                g.row(i) = most_[i].of.head(used_).transpose();
                h[i] = -most_[i].constant;
            }
            const auto e = static_cast<Eigen::Index>(equal_.size());
            RealMatrix a(e, used_);
            RealVector b(e);
            for (Eigen::Index i = 0; i < e; ++i) {
                a.row(i) = equal_[i].of.head(used_).transpose();
                b[i] = -equal_[i].constant;
            }
            z = solve_dense(p, c, g, h, a, b, reached_);
            if (!cut_disc(z)) break;
        }
        RealVector all = RealVector::Zero(size_);
        all.head(used_) = z;
        model::Schedules x(linear.rows(), n_);
        Real sum = constant_ + cost_.dot(all) + Real(0.5) * all.cwiseProduct(curvature_).dot(all);
        for (Eigen::Index t = 0; t < n_; ++t)
            for (Eigen::Index row = 0; row < linear.rows(); ++row) {
                const Real value = (row == 0 ? p_ : q_)[t].at(all);
                x(row, t) = static_cast<double>(value);
                sum += value * (linear(row, t) + curvature[row] / 2 * value);
            }
        if (objective != nullptr) *objective = sum;
        return x;
    }

    /// Whether the last solve() can be relied on.
    [[nodiscard]] bool reached() const { return reached_; }

  private:
    [[nodiscard]] Real hours() const { return home_.interval_h; }

    [[nodiscard]] Affine number(Real value) const { return {RealVector::Zero(size_), value}; }

    Affine unknown(Real cost = 0) {
        Affine out = number(0);
        out.of[used_] = 1;
        cost_[used_] += cost;
        ++used_;
        return out;
    }

    Affine between(Real low, Real high, Real cost = 0) {
        if (low == high) return number(low);
        const Affine out = unknown(cost);
        most_.push_back(out + (-high));
        most_.push_back(out * -1 + low);
        return out;
    }

    void charge(const Affine& amount, Real price) {
        cost_ += amount.of * price;
        constant_ += amount.constant * price;
    }

    void hardly(const Affine& not_positive) { most_.push_back(not_positive); }

    void softly(const Affine& not_positive, Real price) {
        const Affine violation = unknown(price);
        hardly(violation * -1);
        hardly(not_positive - violation);
    }

    void panels() {
        const bool inverter = home_.trades_reactive && std::isfinite(home_.inverter_kva);
        for (Eigen::Index t = 0; t < n_; ++t) {
            const Affine u =
                between(0, std::min<Real>(home_.pv_available_kw[t], home_.inverter_kva));
            p_[t] = p_[t] - u;
            if (!inverter) continue;
            const Affine q = between(-home_.inverter_kva, home_.inverter_kva);
            q_[t] = q_[t] + q;
            discs_.push_back({u, q});
        }
    }

    bool cut_disc(const RealVector& z) {
        RealVector all = RealVector::Zero(size_);
        all.head(used_) = z;
        bool cut = false;
        for (const auto& [u, q] : discs_) {
            const Real x = u.at(all), y = q.at(all), r = std::sqrt(x * x + y * y);
            if (r <= home_.inverter_kva + 1e-14L) continue;
            most_.push_back(u * (x / r) + q * (y / r) + (-home_.inverter_kva));
            cut = true;
        }
        return cut;
    }

    struct Leak {
        Real keep, gain;
    };

    [[nodiscard]] Leak leak(Real rate) const {
        const Real d = rate * hours();
        return {std::exp(-d), d > 0 ? (1 - std::exp(-d)) / d : Real(1)};
    }

    void battery() {
        const auto& b = home_.battery;
        if (b.power_max_kw == 0) return;
        const auto [keep, gain] = leak(b.self_discharge_per_h);
        Affine e = number(b.energy_start_kwh);
        for (Eigen::Index t = 0; t < n_; ++t) {
            const Affine c = between(0, b.power_max_kw);
            const Affine d = between(0, b.power_max_kw, b.cycle_cost_eur_per_kwh * hours());
            e = e * keep + (c * b.charge_efficiency - d * (1 / Real(b.discharge_efficiency))) *
                               (gain * hours());
            hardly(e + (-b.energy_max_kwh - 1e-9L));
            hardly(e * -1 + (-1e-9L));
            p_[t] = p_[t] + c - d;
        }
        softly(e * -1 + b.energy_end_min_kwh, 10);
    }

    void add(const model::Vehicle& vehicle) {
        for (const model::Stay& stay : vehicle.stays) {
            if (stay.required_kwh == 0) continue;
            Affine missing = number(stay.required_kwh);
            for (std::size_t t = stay.arrival; t < stay.latest; ++t) {
                const auto i = static_cast<Eigen::Index>(t);
                if (t >= stay.departure) charge(missing, vehicle.lateness_eur_per_kwh_h * hours());
                const Affine c = between(0, vehicle.power_max_kw);
                missing = missing - c * (hours() * vehicle.charge_efficiency);
                p_[i] = p_[i] + c;
            }
            hardly(missing * -1 + (-1e-9L));
            charge(missing, 10);
        }
    }

    void add(const model::Climate& climate) {
        const Real keep =
            std::exp(-hours() / (Real(climate.resistance_k_per_kw) * climate.capacity_kwh_per_k));
        Affine theta = number(climate.temperature_start_c);
        for (Eigen::Index t = 0; t < n_; ++t) {
            const Affine h = between(0, climate.power_max_kw);
            const Real gains = climate.gains_kw.size() > 0 ? climate.gains_kw[t] : 0;
            const Affine heat = h * (climate.cools ? -climate.cop[t] : climate.cop[t]) + gains;
            theta = theta * keep +
                    (heat * climate.resistance_k_per_kw + climate.outdoor_c[t]) * (1 - keep);
            softly(theta + (-climate.high_c[t]), climate.discomfort_eur_per_k_h * hours());
            softly(theta * -1 + climate.low_c[t], climate.discomfort_eur_per_k_h * hours());
            p_[t] = p_[t] + h;
        }
    }

    void add(const model::HotWater& tank) {
        const auto [keep, gain] =
            leak((tank.loss_full_kw - tank.loss_empty_kw) / tank.energy_max_kwh);
        Affine e = number(tank.energy_start_kwh);
        for (Eigen::Index t = 0; t < n_; ++t) {
            const Affine h = between(0, tank.power_max_kw);
            const Real cop = tank.cop.size() > 0 ? tank.cop[t] : 1;
            e = e * keep + (h * cop + (-tank.draw_kw[t] - tank.loss_empty_kw)) * (gain * hours());
            hardly(e + (-tank.energy_max_kwh - 1e-9L));
            softly(e * -1, tank.shortage_eur_per_kwh_h * hours());
            p_[t] = p_[t] + h;
        }
    }

    void add(const model::Shiftable& load, long fixed) {
        Affine sum = number(0);
        for (std::size_t s = load.first_start; s <= load.last_start; ++s) {
            if (fixed >= 0 && s != static_cast<std::size_t>(fixed)) continue;
            const bool only = fixed >= 0 || load.first_start == load.last_start;
            const Affine w = only ? number(1) : unknown();
            if (!only) hardly(w * -1);
            sum = sum + w;
            const auto start = static_cast<Eigen::Index>(s);
            for (Eigen::Index l = 0; l < load.profile_kw.size() && start + l < n_; ++l)
                p_[start + l] = p_[start + l] + w * load.profile_kw[l];
        }
        if (sum.of.any()) equal_.push_back(sum + (-1));
    }

    void add(const model::Deferrable& load) {
        Affine missing = number(load.energy_kwh);
        for (std::size_t t = load.first; t < load.end; ++t) {
            const Affine u = between(0, load.power_max_kw);
            missing = missing - u * hours();
            p_[static_cast<Eigen::Index>(t)] = p_[static_cast<Eigen::Index>(t)] + u;
        }
        hardly(missing * -1 + (-1e-9L));
        charge(missing, 10);
    }

    void add(const model::Curtailable& load) {
        for (Eigen::Index t = 0; t < n_; ++t)
            p_[t] = p_[t] - between(0, load.load_kw[t], load.price_eur_per_kwh * hours()) +
                    load.load_kw[t];
    }

    void add(const model::Generator& generator) {
        Affine before = number(generator.power_start_kw);
        for (Eigen::Index t = 0; t < n_; ++t) {
            const Affine g =
                between(0, generator.power_max_kw, generator.cost_eur_per_kwh * hours());
            curvature_[used_ - 1] = generator.slope_eur_per_kwh_kw * hours();
            const Real ramp = std::min<Real>(generator.ramp_kw_per_h * hours(), 1e6);
            hardly(g - before + (-ramp));
            hardly(before - g + (-ramp));
            p_[t] = p_[t] - g;
            before = g;
        }
    }

    void add(const model::ExternalTie& tie) {
        const Affine peak = unknown(tie.demand_charge_eur_per_kw);
        hardly(peak * -1 + tie.peak_so_far_kw);
        hardly(peak + (-1e3L));
        for (Eigen::Index t = 0; t < n_; ++t) {
            const Affine b = between(0, tie.import_max_kw, tie.buy_eur_per_kwh[t] * hours());
            const Affine s = between(0, tie.export_max_kw, -tie.sell_eur_per_kwh[t] * hours());
            hardly(b - peak);
            p_[t] = p_[t] - b + s;
        }
    }

    const model::Home& home_;
    Eigen::Index n_, size_ = 0, used_ = 0;
    Real constant_ = 0;
    bool reached_ = false;
    std::vector<Affine> p_, q_, most_, equal_;
    std::vector<std::pair<Affine, Affine>> discs_;
    RealVector cost_, curvature_;
};

}  // namespace kilter::test
