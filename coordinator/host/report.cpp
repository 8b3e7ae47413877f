#include "coordinator/host/report.hpp"

#include <nlohmann/json.hpp>

#include "common/market/clearing.hpp"
#include "common/settlement/feeder_number.hpp"

namespace kilter::coordinator {

namespace {

nlohmann::ordered_json rows(const model::Schedules& values) {
    auto out = nlohmann::ordered_json::array();
    for (Eigen::Index i = 0; i < values.rows(); ++i) {
        const auto row = values.row(i);
        out.push_back(std::vector<double>(row.begin(), row.end()));
    }
    return out;
}

}  // namespace

std::string to_json(const SessionReport& report, const model::Network& network) {
    nlohmann::ordered_json out;
    out["interval"] = report.session.interval;
    out["opening"] = report.session.opening;
    out["outcome"] = market::name_of(report.outcome);
    out["iterations"] = report.iterations;
    out["rounds"] = report.rounds;
    out["primal_residual_kw"] = report.primal_residual_kw;
    out["dual_residual_eur_per_kw"] = report.dual_residual_eur_per_kw;
    if (report.certificate)
        out["certificate"] = {{"gap_eur", report.certificate->gap_eur()},
                              {"homes_regret_eur", report.certificate->homes_regret_eur},
                              {"feeder_regret_eur", report.certificate->feeder_regret_eur}};
    else
        out["certificate"] = {{"gap_eur", nullptr}, {"why_not", report.uncertified}};
    out["explanation"] = report.explanation;
    out["homes"] = report.homes;
    out["excluded"] = report.excluded;
    auto& caught = out["caught"] = nlohmann::ordered_json::array();
    for (const crypto::PublicKey& home : report.caught)
        caught.push_back(short_hex(home.view()));
    out["clearing_ms"] = report.cleared_ms - report.started_ms;
    out["finality_ms"] = report.final_ms - report.cleared_ms;
    auto& nets = out["nets"] = nlohmann::ordered_json::array();
    for (const NetId net : report.nets)
        nets.push_back(network.nets[settlement::position_of(net)].name);
    out["price_eur_per_kwh"] = rows(report.price_eur_per_kwh);
    auto& buses = out["buses"] = nlohmann::ordered_json::array();
    for (const auto& bus : network.buses)
        buses.push_back(bus.name);
    out["voltage_pu"] = rows(report.voltage_pu);
    out["import_kw"] = std::vector<double>(report.import_kw.begin(), report.import_kw.end());
    return out.dump(1) + "\n";
}

}  // namespace kilter::coordinator
