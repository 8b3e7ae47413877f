/// Consecutive sessions of one instance of the feeder suite: the first starts cold, each later one warm from the one
/// before, one interval on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "coordinator/planner/clearing.hpp"
#include "coordinator/planner/segments.hpp"
#include "coordinator/planner/suite.hpp"

namespace kilter::planner {

/// Limits with a multiplier above 1e-6 EUR at the cleared plan, counted over limits and intervals.
struct Binding {
    std::size_t voltage = 0;
    std::size_t lines = 0;
    std::size_t tie = 0;

    [[nodiscard]] std::size_t all() const { return voltage + lines + tie; }
};

struct SuiteSession {
    market::Outcome outcome = market::Outcome::abandoned;
    std::uint32_t iterations = 0;
    std::uint32_t rounds = 0;  ///< exchanges among owners of pieces, between iterations
    double primal_residual_kw = 0;
    double dual_residual_eur_per_kw = 0;
    model::Schedules price_eur_per_kwh;  ///< nets × intervals
    model::Schedules home_kw;            ///< homes × intervals, positive = consumption

    /// All that wait for each other: what a session takes in messages there and back.
    [[nodiscard]] std::uint32_t exchanges() const { return iterations + rounds; }
};

class SuiteRun {
  public:
    /// `pieces`: the feeder's, each with an owner of its own (segments.hpp).
    SuiteRun(SuiteInstance instance,
             const market::Parameters& parameters,
             ForEach for_each = {},
             std::size_t pieces = 1);

    /// The session that starts at `first`, then its first interval is lived through.
    /// `warm`: the one before it was that of first − 1. `on_iteration`: as Clearing::run's.
    SuiteSession clear(std::int64_t first,
                       const std::function<void(std::uint32_t)>& on_iteration = {});

    /// Computes binding() and objective_eur() of the last session; takes longer than a warm session.
    void audit();

    [[nodiscard]] const Binding& binding() const { return binding_; }

    /// Cost of the import and of all equipment over the horizon, EUR.
    [[nodiscard]] double objective_eur() const { return objective_eur_; }

    [[nodiscard]] const SuiteInstance& instance() const { return instance_; }

    /// What the homes and the feeder knew when the last session opened: with instance().network, its whole problem.
    [[nodiscard]] const std::vector<model::Home>& known() const { return known_; }

    [[nodiscard]] model::FeederHorizon feeder_horizon() const;

  private:
    SuiteInstance instance_;
    market::Parameters parameters_;
    ForEach for_each_;
    std::vector<market::Seat> seats_;
    std::vector<Segment> pieces_;          ///< none: one owner
    std::vector<market::WarmState> warm_;  ///< by party; empty: cold
    // the last session's
    std::int64_t interval_ = 0;
    std::vector<model::Home> known_;
    SuiteSession last_;
    model::Schedules delivery_kw_;
    Binding binding_;
    double objective_eur_ = 0;
};

}  // namespace kilter::planner
