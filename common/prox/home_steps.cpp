// One Newton system of HomeSolver: what is eliminated in which order is in home_solver.hpp.
#include <algorithm>
#include <cmath>

#include "common/prox/home_solver.hpp"

namespace kilter::prox {

using Eigen::Index;

namespace {

/// Proximal weight on every input and start weight, in kW per kW: far below the meter's own curvature of 1.
constexpr double prox_weight = 1e-8;
/// The same on start weights, per kW²; these enter the system as a difference of two terms, which must not grow too large.
constexpr double start_prox_weight = 1e-4;
/// The meter's curvature where it has none: a linear cost, with λ known.
constexpr double flat_meter = 1e-13;

}  // namespace

void HomeSolver::factorise() {
    const HomeProgram& p = program_;
    const Index n = p.intervals;
    weight_ = curvature_;
    for (std::size_t i = 0; i < p.hard.size(); ++i)
        weight_[p.hard[i].at] += now_.hard.weight[static_cast<Index>(i)];
    for (std::size_t i = 0; i < p.soft.size(); ++i)
        weight_[p.soft[i].at] += now_.soft.weight[static_cast<Index>(i)];
    if (p.reactive) {
        for (Index t = 0; t < n; ++t) {
            const Index at = p.free(*p.panels, t);
            const double u = now_.v[at], q = now_.q[t], z = now_.hard.dual[at_disc_rows_ + t];
            const double omega = now_.hard.weight[at_disc_rows_ + t];
            disc_cross_[t] = 4 * u * q * omega;
            inv_q_[t] = 1 / (meter_.curvature_q + prox_weight + 2 * z + 4 * q * q * omega);
            weight_[at] += 2 * z + 4 * u * u * omega - disc_cross_[t] * disc_cross_[t] * inv_q_[t];
        }
    }
    weight_.segment(p.at_weight, p.at_peak - p.at_weight) += start_prox_weight;
    inverse_ = movable_ / (weight_ + prox_weight);

    answers_.band.setZero();
    answers_.diagonal.setZero();
    factorise_chains();
    if (p.imports) {
        double total = weight_[p.at_peak] + prox_weight;
        for (Index t = 0; t < n; ++t) {
            const Index at = p.free(*p.imports, t);
            const double omega = now_.hard.weight[at_peak_rows_ + t],
                         own = weight_[at] + prox_weight;
            const bool moves = movable_[at] > 0;
            inverse_[at] = moves ? 1 / (own + omega) : 0;
            peak_share_[t] = omega * inverse_[at];
            total += moves ? omega * own * inverse_[at] : omega;
        }
        peak_inverse_ = 1 / total;
        const Index j = p.chains() + static_cast<Index>(p.appliances.size());
        const double m = p.meter_free[*p.imports];
        answers_.g.row(j) = m * peak_share_.transpose();
        answers_.h.row(j) = answers_.g.row(j) * peak_inverse_;
        answers_.fade.row(j).setOnes();
        answers_.diagonal += (m * peak_share_).square() * peak_inverse_;
    }
    if (p.frees > 0) {
        const auto inverse = chain_view(inverse_, p.at_free, p.frees);
        answers_.diagonal +=
            (inverse.colwise() * p.meter_free.square()).colwise().sum().transpose();
    }
    factorise_appliances();
    meter_weight_ = weight_.segment(p.at_meter, n).max(flat_meter);
    answers_.diagonal += meter_weight_.inverse();
    answers_.factorise(0.5 * meter_weight_.inverse().minCoeff());
}

void HomeSolver::factorise_chains() {
    const HomeProgram& p = program_;
    const Index n = p.intervals, chains = p.chains(), two = p.two_way;
    if (chains == 0) return;
    const auto inverse = chain_view(inverse_, 0, chains);
    const auto inverse2 = chain_view(inverse_, p.at_second, two);
    const auto state_weight = chain_view(weight_, p.at_state, chains);
    alpha_ = inverse.colwise() * p.meter_input.square();
    beta_ = (inverse * p.gain).colwise() * p.meter_input;
    gamma_ = inverse * p.gain.square();
    if (two > 0) {  // the second input's gain on the meter is −1
        alpha_.topRows(two) += inverse2;
        beta_.topRows(two) -= inverse2 * p.gain2;
        gamma_.topRows(two) += inverse2 * p.gain2.square();
    }
    // k runs over all chains at all intervals: one interval is `chains` numbers
    riccati_ = state_weight;
    for (Index k = n * chains; k-- > 0;) {
        const double keep = p.keep.data()[k], cost = riccati_.data()[k];
        shrink_.data()[k] = 1 / (1 + gamma_.data()[k] * cost);
        fade_.data()[k] = keep * shrink_.data()[k];
        if (k >= chains) riccati_.data()[k - chains] += keep * fade_.data()[k] * cost;
    }
    push_ = beta_ * riccati_;
    reach_ = gamma_ * shrink_;
    drift_ = beta_ * shrink_;
    for (Index k = chains; k < n * chains; ++k) {
        const double fade = fade_.data()[k], faded = fade * fade * reach_.data()[k - chains];
        reach_.data()[k] += faded;
        drift_.data()[k] -= faded * push_.data()[k];
    }
    auto g = answers_.g.topRows(chains);
    g = drift_;
    answers_.diagonal += (alpha_ - push_ * g + (reach_.colwise() * p.meter_state.square()))
                             .colwise()
                             .sum()
                             .transpose();
    g += reach_.colwise() * p.meter_state;
    answers_.h.topRows(chains) = (-push_).colwise() + p.meter_state;
    answers_.fade.topRows(chains) = fade_;
}

void HomeSolver::factorise_appliances() {
    const HomeProgram& p = program_;
    for (std::size_t a = 0; a < p.appliances.size(); ++a) {
        const ApplianceBlock& block = p.appliances[a];
        const Index length = block.profile_kw.size();
        const Index j = p.chains() + static_cast<Index>(a);
        auto together = answers_.g.row(j);
        together.setZero();
        double sum = 0;
        for (Index s = 0; s < block.starts; ++s) {
            const double inverse = inverse_[block.at + s];
            const Index start = block.first_start + s, run = std::min(length, p.intervals - start);
            sum += inverse;
            for (Index l = 0; l < run; ++l) {
                const double here = block.profile_kw[l] * inverse;
                together[start + l] += here;
                answers_.diagonal[start + l] += block.profile_kw[l] * here;
                for (Index m = 1; m <= l; ++m)
                    answers_.band(m - 1, start + l) += block.profile_kw[l - m] * here;
            }
        }
        appliance_inverse_[a] = 1 / sum;
        answers_.h.row(j) = -together / sum;
        answers_.fade.row(j).setOnes();
        answers_.diagonal -= together.square().transpose() / sum;
    }
}

void HomeSolver::aim(double mu, bool corrected) {
    const HomeProgram& p = program_;
    const Index n = p.intervals;
    if (corrected && p.reactive)
        for (Index t = 0; t < n; ++t) {
            const double du = change_[p.free(*p.panels, t)], dq = d_q_[t];
            now_.hard.value[at_disc_rows_ + t] -= du * du + dq * dq;
        }
    now_.hard.aim(mu, corrected);
    now_.soft.aim(mu, corrected);
}

/// Marginal costs that the multipliers, λ and ν leave unexplained.
void HomeSolver::collect_slopes(const Eigen::ArrayXd& hard, const Eigen::ArrayXd& soft) {
    const HomeProgram& p = program_;
    const Index n = p.intervals, chains = p.chains(), two = p.two_way;
    slope_ = cost_ + curvature_ * now_.v;
    for (std::size_t i = 0; i < p.hard.size(); ++i)
        slope_[p.hard[i].at] -= p.hard[i].sign * hard[static_cast<Index>(i)];
    for (std::size_t i = 0; i < p.soft.size(); ++i)
        slope_[p.soft[i].at] -= p.soft[i].sign * soft[static_cast<Index>(i)];
    slope_.segment(p.at_meter, n) -= now_.lambda;
    const auto price = now_.lambda.transpose();
    if (chains > 0) {
        Chains input(slope_.data(), chains, n), state(slope_.data() + p.at_state, chains, n);
        input += p.meter_input.matrix().lazyProduct(price.matrix()).array() - p.gain * now_.nu;
        state += p.meter_state.matrix().lazyProduct(price.matrix()).array() + now_.nu;
        state.leftCols(n - 1) -= p.keep.rightCols(n - 1) * now_.nu.rightCols(n - 1);
    }
    if (two > 0) {
        Chains second(slope_.data() + p.at_second, two, n);
        second -= (p.gain2 * now_.nu.topRows(two)).rowwise() + price;
    }
    if (p.frees > 0) {
        Chains free(slope_.data() + p.at_free, p.frees, n);
        free += p.meter_free.matrix().lazyProduct(price.matrix()).array();
    }
    for (const ApplianceBlock& block : p.appliances)
        for (Index s = 0; s < block.starts; ++s) {
            const Index start = block.first_start + s,
                        run = std::min(block.profile_kw.size(), n - start);
            slope_[block.at + s] +=
                (block.profile_kw.head(run) * now_.lambda.segment(start, run)).sum();
        }
    if (p.imports) {
        slope_[p.at_peak] -= hard.segment(at_peak_rows_, n).sum();
        for (Index t = 0; t < n; ++t)
            slope_[p.free(*p.imports, t)] += hard[at_peak_rows_ + t];
    }
    if (p.reactive)
        for (Index t = 0; t < n; ++t) {
            const Index at = p.free(*p.panels, t);
            slope_q_[t] = meter_.curvature_q * (p.base_kvar[t] + now_.q[t]) + meter_.linear_q[t] +
                          2 * now_.q[t] * hard[at_disc_rows_ + t];
            slope_[at] += 2 * now_.v[at] * hard[at_disc_rows_ + t];
        }
}

/// The step after which the multipliers that the pairs aim at, and the weights that they follow changes with, explain all
/// marginal costs.
void HomeSolver::direction() {
    const HomeProgram& p = program_;
    const Index n = p.intervals;
    collect_slopes(now_.hard.multiplier, now_.soft.multiplier);
    if (p.reactive)
        for (Index t = 0; t < n; ++t)
            slope_[p.free(*p.panels, t)] -= disc_cross_[t] * inv_q_[t] * slope_q_[t];
    respond(false);
    d_lambda_ = answer_ + slope_.segment(p.at_meter, n) / meter_weight_;
    answers_.solve(d_lambda_.matrix());
    respond(true);
    // where a limit holds the meter, its change is far below the rounding of what the pieces add up to
    change_.segment(p.at_meter, n) =
        (meter_weight_ > 0.5)
            .select((d_lambda_ - slope_.segment(p.at_meter, n)) / meter_weight_, answer_);
    spread_changes();
}

/// answer_ ← what all pieces add to the meter when it pays dλ more (or nothing) and `slope_` pulls at them; with the price
/// also their steps. Without it comes first.
void HomeSolver::respond(bool with_price) {
    const HomeProgram& p = program_;
    answer_.setZero();
    respond_chains(with_price);
    respond_peak(with_price);
    for (Index f = 0; f < p.frees; ++f) {
        const double m = p.meter_free[f];
        const bool peaks = p.imports == f;
        for (Index t = 0; t < p.intervals; ++t) {
            const Index at = p.free(f, t);
            double pull = slope_[at];
            if (with_price) pull += m * d_lambda_[t];
            if (peaks) pull -= peak_pull_[t];
            const double move = -inverse_[at] * pull;
            change_[at] = move;
            answer_[t] += m * move;
        }
    }
    if (with_price && p.reactive)
        for (Index t = 0; t < p.intervals; ++t)
            d_q_[t] = -inv_q_[t] * (slope_q_[t] + disc_cross_[t] * change_[p.free(*p.panels, t)]);
    respond_appliances(with_price);
}

void HomeSolver::respond_peak(bool with_price) {
    const HomeProgram& p = program_;
    if (!p.imports) return;
    const double m = p.meter_free[*p.imports];
    double pull = slope_[p.at_peak];
    for (Index t = 0; t < p.intervals; ++t)
        pull +=
            peak_share_[t] * (slope_[p.free(*p.imports, t)] + (with_price ? m * d_lambda_[t] : 0));
    const double move = -peak_inverse_ * pull;
    change_[p.at_peak] = move;
    peak_pull_ = move * now_.hard.weight.segment(at_peak_rows_, p.intervals);
}

void HomeSolver::respond_chains(bool with_price) {
    const HomeProgram& p = program_;
    const Index n = p.intervals, chains = p.chains(), two = p.two_way;
    if (chains == 0) return;
    const auto inverse = chain_view(inverse_, 0, chains);
    const auto inverse2 = chain_view(inverse_, p.at_second, two);
    const auto slope = chain_view(slope_, 0, chains);
    const auto slope2 = chain_view(slope_, p.at_second, two);
    const auto state_slope = chain_view(slope_, p.at_state, chains);
    chain_rho_ = state_slope;
    if (with_price) {
        chain_push_ += beta_.rowwise() * d_lambda_.transpose();
        drift_ += alpha_.rowwise() * d_lambda_.transpose();
        chain_rho_ += p.meter_state.matrix().lazyProduct(d_lambda_.matrix().transpose()).array();
    } else {
        // what the inputs' own slopes do to the states and to the meter, were there no ν and λ
        drift_ = inverse * slope;
        chain_push_ = drift_ * p.gain;
        drift_ = drift_.colwise() * p.meter_input;
        if (two > 0) {
            chain_push_.topRows(two) += inverse2 * slope2 * p.gain2;
            drift_.topRows(two) -= inverse2 * slope2;
        }
    }
    // k runs over all chains at all intervals: one interval is `chains` numbers
    for (Index k = n * chains; k-- > chains;)
        chain_rho_.data()[k - chains] +=
            fade_.data()[k] * (chain_rho_.data()[k] - riccati_.data()[k] * chain_push_.data()[k]);
    Chains state(change_.data() + p.at_state, chains, n);
    state = -shrink_ * (gamma_ * chain_rho_ + chain_push_);
    d_nu_ = shrink_ * (riccati_ * chain_push_ - chain_rho_);
    for (Index k = chains; k < n * chains; ++k) {
        const double carried = fade_.data()[k] * state.data()[k - chains];
        state.data()[k] += carried;
        d_nu_.data()[k] -= riccati_.data()[k] * carried;
    }
    answer_ +=
        (beta_ * d_nu_ - drift_ + (state.colwise() * p.meter_state)).colwise().sum().transpose();
    if (!with_price) return;
    Chains input(change_.data(), chains, n);
    input = p.gain * d_nu_ - slope;
    input -= p.meter_input.matrix().lazyProduct(d_lambda_.matrix().transpose()).array();
    input *= inverse;
    if (two > 0) {
        Chains second(change_.data() + p.at_second, two, n);
        second =
            inverse2 * ((p.gain2 * d_nu_.topRows(two) - slope2).rowwise() + d_lambda_.transpose());
    }
}

void HomeSolver::respond_appliances(bool with_price) {
    const HomeProgram& p = program_;
    for (std::size_t a = 0; a < p.appliances.size(); ++a) {
        const ApplianceBlock& block = p.appliances[a];
        const Index length = block.profile_kw.size();
        for (Index s = 0; s < block.starts; ++s) {
            const Index start = block.first_start + s, run = std::min(length, p.intervals - start);
            double pull = slope_[block.at + s];
            if (with_price)
                pull += (block.profile_kw.head(run) * d_lambda_.segment(start, run)).sum();
            change_[block.at + s] = pull;
        }
        // relative to the start that moves most easily, which takes up what the others leave: nothing cancels
        auto moves = change_.segment(block.at, block.starts);
        const auto inverses = inverse_.segment(block.at, block.starts);
        Index easiest = 0;
        inverses.maxCoeff(&easiest);
        const double base = moves[easiest];
        moves -= base;
        const double excess = now_.v.segment(block.at, block.starts).sum() - 1;  // rounding
        const double common = ((moves * inverses).sum() - excess) * appliance_inverse_[a];
        moves = (common - moves) * inverses;
        for (Index s = 0; s < block.starts; ++s) {
            const Index start = block.first_start + s, run = std::min(length, p.intervals - start);
            answer_.segment(start, run) += moves[s] * block.profile_kw.head(run);
        }
    }
}

/// The inequalities' changes from the scalars'.
void HomeSolver::spread_changes() {
    const HomeProgram& p = program_;
    for (std::size_t i = 0; i < p.hard.size(); ++i)
        now_.hard.change[static_cast<Index>(i)] = p.hard[i].sign * change_[p.hard[i].at];
    for (std::size_t i = 0; i < p.soft.size(); ++i)
        now_.soft.change[static_cast<Index>(i)] = p.soft[i].sign * change_[p.soft[i].at];
    for (Index t = 0; t < p.intervals; ++t) {
        if (p.imports)
            now_.hard.change[at_peak_rows_ + t] =
                change_[p.at_peak] - change_[p.free(*p.imports, t)];
        if (p.reactive) {
            const Index at = p.free(*p.panels, t);
            now_.hard.change[at_disc_rows_ + t] =
                -2 * (now_.v[at] * change_[at] + now_.q[t] * d_q_[t]);
        }
    }
}

void HomeSolver::step(double fraction) {
    now_.v += fraction * change_;
    if (program_.reactive) now_.q += fraction * d_q_;
    now_.lambda += fraction * d_lambda_;
    now_.nu += fraction * d_nu_;
    simulate();
    measure();
}

/// K = S + 1/M at the solution:  R_pp = (M − K⁻¹ diag)…: with M = curvature + limits' weights per interval,
/// x answers y by  R_pp = M⁻¹ (M − K⁻¹) M⁻¹,  and through the inverter by R_pq = M⁻¹ K⁻¹ κw (see docs/devices.md).
void HomeSolver::price_response(double penalty, Eigen::MatrixXd& response) {
    const HomeProgram& p = program_;
    const Index n = p.intervals, channels = p.reactive ? 2 : 1;
    auto curvature = curvature_.segment(p.at_meter, n);
    const double p_before = meter_.curvature_p, q_before = meter_.curvature_q;
    meter_.curvature_q = penalty / meter_.unit;
    curvature.setConstant(meter_.curvature_q);
    factorise();
    meter_.curvature_q = q_before;
    curvature.setConstant(p_before);
    const Eigen::MatrixXd& inverse = inverse_answers_;
    answers_.inverse(inverse_answers_);
    const Eigen::VectorXd m = meter_weight_.inverse().matrix();
    response.setZero(channels * n, channels * n);
    auto pp = response.topLeftCorner(n, n);
    pp.noalias() = -(m.asDiagonal() * inverse * m.asDiagonal());
    pp.diagonal() += m;
    if (channels == 2) {
        Eigen::VectorXd kw(n);
        for (Index t = 0; t < n; ++t) {
            const double w = -disc_cross_[t] * inv_q_[t], kappa = inverse_[p.free(*p.panels, t)];
            // the panels' gain on the meter is −1
            kw[t] = -kappa * w;
            response(n + t, n + t) = w * w * kappa + inv_q_[t];
        }
        response.topRightCorner(n, n) = m.asDiagonal() * inverse * kw.asDiagonal();
        response.bottomLeftCorner(n, n) = response.topRightCorner(n, n).transpose();
        response.bottomRightCorner(n, n) -= kw.asDiagonal() * inverse * kw.asDiagonal();
    }
    response /= meter_.unit;
}

}  // namespace kilter::prox
