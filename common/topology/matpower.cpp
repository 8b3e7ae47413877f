#include "common/topology/matpower.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "common/topology/files.hpp"

namespace kilter::topology {
namespace {

using Row = std::vector<double>;

struct Case {
    std::map<std::string, std::vector<Row>> tables;
    std::optional<double> base_mva;
    bool ohm = false;                    // r and x in ohm
    bool kilo = false;                   // loads in kW and kvar
    std::optional<double> power_factor;  // loads in kVA (MVA) at it
};

/// Without comments, blanks and line continuations; statements end at ';' or the line's end, tables at "];".
std::vector<std::string> statements_of(std::string_view text) {
    std::vector<std::string> out(1);
    bool table = false;
    bool continued = false;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        line = line.substr(0, line.find('%'));
        continued = line.find("...") != std::string::npos;
        for (const char c : line.substr(0, line.find("..."))) {
            if (c == '[') table = true;
            if (c == ']') table = false;
            if (c == ';' && !table)
                out.emplace_back();
            else if (table || (c != ' ' && c != '\t' && c != '\r'))
                out.back() += c == '\r' ? ' ' : c;
        }
        if (table)
            out.back() += ';';
        else if (!continued)
            out.emplace_back();
    }
    out.erase(std::remove(out.begin(), out.end(), std::string()), out.end());
    return out;
}

bool starts_with(const std::string& text, std::string_view head) {
    return text.compare(0, head.size(), head) == 0;
}

std::optional<double> number_of(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || std::isnan(value)) return std::nullopt;
    return value;
}

/// The rows of "mpc.NAME=[...]"; ragged and non-numeric ones are refused.
Result<std::vector<Row>> rows_of(const std::string& name, const std::string& body) {
    std::vector<Row> rows;
    std::istringstream parts(body);
    for (std::string part; std::getline(parts, part, ';');) {
        std::replace(part.begin(), part.end(), ',', ' ');
        std::istringstream fields(part);
        Row row;
        for (std::string field; fields >> field;) {
            const auto value = number_of(field);
            if (!value)
                return Error{"mpc." + name + " row " + std::to_string(rows.size() + 1) + ": \"" +
                             field + "\" is not a number"};
            row.push_back(*value);
        }
        if (row.empty()) continue;
        if (!rows.empty() && row.size() != rows.front().size())
            return Error{"mpc." + name + " row " + std::to_string(rows.size() + 1) + " has " +
                         std::to_string(row.size()) + " numbers, the first row has " +
                         std::to_string(rows.front().size())};
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<Case> read_case(std::string_view text) {
    Case out;
    double factor = 0;
    for (const std::string& statement : statements_of(text)) {
        if (statement == "mpc.branch(:,[BR_RBR_X])=mpc.branch(:,[BR_RBR_X])/(Vbase^2/Sbase)" ||
            statement == "mpc.branch(:,[BR_R BR_X])=mpc.branch(:,[BR_R BR_X])/(Vbase^2/Sbase)") {
            out.ohm = true;
        } else if (statement == "mpc.bus(:,[PD, QD])=mpc.bus(:,[PD, QD])/1e3") {
            out.kilo = true;
        } else if (starts_with(statement, "pf=")) {
            factor = number_of(statement.substr(3)).value_or(0);
            if (!(factor > 0 && factor <= 1))
                return Error{"pf is not a power factor between 0 and 1: " + statement};
        } else if (statement == "mpc.bus(:,QD)=mpc.bus(:,PD)*sin(acos(pf))" && factor > 0) {
            out.power_factor = factor;
        } else if (statement == "mpc.bus(:,PD)=mpc.bus(:,PD)*pf" && out.power_factor) {
            continue;
        } else if (starts_with(statement, "mpc.baseMVA=")) {
            out.base_mva = number_of(statement.substr(12));
        } else if (starts_with(statement, "mpc.") && statement.find("=[") != std::string::npos) {
            const std::string name = statement.substr(4, statement.find('=') - 4);
            if (name.find('(') != std::string::npos)
                return Error{"the statement \"" + statement.substr(0, 60) +
                             "\" is not understood; apply it to the table and leave it out"};
            const std::size_t open = statement.find('[');
            auto rows = rows_of(name, statement.substr(open + 1, statement.rfind(']') - open - 1));
            if (!rows) return rows.error();
            out.tables[name] = std::move(*rows);
        } else if (starts_with(statement, "mpc.bus(") || starts_with(statement, "mpc.branch(") ||
                   starts_with(statement, "mpc.gen(")) {
            return Error{"the statement \"" + statement.substr(0, 60) +
                         "\" is not understood; apply it to the table and leave it out"};
        }
    }
    if (!out.base_mva || !(*out.base_mva > 0))
        return Error{"mpc.baseMVA is missing or not above 0: this is not a MATPOWER case"};
    for (const auto& [name, columns] :
         {std::pair("bus", std::size_t{13}), {"gen", 8}, {"branch", 11}}) {
        const auto table = out.tables.find(name);
        if (table == out.tables.end() || table->second.empty())
            return Error{std::string("mpc.") + name + " is missing or empty"};
        if (table->second.front().size() < columns)
            return Error{std::string("mpc.") + name + " has " +
                         std::to_string(table->second.front().size()) + " columns, at least " +
                         std::to_string(columns) + " are needed"};
    }
    return out;
}

std::string name_of(double number) {
    return std::to_string(static_cast<long long>(number));
}

Result<model::Network> network_of(const Case& data) {
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
    const auto data = read_case(text);
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
