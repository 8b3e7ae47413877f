#include "tests/support/opendss.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>
#include <stdexcept>

namespace kilter::testing {

namespace {

using Properties = std::map<std::string, std::string>;

/// "New Class.name key=value ...", with the lines it goes on in.
struct Object {
    std::string kind, name;
    Properties properties;

    [[nodiscard]] bool has(const std::string& key) const { return properties.contains(key); }

    [[nodiscard]] std::string text(const std::string& key, const std::string& fallback) const {
        return has(key) ? properties.at(key) : fallback;
    }

    [[nodiscard]] double number(const std::string& key, double fallback) const;
};

/// "4.16", or reverse Polish "0.4 3 sqrt /".
double evaluate(const std::string& text) {
    std::vector<double> stack;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const auto pop = [&] {
            const double top = stack.back();
            stack.pop_back();
            return top;
        };
        if (word == "sqrt") {
            stack.push_back(std::sqrt(pop()));
        } else if (word == "/") {
            const double below = pop();
            stack.push_back(pop() / below);
        } else {
            stack.push_back(std::stod(word));
        }
    }
    return stack.empty() ? throw std::runtime_error("no number in '" + text + "'") : stack.back();
}

double Object::number(const std::string& key, double fallback) const {
    return has(key) ? evaluate(properties.at(key)) : fallback;
}

std::vector<double> numbers(std::string text) {
    std::replace(text.begin(), text.end(), ',', ' ');
    std::istringstream words(text);
    std::vector<double> out;
    for (double value = 0; words >> value;)
        out.push_back(value);
    return out;
}

std::vector<std::string> words_of(std::string text) {
    std::replace(text.begin(), text.end(), ',', ' ');
    std::istringstream words(text);
    std::vector<std::string> out;
    for (std::string word; words >> word;)
        out.push_back(word);
    return out;
}

/// Words and "key = value" of a line; what brackets and quotes hold is one value.
std::vector<std::pair<std::string, std::string>> pairs(const std::string& line) {
    std::vector<std::pair<std::string, std::string>> out;
    std::size_t i = 0;
    const auto skip = [&] {
        while (i < line.size() && (line[i] == ' ' || line[i] == ','))
            ++i;
    };
    const auto value = [&] {
        const std::string open = "([{'\"";
        const std::string close = ")]}'\"";
        const std::size_t which = open.find(line[i]);
        std::size_t end = which == std::string::npos ? line.find_first_of(" ,=", i)
                                                     : line.find(close[which], i + 1);
        if (end == std::string::npos) end = line.size();
        const std::size_t start = which == std::string::npos ? i : i + 1;
        std::string found = line.substr(start, end - start);
        i = which == std::string::npos ? end : end + 1;
        return found;
    };
    for (skip(); i < line.size(); skip()) {
        std::string first = value();
        skip();
        if (i < line.size() && line[i] == '=') {
            ++i;
            skip();
            out.emplace_back(first, i < line.size() ? value() : "");
        } else {
            out.emplace_back("", first);
        }
    }
    return out;
}

/// Values without a key belong to the property after the last one.
const std::map<std::string, std::vector<std::string>>& order_of_properties() {
    static const std::map<std::string, std::vector<std::string>> order{
        {"line", {"bus1", "bus2", "linecode", "length", "phases"}},
        {"load", {"phases", "bus1", "kv", "kw"}},
        {"transformer", {}}};
    return order;
}

class Reader {
  public:
    void read(const std::filesystem::path& file) {
        std::ifstream in(file);
        if (!in) throw std::runtime_error("cannot read " + file.string());
        for (std::string line; std::getline(in, line);) {
            line = line.substr(0, std::min({line.find('!'), line.find("//"), line.find('\r')}));
            std::transform(line.begin(), line.end(), line.begin(), [](unsigned char letter) {
                return letter == '\t' ? ' ' : static_cast<char>(std::tolower(letter));
            });
            const auto parts = pairs(line);
            if (parts.empty()) continue;
            const std::string& verb = parts[0].second;
            if (parts[0].first.empty() && verb == "redirect") {
                redirect(file.parent_path(), parts[1].second);
            } else if (parts[0].first.empty() && (verb == "new" || verb == "~")) {
                edit(parts, verb == "new");
            }
        }
    }

    std::vector<Object> objects;

