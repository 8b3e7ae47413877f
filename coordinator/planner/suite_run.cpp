#include "coordinator/planner/suite_run.hpp"

#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "common/base/check.hpp"
#include "common/prox/feeder.hpp"
#include "common/prox/feeder_newton.hpp"
#include "common/prox/home.hpp"

namespace kilter::planner {

namespace {

constexpr double binds_eur = 1e-6;

std::vector<Resident> suite_residents(const SuiteInstance& instance) {
    std::vector<Resident> out;
    for (const SuiteHome& home : instance.homes)
        out.push_back({home.spec.net, home.flexibility()});
    return out;
}

/// The feeder's multipliers at a cleared plan, whoever set the prices.
Binding binding_at(prox::Feeder& feeder,
                   const model::Schedules& delivery_kw,
                   const model::Schedules& y,
                   double rho) {
    model::Schedules plan(feeder.rows(), feeder.intervals());
    feeder.prox(-delivery_kw - y / rho, Eigen::VectorXd::Constant(feeder.rows(), rho), plan);
    const prox::FeederDuals duals = feeder.duals();
    const auto count = [](const auto& of) {
        return static_cast<std::size_t>((of.array().abs() > binds_eur).count());
    };
    return {count(duals.voltage), count(duals.branch), count(duals.tie)};
}

}  // namespace

SuiteRun::SuiteRun(SuiteInstance instance,
                   const market::Parameters& parameters,
                   ForEach for_each,
                   std::size_t pieces)
    : instance_(std::move(instance)),
      parameters_(parameters),
      for_each_(std::move(for_each)),
      seats_(seats_of(instance_.network.nets.size(), suite_residents(instance_), parameters)) {
    if (pieces > 1) pieces_ = cut(instance_.network, pieces);
}

SuiteSession SuiteRun::clear(std::int64_t first,
                             const std::function<void(std::uint32_t)>& on_iteration) {
    const auto horizon = static_cast<Eigen::Index>(parameters_.horizon);
    const auto start_of = [&](PartyId party, std::size_t rows) {
        return warm_.empty() ? market::WarmState::cold(static_cast<Eigen::Index>(rows), horizon,
                                                       parameters_.rho_eur_per_kw2)
                             : warm_[party.value].shifted(1, 86'400 / parameters_.interval_s);
    };
    interval_ = first;
    prox::Feeder feeder(instance_.network, feeder_horizon());
    prox::FeederNewton pricing(feeder);
    std::optional<JointFeeder> joint;
    if (!pieces_.empty()) joint.emplace(pieces_, feeder_horizon());
    model::Device& supplier = joint ? *joint : static_cast<model::Device&>(pricing);
    market::WarmState start = start_of(chair, seats_.size());
    if (parameters_.method != market::Method::proximal)
        start.start_unpriced_at(supplier.marginal_price());
    const model::Schedules prices = start.y_eur_per_kw;
    const market::Terms terms{
        .id = {.interval = first, .opening = 0},
        .parameters = parameters_,
        .rho_eur_per_kw2 = start.rho_eur_per_kw2,
        .terminals = static_cast<std::uint32_t>(instance_.homes.size() + seats_.size()),
        .chair = chair};
    std::deque<prox::Home> homes;
    known_.clear();
    Clearing clearing;
    clearing.seat({terms, chair, seats_, supplier, nullptr, start});
    for (std::size_t i = 0; i < instance_.homes.size(); ++i) {
        const SuiteHome& home = instance_.homes[i];
        known_.push_back(home.horizon(first, horizon));
        KILTER_CHECK(known_.back().validate().ok(), "the suite draws valid homes");
        homes.emplace_back(known_.back());
        market::WarmState own = start_of(party_of(i), 1);
        own.y_eur_per_kw = prices.row(home.spec.net.value);
        clearing.seat(
            {terms, party_of(i), {seats_[home.spec.net.value]}, homes.back(), nullptr, own});
    }
    clearing.run(on_iteration, for_each_);

    const market::Cleared& end = clearing.cleared(chair);
    SuiteSession out{.outcome = end.outcome,
                     .iterations = end.iteration,
                     .rounds = joint ? joint->rounds() : 0,
                     .primal_residual_kw = end.primal_residual_kw,
                     .dual_residual_eur_per_kw = end.dual_residual_eur_per_kw,
                     .price_eur_per_kwh = end.y_eur_per_kw / (parameters_.interval_s / 3600.0),
                     .home_kw = {}};
    out.home_kw.resize(static_cast<Eigen::Index>(homes.size()), horizon);
    delivery_kw_ = -end.x_kw;
    warm_.assign(1, end.warm);
    for (std::size_t i = 0; i < homes.size(); ++i) {
        const market::Cleared& cleared = clearing.cleared(party_of(i));
        out.home_kw.row(static_cast<Eigen::Index>(i)) = cleared.x_kw;
        warm_.push_back(cleared.warm);
        instance_.homes[i].carry_out(homes[i].plan(), first);
    }
    last_ = out;
    return out;
}

model::FeederHorizon SuiteRun::feeder_horizon() const {
    return model::horizon_of(instance_.network, interval_, parameters_.horizon,
                             parameters_.interval_s);
}

void SuiteRun::audit() {
    KILTER_CHECK(!known_.empty(), "a session comes before its audit");
    prox::Feeder feeder(instance_.network, feeder_horizon());
    model::Schedules into_nets = model::Schedules::Zero(feeder.rows(), feeder.intervals());
    objective_eur_ = 0;
    for (std::size_t i = 0; i < known_.size(); ++i) {
        const model::Schedules own = last_.home_kw.row(static_cast<Eigen::Index>(i));
        into_nets.row(instance_.homes[i].spec.net.value) += own;
        objective_eur_ += prox::Home(known_[i]).cost(own);
    }
    objective_eur_ += feeder.cost(-into_nets);
    binding_ = binding_at(feeder, delivery_kw_,
                          last_.price_eur_per_kwh * (parameters_.interval_s / 3600.0),
                          parameters_.rho_eur_per_kw2);
}

}  // namespace kilter::planner
