#include "common/mesh/dc_line.hpp"

#include <algorithm>

namespace kilter::mesh {

DcLine::DcLine(const model::MeshedLine& line, double susceptance_kw, Eigen::Index intervals)
    : susceptance_kw_(susceptance_kw),
      shift_rad_(line.shift_rad),
      p_min_kw_(-line.rating_kva),
      p_max_kw_(line.rating_kva),
      intervals_(intervals) {
    if (susceptance_kw_ <= 0) return;
    p_min_kw_ = std::max(p_min_kw_, susceptance_kw_ * (line.angle_min_rad - shift_rad_));
    p_max_kw_ = std::min(p_max_kw_, susceptance_kw_ * (line.angle_max_rad - shift_rad_));
}

model::ProxStatus DcLine::prox(const model::Schedules& target,
                               const Eigen::VectorXd& penalty,
                               model::Schedules& x) {
    if (susceptance_kw_ <= 0) {
        for (Eigen::Index t = 0; t < intervals_; ++t) {
            const double p =
                (penalty[0] * target(0, t) - penalty[1] * target(1, t)) / (penalty[0] + penalty[1]);
            x(0, t) = std::clamp(p, p_min_kw_, p_max_kw_);
            x(1, t) = -x(0, t);
        }
        return model::ProxStatus::solved;
    }
    const double angle_penalty = penalty[1] * penalty[3] / (penalty[1] + penalty[3]);
    const double per_kw = angle_penalty / susceptance_kw_;
    for (Eigen::Index t = 0; t < intervals_; ++t) {
        const double apart = target(1, t) - target(3, t) - shift_rad_;
        const double p =
            std::clamp((penalty[0] * target(0, t) - penalty[2] * target(2, t) + per_kw * apart) /
                           (penalty[0] + penalty[2] + per_kw / susceptance_kw_),
                       p_min_kw_, p_max_kw_);
        const double moved =
            p / susceptance_kw_ - apart;  // what the angles' difference must still grow by
        x(0, t) = p;
        x(2, t) = -p;
        x(1, t) = target(1, t) + moved * penalty[3] / (penalty[1] + penalty[3]);
        x(3, t) = target(3, t) - moved * penalty[1] / (penalty[1] + penalty[3]);
    }
    return model::ProxStatus::solved;
}

}  // namespace kilter::mesh
