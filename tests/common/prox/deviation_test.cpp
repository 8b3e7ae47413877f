#include "common/prox/deviation.hpp"

#include <gtest/gtest.h>

#include "common/prox/curtailable_pv.hpp"

namespace kilter::prox::deviation_test {
namespace {

TEST(Deviation, IsTheDeviceSeenFromItsBase) {
    const model::Series sun = model::Series::Constant(3, 2.0);
    CurtailablePv plain(sun);
    CurtailablePv inner(sun);
    model::Schedules base(1, 3);
    base << -1.5, -0.5, 0.0;
    Deviation device(inner, base);
    EXPECT_EQ(device.rows(), 1);
    EXPECT_EQ(device.intervals(), 3);
    model::Schedules target(1, 3);
    target << -1.0, 0.25, 1.0;
    const Eigen::VectorXd penalty = Eigen::VectorXd::Constant(1, 0.5);
    model::Schedules e(1, 3);
    model::Schedules x(1, 3);
    EXPECT_EQ(device.prox(target, penalty, e), model::ProxStatus::solved);
    plain.prox(target + base, penalty, x);
    EXPECT_EQ(e, model::Schedules(x - base));
    EXPECT_DOUBLE_EQ(e(0), -0.5) << "what is left of the sun";
    EXPECT_DOUBLE_EQ(device.cost(e), plain.cost(x));
}

}  // namespace
}  // namespace kilter::prox::deviation_test
