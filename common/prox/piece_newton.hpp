/// An owner's part in the price step of a radial feeder (feeder_newton.hpp has the step): the whole feeder, or a piece of it
/// between the bus it hangs on and the ends where other owners' pieces hang.
///
/// The step's unknowns are the multipliers of the rows that take part: limits that bind, and the tie's prices. What they do
/// is a sum over nets, so each owner can say what they do to its own: with a piece's rows, and as ports all that flows in
/// (its multiplier is the price π there over the base price) and the voltage at each end (ν, the sum of the multipliers
/// behind), whose matrices of sensitivities are A and the nets' responses S,
///
///     G = A S Aᵀ        the effects of rows and ports on each other through the piece's own nets
///
/// and beside that how an end's flow f and the fall of voltage g where the piece begins move its rows. From these the step
/// is put together (joint_newton.hpp), and told back: the multipliers of the piece's rows and ports, f and g. With them
/// the owner has its nets' prices and deliveries, and sees which of its limits should have taken part.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/model/device.hpp"
#include "common/model/network.hpp"
#include "common/prox/level_rows.hpp"

namespace kilter::prox {

/// A row that takes part. Its excess is that over the limit, in the row's own unit (kW); of a price of the tie, Δ slope times
/// which the import must be: that import.
struct PieceRow {
    Eigen::Index interval = 0;
    bool free = false;            ///< a price of the tie: of either sign
    double multiplier = 0;        ///< of the step before
    double of_start = 0;          ///< excess per pu² of g
    Eigen::VectorXd of_end_flow;  ///< excess per kW of each end's f
};

/// What an owner says. Index: ports × T + interval, ports the flow in (not of the piece at the substation), then the
/// voltages of the ends; then the rows.
struct PieceRows {
    std::vector<PieceRow> rows;
    /// Of all ports and rows if nobody changes the base price and f, g are zero: what flows in, what falls up to an end
    /// (pu²), excess.
    Eigen::VectorXd value;
    Eigen::MatrixXd gram;
    std::optional<LevelGram>
        level;                 ///< of a whole feeder with level responses, in the place of `gram`
    Eigen::MatrixXd end_drop;  ///< what falls up to one end per kW into another, pu²
};

/// What an owner is told.
struct PieceStep {
    Eigen::VectorXd multipliers;  ///< indexed as above
    model::Schedules end_flow;    ///< f: ends × T, kW
    Eigen::RowVectorXd start;     ///< g: pu²
};

class PieceNewton {
  public:
    /// `hangs`: it is not at the substation. Then network.root is the bus of the piece above that it hangs on, and
    /// network.v_root_pu the substation's voltage. The horizon's reactive load at an end includes what lies behind it; its
    /// active load does not.
    /// REQUIRES: linear(network), normalised and valid; horizon of that network; no two pieces hang on one end.
    PieceNewton(model::Network network,
                model::FeederHorizon horizon,
                const std::vector<std::size_t>& ends,
                bool hangs);
    PieceNewton(const PieceNewton&) = delete;
    PieceNewton& operator=(const PieceNewton&) = delete;
    PieceNewton(PieceNewton&&) noexcept;
    PieceNewton& operator=(PieceNewton&&) noexcept;
    ~PieceNewton();

    /// Whether the step is known for it: no losses, shunts, charging or regulators.
    static bool linear(const model::Network& network);

    /// A new step, from prices (nets × intervals), what the nets draw at them and how that answers. Rows that bound in the
    /// step before take part, as they are likely to bind again; of a piece also those that took part in any.
    void begin(const model::Schedules& price,
               const model::Schedules& demand_kw,
               const std::vector<model::Response>& response);

    /// In the midst of a step: the nets answer otherwise from where it began. The rows that take part stay.
    void change_responses(const std::vector<model::Response>& response);

    [[nodiscard]] PieceRows rows() const;

    /// Whether more rows take part now: the worst of every interval that are not kept to 10⁻⁶ kW. In a piece also those that
    /// would come to bind after them if all ports, f and g stayed as told: an owner finds out alone what it would otherwise
    /// take more exchanges to say.
    bool hear(const PieceStep& step);

    // At the step heard last.
    [[nodiscard]] model::Schedules prices() const;
    [[nodiscard]] model::Schedules deliveries() const;

    /// The rows that bound, with their multipliers, two words each: of limits, and the tie's prices (not of ports: for a
    /// whole feeder). None where there are too many to tell (`remembered_max`).
    [[nodiscard]] std::vector<std::uint64_t> memory() const;
    /// The next step begins as that of who remembers this. Words that no piece of this shape wrote are taken for none.
    void recall(std::span<const std::uint64_t> memory);

    static constexpr std::size_t remembered_max = 4096;

    /// After a step that could not be made: no row is kept for the next one.
    void forget();

    /// Of all its fixed loads.
    [[nodiscard]] const Eigen::RowVectorXd& fixed_kw() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::prox