  private:
    void redirect(const std::filesystem::path& folder, std::string name) {
        if (name.starts_with("../")) return read(folder / ".." / "IEEELineCodes.DSS");
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            std::string there = entry.path().filename().string();
            std::transform(there.begin(), there.end(), there.begin(), [](unsigned char letter) {
                return static_cast<char>(std::tolower(letter));
            });
            if (there == name) return read(entry.path());
        }
        throw std::runtime_error("no file " + name);
    }

    void edit(const std::vector<std::pair<std::string, std::string>>& parts, bool is_new) {
        std::size_t at = 1;
        if (is_new) {
            const std::string& name = parts[at++].second;
            const std::size_t dot = name.find('.');
            objects.push_back({name.substr(0, dot), name.substr(dot + 1), {}});
            winding_ = 0;
        }
        Object& object = objects.back();
        const auto known = order_of_properties().find(object.kind);
        std::size_t next = 0;
        for (; at < parts.size(); ++at) {
            std::string key = parts[at].first;
            if (known != order_of_properties().end()) {
                const auto& order = known->second;
                if (key.empty() && next < order.size()) key = order[next];
                for (std::size_t i = 0; i < order.size(); ++i)
                    if (order[i] == key) next = i + 1;
            }
            set(object, key, parts[at].second);
        }
    }

    void set(Object& object, const std::string& key, const std::string& value) {
        if (key == "like") {
            for (const Object& other : objects)
                if (other.kind == object.kind && other.name == value)
                    for (const auto& [of, what] : other.properties)
                        object.properties[of] = what;
            return;
        }
        if (key == "linecode") {  // what it says replaces what was said before
            for (const Object& code : objects)
                if (code.kind == "linecode" && code.name == value)
                    for (const auto& [of, what] : code.properties)
                        object.properties[of] = what;
            return;
        }
        if (key == "wdg") winding_ = std::stoi(value);
        // Of a transformer's winding: "kv1", "conn2"; lists set both.
        static const std::map<std::string, std::string> lists{{"buses", "bus"}, {"conns", "conn"},
                                                              {"kvs", "kv"},    {"kvas", "kva"},
                                                              {"%rs", "%r"},    {"taps", "tap"}};
        if (object.kind == "transformer" && lists.contains(key)) {
            const auto both = words_of(value);
            for (std::size_t i = 0; i < both.size(); ++i)
                object.properties[lists.at(key) + std::to_string(i + 1)] = both[i];
        } else if (object.kind == "transformer" && winding_ > 0 && key != "wdg") {
            object.properties[key + std::to_string(winding_)] = value;
        } else {
            object.properties[key] = value;
        }
    }

    int winding_ = 0;
};

/// A bus with its nodes: "632.3.2" is bus 632, phases c and b in this order; 0 is the ground.
struct Terminal {
    std::string bus;
    std::vector<int> phases;

    Terminal(const std::string& text, int count) {
        std::istringstream parts(text);
        std::getline(parts, bus, '.');
        for (std::string node; std::getline(parts, node, '.');)
            if (node != "0") phases.push_back(std::stoi(node) - 1);
        if (!phases.empty()) return;
        for (int phase = 0; phase < count; ++phase)
            phases.push_back(phase);
    }

    [[nodiscard]] model::PhaseSet set() const {
        model::PhaseSet out;
        for (const int phase : phases)
            out = out | model::PhaseSet::of(phase);
        return out;
    }
};

class Builder {
  public:
    Builder(const std::vector<Object>& objects, const DssOptions& options)
        : objects_(objects), options_(options) {}

    model::ThreePhaseNetwork build() {
        for (const Object& object : objects_) {
            if (object.kind == "circuit") circuit(object);
            if (object.kind == "line") line(object);
            if (object.kind == "transformer") transformer(object);
            if (object.kind == "load") load(object, 1);
            if (object.kind == "pvsystem") load(object, -1);
            if (object.kind == "capacitor") capacitor(object);
            if (object.kind == "regcontrol") control(object);
        }
        return network_;
    }

  private:
    std::size_t bus(const std::string& name) {
        const auto [found, is_new] = index_.emplace(name, network_.buses.size());
        if (is_new) network_.buses.push_back({.name = name, .phases = {}});
        return found->second;
    }

