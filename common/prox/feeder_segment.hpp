/// A piece of a radial feeder that has an owner of its own: linear branch flow between the bus it hangs on and the buses
/// where other owners' pieces hang on it.
///
/// What pieces must agree on is sums, so it is traded like power. Per interval, with D_s all that piece s draws by itself,
/// f_k what flows over boundary k, drop_s,k the fall of squared voltage from where s hangs to its boundary k:
///
///     energy        Σ_s D_s − B = 0                        all pieces meet; B is what the one at the substation passes on
///     flow k        Σ_{s behind k} D_s − f_k = 0           the piece above boundary k and all behind it
///     voltage c     g_c − Σ_{s above c} drop_s,k(c) = 0    piece c, which takes its voltage to start g_c below the
///                                                          substation's, and all on its way
///
/// No sum passes through a piece in between: agreement is one exchange away at any depth. What clears is the optimum of the
/// whole feeder.
///
/// A terminal is a factor times one of these quantities, and x its row. Per interval, with k the penalties and τ the targets,
///
///     minimise  [Δ (price P0 + slope/2 P0²) at the substation]  +  Σ_rows k/2 (x − τ)²     over the piece's network
///
/// with P0 = B + what it draws by itself,
/// by LinearLimits; limits: voltage band, ratings, import and export, of this piece alone (the bus it hangs on is the upper
/// piece's). Cost: the import's, at the substation. x is exact to 1e-9 kW.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/model/network.hpp"

namespace kilter::prox {

struct SegmentTerminal {
    enum class Quantity : std::uint8_t {
        delivery,  ///< to net `index`, kW
        drawn,     ///< D: the piece's own load and all its deliveries, kW
        flow,      ///< out of the piece at its end `index`, kW
        drop,      ///< of squared voltage from the bus it hangs on to its end `index`, pu²
        start,     ///< g: how far below the substation's its own squared voltage starts, pu²
        others,    ///< B: what the other pieces draw, kW
    };
    Quantity quantity = Quantity::delivery;
    std::size_t index = 0;
    double factor = 1;  ///< not 0; of drops kW per pu²
};

class FeederSegment final : public model::Device {
  public:
    /// `network`: the piece, `network.root` the bus it hangs on, `v_root_pu` the substation's voltage. `ends`: buses where
    /// other pieces hang. The horizon's reactive load at an end includes what lies behind it; its active load does not.
    /// The piece with a terminal for the others is at the substation.
    /// REQUIRES: network normalised and valid, without losses; horizon of that network; one terminal at least for every
    /// net, end's flow and drop, and for the start or the others.
    FeederSegment(model::Network network,
                  model::FeederHorizon horizon,
                  std::vector<std::size_t> ends,
                  std::vector<SegmentTerminal> terminals);
    FeederSegment(const FeederSegment&) = delete;
    FeederSegment& operator=(const FeederSegment&) = delete;
    ~FeederSegment() override;

    [[nodiscard]] Eigen::Index rows() const override;
    [[nodiscard]] Eigen::Index intervals() const override;
    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;
    [[nodiscard]] double cost(const model::Schedules& x) const override;
    [[nodiscard]] std::string explain() const override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::prox
