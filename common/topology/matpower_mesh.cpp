#include "common/topology/matpower_mesh.hpp"

#include <cmath>
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

double angle_limit(double degrees, double otherwise) {
    const double limit = degrees * std::numbers::pi / 180;
    return limit == 0 || std::abs(limit) >= std::numbers::pi / 2 ? otherwise : limit;
}

class Reader {
  public:
    explicit Reader(const MatpowerCase& data) : data_(data) {}

    Result<model::MeshedGrid> read(Eigen::Index intervals) {
        if (data_.ohm || data_.kilo || data_.power_factor)
            return Error{
                "the case converts its units by statements, as distribution feeders do; read it as "
                "a feeder"};
        grid_.base_kva = *data_.base_mva * 1000;
        if (auto ok = read_buses(intervals); !ok) return ok.error();
        if (auto ok = read_generators(); !ok) return ok.error();
        if (auto ok = read_stores(); !ok) return ok.error();
        if (auto ok = read_lines(); !ok) return ok.error();
        if (auto ok = grid_.validate(); !ok) return ok.error();
        return std::move(grid_);
    }

  private:
    Result<void> read_buses(Eigen::Index intervals) {
        const auto& rows = data_.tables.at("bus");
        const auto count = static_cast<Eigen::Index>(rows.size());
        grid_.load_p_kw.resize(count, intervals);
        grid_.load_q_kvar.resize(count, intervals);
        for (const Row& row : rows) {
            const auto at = static_cast<Eigen::Index>(grid_.buses.size());
            if (!index_.emplace(static_cast<long long>(row[0]), grid_.buses.size()).second)
                return Error{"bus " + name_of(row[0]) + " is given twice"};
            grid_.load_p_kw.row(at).setConstant(row[2] * 1000);
            grid_.load_q_kvar.row(at).setConstant(row[3] * 1000);
            grid_.buses.push_back(
                {name_of(row[0]), row[12], row[11], row[4] * 1000, row[5] * 1000});
        }
        return {};
    }

    Result<void> read_generators() {
        const auto& rows = data_.tables.at("gen");
        const auto costs = data_.tables.find("gencost");
        if (costs == data_.tables.end() || costs->second.size() < rows.size())
            return Error{"mpc.gencost must have a row for every generator"};
        for (std::size_t g = 0; g < rows.size(); ++g) {
            const Row& row = rows[g];
            const Row& cost = costs->second[g];
            if (row.size() < 10)
                return Error{"mpc.gen has too few columns, Pmax and Pmin are needed"};
            if (row[7] <= 0) continue;
            model::MeshedGenerator generator;
            generator.name = name_of(static_cast<double>(g + 1)) + " at bus " + name_of(row[0]);
            if (auto bus = bus_at(row[0]))
                generator.bus = *bus;
            else
                return Error{"generator " + generator.name + ": this bus is not listed"};
            generator.q_max_kvar = row[3] * 1000;
            generator.q_min_kvar = row[4] * 1000;
            generator.p_max_kw = row[8] * 1000;
            generator.p_min_kw = row[9] * 1000;
            const auto terms = cost.size() > 3 ? static_cast<std::size_t>(cost[3]) : 0;
            if (cost.size() < 4 || cost[0] != 2 || terms < 1 || terms > 3 ||
                cost.size() < 4 + terms)
                return Error{"generator " + generator.name +
                             ": its cost must be a polynomial of degree 2 or less"};
            const auto term = [&](std::size_t degree) {
                return degree < terms ? cost[4 + terms - 1 - degree] : 0;
            };
            generator.cost2 = term(2) / 1e6;
            generator.cost1 = term(1) / 1e3;
            generator.cost0 = term(0);
            grid_.generators.push_back(std::move(generator));
        }
        return {};
    }

    /// bus ps qs energy energy_rating charge_rating discharge_rating charge_efficiency discharge_efficiency thermal_rating
    /// qmin qmax r x p_loss q_loss status, in MW, Mvar, MWh and per unit.
    Result<void> read_stores() {
        const auto table = data_.tables.find("storage");
        if (table == data_.tables.end()) return {};
        for (const Row& row : table->second) {
            if (row.size() < 17) return Error{"mpc.storage has too few columns, 17 are needed"};
            if (row[16] == 0) continue;
            model::MeshedStorage store;
            store.name = name_of(static_cast<double>(grid_.stores.size() + 1)) + " at bus " +
                         name_of(row[0]);
            if (auto bus = bus_at(row[0]))
                store.bus = *bus;
            else
                return Error{"store " + store.name + ": this bus is not listed"};
            store.energy_start_kwh = row[3] * 1000;
            store.energy_max_kwh = row[4] * 1000;
            store.charge_max_kw = row[5] * 1000;
            store.discharge_max_kw = row[6] * 1000;
            store.charge_efficiency = row[7];
            store.discharge_efficiency = row[8];
            store.idle_kw = row[14] * 1000;
            grid_.stores.push_back(std::move(store));
        }
        return {};
    }

    Result<void> read_lines() {
        for (const Row& row : data_.tables.at("branch")) {
            if (row[10] == 0) continue;
            model::MeshedLine line;
            line.name = name_of(row[0]) + "-" + name_of(row[1]);
            const auto from = bus_at(row[0]);
            const auto to = bus_at(row[1]);
            if (!from || !to)
                return Error{"branch " + line.name + ": it ends at a bus that is not listed"};
            line.from = *from;
            line.to = *to;
            line.r_pu = row[2];
            line.x_pu = row[3];
            line.b_pu = row[4];
            if (row[5] > 0) line.rating_kva = row[5] * 1000;
            if (row[8] != 0) line.ratio = row[8];
            line.shift_rad = row[9] * std::numbers::pi / 180;
            if (row.size() >= 13) {
                line.angle_min_rad = angle_limit(row[11], line.angle_min_rad);
                line.angle_max_rad = angle_limit(row[12], line.angle_max_rad);
            }
            grid_.lines.push_back(std::move(line));
        }
        return {};
    }

    [[nodiscard]] std::optional<std::size_t> bus_at(double number) const {
        const auto found = index_.find(static_cast<long long>(number));
        return found == index_.end() ? std::nullopt : std::optional(found->second);
    }

    const MatpowerCase& data_;
    model::MeshedGrid grid_;
    std::map<long long, std::size_t> index_;
};

}  // namespace

Result<model::MeshedGrid> parse_matpower_mesh(std::string_view text,
                                              std::string_view source_name,
                                              Eigen::Index intervals) {
    const auto named = [&](const Error& error) {
        return Error{std::string(source_name) + ": " + error.message};
    };
    if (intervals < 1) return named(Error{"give at least one interval"});
    const auto data = read_matpower(text);
    if (!data) return named(data.error());
    auto grid = Reader(*data).read(intervals);
    if (!grid) return named(grid.error());
    grid->name = std::filesystem::path(source_name).stem().string();
    return grid;
}

Result<model::MeshedGrid> load_matpower_mesh(const std::filesystem::path& path,
                                             Eigen::Index intervals) {
    auto text = read_text_file(path);
    if (!text) return text.error();
    return parse_matpower_mesh(*text, path.string(), intervals);
}

}  // namespace kilter::topology
