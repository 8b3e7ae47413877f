#include "common/topology/three_phase.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "common/base/check.hpp"
#include "common/base/number.hpp"
#include "common/topology/files.hpp"
#include "common/topology/native.hpp"
#include "common/topology/series.hpp"
#include "common/topology/toml_reader.hpp"

namespace kilter::topology {

namespace {

constexpr Range tap = Range::between(-model::Regulator::tap_max, model::Regulator::tap_max);

const std::map<std::string, double> metres_of{
    {"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"kft", 304.8}, {"mile", 1609.344}};

/// The value that one of a few words stands for.
template <class Value>
Value read_word(TomlTable& table,
                std::string_view key,
                const std::map<std::string, Value>& words,
                const std::string& fallback) {
    const std::string word = fallback.empty() ? table.required<std::string>(key)
                                              : table.optional<std::string>(key, fallback);
    const auto found = words.find(word);
    if (found != words.end()) return found->second;
    std::string all;
    for (const auto& [known, value] : words)
        all += (all.empty() ? "\"" : ", \"") + known + "\"";
    if (table.has(key)) table.fail(key, std::string(key) + " is one of " + all);
    return words.begin()->second;
}

model::PhaseSet read_phases(TomlTable& table, const std::string& fallback = "abc") {
    const std::string text = table.optional<std::string>("phases", fallback);
    const auto phases = model::PhaseSet::parse(text);
    if (!phases) table.fail("phases", "phases is some of a, b, c in this order, as \"ac\"");
    return phases.value_or(model::PhaseSet::all());
}

/// Three numbers: by phase, or by pair of phases.
Eigen::Vector3d read_three(TomlTable& table, std::string_view key, bool required, Range range) {
    const auto values = required ? table.required<std::vector<double>>(key, range)
                                 : table.optional<std::vector<double>>(key, {0, 0, 0}, range);
    if (values.size() == 3) return {values[0], values[1], values[2]};
    if (table.has(key))
        table.fail(key, std::string(key) + " has " + std::to_string(values.size()) +
                            " numbers; give 3, for a, b, c (in delta: ab, bc, ca)");
    return Eigen::Vector3d::Zero();
}

const std::map<std::string, model::Connection> connections{{"wye", model::Connection::wye},
                                                           {"delta", model::Connection::delta}};

struct LineCode {
    model::PhaseSet phases;
    model::PhaseLine per_m;
};

class Reader {
  public:
    Reader(TomlTable root, std::int64_t interval_s) : root_(root), interval_s_(interval_s) {}

    model::ThreePhaseNetwork read() {
        root_.required<std::string>("system");
        network_.name = root_.required<std::string>("name");
        network_.base_kv = root_.required<double>("base_kv", Range::positive());
        network_.source = read_word(root_, "source", connections, "wye");
        network_.source_pu =
            model::ThreePhaseNetwork::balanced(root_.optional<double>("v_root_pu", 1, voltage_pu));
        network_.limit_penalty_eur_per_kwh = root_.optional<double>(
            "limit_penalty_eur_per_kwh", network_.limit_penalty_eur_per_kwh, Range::positive());
        read_buses();
        network_.root = bus(root_, "root").value_or(0);
        read_codes();
        read_lines();
        read_switches();
        read_regulators();
        read_transformers();
        read_loads();
        read_capacitors();
        read_nets();
        network_.daily_shape =
            read_daily(root_.table("shape"), "daily", Range::not_negative(), interval_s_);
        read_tie(root_.table("tie"), network_.tie, interval_s_);
        return std::move(network_);
    }

  private:
    void read_buses() {
        const double low = root_.required<double>("v_min_pu", voltage_pu);
        const double high = root_.required<double>("v_max_pu", voltage_pu);
        for (TomlTable table : root_.tables("bus")) {
            model::PhaseBus bus;
            bus.name = table.required<std::string>("name");
            bus.v_min_pu = table.optional<double>("v_min_pu", low, voltage_pu);
            bus.v_max_pu = table.optional<double>("v_max_pu", high, voltage_pu);
            if (!bus.name.empty() && !buses_.emplace(bus.name, network_.buses.size()).second)
                table.fail("name",
                           "bus " + toml_string(bus.name) + " exists already; names must differ");
            network_.buses.push_back(std::move(bus));
        }
        if (network_.buses.empty())
            root_.fail("", "the feeder has no buses; add at least two [[bus]] tables");
    }

    [[nodiscard]] std::optional<std::size_t> bus(TomlTable table, std::string_view key) const {
        const auto name = table.required<std::string>(key);
        const auto found = buses_.find(name);
        if (found != buses_.end()) return found->second;
        if (!name.empty())
            table.fail(key, std::string(key) + " names bus " + toml_string(name) +
                                ", which does not exist; add a [[bus]] of that name or correct it");
        return std::nullopt;
    }

    /// Row by row, on and right of the diagonal, for the phases there are.
    static model::PhaseMatrix matrix(TomlTable& table,
                                     std::string_view key,
                                     model::PhaseSet phases,
                                     bool required) {
        const auto values = required ? table.required<std::vector<double>>(key)
                                     : table.optional<std::vector<double>>(key, {});
        const auto count = static_cast<std::size_t>(phases.count() * (phases.count() + 1) / 2);
        model::PhaseMatrix out = model::PhaseMatrix::Zero();
        if (values.empty() && !required) return out;
        if (values.size() != count) {
            if (table.has(key))
                table.fail(key, std::string(key) + " has " + std::to_string(values.size()) +
                                    " numbers; phases " + phases.text() + " need " +
                                    std::to_string(count) +
                                    ": the matrix's upper triangle by rows");
            return out;
        }
        std::size_t next = 0;
        for (int i = 0; i < 3; ++i)
            for (int j = i; j < 3; ++j)
                if (phases.has(i) && phases.has(j)) out(i, j) = out(j, i) = values[next++];
        return out;
    }

    void read_codes() {
        const double metres = read_word(root_, "code_length_unit", metres_of, "km");
        for (TomlTable table : root_.tables("code")) {
            const auto name = table.required<std::string>("name");
            LineCode code;
            code.phases = read_phases(table);
            const model::Complex j(0, 1);
            code.per_m.series_ohm = (matrix(table, "r_ohm", code.phases, true) +
                                     j * matrix(table, "x_ohm", code.phases, true)) /
                                    metres;
            code.per_m.shunt_s = j * 1e-6 * matrix(table, "b_us", code.phases, false) / metres;
            if (!codes_.emplace(name, code).second)
                table.fail("name",
                           "code " + toml_string(name) + " exists already; names must differ");
        }
    }

    /// Ends, name and rating; false, and noted, where an end is missing.
    bool read_ends(TomlTable& table, model::PhaseBranch& branch) const {
        const auto from = bus(table, "from");
        const auto to = bus(table, "to");
        branch.name = table.optional<std::string>("name", "");
        branch.rating_a = table.optional<double>("rating_a", branch.rating_a, Range::positive());
        if (!from || !to) return false;
        branch.from = *from;
        branch.to = *to;
        if (branch.name.empty())
            branch.name = network_.buses[*from].name + "-" + network_.buses[*to].name;
        if (*from == *to) table.fail("to", "branch " + branch.name + " ends where it begins");
        return true;
    }

    void read_lines() {
        const double metres = read_word(root_, "length_unit", metres_of, "m");
        for (TomlTable table : root_.tables("line")) {
            model::PhaseBranch branch;
            const auto name = table.required<std::string>("code");
            const double length = metres * table.required<double>("length", Range::positive());
            const bool placed = read_ends(table, branch);
            const auto code = codes_.find(name);
            if (code == codes_.end()) {
                if (!name.empty())
                    table.fail("code",
                               "code " + toml_string(name) +
                                   " does not exist; add a [[code]] of that name or correct it");
                continue;
            }
            branch.phases = code->second.phases;
            branch.element = model::PhaseLine{code->second.per_m.series_ohm * length,
                                              code->second.per_m.shunt_s * length};
            if (placed) network_.branches.push_back(std::move(branch));
        }
    }

    void read_switches() {
        for (TomlTable table : root_.tables("switch")) {
            model::PhaseBranch branch;
            branch.phases = read_phases(table);
            branch.closed = table.optional<bool>("closed", true);
            if (read_ends(table, branch)) network_.branches.push_back(std::move(branch));
        }
    }

    void read_regulators() {
        for (TomlTable table : root_.tables("regulator")) {
            model::PhaseBranch branch;
            branch.phases = read_phases(table);
            model::Regulator regulator;
            regulator.connection = read_word(table, "connection", connections, "wye");
            const Eigen::Vector3d taps = read_three(table, "taps", true, tap);
            for (int i = 0; i < 3; ++i) {
                regulator.taps[static_cast<std::size_t>(i)] = static_cast<int>(taps[i]);
                if (taps[i] != static_cast<int>(taps[i]))
                    table.fail("taps", "taps are whole steps of 0.625 %, from -16 to 16");
            }
            branch.element = regulator;
            if (read_ends(table, branch)) network_.branches.push_back(std::move(branch));
        }
    }

    void read_transformers() {
        using Windings = model::Transformer::Windings;

        struct Kind {
            Windings windings;
            bool leads;
        };

        static const std::map<std::string, Kind> kinds{
            {"wye-wye", {Windings::wye_wye, false}},
            {"delta-wye", {Windings::delta_wye, false}},
            {"delta-wye-leading", {Windings::delta_wye, true}},
            {"delta-delta", {Windings::delta_delta, false}}};
        for (TomlTable table : root_.tables("transformer")) {
            model::PhaseBranch branch;
            branch.phases = read_phases(table);
            const Kind kind = read_word(table, "windings", kinds, "");
            model::Transformer transformer{.windings = kind.windings, .leads = kind.leads};
            transformer.kva = table.required<double>("kva", Range::positive());
            transformer.from_kv = table.required<double>("from_kv", Range::positive());
            transformer.to_kv = table.required<double>("to_kv", Range::positive());
            transformer.from_tap = table.optional<double>("from_tap", 1, voltage_pu);
            transformer.to_tap = table.optional<double>("to_tap", 1, voltage_pu);
            transformer.impedance_pu = {table.required<double>("r_pu", Range::not_negative()),
                                        table.required<double>("x_pu", Range::not_negative())};
            transformer.no_load_kva = {
                table.optional<double>("no_load_kw", 0, Range::not_negative()),
                table.optional<double>("no_load_kvar", 0, Range::not_negative())};
            branch.element = transformer;
            if (read_ends(table, branch)) network_.branches.push_back(std::move(branch));
        }
    }

    void read_loads() {
        static const std::map<std::string, model::LoadModel> models{
            {"power", model::LoadModel::power},
            {"current", model::LoadModel::current},
            {"impedance", model::LoadModel::impedance}};
        for (TomlTable table : root_.tables("load")) {
            model::PhaseLoad load;
            load.connection = read_word(table, "connection", connections, "wye");
            load.model = read_word(table, "model", models, "power");
            const Eigen::Vector3d p = read_three(table, "kw", true, Range::any());
            const Eigen::Vector3d q = read_three(table, "kvar", false, Range::any());
            load.kva = p.cast<model::Complex>() + model::Complex(0, 1) * q.cast<model::Complex>();
            if (table.has("along")) {
                load.name = table.required<std::string>("along");
                spread(table, load);
                continue;
            }
            const auto at = bus(table, "bus");
            if (!at) continue;
            load.bus = *at;
            load.name = network_.buses[*at].name;
            network_.loads.push_back(std::move(load));
        }
    }

    /// A load along the line that its name is.
    void spread(TomlTable& table, model::PhaseLoad load) {
        for (std::size_t b = 0; b < network_.branches.size(); ++b)
            if (network_.branches[b].name == load.name &&
                std::holds_alternative<model::PhaseLine>(network_.branches[b].element)) {
                network_.distribute(b, load);
                buses_.emplace(load.name, network_.buses.size() - 1);
                return;
            }
        table.fail("along", "along names line " + toml_string(load.name) +
                                ", which does not exist; give the line's name, \"from-to\"");
    }

    void read_capacitors() {
        for (TomlTable table : root_.tables("capacitor")) {
            model::Capacitor capacitor;
            capacitor.connection = read_word(table, "connection", connections, "wye");
            capacitor.kvar = read_three(table, "kvar", true, Range::not_negative());
            const auto at = bus(table, "bus");
            if (!at) continue;
            capacitor.bus = *at;
            capacitor.name = network_.buses[*at].name;
            network_.capacitors.push_back(std::move(capacitor));
        }
    }

    void read_nets() {
        const auto rule = root_.optional<std::string>("nets", "");
        const std::vector<TomlTable> tables = root_.tables("net");
        if (!rule.empty() && rule != "every-load")
            root_.fail("nets", "nets is " + toml_string(rule) +
                                   "; the only rule is \"every-load\", else list [[net]] tables");
        if (!rule.empty() && !tables.empty())
            root_.fail("nets", "nets and [[net]] are both given; keep one of them");
        if (!rule.empty()) network_.nets = network_.nets_at_loads();
        for (TomlTable table : tables) {
            model::PhaseNet net;
            net.connection = read_word(table, "connection", connections, "wye");
            net.phases = read_phases(table);
            net.name = table.optional<std::string>("name", "");
            const auto at = bus(table, "bus");
            if (!at) continue;
            net.bus = *at;
            if (net.name.empty()) net.name = network_.buses[*at].name + "." + net.phases.text();
            network_.nets.push_back(std::move(net));
        }
        if (network_.nets.empty() && tables.empty())
            root_.fail("nets",
                       "the feeder has no net for homes to join; set nets = \"every-load\" or "
                       "add [[net]] tables");
    }

    TomlTable root_;
    std::int64_t interval_s_;
    model::ThreePhaseNetwork network_;
    std::map<std::string, std::size_t> buses_;
    std::map<std::string, LineCode> codes_;
};

}  // namespace

Result<model::ThreePhaseNetwork> parse_three_phase(std::string_view text,
                                                   std::string_view source_name,
                                                   std::int64_t interval_s) {
    KILTER_CHECK(interval_s > 0 && day_s % interval_s == 0, "an interval divides a day");
    auto document = TomlDocument::parse(text, std::string(source_name));
    if (!document) return document.error();
    model::ThreePhaseNetwork network = Reader(document->root(), interval_s).read();
    if (auto done = document->finish(); !done) return done.error();
    if (auto tree = network.normalise(); !tree)
        return Error{std::string(source_name) + ": " + tree.error().message};
    if (auto valid = network.validate(); !valid)
        return Error{std::string(source_name) + ": " + valid.error().message};
    return network;
}

Result<Feeder> load_feeder(const std::filesystem::path& path, std::int64_t interval_s) {
    auto text = read_text_file(path);
    if (!text) return text.error();
    auto document = TomlDocument::parse(*text, path.string());
    if (!document) return document.error();
    TomlTable root = document->root();
    if (root.has("system")) {
        if (root.required<std::string>("system") != "three-phase") {
            root.fail("system",
                      "the only system is \"three-phase\"; leave it out for a balanced feeder");
            return document->finish().error();
        }
        auto network = parse_three_phase(*text, path.string(), interval_s);
        if (!network) return network.error();
        return Feeder(*std::move(network));
    }
    auto network = parse_network(*text, path.string(), interval_s);
    if (!network) return network.error();
    return Feeder(*std::move(network));
}

model::ThreePhaseNetwork without_homes(model::ThreePhaseNetwork network,
                                       const std::vector<HomeSpec>& homes) {
    for (const HomeSpec& home : homes) {
        KILTER_CHECK(home.net.value < network.nets.size(),
                     "a home on a net the network does not have");
        const model::PhaseNet& net = network.nets[home.net.value];
        const double mean = std::accumulate(home.load_kw.begin(), home.load_kw.end(), 0.0) /
                            static_cast<double>(home.load_kw.size());
        Eigen::Vector3d left = mean * net.shares();
        for (model::PhaseLoad& load : network.loads) {
            if (load.bus != net.bus || load.connection != net.connection) continue;
            for (int i = 0; i < 3; ++i) {
                const double taken = std::clamp(left[i], 0.0, std::max(0.0, load.kva[i].real()));
                load.kva[i] -= taken;
                left[i] -= taken;
            }
        }
    }
    return network;
}

}  // namespace kilter::topology
