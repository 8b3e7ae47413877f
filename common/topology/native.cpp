#include "common/topology/native.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "common/base/check.hpp"
#include "common/base/number.hpp"
#include "common/topology/files.hpp"
#include "common/topology/series.hpp"
#include "common/topology/toml_reader.hpp"

namespace kilter::topology {
namespace {

/// Per-unit voltages beyond this are typing errors, not feeders.

/// Which buses lines have joined so far.
class Connected {
  public:
    explicit Connected(std::size_t count) : parent_(count) {
        std::iota(parent_.begin(), parent_.end(), 0u);
    }

    std::size_t find(std::size_t i) {
        while (parent_[i] != i)
            i = parent_[i] = parent_[parent_[i]];
        return i;
    }

    /// False when they were joined already.
    bool join(std::size_t a, std::size_t b) {
        a = find(a);
        b = find(b);
        parent_[a] = b;
        return a != b;
    }

  private:
    std::vector<std::size_t> parent_;
};

using Index = std::unordered_map<std::string, std::size_t>;

/// The bus that `key` of `table` names; nothing, and noted, when there is none of that name.
std::optional<std::size_t> read_bus(TomlTable table, std::string_view key, const Index& buses) {
    const auto name = table.required<std::string>(key);
    const auto found = buses.find(name);
    if (found != buses.end()) return found->second;
    if (!name.empty()) {
        std::vector<std::string> known;
        for (const auto& bus : buses)
            known.push_back(bus.first);
        const std::string_view meant =
            name.size() > 3 ? nearest_word(name, known) : std::string_view{};
        table.fail(key, std::string(key) + " names bus " + toml_string(name) +
                            ", which does not exist" +
                            (meant.empty() ? "; add a [[bus]] of that name or correct it"
                                           : "; did you mean " + toml_string(meant) + "?"));
    }
    return std::nullopt;
}

void read_buses(TomlTable root,
                model::Network& network,
                Index& index,
                std::vector<TomlTable>& tables) {
    const double v_min_pu = root.required<double>("v_min_pu", voltage_pu);
    const double v_max_pu = root.required<double>("v_max_pu", voltage_pu);
    if (v_min_pu > v_max_pu)
        root.fail("v_min_pu",
                  "v_min_pu is above v_max_pu; the band is empty, so exchange or correct them");
    tables = root.tables("bus");
    for (TomlTable table : tables) {
        model::Bus bus;
        bus.name = table.required<std::string>("name");
        bus.load_p_kw = table.optional<double>("load_p_kw", 0);
        bus.load_q_kvar = table.optional<double>("load_q_kvar", 0);
        bus.v_min_pu = table.optional<double>("v_min_pu", v_min_pu, voltage_pu);
        bus.v_max_pu = table.optional<double>("v_max_pu", v_max_pu, voltage_pu);
        bus.shunt_p_kw = table.optional<double>("shunt_p_kw", 0, Range::not_negative());
        bus.shunt_q_kvar = table.optional<double>("capacitor_kvar", 0);
        if (bus.v_min_pu > bus.v_max_pu && v_min_pu <= v_max_pu)
            table.fail(
                table.has("v_min_pu") ? "v_min_pu" : "v_max_pu",
                "bus " + toml_string(bus.name) + " has v_min_pu above v_max_pu; its band is empty");
        if (!bus.name.empty() && !index.emplace(bus.name, network.buses.size()).second)
            table.fail("name",
                       "bus " + toml_string(bus.name) + " exists already; names must differ");
        network.buses.push_back(std::move(bus));
    }
    if (tables.empty()) root.fail("", "the feeder has no buses; add at least two [[bus]] tables");
}

void read_lines(TomlTable root, model::Network& network, const Index& index, Connected& connected) {
    Index names;
    for (TomlTable table : root.tables("line")) {
        const auto from = read_bus(table, "from", index);
        const auto to = read_bus(table, "to", index);
        model::Branch branch;
        branch.r_ohm = table.required<double>("r_ohm", Range::not_negative());
        branch.x_ohm = table.required<double>("x_ohm", Range::not_negative());
        branch.rating_kva =
            table.optional<double>("rating_kva", branch.rating_kva, Range::positive());
        branch.ratio = table.optional<double>("ratio", 1, Range::between(0.5, 2));
        branch.charging_kvar = table.optional<double>("charging_kvar", 0, Range::not_negative());
        branch.name = table.optional<std::string>("name", "");
        if (!from || !to) continue;
        branch.from = *from;
        branch.to = *to;
        if (branch.name.empty())
            branch.name = network.buses[*from].name + "-" + network.buses[*to].name;
        const std::string line = "line " + toml_string(branch.name);
        if (*from == *to)
            table.fail("to", line + " ends where it begins; name the bus it leads to");
        else if (!connected.join(*from, *to))
            table.fail("from", line + " closes a loop; leave out the lines that are normally open");
        else if (!names.emplace(branch.name, network.branches.size()).second)
            table.fail("name", line + " exists already; names must differ");
        network.branches.push_back(std::move(branch));
    }
}

void read_nets(TomlTable root, model::Network& network, const Index& index) {
    const auto rule = root.optional<std::string>("nets", "");
    const std::vector<TomlTable> tables = root.tables("net");
    if (!rule.empty() && rule != "every-load-bus")
        root.fail("nets", "nets is " + toml_string(rule) +
                              "; the only rule is \"every-load-bus\", else list [[net]] tables");
    if (!rule.empty() && !tables.empty())
        root.fail("nets", "nets and [[net]] are both given; keep one of them");
    if (!rule.empty()) {
        for (std::size_t i = 0; i < network.buses.size(); ++i)
            if (network.buses[i].load_p_kw > 0) network.nets.push_back({network.buses[i].name, i});
    }
    Index names;
    for (TomlTable table : tables) {
        const auto bus = read_bus(table, "bus", index);
        auto name = table.optional<std::string>("name", "");
        if (!bus) continue;
        model::Net net{name.empty() ? network.buses[*bus].name : std::move(name), *bus};
        if (!names.emplace(net.name, network.nets.size()).second)
            table.fail(table.has("name") ? "name" : "bus",
                       "net " + toml_string(net.name) + " exists already; names must differ");
        network.nets.push_back(std::move(net));
    }
    if (network.nets.empty() && tables.empty())
        root.fail("nets",
                  "the feeder has no net for homes to join; set nets = \"every-load-bus\" or add "
                  "[[net]] tables");
}

}  // namespace

Result<model::Network> parse_network(std::string_view text,
                                     std::string_view source_name,
                                     std::int64_t interval_s) {
    KILTER_CHECK(interval_s > 0 && day_s % interval_s == 0, "an interval divides a day");
    auto document = TomlDocument::parse(text, std::string(source_name));
    if (!document) return document.error();
    TomlTable root = document->root();

    model::Network network;
    network.name = root.required<std::string>("name");
    network.number = static_cast<std::uint16_t>(root.optional<std::int64_t>(
        "number", 0, Range::between(0, std::numeric_limits<std::uint16_t>::max())));
    network.base_kv = root.required<double>("base_kv", Range::positive());
    network.v_root_pu = root.optional<double>("v_root_pu", 1, voltage_pu);
    network.losses = root.optional<bool>("losses", true);
    network.limit_penalty_eur_per_kwh = root.optional<double>(
        "limit_penalty_eur_per_kwh", network.limit_penalty_eur_per_kwh, Range::positive());
    Index buses;
    std::vector<TomlTable> bus_tables;
    read_buses(root, network, buses, bus_tables);
    const auto feeding_bus = read_bus(root, "root", buses);
    network.root = feeding_bus.value_or(0);
    Connected connected(network.buses.size());
    read_lines(root, network, buses, connected);
    for (std::size_t i = 0; i < bus_tables.size(); ++i)
        if (feeding_bus && connected.find(i) != connected.find(*feeding_bus))
            bus_tables[i].fail(
                "name", "bus " + toml_string(network.buses[i].name) +
                            " is not connected to the root; add the [[line]] that leads to it");
    read_nets(root, network, buses);
    network.daily_shape =
        read_daily(root.table("shape"), "daily", Range::not_negative(), interval_s);
    read_tie(root.table("tie"), network.tie, interval_s);
    if (auto done = document->finish(); !done) return done.error();

    if (auto tree = network.normalise(); !tree)
        return Error{std::string(source_name) + ": " + tree.error().message};
    if (auto valid = network.validate(); !valid)
        return Error{std::string(source_name) + ": " + valid.error().message};
    return network;
}

Result<model::Network> load_network(const std::filesystem::path& path, std::int64_t interval_s) {
    auto text = read_text_file(path);
    if (!text) return text.error();
    return parse_network(*text, path.string(), interval_s);
}

std::string write_network(const model::Network& network) {
    const auto limit = [](std::string_view key, double value) {
        return std::isfinite(value) ? std::string(key) + " = " + toml_float(value) + "\n"
                                    : std::string();
    };
    // The band of the first bus is the file's default; whoever differs says so.
    const model::Bus& usual = network.buses.front();
    std::string out = "name = " + toml_string(network.name) +
                      (network.number > 0 ? "\nnumber = " + std::to_string(network.number) : "") +
                      "\nroot = " + toml_string(network.buses[network.root].name) + "\n" +
                      limit("base_kv", network.base_kv) + limit("v_root_pu", network.v_root_pu) +
                      "losses = " + (network.losses ? "true" : "false") + "\n" +
                      limit("limit_penalty_eur_per_kwh", network.limit_penalty_eur_per_kwh) +
                      limit("v_min_pu", usual.v_min_pu) + limit("v_max_pu", usual.v_max_pu) +
                      "\nbus = [\n";
    for (const model::Bus& bus : network.buses) {
        out += "    { name = " + toml_string(bus.name) +
               ", load_p_kw = " + toml_float(bus.load_p_kw) +
               ", load_q_kvar = " + toml_float(bus.load_q_kvar);
        if (bus.shunt_p_kw != 0) out += ", shunt_p_kw = " + toml_float(bus.shunt_p_kw);
        if (bus.shunt_q_kvar != 0) out += ", capacitor_kvar = " + toml_float(bus.shunt_q_kvar);
        if (bus.v_min_pu != usual.v_min_pu) out += ", v_min_pu = " + toml_float(bus.v_min_pu);
        if (bus.v_max_pu != usual.v_max_pu) out += ", v_max_pu = " + toml_float(bus.v_max_pu);
        out += " },\n";
    }
    out += "]\n\nline = [\n";
    for (const model::Branch& branch : network.branches) {
        out += "    { name = " + toml_string(branch.name) +
               ", from = " + toml_string(network.buses[branch.from].name) +
               ", to = " + toml_string(network.buses[branch.to].name) +
               ", r_ohm = " + toml_float(branch.r_ohm) + ", x_ohm = " + toml_float(branch.x_ohm);
        if (std::isfinite(branch.rating_kva))
            out += ", rating_kva = " + toml_float(branch.rating_kva);
        if (branch.ratio != 1) out += ", ratio = " + toml_float(branch.ratio);
        if (branch.charging_kvar != 0)
            out += ", charging_kvar = " + toml_float(branch.charging_kvar);
        out += " },\n";
    }
    out += "]\n\nnet = [\n";
    for (const model::Net& net : network.nets)
        out += "    { name = " + toml_string(net.name) +
               ", bus = " + toml_string(network.buses[net.bus].name) + " },\n";
    out += "]\n\n[shape]\ndaily = " + toml_floats(network.daily_shape) + "\n\n[tie]\n" +
           limit("import_max_kw", network.tie.import_max_kw) +
           limit("export_max_kw", network.tie.export_max_kw) +
           limit("slope_eur_per_kwh_kw", network.tie.slope_eur_per_kwh_kw) +
           "price_eur_per_kwh = " + toml_floats(network.tie.price_eur_per_kwh) + "\n";
    return out;
}

}  // namespace kilter::topology
