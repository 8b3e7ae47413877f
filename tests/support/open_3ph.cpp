#include "tests/support/open_3ph.hpp"

#include <algorithm>
#include <cctype>

#include "tests/support/ieee_csv.hpp"

namespace kilter::testing {

namespace {

constexpr const char* phase_letters = "abc";

model::PhaseMatrix matrix(const CsvRow& row, const std::string& prefix) {
    model::PhaseMatrix out;
    for (int i = 0; i < 3; ++i)
        for (int j = i; j < 3; ++j)
            out(i, j) = out(j, i) =
                complex_of(row.at(prefix + phase_letters[i] + phase_letters[j]));
    return out;
}

}  // namespace

SolvedNetwork read_open_3ph(const std::filesystem::path& folder) {
    SolvedNetwork out;
    model::ThreePhaseNetwork& network = out.network;
    network.name = folder.filename().string();
    const std::string stem = network.name.substr(0, network.name.rfind("_dss"));
    const auto table = [&](const std::string& which) {
        const auto file = folder / (stem + "_" + which + "_df.csv");
        return std::filesystem::exists(file) ? read_csv(file) : std::vector<CsvRow>{};
    };
    network.base_kv = std::stod(table("src").at(0).at("kvBaseLL"));
    std::map<std::string, std::size_t> index;
    for (const CsvRow& row : table("bus")) {
        const std::string& name = row.at("name");
        index[name] = network.buses.size();
        if (row.at("load_type") == "S") network.root = network.buses.size();
        network.buses.push_back({.name = name, .phases = {}});
        if (row.at("load_type") != "PQ") continue;
        model::PhaseLoad load{.name = name,
                              .bus = index[name],
                              .connection = row.at("connect") == "D" ? model::Connection::delta
                                                                     : model::Connection::wye};
        for (int i = 0; i < 3; ++i)
            load.kva[i] = {std::stod(row.at(std::string("P") + phase_letters[i])),
                           std::stod(row.at(std::string("Q") + phase_letters[i]))};
        network.loads.push_back(load);
    }
    for (const CsvRow& row : table("line")) {
        model::PhaseBranch branch;
        branch.name = row.at("");
        branch.from = index.at(row.at("busA"));
        branch.to = index.at(row.at("busB"));
        const model::PhaseLine line{matrix(row, "Z"), matrix(row, "B")};
        branch.phases = {};
        for (int i = 0; i < 3; ++i)
            if (line.series_ohm(i, i) != 0.0)
                branch.phases = branch.phases | model::PhaseSet::of(i);
        branch.element = line;
        network.branches.push_back(std::move(branch));
    }
    for (const CsvRow& row : table("trn")) {
        model::PhaseBranch branch;
        branch.name = row.at("");
        branch.from = index.at(row.at("busA"));
        branch.to = index.at(row.at("busB"));
        model::Transformer element;
        if (row.at("typeA") == "delta") element.windings = model::Transformer::Windings::delta_wye;
        element.kva = 1000 * network.base_kv * network.base_kv;  // so that per unit is ohm
        element.from_kv = element.to_kv = network.base_kv;
        element.impedance_pu = complex_of(row.at("Zseries"));
        branch.element = element;
        network.branches.push_back(std::move(branch));
    }
    for (const CsvRow& row : table("cap"))
        network.capacitors.push_back(
            {.name = row.at("name"),
             .bus = index.at(row.at("bus")),
             .connection = model::Connection::wye,
             .kvar = {std::stod(row.at("Qa")), std::stod(row.at("Qb")), std::stod(row.at("Qc"))}});
    for (const CsvRow& row : table("solution")) {
        std::string node = row.at("bus");
        const auto phase = static_cast<Eigen::Index>(node.back() - '1');
        node.resize(node.size() - 2);
        std::transform(node.begin(), node.end(), node.begin(), [](unsigned char letter) {
            return static_cast<char>(std::tolower(letter));
        });
        const auto [at, is_new] = out.voltage_v.emplace(node, model::Phasors::Zero());
        at->second[phase] = complex_of(row.at("vLN"));
    }
    return out;
}

}  // namespace kilter::testing
