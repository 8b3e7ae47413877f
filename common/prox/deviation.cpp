#include "common/prox/deviation.hpp"

#include "common/base/check.hpp"

namespace kilter::prox {

Deviation::Deviation(model::Device& inner, model::Schedules base)
    : inner_(inner), base_(std::move(base)), target_(base_) {
    KILTER_CHECK(base_.rows() == inner_.rows() && base_.cols() == inner_.intervals(),
                 "a base has the device's rows and intervals");
}

model::ProxStatus Deviation::prox(const model::Schedules& target,
                                  const Eigen::VectorXd& penalty,
                                  model::Schedules& x) {
    target_ = target + base_;
    const model::ProxStatus status = inner_.prox(target_, penalty, x);
    x -= base_;
    return status;
}

double Deviation::cost(const model::Schedules& x) const {
    return inner_.cost(x + base_);
}

}  // namespace kilter::prox
