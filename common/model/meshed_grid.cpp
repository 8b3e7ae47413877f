#include "common/model/meshed_grid.hpp"

#include <cmath>
#include <cstdio>

namespace kilter::model {
namespace {

Error at_fault(const std::string& item, const char* field, double value, const char* allowed) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return Error{item + ": " + field + " is " + text + ", " + allowed};
}

Result<void> check(const MeshedBus& bus) {
    const std::string item = "bus " + bus.name;
    if (!(std::isfinite(bus.v_min_pu) && bus.v_min_pu > 0))
        return at_fault(item, "v_min_pu", bus.v_min_pu, "give a magnitude above 0");
    if (!(std::isfinite(bus.v_max_pu) && bus.v_max_pu > bus.v_min_pu))
        return at_fault(item, "v_max_pu", bus.v_max_pu, "give a magnitude above v_min_pu");
    if (!std::isfinite(bus.shunt_p_kw))
        return at_fault(item, "shunt_p_kw", bus.shunt_p_kw, "give a finite power");
    if (!std::isfinite(bus.shunt_q_kvar))
        return at_fault(item, "shunt_q_kvar", bus.shunt_q_kvar, "give a finite power");
    return {};
}

Result<void> check(const MeshedLine& line, std::size_t buses) {
    const std::string item = "line " + line.name;
    if (line.from >= buses || line.to >= buses || line.from == line.to)
        return Error{item + ": it must join two different buses of the grid"};
    if (!(std::isfinite(line.r_pu) && line.r_pu >= 0))
        return at_fault(item, "r_pu", line.r_pu, "give a resistance of at least 0");
    if (!(std::isfinite(line.x_pu) && line.x_pu > 0))
        return at_fault(item, "x_pu", line.x_pu, "give a reactance above 0");
    if (!std::isfinite(line.b_pu))
        return at_fault(item, "b_pu", line.b_pu, "give a finite susceptance");
    if (!(line.ratio >= 0.5 && line.ratio <= 2))
        return at_fault(item, "ratio", line.ratio, "give 0.5 to 2");
    if (!(line.rating_kva > 0))
        return at_fault(item, "rating_kva", line.rating_kva,
                        "give a rating above 0, or leave it out for none");
    if (!(line.angle_min_rad >= -std::numbers::pi / 2 &&
          line.angle_max_rad <= std::numbers::pi / 2 && line.angle_min_rad < line.angle_max_rad))
        return at_fault(item, "angle_min_rad", line.angle_min_rad,
                        "give limits in order, within a quarter turn");
    if (!std::isfinite(line.shift_rad))
        return at_fault(item, "shift_rad", line.shift_rad, "give a finite angle");
    return {};
}

Result<void> check(const MeshedGenerator& generator, std::size_t buses, Eigen::Index intervals) {
    const std::string item = "generator " + generator.name;
    if (generator.bus >= buses) return Error{item + ": its bus does not exist"};
    if (!(std::isfinite(generator.p_min_kw) && std::isfinite(generator.p_max_kw) &&
          generator.p_min_kw <= generator.p_max_kw))
        return at_fault(item, "p_max_kw", generator.p_max_kw,
                        "give finite limits with p_min_kw at most p_max_kw");
    if (!(std::isfinite(generator.q_min_kvar) && std::isfinite(generator.q_max_kvar) &&
          generator.q_min_kvar <= generator.q_max_kvar))
        return at_fault(item, "q_max_kvar", generator.q_max_kvar,
                        "give finite limits with q_min_kvar at most q_max_kvar");
    if (!(std::isfinite(generator.cost2) && generator.cost2 >= 0))
        return at_fault(item, "cost2", generator.cost2, "give at least 0: costs must be convex");
    if (!std::isfinite(generator.cost1))
        return at_fault(item, "cost1", generator.cost1, "give a finite cost");
    if (!std::isfinite(generator.cost0))
        return at_fault(item, "cost0", generator.cost0, "give a finite cost");
    if (!std::isfinite(generator.p_start_kw))
        return at_fault(item, "p_start_kw", generator.p_start_kw, "give a finite power");
    if (!(generator.ramp_up_kw >= 0))
        return at_fault(item, "ramp_up_kw", generator.ramp_up_kw, "give at least 0");
    if (!(generator.ramp_down_kw >= 0))
        return at_fault(item, "ramp_down_kw", generator.ramp_down_kw, "give at least 0");
    if (!(std::isfinite(generator.ramp_cost) && generator.ramp_cost >= 0))
        return at_fault(item, "ramp_cost", generator.ramp_cost, "give at least 0");
    if (generator.share.size() != 0 && generator.share.size() != intervals)
        return Error{item + ": share must have a number per interval, or none"};
    for (const double share : generator.share)
        if (!(std::isfinite(share) && share >= 0))
            return at_fault(item, "share", share, "give finite numbers of at least 0");
    return {};
}

Result<void> check(const MeshedStorage& store, std::size_t buses) {
    const std::string item = "store " + store.name;
    if (store.bus >= buses) return Error{item + ": its bus does not exist"};
    if (!(std::isfinite(store.charge_max_kw) && store.charge_max_kw >= 0))
        return at_fault(item, "charge_max_kw", store.charge_max_kw, "give at least 0");
    if (!(std::isfinite(store.discharge_max_kw) && store.discharge_max_kw >= 0))
        return at_fault(item, "discharge_max_kw", store.discharge_max_kw, "give at least 0");
    if (!(store.charge_efficiency > 0 && store.charge_efficiency <= 1))
        return at_fault(item, "charge_efficiency", store.charge_efficiency,
                        "give more than 0, at most 1");
    if (!(store.discharge_efficiency > 0 && store.discharge_efficiency <= 1))
        return at_fault(item, "discharge_efficiency", store.discharge_efficiency,
                        "give more than 0, at most 1");
    if (!(std::isfinite(store.energy_max_kwh) && store.energy_max_kwh >= 0))
        return at_fault(item, "energy_max_kwh", store.energy_max_kwh, "give at least 0");
    if (!(store.energy_start_kwh >= 0 && store.energy_start_kwh <= store.energy_max_kwh))
        return at_fault(item, "energy_start_kwh", store.energy_start_kwh, "give what it can hold");
    if (!std::isfinite(store.idle_kw))
        return at_fault(item, "idle_kw", store.idle_kw, "give a finite power");
    return {};
}

}  // namespace

