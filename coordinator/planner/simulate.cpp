#include "coordinator/planner/simulate.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "agent/drivers/simulated.hpp"
#include "common/base/bytes.hpp"
#include "common/prox/feeder.hpp"
#include "common/prox/feeder_newton.hpp"
#include "common/prox/home.hpp"
#include "coordinator/planner/clearing.hpp"

namespace kilter::planner {

namespace {

/// Nets where nobody lives do not trade: they are left out, and the homes' nets renumbered.
Neighbourhood inhabited(Neighbourhood all) {
    std::vector<std::uint32_t> renumbered(all.network.nets.size(), 0);
    std::vector<model::Net> nets;
    std::vector<model::PhaseNet> phase_nets;
    for (std::size_t n = 0; n < all.network.nets.size(); ++n) {
        const bool lived_in = std::any_of(all.homes.begin(), all.homes.end(),
                                          [n](const auto& home) { return home.net.value == n; });
        if (!lived_in) continue;
        renumbered[n] = static_cast<std::uint32_t>(nets.size());
        nets.push_back(all.network.nets[n]);
        if (all.three_phase) phase_nets.push_back(all.three_phase->nets[n]);
    }
    for (topology::HomeSpec& home : all.homes)
        home.net = NetId{renumbered[home.net.value]};
    all.network.nets = std::move(nets);
    if (all.three_phase) all.three_phase->nets = std::move(phase_nets);
    return all;
}

Result<void> check(const Neighbourhood& neighbourhood, const Options& options) {
    if (auto valid = options.parameters.validate(); !valid) return valid.error();
    if (options.parameters.channels != 1)
        return Error{
            "the market would trade reactive power (channels = 2), which this version's "
            "homes do not"};
    if (auto valid = neighbourhood.network.validate(); !valid) return valid.error();
    if (neighbourhood.three_phase) {
        if (auto valid = neighbourhood.three_phase->validate(); !valid) return valid.error();
        if (neighbourhood.three_phase->nets.size() != neighbourhood.network.nets.size())
            return Error{neighbourhood.network.name +
                         " and its three-phase feeder have different nets: make one of the other"};
    }
    if (neighbourhood.homes.empty())
        return Error{"a neighbourhood without homes has nothing to clear: add homes"};
    if (options.sessions < 1)
        return Error{"there is nothing to simulate: ask for 1 interval at least"};
    for (const topology::HomeSpec& home : neighbourhood.homes) {
        if (auto valid = home.validate(); !valid)
            return Error{"home " + home.name + ": " + valid.error().message};
        if (home.interval_s != options.parameters.interval_s)
            return Error{"home " + home.name + " has series of " + std::to_string(home.interval_s) +
                         " s, the market's intervals are " +
                         std::to_string(options.parameters.interval_s) + " s: make them the same"};
        if (home.net.value >= neighbourhood.network.nets.size())
            return Error{"home " + home.name + " is on net " + std::to_string(home.net.value) +
                         ", which " + neighbourhood.network.name + " does not have"};
    }
    return {};
}

std::vector<Resident> residents_of(const Neighbourhood& neighbourhood) {
    std::vector<Resident> out;
    for (const topology::HomeSpec& home : neighbourhood.homes)
        out.push_back({home.net, home.flexibility()});
    return out;
}

constexpr std::size_t explained_homes_max = 3;

void say(SessionResult& result, const std::string& text) {
    if (text.empty()) return;
    if (!result.explanation.empty())
        result.explanation += result.explanation.back() == '.' ? " " : ". ";
    result.explanation += text;
}

struct Simulation {
    const Options& options;
    const Neighbourhood& neighbourhood;
    std::vector<market::Seat> seats;
    std::vector<drivers::SimulatedHome> households;
    std::vector<market::WarmState> warm;  ///< by party; empty: cold

    [[nodiscard]] Eigen::Index horizon() const {
        return static_cast<Eigen::Index>(options.parameters.horizon);
    }

    [[nodiscard]] Eigen::Index channels() const { return options.parameters.channels; }

    [[nodiscard]] double interval_h() const { return options.parameters.interval_s / 3600.0; }

