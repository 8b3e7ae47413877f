#include "coordinator/planner/problem_json.hpp"

namespace kilter::planner {

using Json = nlohmann::ordered_json;

Json rows_json(const model::Schedules& matrix) {
    Json out = Json::array();
    for (Eigen::Index i = 0; i < matrix.rows(); ++i)
        out.push_back(list_json(matrix.row(i)));
    return out;
}

Json network_json(const model::Network& feeder) {
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
                            {"rating_kva", number_json(branch.rating_kva)},
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
             {{"import_max_kw", number_json(feeder.tie.import_max_kw)},
              {"export_max_kw", number_json(feeder.tie.export_max_kw)},
              {"slope_eur_per_kwh_kw", feeder.tie.slope_eur_per_kwh_kw}}},
            {"buses", buses},
            {"branches", branches},
            {"nets", nets}};
}

Json horizon_json(const model::FeederHorizon& horizon) {
    return {{"fixed_p_kw", rows_json(horizon.fixed_p_kw)},
            {"fixed_q_kvar", rows_json(horizon.fixed_q_kvar)},
            {"tie_price_eur_per_kwh", list_json(horizon.price_eur_per_kwh)}};
}

namespace {

Json vehicle_json(const model::Vehicle& vehicle) {
    Json stays = Json::array();
    for (const model::Stay& stay : vehicle.stays)
        stays.push_back({{"arrival", stay.arrival},
                         {"departure", stay.departure},
                         {"latest", stay.latest},
                         {"required_kwh", stay.required_kwh}});
    return {{"power_max_kw", vehicle.power_max_kw},
            {"charge_efficiency", vehicle.charge_efficiency},
            {"lateness_eur_per_kwh_h", vehicle.lateness_eur_per_kwh_h},
            {"stays", stays}};
}

Json climate_json(const model::Climate& climate) {
    return {{"cools", climate.cools},
            {"power_max_kw", climate.power_max_kw},
            {"resistance_k_per_kw", climate.resistance_k_per_kw},
            {"capacity_kwh_per_k", climate.capacity_kwh_per_k},
            {"temperature_start_c", climate.temperature_start_c},
            {"outdoor_c", list_json(climate.outdoor_c)},
            {"cop", list_json(climate.cop)},
            {"gains_kw", list_json(climate.gains_kw)},
            {"low_c", list_json(climate.low_c)},
            {"high_c", list_json(climate.high_c)},
            {"discomfort_eur_per_k_h", climate.discomfort_eur_per_k_h}};
}

}  // namespace

Json equipment_json(const model::Home& home) {
    const model::Battery& battery = home.battery;
    Json vehicles = Json::array();
    Json climates = Json::array();
    for (const model::Vehicle& vehicle : home.vehicles)
        vehicles.push_back(vehicle_json(vehicle));
    for (const model::Climate& climate : home.climates)
        climates.push_back(climate_json(climate));
    return {{"load_kw", list_json(home.load_kw)},
            {"pv_available_kw", list_json(home.pv_available_kw)},
            {"battery",
             {{"power_max_kw", battery.power_max_kw},
              {"energy_max_kwh", battery.energy_max_kwh},
              {"energy_start_kwh", battery.energy_start_kwh},
              {"energy_end_min_kwh", battery.energy_end_min_kwh},
              {"charge_efficiency", battery.charge_efficiency},
              {"discharge_efficiency", battery.discharge_efficiency},
              {"self_discharge_per_h", battery.self_discharge_per_h},
              {"cycle_cost_eur_per_kwh", battery.cycle_cost_eur_per_kwh}}},
            {"vehicles", vehicles},
            {"climates", climates}};
}

}  // namespace kilter::planner
