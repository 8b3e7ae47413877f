#include "common/topology/matpower_case.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace kilter::topology {
namespace {

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
Result<std::vector<std::vector<double>>> rows_of(const std::string& name, const std::string& body) {
    std::vector<std::vector<double>> rows;
    std::istringstream parts(body);
    for (std::string part; std::getline(parts, part, ';');) {
        std::replace(part.begin(), part.end(), ',', ' ');
        std::istringstream fields(part);
        std::vector<double> row;
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

}  // namespace

Result<MatpowerCase> read_matpower(std::string_view text) {
    MatpowerCase out;
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

}  // namespace kilter::topology
