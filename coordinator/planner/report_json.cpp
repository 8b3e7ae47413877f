#include "coordinator/planner/report_json.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

#include "common/market/clearing.hpp"

namespace kilter::planner {

namespace {

using Json = nlohmann::ordered_json;

/// An absent limit is null: JSON has no infinity.
Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

template <class Row>
Json list(const Row& row) {
    Json out = Json::array();
    for (const double value : row)
        out.push_back(number(value));
    return out;
}

Json rows(const model::Schedules& matrix) {
    Json out = Json::array();
    for (Eigen::Index i = 0; i < matrix.rows(); ++i)
        out.push_back(list(matrix.row(i)));
    return out;
}

Json network(const model::Network& feeder) {
    Json buses = Json::array();
    Json branches = Json::array();
    Json nets = Json::array();
    for (const model::Bus& bus : feeder.buses)
        buses.push_back({{"name", bus.name},
                         {"v_min_pu", bus.v_min_pu},
                         {"v_max_pu", bus.v_max_pu},
                         {"shunt_p_kw", bus.shunt_p_kw},
                         {"shunt_q_kvar", bus.shunt_q_kvar}});
    for (const model::Branch& branch : feeder.branches)
        branches.push_back({{"name", branch.name},
                            {"from", branch.from},
                            {"to", branch.to},
                            {"r_ohm", branch.r_ohm},
                            {"x_ohm", branch.x_ohm},
                            {"rating_kva", number(branch.rating_kva)},
                            {"ratio", branch.ratio},
                            {"charging_kvar", branch.charging_kvar}});
    for (const model::Net& net : feeder.nets)
        nets.push_back({{"name", net.name}, {"bus", net.bus}});
    return {{"name", feeder.name},
            {"base_kv", feeder.base_kv},
            {"v_root_pu", feeder.v_root_pu},
            {"root", feeder.root},
            {"losses", feeder.losses},
            {"limit_penalty_eur_per_kwh", feeder.limit_penalty_eur_per_kwh},
            {"tie",
             {{"import_max_kw", number(feeder.tie.import_max_kw)},
              {"export_max_kw", number(feeder.tie.export_max_kw)},
              {"slope_eur_per_kwh_kw", feeder.tie.slope_eur_per_kwh_kw}}},
            {"buses", buses},
            {"branches", branches},
            {"nets", nets}};
}

Json parameters(const market::Parameters& agreed) {
    return {{"interval_s", agreed.interval_s},
            {"horizon", agreed.horizon},
            {"rho_eur_per_kw2", agreed.rho_eur_per_kw2},
            {"alpha", agreed.alpha},
            {"weight_flexible", agreed.weight_flexible},
            {"weight_curtailing", agreed.weight_curtailing},
            {"weight_stiff", agreed.weight_stiff},
            {"weight_feeder_by_homes", agreed.weight_feeder_by_homes},
            {"balance_rho", agreed.balance_rho},
            {"primal_tolerance_kw", agreed.primal_tolerance_kw},
            {"dual_tolerance", agreed.dual_tolerance},
            {"price_scale_eur_per_kwh", agreed.price_scale_eur_per_kwh},
            {"iterations_max", agreed.iterations_max}};
}

Json home(const topology::HomeSpec& spec,
          const model::Home& known,
          const model::Schedules& schedules,
          Eigen::Index row) {
    return {{"name", spec.name},
            {"net", spec.net.value},
            {"flexible", spec.can_flex()},
            {"load_kw", list(known.load_kw)},
            {"pv_available_kw", list(known.pv_available_kw)},
            {"battery",
             {{"power_max_kw", known.battery.power_max_kw},
              {"energy_max_kwh", known.battery.energy_max_kwh},
              {"energy_start_kwh", known.battery.energy_start_kwh},
              {"energy_end_min_kwh", known.battery.energy_end_min_kwh}}},
            {"schedule_kw", list(schedules.row(row))}};
}

/// What an unbalanced feeder adds: the voltages of every phase and the parts of the prices.
Json phases(const PhaseResult& result) {
    return {{"places", result.places},
            {"linear_pu", rows(result.linear_pu)},
            {"nonlinear_pu", rows(result.nonlinear_pu)},
            {"difference_pu", result.difference_pu()},
            {"set",
             {{"names", result.limits.names},
              {"effect", rows(result.limits.effect)},
              {"low", rows(result.limits.low)},
              {"high", rows(result.limits.high)},
              {"import_kw", list(result.limits.import_kw)}}},
            {"energy", rows(result.prices.energy)},
            {"congestion", rows(result.prices.congestion)},
            {"voltage", rows(result.prices.voltage)}};
}

Json excess(const powerflow::Excess& worst) {
    return {{"by", number(worst.by)}, {"at", worst.item}, {"interval", worst.interval}};
}

Json power_flow(const std::optional<powerflow::Validation>& checked) {
    if (!checked) return nullptr;
    return {{"voltage_excess_pu", excess(checked->voltage)},
            {"loading_excess", excess(checked->loading)},
            {"import_kw", list(checked->import_kw)},
            {"loss_kw", list(checked->loss_kw)}};
}

Json relaxation(const prox::Relaxation& known) {
    Json loose = Json::array();
    for (const prox::Relaxation::Loose& at : known.loose)
        loose.push_back({{"branch", at.branch},
                         {"interval", at.interval},
                         {"multiplier_eur_per_kw", at.multiplier}});
    return {{"exact", known.exact()}, {"gap_kw", known.gap_kw}, {"loose", loose}};
}

Json certificate(const SessionResult& result) {
    if (!result.certificate) return {{"gap_eur", nullptr}, {"why_not", result.uncertified}};
    return {{"gap_eur", result.certificate->gap_eur()},
            {"homes_regret_eur", result.certificate->homes_regret_eur},
            {"feeder_regret_eur", result.certificate->feeder_regret_eur}};
}

Json session(const Report& report, const SessionResult& result) {
    Json homes = Json::array();
    for (std::size_t i = 0; i < result.homes.size(); ++i)
        homes.push_back(home(report.neighbourhood.homes[i], result.homes[i], result.schedule_kw,
                             static_cast<Eigen::Index>(i)));
    Json out{{"interval", result.session.interval},
             {"outcome", market::name_of(result.outcome)},
             {"converged", result.outcome == market::Outcome::converged},
             {"iterations", result.iterations},
             {"rounds", result.rounds},
             {"objective", result.objective_eur},
             {"primal_residual_kw", result.primal_residual_kw},
             {"dual_residual", result.dual_residual_eur_per_kw},
             {"rho_start_eur_per_kw2", result.rho_start_eur_per_kw2},
             {"rho_end_eur_per_kw2", result.rho_end_eur_per_kw2},
             {"prices_digest", to_hex(result.prices.view())},
             {"explanation", result.explanation},
             {"certificate", certificate(result)},
             {"price_eur_per_kwh", rows(result.price_eur_per_kwh)},
             {"voltage_pu", rows(result.voltage_pu)},
             {"flow_kw", rows(result.flow_kw)},
             {"import_kw", list(result.import_kw)},
             {"delivery_kw", rows(result.delivery_kw)},
             {"home", homes},
             {"feeder",
              {{"fixed_p_kw", rows(result.feeder.fixed_p_kw)},
               {"fixed_q_kvar", rows(result.feeder.fixed_q_kvar)},
               {"tie_price_eur_per_kwh", list(result.feeder.price_eur_per_kwh)}}}};
    if (result.phases) {
        out["phases"] = phases(*result.phases);
        return out;
    }
    const prox::PriceParts& parts = result.price_parts;
    out["price_parts_eur_per_kwh"] = {{"energy", rows(parts.energy)},
                                      {"loss", rows(parts.loss)},
                                      {"congestion", rows(parts.congestion)},
                                      {"voltage", rows(parts.voltage)}};
    out["relaxation"] = relaxation(result.relaxation);
    out["power_flow"] = power_flow(result.power_flow);
    return out;
}

}  // namespace

std::string to_json(const Report& report) {
    // Of an unbalanced feeder the network's impedances are not here, so the problem is not complete.
    Json out{{"format", report.neighbourhood.three_phase ? "kilter-simulate-three-phase-1"
                                                         : "kilter-simulate-1"},
             {"parameters", parameters(report.options.parameters)},
             {"masked", report.options.masked},
             {"warm", report.options.warm},
             {"network", network(report.neighbourhood.network)}};
    Json later = Json::array();
    for (std::size_t i = 0; i < report.sessions.size(); ++i) {
        Json one = session(report, report.sessions[i]);
        if (i == 0)
            out.update(one);
        else
            later.push_back(std::move(one));
    }
    out["later"] = std::move(later);
    return out.dump(1);
}

}  // namespace kilter::planner
