#include "common/topology/matpower.hpp"

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/topology/files.hpp"
#include "common/topology/matpower_case.hpp"

namespace kilter::topology {
namespace {

using Row = std::vector<double>;

std::string name_of(double number) {
    return std::to_string(static_cast<long long>(number));
}

Result<model::Network> network_of(const MatpowerCase& data) {
    model::Network network;
    network.losses = true;
    std::map<long long, std::size_t> index;
    const double mva = *data.base_mva;
    const auto& buses = data.tables.at("bus");
    network.base_kv = buses.front()[9];
    if (!(network.base_kv > 0))
        return Error{"bus " + name_of(buses.front()[0]) + ": baseKV must be above 0"};
    const double to_kilo = data.kilo ? 1 : 1000;
    std::optional<std::size_t> root;
    for (const Row& row : buses) {
        model::Bus bus;
        bus.name = name_of(row[0]);
        bus.load_p_kw = row[2] * to_kilo;
        bus.load_q_kvar = row[3] * to_kilo;
        if (data.power_factor) {
            bus.load_q_kvar = bus.load_p_kw * std::sin(std::acos(*data.power_factor));
            bus.load_p_kw *= *data.power_factor;
        }
        bus.shunt_p_kw = row[4] * 1000;
        bus.shunt_q_kvar = row[5] * 1000;
        bus.v_max_pu = row[11];
        bus.v_min_pu = row[12];
        if (!index.emplace(static_cast<long long>(row[0]), network.buses.size()).second)
            return Error{"bus " + bus.name + " is given twice"};
        if (row[1] == 3 && root)
            return Error{"bus " + bus.name + " is a second reference bus; a feeder has one root"};
        if (row[1] == 3) root = network.buses.size();
        if (bus.load_p_kw > 0) network.nets.push_back({bus.name, network.buses.size()});
        network.buses.push_back(std::move(bus));
    }
    if (!root) return Error{"no bus is of type 3; a feeder needs the reference bus as its root"};
    network.root = *root;
    const auto bus_at = [&](double number) -> std::optional<std::size_t> {
        const auto found = index.find(static_cast<long long>(number));
        return found == index.end() ? std::nullopt : std::optional(found->second);
    };
    for (const Row& row : data.tables.at("gen"))
        if (bus_at(row[0]) == root && row[7] > 0) network.v_root_pu = row[5];
    const double ohm_per_unit = network.base_kv * network.base_kv / mva;
    for (const Row& row : data.tables.at("branch")) {
        if (row[10] == 0) continue;
        const auto from = bus_at(row[0]);
        const auto to = bus_at(row[1]);
        const std::string name = name_of(row[0]) + "-" + name_of(row[1]);
        if (!from || !to) return Error{"branch " + name + ": it ends at a bus that is not listed"};
        model::Branch branch{name, *from, *to};
        branch.r_ohm = row[2] * (data.ohm ? 1 : ohm_per_unit);
        branch.x_ohm = row[3] * (data.ohm ? 1 : ohm_per_unit);
        branch.charging_kvar = row[4] * mva * 1000;
        if (row[5] > 0) branch.rating_kva = row[5] * 1000;
        if (row[8] != 0) branch.ratio = row[8];
        network.branches.push_back(std::move(branch));
    }
    if (auto tree = network.normalise(); !tree) return tree.error();
    if (auto valid = network.validate(); !valid) return valid.error();
    return network;
}

}  // namespace

Result<model::Network> parse_matpower(std::string_view text, std::string_view source_name) {
    const auto named = [&](const Error& error) {
        return Error{std::string(source_name) + ": " + error.message};
    };
    const auto data = read_matpower(text);
    if (!data) return named(data.error());
    auto network = network_of(*data);
    if (!network) return named(network.error());
    network->name = std::filesystem::path(source_name).stem().string();
    return network;
}

Result<model::Network> load_matpower(const std::filesystem::path& path) {
    auto text = read_text_file(path);
    if (!text) return text.error();
    return parse_matpower(*text, path.string());
}

}  // namespace kilter::topology
