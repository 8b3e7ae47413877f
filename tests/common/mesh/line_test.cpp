// The lines' steps against what makes a projection a projection: the answer lies in the set, and no point of the set lies
// across it from the target. Points of the set are drawn from the network's equations, not from the code under test.
#include <cmath>
#include <complex>
#include <random>

#include <gtest/gtest.h>

#include "common/mesh/ac_line.hpp"
#include "common/mesh/dc_line.hpp"

namespace kilter::mesh::line_test {
namespace {

using model::Schedules;

constexpr double base_kva = 1000;

double uniform(std::mt19937& random, double low, double high) {
    return std::uniform_real_distribution<>(low, high)(random);
}

/// Σ k_i (x_i − t_i)(x'_i − x_i), per unit of what the target is away: negative where x' lies towards the target.
double across(const Schedules& x,
              const Schedules& other,
              const Schedules& target,
              const Eigen::VectorXd& penalty) {
    const Schedules off = x - target;
    return (penalty.array() * off.array() * (other - x).array()).sum() /
           (1 + (penalty.array() * off.array() * off.array()).sum());
}

TEST(DcLine, is_the_projection_onto_its_set) {
    std::mt19937 random(1);
    for (int instance = 0; instance < 300; ++instance) {
        model::MeshedLine line;
        line.rating_kva = uniform(random, 50, 500);
        line.shift_rad = uniform(random, -0.1, 0.1);
        line.angle_min_rad = uniform(random, -0.5, -0.15);
        line.angle_max_rad = uniform(random, 0.15, 0.5);
        const double susceptance = uniform(random, 500, 5000);
        DcLine device(line, susceptance, 1);
        Schedules target(4, 1), x(4, 1), other(4, 1);
        Eigen::VectorXd penalty(4);
        for (int row = 0; row < 4; ++row) {
            const bool angle = row % 2 == 1;
            target(row, 0) = uniform(random, -1, 1) * (angle ? 1 : 600);
            penalty[row] = uniform(random, 0.1, 10) * (angle ? susceptance * susceptance : 1);
        }
        ASSERT_EQ(device.prox(target, penalty, x), model::ProxStatus::solved);
        EXPECT_NEAR(x(0, 0), susceptance * (x(1, 0) - x(3, 0) - line.shift_rad), 1e-7);
        EXPECT_EQ(x(0, 0), -x(2, 0));
        EXPECT_LE(std::abs(x(0, 0)), line.rating_kva);
        EXPECT_GE(x(1, 0) - x(3, 0), line.angle_min_rad - 1e-12);
        EXPECT_LE(x(1, 0) - x(3, 0), line.angle_max_rad + 1e-12);
        for (int draw = 0; draw < 50; ++draw) {
            const double apart = uniform(random, line.angle_min_rad, line.angle_max_rad);
            other(1, 0) = uniform(random, -2, 2);
            other(3, 0) = other(1, 0) - apart;
            other(0, 0) = susceptance * (apart - line.shift_rad);
            other(2, 0) = -other(0, 0);
            if (std::abs(other(0, 0)) > line.rating_kva) continue;
            EXPECT_GE(across(x, other, target, penalty), -1e-9);
        }
    }
}

struct Ends {
    model::MeshedLine line;
    model::MeshedBus from, to;

    /// Rows p_from … v_to of two voltages, from the π section's admittances.
    [[nodiscard]] Schedules at(std::complex<double> v_from, std::complex<double> v_to) const {
        const std::complex<double> series = 1.0 / std::complex(line.r_pu, line.x_pu);
        const std::complex<double> half(0, line.b_pu / 2);
        const std::complex<double> tap = std::polar(line.ratio, line.shift_rad);
        const auto i_from =
            (series + half) / std::norm(tap) * v_from - series / std::conj(tap) * v_to;
        const auto i_to = (series + half) * v_to - series / tap * v_from;
        const auto s_from = base_kva * v_from * std::conj(i_from);
        const auto s_to = base_kva * v_to * std::conj(i_to);
        Schedules out(6, 1);
        out << s_from.real(), s_from.imag(), std::norm(v_from), s_to.real(), s_to.imag(),
            std::norm(v_to);
        return out;
    }

