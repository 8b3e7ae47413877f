/// Proximal message passing where nobody hosts the grid: devices that meet at junctions, every line among them.
///
/// A junction is one channel of one net. Power is balanced there, voltages and angles agree. With weights w_i of the
/// terminals and penalty ρ, everything in the norm ρ Σ w_i (.)_i² / 2, one iteration is
///
///     net       z = projection of v onto the junctions' sets
///                   balance    z_i = v_i − (Σ v_j) / (w_i W),  W = Σ 1/w_j    v_i − z_i = y/(ρ w_i): one price y for all
///                   agreement  z_i = Σ w_j v_j / Σ w_j
///     device    x = prox of the devices at target 2z − v = z − y/(ρ w)
///     next      v ← v + α (x − z), or what Anderson acceleration makes of it (anderson.hpp)
///
/// which without acceleration is the session's iteration (common/market/step.hpp): v is its relaxed message plus its
/// price. Sums over a junction are all that its members need of each other, one hop per iteration. Here it is computed in
/// one place: for planning, for benchmarks, for grids without a feeder. Voltages start at 1, angles and powers at 0.
///
/// Stop: ‖x − z‖ ≤ tolerance ‖v‖, which bounds imbalance and movement of prices alike.
/// Source: Kraning, Chu, Lavaei, Boyd (2013), generalised to weights and to agreement.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/model/device.hpp"

namespace kilter::mesh {

enum class Bond : std::uint8_t { balance, agreement };

struct Terminal {
    std::size_t device = 0;
    Eigen::Index row = 0;
    double weight = 1;  ///< w > 0
};

struct Junction {
    Bond bond = Bond::balance;
    double start = 0;  ///< of all its terminals
    std::vector<Terminal> terminals;
};

struct Options {
    double rho = 0;  ///< EUR per squared unit of a row of weight 1, > 0
    double alpha = 1.6;
    double tolerance = 1e-6;
    std::size_t memory = 60;  ///< of the acceleration; 0: none
    std::uint32_t iterations_max = 10'000;
};

struct Solution {
    bool converged = false;
    std::uint32_t iterations = 0;
    double residual = 0;              ///< ‖x − z‖ / ‖v‖
    double cost = 0;                  ///< EUR, of x
    std::vector<model::Schedules> x;  ///< per device, each inside its device's set
    model::Schedules price;  ///< junctions × intervals, EUR per unit and interval; 0 at agreements
};

class Exchange {
  public:
    /// REQUIRES: every row of every device is at exactly one junction, no junction is empty, all devices have the same
    /// number of intervals.
    Exchange(std::vector<std::unique_ptr<model::Device>> devices, std::vector<Junction> junctions);

    [[nodiscard]] Solution solve(const Options& options);

    [[nodiscard]] const std::vector<std::unique_ptr<model::Device>>& devices() const {
        return devices_;
    }

  private:
    [[nodiscard]] model::Schedules project(const model::Schedules& v) const;

    std::vector<std::unique_ptr<model::Device>> devices_;
    std::vector<Junction> junctions_;
    std::vector<Eigen::Index> first_row_;  ///< per device, in the rows of all
    Eigen::VectorXd weights_;              ///< of all rows
};

}  // namespace kilter::mesh