    void circuit(const Object& object) {
        network_.name = object.name;
        source_ = object.text("bus1", "sourcebus");
        network_.root = bus(options_.root.empty() ? source_ : options_.root);
        network_.base_kv = object.number("basekv", 115);
        network_.source_pu = model::ThreePhaseNetwork::balanced(object.number("pu", 1));
    }

    /// The lower triangle's rows, on the terminal's phases.
    static model::PhaseMatrix on(const std::vector<int>& phases, std::string rows) {
        std::replace(rows.begin(), rows.end(), '|', ' ');
        const std::vector<double> values = numbers(rows);
        model::PhaseMatrix out = model::PhaseMatrix::Zero();
        const bool full = values.size() == phases.size() * phases.size() && phases.size() > 1;
        std::size_t next = 0;
        for (std::size_t i = 0; i < phases.size(); ++i)
            for (std::size_t j = 0; j < (full ? phases.size() : i + 1); ++j)
                out(phases[i], phases[j]) = out(phases[j], phases[i]) = values.at(next++);
        return out;
    }

    static model::PhaseMatrix sequence(const std::vector<int>& phases,
                                       model::Complex positive,
                                       model::Complex zero) {
        model::PhaseMatrix out = model::PhaseMatrix::Zero();
        for (const int i : phases)
            for (const int j : phases)
                out(i, j) = phases.size() == 1 ? positive
                            : i == j           ? (2.0 * positive + zero) / 3.0
                                               : (zero - positive) / 3.0;
        return out;
    }

    void line(const Object& object) {
        const int count = static_cast<int>(object.number("phases", object.number("nphases", 3)));
        const Terminal from(object.text("bus1", ""), count);
        const Terminal to(object.text("bus2", ""), count);
        const bool is_switch = object.text("switch", "n").starts_with("y");
        const double length = is_switch ? 0.001 : object.number("length", 1);
        const model::Complex j(0, 1);
        const double omega = 2 * std::numbers::pi * options_.frequency_hz;
        model::PhaseLine element;
        model::PhaseMatrix z;
        model::PhaseMatrix c;
        if (object.has("rmatrix") && !is_switch) {
            z = on(from.phases, object.text("rmatrix", "")) +
                j * on(from.phases, object.text("xmatrix", ""));
        } else {
            z = sequence(from.phases,
                         {object.number("r1", is_switch ? 1 : 0.058),
                          object.number("x1", is_switch ? 1 : 0.1206)},
                         {object.number("r0", is_switch ? 1 : 0.1784),
                          object.number("x0", is_switch ? 1 : 0.4047)});
        }
        if (object.has("cmatrix") && !is_switch)
            c = on(from.phases, object.text("cmatrix", ""));
        else
            c = sequence(from.phases, object.number("c1", is_switch ? 1.1 : 3.4),
                         object.number("c0", is_switch ? 1 : 1.6));
        element.series_ohm = length * z;
        element.shunt_s = length * j * omega * 1e-9 * c;
        model::PhaseBranch branch;
        branch.name = object.name;
        branch.from = bus(from.bus);
        branch.to = bus(to.bus);
        branch.phases = from.set();
        branch.element = element;
        if (object.name == "jumper") return;  // the common phase of the open-delta regulator
        network_.branches.push_back(std::move(branch));
    }

    void transformer(const Object& object) {
        const int count = static_cast<int>(object.number("phases", 3));
        const Terminal from(object.text("bus1", ""), count);
        const Terminal to(object.text("bus2", ""), count);
        if (!options_.root.empty() && from.bus == source_ && to.bus == options_.root) {
            network_.base_kv = object.number("kv2", 0);
            if (object.text("conn2", "wye").starts_with("d"))
                network_.source = model::Connection::delta;
            return;
        }
        model::PhaseBranch branch;
        branch.name = object.text("bank", object.name);
        branch.from = bus(from.bus);
        branch.to = bus(to.bus);
        if (count == 1) return regulator(std::move(branch), from);
        const auto delta = [&](const char* key) {
            return object.text(key, "wye").starts_with("d");
        };
        using Windings = model::Transformer::Windings;
        model::Transformer element;
        element.windings = delta("conn1")
                               ? delta("conn2") ? Windings::delta_delta : Windings::delta_wye
                               : Windings::wye_wye;
        element.leads = object.text("leadlag", "lag") == "lead";
        element.kva = object.number("kva1", 1000);
        element.from_kv = object.number("kv1", 12.47);
        element.to_kv = object.number("kv2", 12.47);
        element.from_tap = object.number("tap1", 1);
        element.to_tap = object.number("tap2", 1);
        element.impedance_pu = {(object.number("%r1", 0.2) + object.number("%r2", 0.2)) / 100,
                                object.number("xhl", object.number("xhl2", 7)) / 100};
        element.no_load_kva =
            element.kva / 100 *
            model::Complex(object.number("%noloadloss", 0), object.number("%imag", 0));
        branch.element = element;
        network_.branches.push_back(std::move(branch));
    }

