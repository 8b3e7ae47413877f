#include "tests/support/ieee_csv.hpp"

#include <cctype>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace kilter::testing {

namespace {

constexpr double feet_per_mile = 5280;

double number(const CsvRow& row, const std::string& key) {
    return std::stod(row.at(key));
}

/// The tables do not agree on upper and lower case.
std::string lower(std::string text) {
    for (char& letter : text)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return text;
}

const CsvRow* find(const std::vector<CsvRow>& rows, const std::string& value) {
    for (const CsvRow& row : rows)
        if (lower(row.at("config")) == lower(value)) return &row;
    return nullptr;
}

/// Per mile, from the upper triangle's columns `real`aa … and `imaginary`aa ….
model::PhaseMatrix matrix(const CsvRow& row,
                          const char* real,
                          const char* imaginary,
                          double scale) {
    model::PhaseMatrix out;
    for (int i = 0; i < 3; ++i)
        for (int j = i; j < 3; ++j) {
            const std::string pair{static_cast<char>('a' + i), static_cast<char>('a' + j)};
            const double re = *real != '\0' ? number(row, real + pair) : 0;
            out(i, j) = out(j, i) = scale * model::Complex(re, number(row, imaginary + pair));
        }
    return out;
}

model::PhaseSet phases_of(const model::PhaseMatrix& z) {
    model::PhaseSet out;
    for (int i = 0; i < 3; ++i)
        if (z(i, i) != 0.0) out = out | model::PhaseSet::of(i);
    return out;
}

model::Phasors powers(const CsvRow& row) {
    model::Phasors out;
    for (int i = 0; i < 3; ++i) {
        const std::string phase = "_ph" + std::to_string(i + 1);
        out[i] = {number(row, "kw" + phase), number(row, "kvar" + phase)};
    }
    return out;
}

model::PhaseLoad load_of(const CsvRow& row) {
    const std::string& type = row.at("type");
    return {.name = {},
            .bus = 0,
            .connection = row.at("conn") == "D" ? model::Connection::delta : model::Connection::wye,
            .model = type == "PQ"  ? model::LoadModel::power
                     : type == "I" ? model::LoadModel::current
                                   : model::LoadModel::impedance,
            .kva = powers(row)};
}

struct Tables {
    std::vector<CsvRow> configurations, transformers, regulators, switches;
};

/// What a line segment's configuration names; false for an open switch.
bool set_element(const Tables& tables, const CsvRow& segment, model::PhaseBranch& branch) {
    const std::string& config = segment.at("config");
    if (const CsvRow* row = find(tables.configurations, config)) {
        const double miles = number(segment, "length") / feet_per_mile;
        model::PhaseLine line{matrix(*row, "r", "x", miles), matrix(*row, "", "b", miles * 1e-6)};
        branch.phases = phases_of(line.series_ohm);
        branch.element = line;
        return true;
    }
    if (const CsvRow* row = find(tables.transformers, config)) {
        branch.element = model::Transformer{
            .windings = row->at("conn_high") == "D" ? model::Transformer::Windings::delta_delta
                                                    : model::Transformer::Windings::wye_wye,
            .kva = number(*row, "kva"),
            .from_kv = number(*row, "kv_high"),
            .to_kv = number(*row, "kv_low"),
            .impedance_pu = {number(*row, "rpu"), number(*row, "xpu")},
            .no_load_kva = 0.0};
        return true;
    }
    if (const CsvRow* row = find(tables.regulators, config)) {
        model::Regulator regulator;
        for (std::size_t i = 0; i < 3; ++i)
            regulator.taps[i] = std::stoi(row->at("tap_" + std::to_string(i + 1)));
        branch.phases = *model::PhaseSet::parse(row->at("phases"));
        branch.element = regulator;
        return true;
    }
    const CsvRow* row = find(tables.switches, config);
    if (row == nullptr) throw std::runtime_error("unknown configuration " + config);
    branch.closed = row->at("state") == "closed";
    return branch.closed;
}

}  // namespace

std::vector<CsvRow> read_csv(const std::filesystem::path& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    const auto cells = [](std::string line) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
            line.pop_back();
        std::vector<std::string> out;
        std::istringstream stream(line);
        for (std::string cell; std::getline(stream, cell, ',');)
            out.push_back(cell);
        return out;
    };
    std::string line;
    std::getline(in, line);
    const std::vector<std::string> header = cells(line);
    std::vector<CsvRow> out;
    while (std::getline(in, line)) {
        const std::vector<std::string> values = cells(line);
        if (values.empty()) continue;
        CsvRow row;
        for (std::size_t i = 0; i < header.size(); ++i)
            row[header[i]] = i < values.size() ? values[i] : "";
        out.push_back(std::move(row));
    }
    return out;
}

model::Complex complex_of(const std::string& text) {
    const char* at = text.c_str() + (text.front() == '(' ? 1 : 0);
    char* end = nullptr;
    const double first = std::strtod(at, &end);
    if (*end == 'j') return {0, first};
    if (*end == ')' || *end == '\0') return {first, 0};
    return {first, std::strtod(end, &end)};
}

model::ThreePhaseNetwork read_ieee_csv(const std::filesystem::path& folder) {
    const Tables tables{read_csv(folder / "line_configurations.csv"),
                        read_csv(folder / "transformers.csv"), read_csv(folder / "regulators.csv"),
                        read_csv(folder / "switches.csv")};
    model::ThreePhaseNetwork network;
    network.name = folder.filename().string();
    std::map<std::string, std::size_t> index;
    const auto bus = [&](const std::string& name) {
        const auto [found, is_new] = index.emplace(name, network.buses.size());
        if (is_new) network.buses.push_back({.name = name, .phases = {}});
        return found->second;
    };
    const CsvRow substation = read_csv(folder / "substation.csv").front();
    network.root = bus(substation.at("bus"));
    network.base_kv = number(substation, "kv");
    for (const CsvRow& segment : read_csv(folder / "line_segments.csv")) {
        model::PhaseBranch branch;
        branch.name = segment.at("bus1") + "-" + segment.at("bus2");
        if (!set_element(tables, segment, branch)) continue;
        branch.from = bus(segment.at("bus1"));
        branch.to = bus(segment.at("bus2"));
        network.branches.push_back(std::move(branch));
    }
    for (const CsvRow& row : read_csv(folder / "spot_loads.csv")) {
        model::PhaseLoad load = load_of(row);
        load.name = row.at("bus");
        load.bus = bus(load.name);
        network.loads.push_back(load);
    }
    if (std::filesystem::exists(folder / "distributed_loads.csv"))
        for (const CsvRow& row : read_csv(folder / "distributed_loads.csv")) {
            model::PhaseLoad load = load_of(row);
            load.name = row.at("bus1") + "~" + row.at("bus2");
            for (std::size_t b = 0; b < network.branches.size(); ++b)
                if (network.branches[b].name == row.at("bus1") + "-" + row.at("bus2")) {
                    network.distribute(b, load);
                    break;
                }
        }
    for (const CsvRow& row : read_csv(folder / "capacitors.csv"))
        network.capacitors.push_back(
            {.name = "C" + row.at("bus"),
             .bus = bus(row.at("bus")),
             .connection = model::Connection::wye,
             .kvar = {number(row, "kvar_ph1"), number(row, "kvar_ph2"), number(row, "kvar_ph3")}});
    if (auto tree = network.normalise(); !tree) throw std::runtime_error(tree.error().message);
    if (auto valid = network.validate(); !valid) throw std::runtime_error(valid.error().message);
    return network;
}

}  // namespace kilter::testing
