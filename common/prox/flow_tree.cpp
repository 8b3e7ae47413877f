#include "common/prox/flow_tree.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"

namespace kilter::prox {

namespace {

/// A linearisation keeps at least this part of the sending voltage away from collapse.
constexpr double margin = 0.3;
constexpr double v_least = 0.01;

}  // namespace

void Sources::clear() {
    for (auto* values : {&p, &q, &voltage, &bp, &bq, &bv, &bl})
        std::fill(values->begin(), values->end(), 0.0);
    v_root = energy = slope = 0;
}

FlowTree::FlowTree(const model::Network& network) : losses_(network.losses) {
    const std::size_t count = network.buses.size();
    KILTER_CHECK(network.branches.size() + 1 == count, "a radial network is a tree");
    position_.assign(count, count);
    position_[network.root] = 0;
    bus_at_.push_back(network.root);
    branch_.emplace_back();
    const double base = 1000 * network.base_kv * network.base_kv;
    for (const model::Branch& given : network.branches) {
        KILTER_CHECK(position_[given.from] < count && position_[given.to] == count,
                     "branches come parents first; call Network::normalise()");
        Branch branch;
        branch.parent = position_[given.from];
        branch.r = given.r_ohm / base;
        branch.x = given.x_ohm / base;
        branch.zz = branch.r * branch.r + branch.x * branch.x;
        branch.turn = 1 / (given.ratio * given.ratio);
        branch.half_charge = given.charging_kvar / 2;
        position_[given.to] = branch_.size();
        bus_at_.push_back(given.to);
        branch_.push_back(branch);
    }
    for (const std::size_t bus : bus_at_) {
        shunt_p_.push_back(network.buses[bus].shunt_p_kw);
        shunt_q_.push_back(network.buses[bus].shunt_q_kvar);
    }
    for (std::size_t p = 1; p < count; ++p) {
        const Branch& branch = branch_[p];
        shunt_q_[p] += branch.half_charge;
        shunt_q_[branch.parent] += branch.half_charge * branch.turn;
    }
    for (const model::Net& net : network.nets)
        net_at_.push_back(position_[net.bus]);
    message_.resize(count);
    for (auto* values : {&ap_, &aq_, &c_, &qp_, &qq_, &xp_, &xq_})
        values->resize(count);
    flows_ = Flows(count);
    prices_ = Prices(count);
}

double FlowTree::current(std::size_t position, double p, double q, double v_parent) const {
    return losses_ ? (p * p + q * q) / std::max(branch_[position].turn * v_parent, v_least) : 0;
}

void FlowTree::linearise_lossless() {
    for (Branch& branch : branch_)
        branch.alpha = branch.beta = branch.gamma = 0;
}

void FlowTree::linearise(const Flows& at) {
    if (!losses_) return;
    for (std::size_t i = 1; i < branch_.size(); ++i) {
        Branch& branch = branch_[i];
        const double v = std::max(branch.turn * at.v[branch.parent], v_least);
        double p = at.p[i];
        double q = at.q[i];
        // 1 − 2 (rP + xQ)/v is what is left of the voltage, and the determinant the elimination divides by
        const double drop = 2 * (branch.r * p + branch.x * q) / v;
        if (drop > 1 - margin) {
            p *= (1 - margin) / drop;
            q *= (1 - margin) / drop;
        }
        branch.alpha = 2 * p / v;
        branch.beta = 2 * q / v;
        branch.gamma = (p * p + q * q) / (v * v);
    }
}

/// The branch, at its near end x = (P, Q) and v, at its far end y and v_j, with η = (α, β), z = (r, x):
///     y = A x + f v,  A = I − z ηᵀ, f = γ z;      v_j = hᵀx + κ v,  h = −2z + |z|²η, κ = 1 − |z|²γ.
/// Behind it y = a − S π_j + t v_j, w_j = c + tᵀπ_j + ω v_j. Stationarity in x, m its linear cost, W its curvature:
///     W_xx x + W_xv v + m_x + π_i − Aᵀπ_j + h w_j = 0.
/// With Ã = A − t hᵀ, Ω = W_xx + ω h hᵀ, p = W_xv + ωκ h, q = m_x + h c, f̂ = Ã⁻¹(κt − f), S̃ = Ã⁻¹ S Ã⁻ᵀ and
/// N = (I + S̃Ω)⁻¹ this gives
///     π_j = Ã⁻ᵀ (Ω x + π_i + q + p v)
///     x   = N (Ã⁻¹a − S̃ q) − N S̃ π_i + N (f̂ − S̃ p) v
///     w_i = m_v + κ c + f̂ᵀq + gᵀa_b + t_bᵀπ_i + (W_vv + κ²ω + f̂ᵀp + gᵀt_b) v,   g = p + Ω f̂,
/// with a_b, S_b, t_b the coefficients of x: again an answer of the same form.
void FlowTree::factor(std::span<const double> yields_p,
                      std::span<const double> yields_q,
                      std::span<const Curvature> curvature) {
    const std::size_t count = positions();
    for (std::size_t i = 0; i < count; ++i) {
        Message& m = message_[i];
        m.spp = yields_p.empty() ? 0 : yields_p[i];
        m.sqq = yields_q.empty() ? 0 : yields_q[i];
        m.spq = m.omega = 0;
        m.tp = shunt_p_[i];
        m.tq = -shunt_q_[i];
    }
    constexpr Curvature flat;
    for (std::size_t i = count; i-- > 1;) {
        const Branch& b = branch_[i];
        const Curvature& w = curvature.empty() ? flat : curvature[i];
        Message& m = message_[i];
        m.hp = -2 * b.r + b.zz * b.alpha;
        m.hq = -2 * b.x + b.zz * b.beta;
        m.kappa = 1 - b.zz * b.gamma;
        // Ã⁻¹
        const double a11 = 1 - b.r * b.alpha - m.tp * m.hp;
        const double a12 = -b.r * b.beta - m.tp * m.hq;
        const double a21 = -b.x * b.alpha - m.tq * m.hp;
        const double a22 = 1 - b.x * b.beta - m.tq * m.hq;
        const double det = 1 / (a11 * a22 - a12 * a21);
        m.ipp = a22 * det;
        m.ipq = -a12 * det;
        m.iqp = -a21 * det;
        m.iqq = a11 * det;
        const double fp = m.kappa * m.tp - b.gamma * b.r;
        const double fq = m.kappa * m.tq - b.gamma * b.x;
        m.fp = m.ipp * fp + m.ipq * fq;
        m.fq = m.iqp * fp + m.iqq * fq;
        // S̃
        const double u11 = m.ipp * m.spp + m.ipq * m.spq;
        const double u12 = m.ipp * m.spq + m.ipq * m.sqq;
        const double u21 = m.iqp * m.spp + m.iqq * m.spq;
        const double u22 = m.iqp * m.spq + m.iqq * m.sqq;
        m.mpp = u11 * m.ipp + u12 * m.ipq;
        m.mpq = u11 * m.iqp + u12 * m.iqq;
        m.mqq = u21 * m.iqp + u22 * m.iqq;
        // Ω, p, g
        m.opp = w.pp + m.omega * m.hp * m.hp;
        m.opq = w.pq + m.omega * m.hp * m.hq;
        m.oqq = w.qq + m.omega * m.hq * m.hq;
        m.pp = w.pv + m.omega * m.kappa * m.hp;
        m.pq = w.qv + m.omega * m.kappa * m.hq;
        m.gp = m.pp + m.opp * m.fp + m.opq * m.fq;
        m.gq = m.pq + m.opq * m.fp + m.oqq * m.fq;
        // N = (I + S̃Ω)⁻¹
        const double n11 = 1 + m.mpp * m.opp + m.mpq * m.opq;
        const double n12 = m.mpp * m.opq + m.mpq * m.oqq;
        const double n21 = m.mpq * m.opp + m.mqq * m.opq;
        const double n22 = 1 + m.mpq * m.opq + m.mqq * m.oqq;
        const double norm = 1 / (n11 * n22 - n12 * n21);
        m.npp = n22 * norm;
        m.npq = -n12 * norm;
        m.nqp = -n21 * norm;
        m.nqq = n11 * norm;
        m.bpp = m.npp * m.mpp + m.npq * m.mpq;
        m.bpq = m.npp * m.mpq + m.npq * m.mqq;
        m.bqq = m.nqp * m.mpq + m.nqq * m.mqq;
        const double ep = m.fp - m.mpp * m.pp - m.mpq * m.pq;
        const double eq = m.fq - m.mpq * m.pp - m.mqq * m.pq;
        const double tp = m.npp * ep + m.npq * eq;
        const double tq = m.nqp * ep + m.nqq * eq;
        const double omega =
            w.vv + m.kappa * m.kappa * m.omega + m.fp * m.pp + m.fq * m.pq + m.gp * tp + m.gq * tq;
        m.btp = b.turn * tp;
        m.btq = b.turn * tq;
        Message& up = message_[b.parent];
        up.spp += m.bpp;
        up.spq += m.bpq;
        up.sqq += m.bqq;
        up.tp += m.btp;
        up.tq += m.btq;
        up.omega += b.turn * b.turn * omega;
    }
}

void FlowTree::solve(const Sources& sources, Flows& flows, Prices& prices) {
    const std::size_t count = positions();
    std::copy(sources.p.begin(), sources.p.end(), ap_.begin());
    std::copy(sources.q.begin(), sources.q.end(), aq_.begin());
    std::copy(sources.voltage.begin(), sources.voltage.end(), c_.begin());
    for (std::size_t i = count; i-- > 1;) {
        const Message& m = message_[i];
        const Branch& b = branch_[i];
        const double qp = sources.bp[i] + m.hp * c_[i];
        const double qq = sources.bq[i] + m.hq * c_[i];
        const double sp = m.ipp * ap_[i] + m.ipq * aq_[i] - m.mpp * qp - m.mpq * qq;
        const double sq = m.iqp * ap_[i] + m.iqq * aq_[i] - m.mpq * qp - m.mqq * qq;
        const double xp = m.npp * sp + m.npq * sq;
        const double xq = m.nqp * sp + m.nqq * sq;
        qp_[i] = qp;
        qq_[i] = qq;
        xp_[i] = xp;
        xq_[i] = xq;
        ap_[b.parent] += xp;
        aq_[b.parent] += xq;
        c_[b.parent] += b.turn * (sources.bv[i] + m.kappa * c_[i] + m.fp * qp + m.fq * qq +
                                  m.gp * xp + m.gq * xq);
    }
    const Message& root = message_[0];
    const double v0 = sources.v_root;
    const double p0 =
        (ap_[0] + root.tp * v0 - root.spp * sources.energy) / (1 + root.spp * sources.slope);
    prices.p[0] = sources.energy + sources.slope * p0;
    prices.q[0] = 0;
    prices.cone[0] = 0;
    flows.p[0] = p0;
    flows.q[0] = aq_[0] - root.spq * prices.p[0] + root.tq * v0;
    flows.l[0] = 0;
    flows.v[0] = v0;
    for (std::size_t i = 1; i < count; ++i) {
        const Message& m = message_[i];
        const Branch& b = branch_[i];
        const double pip = prices.p[b.parent];
        const double piq = prices.q[b.parent];
        const double vi = flows.v[b.parent];
        const double v = b.turn * vi;
        const double xp = xp_[i] - m.bpp * pip - m.bpq * piq + m.btp * vi;
        const double xq = xq_[i] - m.bpq * pip - m.bqq * piq + m.btq * vi;
        const double vj = m.hp * xp + m.hq * xq + m.kappa * v;
        const double ep = m.opp * xp + m.opq * xq + pip + qp_[i] + m.pp * v;
        const double eq = m.opq * xp + m.oqq * xq + piq + qq_[i] + m.pq * v;
        const double pjp = m.ipp * ep + m.iqp * eq;
        const double pjq = m.ipq * ep + m.iqq * eq;
        flows.p[i] = xp;
        flows.q[i] = xq;
        flows.l[i] = b.alpha * xp + b.beta * xq - b.gamma * v;
        flows.v[i] = vj;
        prices.p[i] = pjp;
        prices.q[i] = pjq;
        const double w = c_[i] + m.tp * pjp + m.tq * pjq + m.omega * vj;
        prices.cone[i] = b.r * pjp + b.x * pjq + b.zz * w + sources.bl[i];
    }
}

void FlowTree::apply(const Sources& sources, Flows& flows) {
    solve(sources, flows, prices_);
}

void FlowTree::transpose(const Sources& sources, Prices& prices) {
    solve(sources, flows_, prices);
}

bool FlowTree::settle(const Sources& sources, Flows& flows) {
    constexpr int rounds_max = 50;
    constexpr double tolerance_kw = 1e-10;
    linearise_lossless();
    for (int round = 0; round < rounds_max; ++round) {
        factor({}, {}, {});
        apply(sources, flows);
        double miss = 0;
        for (std::size_t i = 1; i < positions(); ++i) {
            const Branch& b = branch_[i];
            const double l = current(i, flows.p[i], flows.q[i], flows.v[b.parent]);
            miss += (b.r + b.x) * std::abs(l - flows.l[i]);
        }
        if (!(miss < 1e100)) return false;
        if (miss <= tolerance_kw) return true;
        linearise(flows);
    }
    return false;
}

}  // namespace kilter::prox
