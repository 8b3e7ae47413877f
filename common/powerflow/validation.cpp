#include "common/powerflow/validation.hpp"

#include <cmath>
#include <limits>

#include "common/base/check.hpp"
#include "common/powerflow/radial.hpp"

namespace kilter::powerflow {

namespace {

void raise(Excess& worst, double by, const std::string& item, Eigen::Index interval) {
    if (std::isfinite(by) && !(by <= worst.by)) worst = {by, item, interval};
}

}  // namespace

Result<Validation> validate(const model::Network& network,
                            const model::FeederHorizon& horizon,
                            const model::Schedules& consumed_kw,
                            const model::Schedules& consumed_kvar) {
    const Eigen::Index intervals = horizon.price_eur_per_kwh.size();
    const auto nets = static_cast<Eigen::Index>(network.nets.size());
    const auto buses = static_cast<Eigen::Index>(network.buses.size());
    KILTER_CHECK(consumed_kw.rows() == nets && consumed_kw.cols() == intervals &&
                     consumed_kvar.rows() == nets && consumed_kvar.cols() == intervals,
                 "one row of consumption per net");
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    Validation out;
    out.voltage.by = out.loading.by = none;
    out.voltage_pu.resize(buses, intervals);
    out.from_kva.resize(static_cast<Eigen::Index>(network.branches.size()), intervals);
    out.import_kw.resize(intervals);
    out.loss_kw.resize(intervals);
    std::vector<std::complex<double>> load(network.buses.size());
    for (Eigen::Index t = 0; t < intervals; ++t) {
        for (Eigen::Index i = 0; i < buses; ++i)
            load[static_cast<std::size_t>(i)] = {horizon.fixed_p_kw(i, t),
                                                 horizon.fixed_q_kvar(i, t)};
        for (Eigen::Index j = 0; j < nets; ++j)
            load[network.nets[static_cast<std::size_t>(j)].bus] +=
                std::complex<double>(consumed_kw(j, t), consumed_kvar(j, t));
        const auto point = solve(network, load);
        if (!point) return Error{point.error().message + " (interval " + std::to_string(t) + ")"};
        for (std::size_t i = 0; i < network.buses.size(); ++i) {
            const model::Bus& bus = network.buses[i];
            const double v = std::abs(point->voltage_pu[i]);
            out.voltage_pu(static_cast<Eigen::Index>(i), t) = v;
            raise(out.voltage, std::max(bus.v_min_pu - v, v - bus.v_max_pu), "bus " + bus.name, t);
        }
        for (std::size_t b = 0; b < network.branches.size(); ++b) {
            const model::Branch& branch = network.branches[b];
            const double most = std::max(std::abs(point->from_kva[b]), std::abs(point->to_kva[b]));
            out.from_kva(static_cast<Eigen::Index>(b), t) = std::abs(point->from_kva[b]);
            if (std::isfinite(branch.rating_kva))
                raise(out.loading, most / branch.rating_kva - 1, "branch " + branch.name, t);
        }
        const double import = point->import_kva.real();
        out.import_kw[t] = import;
        out.loss_kw[t] = point->loss_kw;
        const double limit = import > 0 ? network.tie.import_max_kw : network.tie.export_max_kw;
        if (std::isfinite(limit) && limit > 0)
            raise(out.loading, std::abs(import) / limit - 1, "tie", t);
    }
    return out;
}

}  // namespace kilter::powerflow
