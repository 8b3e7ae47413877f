#include "common/mesh/ac_line.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include <Eigen/Cholesky>

namespace kilter::mesh {
namespace {

constexpr double barrier_first = 1e-6;  // at least; per unit, relative to the penalty
constexpr double barrier_last = 1e-14;
constexpr double barrier_shrink = 0.02;
constexpr int newton_max = 60;           // per weight of the barrier; a handful is usual
constexpr double centred = 1e-3;         // squared Newton decrement
constexpr double shortest = 1e-10;       // step length
constexpr double log_room_lost_max = 3;  // in one step: no jumps into a corner
constexpr int grid_steps = 20;           // per direction, in search of the first point
constexpr double away_from_faces = 0.1;  // of the way to the first point, from the last answer
constexpr double outside = -std::numeric_limits<double>::infinity();

}  // namespace

AcLine::AcLine(const model::MeshedLine& line,
               const model::MeshedBus& from,
               const model::MeshedBus& to,
               double base_kva,
               Eigen::Index intervals)
    : name_(line.name),
      base_kva_(base_kva),
      rating2_pu_(line.rating_kva / base_kva * line.rating_kva / base_kva),
      start_(static_cast<std::size_t>(intervals)) {
    using Complex = std::complex<double>;
    const Complex series = 1.0 / Complex(line.r_pu, line.x_pu);
    const Complex tap = std::polar(line.ratio, line.shift_rad);
    const Complex own_from =
        std::conj(series + Complex(0, line.b_pu / 2)) / (line.ratio * line.ratio);
    const Complex own_to = std::conj(series + Complex(0, line.b_pu / 2));
    const Complex cross_from = -std::conj(series) / tap;                  // times c + j s
    const Complex cross_to = -std::conj(series) / std::conj(tap);         // times c − j s
    flows_ << own_from.real(), 0, cross_from.real(), -cross_from.imag(),  //
        own_from.imag(), 0, cross_from.imag(), cross_from.real(),         //
        1, 0, 0, 0,                                                       //
        0, own_to.real(), cross_to.real(), cross_to.imag(),               //
        0, own_to.imag(), cross_to.imag(), -cross_to.real(),              //
        0, 1, 0, 0;

    const double middle = (line.angle_min_rad + line.angle_max_rad) / 2;
    const double half = (line.angle_max_rad - line.angle_min_rad) / 2;
    const auto add = [&](const Products& normal, double offset) {
        half_planes_.push_back(normal);
        half_plane_offsets_.push_back(offset);
    };
    add(Products(0, 0, std::sin(line.angle_max_rad), -std::cos(line.angle_max_rad)), 0);
    add(Products(0, 0, -std::sin(line.angle_min_rad), std::cos(line.angle_min_rad)), 0);
    const double sum_from = from.v_min_pu + from.v_max_pu;
    const double sum_to = to.v_min_pu + to.v_max_pu;
    const double low = from.v_min_pu * to.v_min_pu;
    const double high = from.v_max_pu * to.v_max_pu;
    const double cosine = std::cos(half);
    add(Products(-to.v_max_pu * cosine * sum_to, -from.v_max_pu * cosine * sum_from,
                 sum_from * sum_to * std::cos(middle), sum_from * sum_to * std::sin(middle)),
        high * cosine * (low - high));
    add(Products(-to.v_min_pu * cosine * sum_to, -from.v_min_pu * cosine * sum_from,
                 sum_from * sum_to * std::cos(middle), sum_from * sum_to * std::sin(middle)),
        low * cosine * (high - low));

    // Of the states nearest to no flow, one a little inside the cone and as far from the other faces as can be had.
    const double v_from = sum_from / 2;
    double best = outside;
    for (int i = 1; i < grid_steps; ++i)
        for (int j = 1; j < grid_steps; ++j)
            for (const double loose : {1e-2, 1e-3, 1e-5}) {
                const double angle = line.angle_min_rad + 2 * half * i / grid_steps;
                const double v_to = to.v_min_pu + j * (to.v_max_pu - to.v_min_pu) / grid_steps;
                const double product = v_from * v_to * (1 - loose);
                const Products w(v_from * v_from, v_to * v_to, product * std::cos(angle),
                                 product * std::sin(angle));
                if (const double room = log_room(w); room > best) {
                    best = room;
                    first_ = w;
                }
            }
    feasible_ = best > outside;
    if (!feasible_) first_ = Products(v_from * v_from, v_from * v_from, v_from * v_from, 0);
    std::fill(start_.begin(), start_.end(), first_);
}

double AcLine::log_room(const Products& w) const {
    double product = w[0] * w[1] - w[2] * w[2] - w[3] * w[3];
    if (!(w[0] > 0 && product > 0)) return outside;
    for (std::size_t i = 0; i < half_planes_.size(); ++i) {
        const double room = half_planes_[i].dot(w) - half_plane_offsets_[i];
        if (!(room > 0)) return outside;
        product *= room;
    }
    if (std::isfinite(rating2_pu_)) {
        const Eigen::Matrix<double, 6, 1> flow = flows_ * w;
        for (const int end : {0, 3}) {
            const double room = rating2_pu_ - flow[end] * flow[end] - flow[end + 1] * flow[end + 1];
            if (!(room > 0)) return outside;
            product *= room;
        }
    }
    return std::log(product);
}

/// `gradient` and `hessian` of −log_room, added with the factor `barrier`.
void AcLine::add_barrier(const Products& w,
                         double barrier,
                         Products& gradient,
                         Eigen::Matrix4d& hessian) const {
    const auto add = [&](double room, const Products& slope) {
        gradient -= barrier / room * slope;
        hessian += barrier / (room * room) * slope * slope.transpose();
    };
    const double gap = w[0] * w[1] - w[2] * w[2] - w[3] * w[3];
    add(gap, Products(w[1], w[0], -2 * w[2], -2 * w[3]));
    hessian(0, 1) -= barrier / gap;
    hessian(1, 0) -= barrier / gap;
    hessian(2, 2) += 2 * barrier / gap;
    hessian(3, 3) += 2 * barrier / gap;
    for (std::size_t i = 0; i < half_planes_.size(); ++i)
        add(half_planes_[i].dot(w) - half_plane_offsets_[i], half_planes_[i]);
    if (!std::isfinite(rating2_pu_)) return;
    for (const int end : {0, 3}) {
        const Products active = flows_.row(end).transpose();
        const Products reactive = flows_.row(end + 1).transpose();
        const double p = active.dot(w);
        const double q = reactive.dot(w);
        const double room = rating2_pu_ - p * p - q * q;
        add(room, -2 * (p * active + q * reactive));
        hessian +=
            2 * barrier / room * (active * active.transpose() + reactive * reactive.transpose());
    }
}

model::ProxStatus AcLine::prox(const model::Schedules& target,
                               const Eigen::VectorXd& penalty,
                               model::Schedules& x) {
    // Per unit, and penalties relative to their mean: the barrier's weights then mean the same for every line.
    if (!feasible_) {
        for (Eigen::Index t = 0; t < intervals(); ++t)
            x.col(t) << 0, 0, first_[0], 0, 0, first_[1];
        return model::ProxStatus::infeasible;
    }
    Eigen::Matrix<double, 6, 1> unit;
    unit << base_kva_, base_kva_, 1, base_kva_, base_kva_, 1;
    Eigen::Matrix<double, 6, 1> weight = penalty.cwiseProduct(unit.cwiseProduct(unit));
    weight /= weight.mean();
    const Eigen::Matrix4d quadratic = flows_.transpose() * weight.asDiagonal() * flows_;

    for (Eigen::Index t = 0; t < intervals(); ++t) {
        const Eigen::Matrix<double, 6, 1> wanted = target.col(t).cwiseQuotient(unit);
        const Products linear = flows_.transpose() * weight.cwiseProduct(wanted);
        const auto distance = [&](const Products& at) {
            return 0.5 * at.dot(quadratic * at) - linear.dot(at);
        };
        Products& w = start_[static_cast<std::size_t>(t)];
        w += away_from_faces * (first_ - w);

        // A barrier much weaker than what is still to be gained creeps along the faces it meets.
        const double off = 0.5 * weight.dot((flows_ * w - wanted).cwiseAbs2());
        double barrier = std::max(off, barrier_first);
        while (barrier >= barrier_last) {
            for (int step = 0; step < newton_max; ++step) {
                Products gradient = quadratic * w - linear;
                Eigen::Matrix4d hessian = quadratic;
                add_barrier(w, barrier, gradient, hessian);
                const Products direction = hessian.ldlt().solve(-gradient);
                const double slope = gradient.dot(direction);
                if (!(-slope > centred * barrier)) break;
                const double room = log_room(w);
                const double value = distance(w) - barrier * room;
                double length = 1;
                const auto good = [&](const Products& next) {
                    const double next_room = log_room(next);
                    return next_room > room - log_room_lost_max &&
                           distance(next) - barrier * next_room <= value + 0.1 * length * slope;
                };
                while (length > shortest && !good(w + length * direction))
                    length /= 2;
                if (length <= shortest) break;  // rounding: as near as it gets
                w += length * direction;
            }
            barrier *= barrier_shrink;
        }
        x.col(t) = (flows_ * w).cwiseProduct(unit);
    }
    return model::ProxStatus::solved;
}

std::string AcLine::explain() const {
    if (feasible_) return {};
    return "line " + name_ +
           ": no voltages within its buses' bands and its angle limits keep it within its rating";
}

double AcLine::slack() const {
    double largest = 0;
    for (const Products& w : start_)
        largest = std::max(largest, w[0] * w[1] - w[2] * w[2] - w[3] * w[3]);
    return largest;
}

}  // namespace kilter::mesh
