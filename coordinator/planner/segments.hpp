/// A feeder cut into pieces of different owners, as a configuration of the ordinary session: its device is what the owners
/// compute together (common/prox/joint_newton.hpp). Each knows its own piece alone and, as everybody at a net does, the sums
/// of its nets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/model/device.hpp"
#include "common/prox/joint_newton.hpp"

namespace kilter::planner {

/// A piece. Boundary s − 1 is where piece s > 0 hangs on another one.
struct Segment {
    model::Network network;
    std::vector<std::size_t> buses;  ///< of the whole feeder, in the order of its network's
    std::vector<std::size_t> nets;   ///< likewise
    std::size_t above = 0;           ///< the piece it hangs on; of the substation's: itself
    std::size_t end_above = 0;       ///< which of that piece's ends
    std::vector<std::size_t> ends;   ///< buses of its network where others hang
    std::vector<std::size_t> below;  ///< the pieces that hang there
};

/// Into `pieces` of about as many nets each, fewer where the tree does not have them; the substation's first, every one
/// before those that hang on it. REQUIRES: network normalised, valid, without losses.
std::vector<Segment> cut(const model::Network& network, std::size_t pieces);

/// A piece's part of the whole feeder's series: its own loads, and the reactive load behind its ends.
model::FeederHorizon horizon_of(const std::vector<Segment>& pieces,
                                std::size_t piece,
                                const model::FeederHorizon& series);

/// The feeder of all pieces as the session's one supplier: what the owners compute together, a message of each to the chair
/// and one back at a time, here in one process. Everything else about the session is as with one owner.
class JointFeeder final : public model::Device {
  public:
    /// REQUIRES: `pieces` cut() from one network, the horizon that network's.
    JointFeeder(std::vector<Segment> pieces, const model::FeederHorizon& series);

    [[nodiscard]] Eigen::Index rows() const override { return rows_; }

    [[nodiscard]] Eigen::Index intervals() const override { return intervals_; }

    /// As a price step from price 0, every net answering 1 / its penalty.
    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override;

    bool price_step(const model::Schedules& price,
                    const model::Schedules& demand_kw,
                    const std::vector<model::Response>& response,
                    const model::PriceRestraint& restraint,
                    model::Schedules& next_price,
                    model::Schedules& delivery_kw) override;

    [[nodiscard]] model::Schedules marginal_price() const override;
    [[nodiscard]] double cost(const model::Schedules& x) const override;
    [[nodiscard]] std::string explain() const override;

    /// Exchanges among owners so far: every one says what it would do and what that depends on, the chair answers.
    [[nodiscard]] std::uint32_t rounds() const { return rounds_; }

  private:
    bool step(const model::Schedules& price,
              const model::Schedules& demand_kw,
              const std::vector<model::Response>& response,
              const model::PriceRestraint& restraint);
    [[nodiscard]] model::Schedules gathered(
        const std::function<model::Schedules(const prox::PieceNewton&)>& of) const;

    std::vector<Segment> pieces_;
    std::vector<prox::PieceNewton> owners_;
    prox::JointNewton joint_;
    Eigen::Index rows_ = 0, intervals_ = 0;
    model::FeederHorizon tie_;  ///< the price of imports
    double slope_ = 0;
    Eigen::RowVectorXd fixed_kw_;
    bool agreed_ = true;
    std::uint32_t rounds_ = 0;
};

}  // namespace kilter::planner
