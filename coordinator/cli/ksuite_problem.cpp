#include "coordinator/cli/ksuite_problem.hpp"

#include <tuple>

#include <nlohmann/json.hpp>

namespace kilter::cli {

using Json = nlohmann::ordered_json;

std::string ksuite_problem_json(const ksuite::Instance& instance,
                                const ksuite::Solver& solver,
                                const ksuite::Iterate& end) {
    const auto& [generators, batteries, deferrable, curtailable, lines] =
        std::tie(instance.generators, instance.batteries, instance.deferrable, instance.curtailable,
                 instance.lines);
    Json prices = Json::array();
    for (std::size_t net = 0; net < instance.nets; ++net) {
        Json row = Json::array();
        for (std::size_t t = 0; t < ksuite::intervals; ++t)
            row.push_back(solver.price(net, t));
        prices.push_back(std::move(row));
    }
    return Json{{"format", "kilter-ksuite-problem-1"},
                {"intervals", ksuite::intervals},
                {"nets", instance.nets},
                {"generators",
                 {{"net", generators.net},
                  {"power_min_kw", generators.power_min},
                  {"power_max_kw", generators.power_max},
                  {"ramp_kw", generators.ramp},
                  {"quadratic", generators.quadratic},
                  {"linear", generators.linear}}},
                {"batteries",
                 {{"net", batteries.net},
                  {"power_max_kw", batteries.power_max},
                  {"energy_max_kw_intervals", batteries.energy_max}}},
                {"deferrable",
                 {{"net", deferrable.net},
                  {"fixed_kw", deferrable.fixed},
                  {"first", deferrable.first},
                  {"last", deferrable.last},
                  {"energy_kw_intervals", deferrable.energy},
                  {"power_max_kw", deferrable.power_max}}},
                {"curtailable",
                 {{"net", curtailable.net},
                  {"fixed_kw", curtailable.fixed},
                  {"wanted_kw", curtailable.wanted},
                  {"penalty", curtailable.penalty}}},
                {"lines",
                 {{"from", lines.from},
                  {"to", lines.to},
                  {"capacity_kw", lines.capacity},
                  {"loss_per_kw", lines.loss},
                  {"phase_rad_per_kw", lines.phase}}},
                {"objective", end.objective},
                {"cost", end.cost},
                {"price", std::move(prices)}}
        .dump();
}

}  // namespace kilter::cli