    /// Where the party's next session starts: its own z, but y and ρ as the chair has them.
    [[nodiscard]] market::WarmState start_of(PartyId party) const {
        const Eigen::Index rows =
            channels() * (party == chair ? static_cast<Eigen::Index>(seats.size()) : 1);
        if (warm.empty() || !options.warm)
            return market::WarmState::cold(rows, horizon(), options.parameters.rho_eur_per_kw2);
        return warm[party.value].shifted(1, 86'400 / options.parameters.interval_s);
    }

    Result<SessionResult> clear(IntervalIndex interval,
                                const std::function<void(std::uint32_t)>& on_iteration);
    /// What the homes could still gain, summed under masks as in the field, and the feeder's part.
    void certify(const Clearing& clearing, model::Device& feeder, SessionResult& result) const;
    /// What all members say in the end; returns what flows into the nets.
    model::Schedules conclude(const Clearing& clearing, SessionResult& result);
    void check_physics(const prox::Feeder& feeder,
                       const model::Schedules& into_nets,
                       SessionResult& result) const;
};

Result<SessionResult> Simulation::clear(IntervalIndex interval,
                                        const std::function<void(std::uint32_t)>& on_iteration) {
    SessionResult result;
    result.session = {.interval = interval, .opening = 0};
    result.feeder = model::horizon_of(neighbourhood.network, interval, horizon(),
                                      options.parameters.interval_s);
    std::optional<prox::Feeder> balanced;
    std::optional<prox::ThreePhaseFeeder> unbalanced;
    market::WarmState start = start_of(chair);
    if (neighbourhood.three_phase) {
        unbalanced.emplace(*neighbourhood.three_phase,
                           model::horizon_of(*neighbourhood.three_phase, interval, horizon(),
                                             options.parameters.interval_s),
                           channels());
        linearise(*unbalanced, start.z_kw);
    } else {
        balanced.emplace(neighbourhood.network, result.feeder, channels());
    }
    std::optional<prox::FeederNewton> pricing;
    if (balanced) pricing.emplace(*balanced);
    model::Device& feeder = unbalanced ? static_cast<model::Device&>(*unbalanced)
                                       : static_cast<model::Device&>(*pricing);
    std::deque<prox::Home> homes;
    for (const drivers::SimulatedHome& household : households) {
        result.homes.push_back(household.horizon(interval, horizon()));
        if (auto valid = result.homes.back().validate(); !valid)
            return Error{"home " + household.spec().name + ": " + valid.error().message};
        homes.emplace_back(result.homes.back());
    }

    if (options.parameters.method != market::Method::proximal)
        start.start_unpriced_at(feeder.marginal_price());
    const model::Schedules prices = start.y_eur_per_kw;
    const market::Terms terms{.id = result.session,
                              .parameters = options.parameters,
                              .rho_eur_per_kw2 = start.rho_eur_per_kw2,
                              .terminals = static_cast<std::uint32_t>(homes.size() + seats.size()),
                              .chair = chair};
    result.rho_start_eur_per_kw2 = terms.rho_eur_per_kw2;
    const auto masks = [&](PartyId self, const std::vector<market::Seat>& where) {
        return options.masked ? masks_of(self, where, result.session) : nullptr;
    };
    Clearing clearing;
    clearing.seat({terms, chair, seats, feeder, masks(chair, seats), start});
    for (std::size_t i = 0; i < homes.size(); ++i) {
        const PartyId self = party_of(i);
        const std::vector<market::Seat> own{seats[neighbourhood.homes[i].net.value]};
        market::WarmState own_start = start_of(self);
        own_start.y_eur_per_kw =
            prices.middleRows(neighbourhood.homes[i].net.value * channels(), channels());
        clearing.seat({terms, self, own, homes[i], masks(self, own), own_start});
    }
    clearing.run(on_iteration);
    const model::Schedules into_nets = conclude(clearing, result);
    result.objective_eur = feeder.cost(-into_nets);
    if (balanced) {
        result.voltage_pu = balanced->voltages_pu(-into_nets);
        result.flow_kw = balanced->flows_kw(-into_nets);
        result.import_kw = balanced->import_kw(-into_nets);
        if (options.parameters.method != market::Method::proximal) {
            // The chair set prices without the feeder's prox; its multipliers at the cleared plan tell their parts.
            const double rho = options.parameters.rho_eur_per_kw2;
            model::Schedules plan(feeder.rows(), horizon());
            balanced->prox(-result.delivery_kw - result.dual_eur_per_kw / rho,
                           Eigen::VectorXd::Constant(feeder.rows(), rho), plan);
        }
        check_physics(*balanced, into_nets, result);
        certify(clearing, *balanced, result);
        return result;
    }
    auto phases = examine(*unbalanced, -into_nets);
    if (!phases) return phases.error();
    result.voltage_pu = phases->nonlinear_pu;
    result.import_kw = phases->import_kw;
    result.phases = *std::move(phases);
    certify(clearing, *unbalanced, result);
    if (const std::string limit = unbalanced->tightest();
        result.outcome != market::Outcome::converged && !limit.empty())
        result.explanation += "The limit that costs most is that of " + limit +
                              ": widen it, or connect more homes that can move.";
    return result;
}

model::Schedules Simulation::conclude(const Clearing& clearing, SessionResult& result) {
    const market::Cleared& at_chair = clearing.cleared(chair);
    result.outcome = at_chair.outcome;
    result.iterations = at_chair.iteration;
    result.rounds = at_chair.rounds;
    result.primal_residual_kw = at_chair.primal_residual_kw;
    result.dual_residual_eur_per_kw = at_chair.dual_residual_eur_per_kw;
    result.rho_end_eur_per_kw2 = at_chair.warm.rho_eur_per_kw2;
    result.dual_eur_per_kw = at_chair.y_eur_per_kw;
    result.price_eur_per_kwh = at_chair.y_eur_per_kw / interval_h();
    result.prices = price_digest(result.dual_eur_per_kw);
    result.explanation = at_chair.explanation;
    result.delivery_kw = -at_chair.x_kw;

    model::Schedules into_nets = model::Schedules::Zero(at_chair.x_kw.rows(), horizon());
    result.schedule_kw.resize(static_cast<Eigen::Index>(households.size()) * channels(), horizon());
    warm.assign(1, at_chair.warm);
    std::size_t troubled = 0;
    for (std::size_t i = 0; i < households.size(); ++i) {
        const market::Cleared& home = clearing.cleared(party_of(i));
        const Eigen::Index net = neighbourhood.homes[i].net.value * channels();
        KILTER_CHECK(home.y_eur_per_kw == at_chair.y_eur_per_kw.middleRows(net, channels()),
                     "two members of a net have different prices");
        result.schedule_kw.middleRows(static_cast<Eigen::Index>(i) * channels(), channels()) =
            home.x_kw;
        into_nets.middleRows(net, channels()) += home.x_kw;
        warm.push_back(home.warm);
        households[i].dispatch(result.session.interval, home.x_kw(0, 0));
        if (result.outcome == market::Outcome::converged && !home.explanation.empty() &&
            ++troubled <= explained_homes_max)
            say(result, "Home " + neighbourhood.homes[i].name + ": " + home.explanation);
    }
    if (troubled > explained_homes_max)
        say(result, "And " + std::to_string(troubled - explained_homes_max) + " more homes.");
    return into_nets;
}

void Simulation::certify(const Clearing& clearing,
                         model::Device& feeder,
                         SessionResult& result) const {
    std::vector<NetId> nets;
    for (const market::Seat& seat : seats)
        nets.push_back(seat.net);
    market::Certifier certifier(clearing.cleared(chair), nets, chair);
    for (std::size_t i = 0; i < households.size(); ++i)
        if (const auto& word = clearing.cleared(party_of(i)).regret) certifier.receive(*word);
    auto certificate = certifier.certify(feeder);
    if (certificate)
        result.certificate = *certificate;
    else
        result.uncertified = certificate.error().message;
}

/// What stands behind prices and schedules: the prices' parts, the relaxation, the nonlinear power flow.
void Simulation::check_physics(const prox::Feeder& feeder,
                               const model::Schedules& into_nets,
                               SessionResult& result) const {
    result.price_parts = feeder.price_parts();
    for (auto* part : {&result.price_parts.energy, &result.price_parts.loss,
                       &result.price_parts.congestion, &result.price_parts.voltage})
        *part /= interval_h();
    result.relaxation = feeder.relaxation();
    say(result, prox::describe(result.relaxation, feeder.network()));
    const auto nets = static_cast<Eigen::Index>(seats.size());
    model::Schedules p(nets, horizon());
    model::Schedules q = model::Schedules::Zero(nets, horizon());
    for (Eigen::Index j = 0; j < nets; ++j) {
        p.row(j) = into_nets.row(j * channels());
        if (channels() == 2) q.row(j) = into_nets.row(j * 2 + 1);
    }
    auto power_flow = powerflow::validate(feeder.network(), feeder.horizon(), p, q);
    if (power_flow)
        result.power_flow = std::move(*power_flow);
    else
        say(result, power_flow.error().message);
}

}  // namespace

Result<Report> simulate(const Neighbourhood& neighbourhood,
                        const Options& options,
                        const OnProgress& on_progress) {
    if (auto valid = check(neighbourhood, options); !valid) return valid.error();
    Report report{.options = options, .neighbourhood = inhabited(neighbourhood), .sessions = {}};
    Simulation simulation{.options = report.options,
                          .neighbourhood = report.neighbourhood,
                          .seats = seats_of(report.neighbourhood.network.nets.size(),
                                            residents_of(report.neighbourhood), options.parameters),
                          .households = {},
                          .warm = {}};
    for (const topology::HomeSpec& home : report.neighbourhood.homes)
        simulation.households.emplace_back(home);
    for (std::uint32_t session = 0; session < options.sessions; ++session) {
        auto result =
            simulation.clear(options.first_interval + session, [&](std::uint32_t iteration) {
                if (on_progress)
                    on_progress(
                        {.session = session, .sessions = options.sessions, .iteration = iteration});
            });
        if (!result) return result.error();
        report.sessions.push_back(std::move(*result));
    }
    return report;
}

crypto::Digest price_digest(const model::Schedules& dual_eur_per_kw) {
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(dual_eur_per_kw.rows()));
    out.u32(static_cast<std::uint32_t>(dual_eur_per_kw.cols()));
    for (const double value : dual_eur_per_kw.reshaped<Eigen::RowMajor>())
        out.f64(value);
    return crypto::digest("kilter prices", out.bytes());
}

}  // namespace kilter::planner