Result<void> MeshedGrid::validate() const {
    if (buses.empty()) return Error{"a grid needs at least one bus"};
    if (!(std::isfinite(base_kva) && base_kva > 0))
        return at_fault("grid", "base_kva", base_kva, "give a power above 0");
    if (!(std::isfinite(interval_h) && interval_h > 0))
        return at_fault("grid", "interval_h", interval_h, "give a length above 0");
    for (const MeshedBus& bus : buses)
        if (auto ok = check(bus); !ok) return ok;
    for (const MeshedLine& line : lines)
        if (auto ok = check(line, buses.size()); !ok) return ok;
    for (const MeshedGenerator& generator : generators)
        if (auto ok = check(generator, buses.size(), load_p_kw.cols()); !ok) return ok;
    for (const MeshedStorage& store : stores)
        if (auto ok = check(store, buses.size()); !ok) return ok;
    for (const Schedules* load : {&load_p_kw, &load_q_kvar}) {
        if (load->rows() != static_cast<Eigen::Index>(buses.size()) || load->cols() < 1 ||
            load->cols() != load_p_kw.cols())
            return Error{
                "loads must have a row per bus and at least one interval, the same number for p "
                "and q"};
        for (Eigen::Index bus = 0; bus < load->rows(); ++bus)
            if (!load->row(bus).allFinite())
                return Error{"bus " + buses[static_cast<std::size_t>(bus)].name +
                             ": give finite loads"};
    }
    std::vector<bool> reached(buses.size(), false);
    reached[0] = true;
    for (bool grew = true; grew;) {
        grew = false;
        for (const MeshedLine& line : lines)
            if (reached[line.from] != reached[line.to])
                reached[line.from] = reached[line.to] = grew = true;
    }
    for (std::size_t bus = 0; bus < buses.size(); ++bus)
        if (!reached[bus])
            return Error{"bus " + buses[bus].name + ": no line leads to it from bus " +
                         buses[0].name};
    return {};
}

}  // namespace kilter::model
