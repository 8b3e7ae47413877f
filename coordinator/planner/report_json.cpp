#include "coordinator/planner/report_json.hpp"

#include <nlohmann/json.hpp>

#include "common/market/clearing.hpp"
#include "common/market/parameters_text.hpp"
#include "coordinator/planner/problem_json.hpp"

namespace kilter::planner {

namespace {

using Json = nlohmann::ordered_json;

Json parameters(const market::Parameters& agreed) {
    return {{"interval_s", agreed.interval_s},
            {"horizon", agreed.horizon},
            {"rho_eur_per_kw2", agreed.rho_eur_per_kw2},
            {"alpha", agreed.alpha},
            {"weight_flexible", agreed.weight_flexible},
            {"weight_curtailing", agreed.weight_curtailing},
            {"weight_stiff", agreed.weight_stiff},
            {"weight_feeder_by_homes", agreed.weight_feeder_by_homes},
            {"balance_rho", market::name_of(agreed.balance_rho)},
            {"method", market::name_of(agreed.method)},
            {"primal_tolerance_kw", agreed.primal_tolerance_kw},
            {"dual_tolerance", agreed.dual_tolerance},
            {"price_scale_eur_per_kwh", agreed.price_scale_eur_per_kwh},
            {"iterations_max", agreed.iterations_max}};
}

Json home(const topology::HomeSpec& spec,
          const model::Home& known,
          const model::Schedules& schedules,
          Eigen::Index row) {
    Json out{{"name", spec.name}, {"net", spec.net.value}, {"flexible", spec.can_flex()}};
    out.update(equipment_json(known));
    out["schedule_kw"] = list_json(schedules.row(row));
    return out;
}

/// What an unbalanced feeder adds: the voltages of every phase and the parts of the prices.
Json phases(const PhaseResult& result) {
    return {{"places", result.places},
            {"linear_pu", rows_json(result.linear_pu)},
            {"nonlinear_pu", rows_json(result.nonlinear_pu)},
            {"difference_pu", result.difference_pu()},
            {"set",
             {{"names", result.limits.names},
              {"effect", rows_json(result.limits.effect)},
              {"low", rows_json(result.limits.low)},
              {"high", rows_json(result.limits.high)},
              {"import_kw", list_json(result.limits.import_kw)}}},
            {"energy", rows_json(result.prices.energy)},
            {"congestion", rows_json(result.prices.congestion)},
            {"voltage", rows_json(result.prices.voltage)}};
}

Json excess(const powerflow::Excess& worst) {
    return {{"by", number_json(worst.by)}, {"at", worst.item}, {"interval", worst.interval}};
}

Json power_flow(const std::optional<powerflow::Validation>& checked) {
    if (!checked) return nullptr;
    return {{"voltage_excess_pu", excess(checked->voltage)},
            {"loading_excess", excess(checked->loading)},
            {"import_kw", list_json(checked->import_kw)},
            {"loss_kw", list_json(checked->loss_kw)}};
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
             {"price_eur_per_kwh", rows_json(result.price_eur_per_kwh)},
             {"voltage_pu", rows_json(result.voltage_pu)},
             {"flow_kw", rows_json(result.flow_kw)},
             {"import_kw", list_json(result.import_kw)},
             {"delivery_kw", rows_json(result.delivery_kw)},
             {"home", homes},
             {"feeder", horizon_json(result.feeder)}};
    if (result.phases) {
        out["phases"] = phases(*result.phases);
        return out;
    }
    const prox::PriceParts& parts = result.price_parts;
    out["price_parts_eur_per_kwh"] = {{"energy", rows_json(parts.energy)},
                                      {"loss", rows_json(parts.loss)},
                                      {"congestion", rows_json(parts.congestion)},
                                      {"voltage", rows_json(parts.voltage)}};
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
             {"network", network_json(report.neighbourhood.network)}};
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
