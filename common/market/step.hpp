/// The mathematics of one proximal iteration, apart from who says what to whom: what a member's device
/// answers, what goes into its message, and what everyone makes of the sum. Where the chair sets the prices
/// priced.hpp and acceleration.hpp take its place; collecting, attempts, history and stopping are the same.
///
///     device step   x ← prox(t) with t_i = z_i − y/(ρ w_i), penalty ρ w_i;    a_i = α x_i + (1 −
///     α) z_i,
///                   rounded to 2^-20 kW: from here on a_i is the rounded one, for its owner too
///     net step      r = Σ a_j,  W = Σ 1/w_j;    z_i = a_i − r/(w_i W),    y ← y + ρ r / W
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/market/session.hpp"

namespace kilter::market {

struct Answer;

using Units = Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline constexpr double unit_kw = 0x1.0p-20;  ///< of a word of a message

/// All that one iteration leaves behind at one member. Rows as the device's: terminal × channels + channel.
struct Iterate {
    std::uint32_t iteration = 0;
    double rho_eur_per_kw2 = 0;  ///< that its dual residual is scaled with
    double rho_working = 0;      ///< of its device step; where the next session starts
    double alpha = 1;            ///< relaxation used in it
    bool priced = false;         ///< at prices the chair set (priced.hpp, acceleration.hpp)
    bool anew = false;           ///< its step was taken from iterate 0, not from the last one
    std::shared_ptr<const Answer> answer;  ///< of a home, accelerated
    std::vector<double>
        level_answers;      ///< λ per terminal, where the chair set prices unanswered (priced.hpp)
    model::Schedules x_kw;  ///< the device's answer
    Units a_units;          ///< relaxed and rounded, 2^-20 kW
    bool feasible = true;   ///< what the device said of its set
    // after the net step
    model::Schedules imbalance_kw;  ///< Σ x over each terminal's net
    model::Schedules z_kw;
    model::Schedules y_eur_per_kw;
    std::vector<std::uint64_t>
        moved;  ///< ‖w_i Δz_i‖² per terminal, 2^-36 kW², at most movement_max
    std::uint64_t primal_square = 0;  ///< Σ r² over this member's nets, 2^-36 kW², saturating
    std::vector<std::vector<PartyId>> members;  ///< who took part, per terminal
};

/// Iterate 0: where a session of a member with `terminals` terminals starts.
Iterate start_from(const WarmState& warm, std::size_t terminals);

/// Words of a message: the schedule's numbers and the movement.
inline std::size_t words_per_message(const Parameters& parameters) {
    return parameters.quantities() + 1;
}

/// Rounded to 2^-20 kW.
Units rounded_units(const model::Schedules& kw);

/// In place of the net step where the chair set the prices: only judges. As net_step().
std::uint64_t judge(Iterate& next, std::size_t terminal, std::span<const std::uint64_t> sums);

/// The device step of the iteration after `last`. `weights`: w_i per terminal.
Iterate device_step(model::Device& device,
                    const Iterate& last,
                    const Eigen::VectorXd& weights,
                    double rho,
                    double alpha);

/// Whether prices that the chair set and what it would deliver are numbers that a session can go on with.
bool plausible(const model::Schedules& y_eur_per_kw,
               const model::Schedules& delivery_kw,
               const Parameters& parameters);

/// A terminal's unmasked message of the iteration `next` under way.
std::vector<std::uint64_t> plain_words(const Iterate& last,
                                       const Iterate& next,
                                       std::size_t terminal);

/// The net step of one terminal from the sum of all members' words; completes `next`. `inverse_weights`
/// is W. Returns the sum of the members' movements in the net step before.
std::uint64_t net_step(const Iterate& last,
                       Iterate& next,
                       std::size_t terminal,
                       double weight,
                       double inverse_weights,
                       std::span<const std::uint64_t> sums);

}  // namespace kilter::market
