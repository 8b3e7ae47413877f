#include "common/mesh/clearing.hpp"

#include <algorithm>
#include <cmath>

#include "common/mesh/ac_line.hpp"
#include "common/mesh/bus.hpp"
#include "common/mesh/dc_line.hpp"
#include "common/mesh/generator.hpp"
#include "common/mesh/storage.hpp"

namespace kilter::mesh {
namespace {

constexpr double potential_weight = 0.1;

/// One device per bus and line and generator; junctions per bus: p, then what the physics adds.
struct Assembly {
    std::vector<std::unique_ptr<model::Device>> devices;
    std::vector<Junction> junctions;
    std::size_t channels = 1;  ///< junctions per bus

    void join(std::size_t bus, std::size_t channel, Eigen::Index row, double weight) {
        junctions[bus * channels + channel].terminals.push_back({devices.size() - 1, row, weight});
    }
};

double susceptance_kw(const model::MeshedLine& line, double base_kva) {
    return base_kva * line.x_pu / (line.r_pu * line.r_pu + line.x_pu * line.x_pu);
}

/// Geometric mean over the lines.
double typical_susceptance_kw(const model::MeshedGrid& grid) {
    double sum = 0;
    for (const model::MeshedLine& line : grid.lines)
        sum += std::log(susceptance_kw(line, grid.base_kva));
    return grid.lines.empty() ? grid.base_kva
                              : std::exp(sum / static_cast<double>(grid.lines.size()));
}

Assembly assemble(const model::MeshedGrid& grid, Physics physics) {
    const Eigen::Index intervals = grid.load_p_kw.cols();
    Assembly out;
    out.channels = physics == Physics::soc ? 3 : physics == Physics::dc ? 2 : 1;
    out.junctions.resize(grid.buses.size() * out.channels);
    for (std::size_t bus = 0; bus < grid.buses.size(); ++bus)
        for (std::size_t channel = 0; channel < out.channels; ++channel)
            if (channel == 2 || (physics == Physics::dc && channel == 1))
                out.junctions[bus * out.channels + channel] = {
                    Bond::agreement, physics == Physics::soc ? 1.0 : 0.0, {}};

    const double typical = typical_susceptance_kw(grid);
    for (std::size_t bus = 0; bus < grid.buses.size(); ++bus) {
        const auto row = static_cast<Eigen::Index>(bus);
        const model::Series p = grid.load_p_kw.row(row).transpose();
        if (physics == Physics::soc) {
            out.devices.push_back(
                std::make_unique<Bus>(grid.buses[bus], p, grid.load_q_kvar.row(row).transpose()));
            for (std::size_t channel = 0; channel < 3; ++channel)
                out.join(bus, channel, static_cast<Eigen::Index>(channel),
                         channel == 2 ? potential_weight * typical * typical : 1);
        } else {
            out.devices.push_back(std::make_unique<Load>(p.array() + grid.buses[bus].shunt_p_kw));
            out.join(bus, 0, 0, 1);
        }
    }
    for (const model::MeshedGenerator& generator : grid.generators) {
        out.devices.push_back(std::make_unique<Generator>(generator, physics == Physics::soc,
                                                          intervals, grid.interval_h));
        for (std::size_t channel = 0; channel < (physics == Physics::soc ? 2U : 1U); ++channel)
            out.join(generator.bus, channel, static_cast<Eigen::Index>(channel), 1);
    }
    for (const model::MeshedStorage& store : grid.stores) {
        out.devices.push_back(std::make_unique<Storage>(store, intervals, grid.interval_h));
        out.join(store.bus, 0, 0, 1);
    }
    for (const model::MeshedLine& line : grid.lines) {
        if (physics == Physics::soc)
            out.devices.push_back(std::make_unique<AcLine>(
                line, grid.buses[line.from], grid.buses[line.to], grid.base_kva, intervals));
        else
            out.devices.push_back(std::make_unique<DcLine>(
                line, physics == Physics::dc ? susceptance_kw(line, grid.base_kva) : 0, intervals));
        const double susceptance = susceptance_kw(line, grid.base_kva);
        for (std::size_t channel = 0; channel < out.channels; ++channel)
            for (const std::size_t end : {std::size_t{0}, std::size_t{1}})
                out.join(end == 0 ? line.from : line.to, channel,
                         static_cast<Eigen::Index>(end * out.channels + channel),
                         out.junctions[channel].bond == Bond::agreement
                             ? potential_weight * susceptance * typical
                             : typical / susceptance);
    }
    return out;
}

/// A generator's marginal cost at half its range over its range, on average: how prices answer power.
double rho_of(const model::MeshedGrid& grid) {
    double price = 0, power = 0;
    for (const model::MeshedGenerator& generator : grid.generators) {
        const double range = generator.p_max_kw - generator.p_min_kw;
        price += range * std::abs(generator.cost1 +
                                  generator.cost2 * (generator.p_max_kw + generator.p_min_kw));
        power += range;
    }
    if (!(price > 0)) return 1 / grid.base_kva;
    return grid.interval_h * price / power / (power / static_cast<double>(grid.generators.size()));
}

}  // namespace

Clearing clear(const model::MeshedGrid& grid, Physics physics, const Options& options) {
    KILTER_CHECK(physics != Physics::soc || grid.stores.empty(),
                 "stores have no reactive power, so no place in grids cleared with it");
    Options with_rho = options;
    if (!(with_rho.rho > 0)) with_rho.rho = rho_of(grid);
    Assembly assembly = assemble(grid, physics);
    Exchange exchange(std::move(assembly.devices), std::move(assembly.junctions));
    Solution solution = exchange.solve(with_rho);

    Clearing out;
    out.converged = solution.converged;
    out.iterations = solution.iterations;
    out.cost = solution.cost;
    out.residual = solution.residual;
    const auto buses = static_cast<Eigen::Index>(grid.buses.size());
    const Eigen::Index intervals = grid.load_p_kw.cols();
    out.price.resize(buses, intervals);
    for (Eigen::Index bus = 0; bus < buses; ++bus)
        out.price.row(bus) =
            solution.price.row(bus * static_cast<Eigen::Index>(assembly.channels)) /
            grid.interval_h;
    out.delivered_kw.resize(static_cast<Eigen::Index>(grid.generators.size()), intervals);
    out.flow_kw.resize(static_cast<Eigen::Index>(grid.lines.size()), intervals);
    for (Eigen::Index g = 0; g < out.delivered_kw.rows(); ++g)
        out.delivered_kw.row(g) = -solution.x[static_cast<std::size_t>(buses + g)].row(0);
    const Eigen::Index first_store = buses + out.delivered_kw.rows();
    out.stored_kwh.resize(static_cast<Eigen::Index>(grid.stores.size()), intervals);
    for (Eigen::Index s = 0; s < out.stored_kwh.rows(); ++s) {
        const auto& device = exchange.devices()[static_cast<std::size_t>(first_store + s)];
        out.stored_kwh.row(s) = dynamic_cast<const Storage&>(*device).energy_kwh().transpose();
    }
    for (Eigen::Index l = 0; l < out.flow_kw.rows(); ++l) {
        const auto device = static_cast<std::size_t>(first_store + out.stored_kwh.rows() + l);
        out.flow_kw.row(l) = solution.x[device].row(0);
        if (const auto* line = dynamic_cast<const AcLine*>(exchange.devices()[device].get()))
            out.slack = std::max(out.slack, line->slack());
    }
    return out;
}

}  // namespace kilter::mesh
