#include "common/prox/curtailable_pv.hpp"

#include "common/base/check.hpp"

namespace kilter::prox {

model::ProxStatus CurtailablePv::prox(const model::Schedules& target,
                                      const Eigen::VectorXd& penalty,
                                      model::Schedules& x) {
    KILTER_CHECK(target.rows() == 1 && target.cols() == intervals() && penalty.size() == 1,
                 "panels have one row");
    x.resize(1, intervals());
    x.row(0) = target.row(0).cwiseMin(0).cwiseMax(-available_kw_.transpose());
    return model::ProxStatus::solved;
}

}  // namespace kilter::prox