    /// One of a bank of single-phase regulators.
    void regulator(model::PhaseBranch branch, const Terminal& from) {
        for (model::PhaseBranch& other : network_.branches)
            if (other.name == branch.name) {
                other.phases = other.phases | from.set();
                return;
            }
        model::Regulator element;
        if (from.phases.size() == 2) element.connection = model::Connection::delta;
        branch.phases = from.set();
        branch.element = element;
        network_.branches.push_back(std::move(branch));
    }

    void control(const Object& object) {
        for (const Object& unit : objects_) {
            if (unit.kind != "transformer" || unit.name != object.text("transformer", "")) continue;
            const Terminal from(unit.text("bus1", ""), 1);
            for (model::PhaseBranch& branch : network_.branches) {
                auto* regulator = std::get_if<model::Regulator>(&branch.element);
                if (regulator == nullptr || branch.name != unit.text("bank", unit.name)) continue;
                if (!regulator->compensator) regulator->compensator.emplace();
                model::LineDropCompensator& relay = *regulator->compensator;
                relay.level_v = object.number("vreg", 120);
                relay.bandwidth_v = object.number("band", 3);
                relay.pt_ratio = object.number("ptratio", 60);
                relay.ct_primary_a = object.number("ctprim", 300);
                const auto phase = static_cast<std::size_t>(from.phases.front());
                relay.r_v[phase] = object.number("r", 0);
                relay.x_v[phase] = object.number("x", 0);
            }
        }
    }

    void load(const Object& object, double sign) {
        const int count = static_cast<int>(object.number("phases", 3));
        const Terminal at(object.text("bus1", ""), count);
        model::PhaseLoad load;
        load.name = object.name;
        load.bus = bus(at.bus);
        if (object.text("conn", "wye").starts_with("d")) load.connection = model::Connection::delta;
        const std::string model = object.text("model", "1");
        load.model = sign < 0 || model == "1" ? model::LoadModel::power
                     : model == "2"           ? model::LoadModel::impedance
                                              : model::LoadModel::current;
        // 5 is constant current; 4, for conserving voltage, stands for the same in the 37-node feeder.
        const model::Complex kva(object.number("kw", object.number("pmpp", 0)),
                                 object.number("kvar", 0));
        for (const int phase : at.phases) {
            if (count == 3) load.kva[phase] = sign * kva / 3.0;
            if (count == 1 && load.connection == model::Connection::wye)
                load.kva[phase] = sign * kva;
        }
        if (count == 1 && load.connection == model::Connection::delta)
            load.kva[(at.phases[0] + 1) % 3 == at.phases[1] ? at.phases[0] : at.phases[1]] = kva;
        network_.loads.push_back(std::move(load));
    }

    void capacitor(const Object& object) {
        const int count = static_cast<int>(object.number("phases", 3));
        const Terminal at(object.text("bus1", ""), count);
        model::Capacitor capacitor;
        capacitor.name = object.name;
        capacitor.bus = bus(at.bus);
        for (const int phase : at.phases)
            capacitor.kvar[phase] = object.number("kvar", 0) / count;
        network_.capacitors.push_back(std::move(capacitor));
    }

    const std::vector<Object>& objects_;
    const DssOptions& options_;
    std::string source_;
    model::ThreePhaseNetwork network_;
    std::map<std::string, std::size_t> index_;
};

}  // namespace

model::ThreePhaseNetwork read_opendss(const std::filesystem::path& file,
                                      const DssOptions& options) {
    Reader reader;
    reader.read(file);
    return Builder(reader.objects, options).build();
}

}  // namespace kilter::testing
