#include "common/prox/fixed_load.hpp"

#include "common/base/check.hpp"

namespace kilter::prox {

model::ProxStatus FixedLoad::prox(const model::Schedules& target,
                                  const Eigen::VectorXd& penalty,
                                  model::Schedules& x) {
    KILTER_CHECK(target.rows() == 1 && target.cols() == intervals() && penalty.size() == 1,
                 "a fixed load has one row");
    x.resize(1, intervals());
    x.row(0) = load_kw_.transpose();
    return model::ProxStatus::solved;
}

}  // namespace kilter::prox