    [[nodiscard]] bool holds(const Schedules& rows, double turned) const {
        return turned >= line.angle_min_rad && turned <= line.angle_max_rad &&
               std::hypot(rows(0, 0), rows(1, 0)) <= line.rating_kva &&
               std::hypot(rows(3, 0), rows(4, 0)) <= line.rating_kva;
    }
};

Ends random_line(std::mt19937& random) {
    Ends ends;
    ends.line.r_pu = uniform(random, 0.001, 0.1);
    ends.line.x_pu = uniform(random, 0.02, 0.3);
    ends.line.b_pu = uniform(random, 0, 0.1);
    ends.line.ratio = uniform(random, 0.95, 1.05);
    ends.line.shift_rad = uniform(random, -0.05, 0.05);
    ends.line.angle_min_rad = -0.5;
    ends.line.angle_max_rad = uniform(random, 0.1, 0.5);
    if (uniform(random, 0, 1) < 0.7) ends.line.rating_kva = uniform(random, 300, 2000);
    return ends;
}

TEST(AcLine, is_the_projection_onto_a_set_that_holds_every_physical_state) {
    std::mt19937 random(2);
    int compared = 0;
    for (int instance = 0; instance < 200; ++instance) {
        const Ends ends = random_line(random);
        AcLine device(ends.line, ends.from, ends.to, base_kva, 1);
        Schedules target(6, 1), x(6, 1);
        Eigen::VectorXd penalty(6);
        for (int row = 0; row < 6; ++row) {
            const bool voltage = row % 3 == 2;
            target(row, 0) = voltage ? uniform(random, 0.7, 1.3) : uniform(random, -1500, 1500);
            penalty[row] = uniform(random, 0.1, 10) * (voltage ? 1e6 : 1);
        }
        ASSERT_EQ(device.prox(target, penalty, x), model::ProxStatus::solved);
        EXPECT_GE(device.slack(), 0);
        EXPECT_LE(std::hypot(x(0, 0), x(1, 0)), ends.line.rating_kva);
        EXPECT_LE(std::hypot(x(3, 0), x(4, 0)), ends.line.rating_kva);
        EXPECT_GE(x(0, 0) + x(3, 0), -1e-6) << "a line that makes energy";
        for (int draw = 0; draw < 200; ++draw) {
            const double turned = uniform(random, ends.line.angle_min_rad, ends.line.angle_max_rad);
            const Schedules other =
                ends.at(std::polar(uniform(random, 0.9, 1.1), turned), uniform(random, 0.9, 1.1));
            if (!ends.holds(other, turned)) continue;
            ++compared;
            EXPECT_GE(across(x, other, target, penalty), -1e-6);
        }
    }
    EXPECT_GT(compared, 5000);
}

TEST(AcLine, answers_a_physical_state_with_itself) {
    std::mt19937 random(3);
    for (int instance = 0; instance < 100; ++instance) {
        const Ends ends = random_line(random);
        const double turned = uniform(random, -0.1, 0.09);
        const Schedules target =
            ends.at(std::polar(uniform(random, 0.95, 1.05), turned), uniform(random, 0.95, 1.05));
        if (!ends.holds(target, turned)) continue;
        AcLine device(ends.line, ends.from, ends.to, base_kva, 1);
        Schedules x(6, 1);
        device.prox(target, Eigen::VectorXd::Constant(6, 1), x);
        for (int row = 0; row < 6; ++row)
            EXPECT_NEAR(x(row, 0), target(row, 0), 1e-3) << row;
    }
}

}  // namespace
}  // namespace kilter::mesh::line_test
