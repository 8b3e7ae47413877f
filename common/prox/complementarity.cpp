#include "common/prox/complementarity.hpp"

#include <algorithm>

namespace kilter::prox {

using Eigen::ArrayXd;

void Complementarity::resize(Eigen::Index count, bool soft) {
    soft_ = soft;
    for (ArrayXd* array : {&slack, &dual, &value, &change, &weight, &multiplier, &inv_slack_,
                           &inv_dual_, &aim_slack_, &ahead_, &d_slack_, &d_dual_})
        *array = ArrayXd::Zero(count);
    if (!soft) return;
    for (ArrayXd* array :
         {&price, &excess, &room, &inv_excess_, &inv_room_, &aim_excess_, &d_excess_})
        *array = ArrayXd::Zero(count);
}

void Complementarity::centre(double mu, double slack_min) {
    if (soft_) {  // s − ξ = h with μ/s + μ/ξ = price
        slack = (price * value + 2 * mu + (price * value).square().unaryExpr([mu](double square) {
                    return std::sqrt(square + 4 * mu * mu);
                })) /
                (2 * price);
        // cancellation where h is far below 0
        slack = slack.max(mu / price);
        excess = (slack - value).max(mu / price);
        dual = price * excess / (slack + excess);
        room = price * slack / (slack + excess);
    } else {
        slack = value.max(slack_min);
        dual = mu / slack;
    }
}

void Complementarity::weigh() {
    inv_slack_ = slack.inverse();
    inv_dual_ = dual.inverse();
    if (soft_) {
        inv_excess_ = excess.inverse();
        inv_room_ = room.inverse();
        weight = (slack * inv_dual_ + excess * inv_room_).inverse();
    } else {
        weight = dual * inv_slack_;
    }
}

void Complementarity::aim(double mu, bool corrected) {
    if (corrected)
        aim_slack_ = (mu - d_slack_ * d_dual_) * inv_dual_;
    else
        aim_slack_ = mu * inv_dual_;
    if (soft_) {
        if (corrected)
            aim_excess_ = (mu + d_excess_ * d_dual_) * inv_room_;
        else
            aim_excess_ = mu * inv_room_;
        ahead_ = value - aim_slack_ + aim_excess_;
    } else {
        ahead_ = value - aim_slack_;
    }
    multiplier = dual - weight * ahead_;
}

void Complementarity::move() {
    d_dual_ = -weight * (ahead_ + change);
    d_slack_ = aim_slack_ - slack - slack * inv_dual_ * d_dual_;
    if (soft_) d_excess_ = aim_excess_ - excess + excess * inv_room_ * d_dual_;
}

double Complementarity::products(double fraction) const {
    double sum = ((slack + fraction * d_slack_) * (dual + fraction * d_dual_)).sum();
    if (soft_) sum += ((excess + fraction * d_excess_) * (room - fraction * d_dual_)).sum();
    return sum;
}

double Complementarity::off_centre(double mu) const {
    if (count() == 0) return 0;
    const double worst = (slack * dual / mu - 1).abs().maxCoeff();
    return soft_ ? std::max(worst, (excess * room / mu - 1).abs().maxCoeff()) : worst;
}

double Complementarity::longest(double most) const {
    if (count() == 0) return most;
    // the fastest relative fall
    double fall = std::max((-d_slack_ * inv_slack_).maxCoeff(), (-d_dual_ * inv_dual_).maxCoeff());
    if (soft_)
        fall = std::max(
            {fall, (-d_excess_ * inv_excess_).maxCoeff(), (d_dual_ * inv_room_).maxCoeff()});
    return fall * most > 1 ? 1 / fall : most;
}

void Complementarity::step(double fraction) {
    slack += fraction * d_slack_;
    dual += fraction * d_dual_;
    if (!soft_) return;
    excess += fraction * d_excess_;
    room -= fraction * d_dual_;
}

double Complementarity::residual() const {
    if (count() == 0) return 0;
    if (soft_) return (value - slack + excess).abs().maxCoeff();
    return (value - slack).abs().maxCoeff();
}

}  // namespace kilter::prox
