#include "common/prox/feeder_newton.hpp"

#include "common/prox/joint_newton.hpp"

namespace kilter::prox {

using model::Schedules;

FeederNewton::FeederNewton(Feeder& feeder) : feeder_(feeder) {}

Schedules FeederNewton::marginal_price() const {
    const model::FeederHorizon& horizon = feeder_.horizon();
    const double slope = feeder_.network().tie.slope_eur_per_kwh_kw;
    Schedules out = Schedules::Zero(rows(), intervals());
    for (Eigen::Index row = 0; row < rows(); row += channels())
        out.row(row) = horizon.interval_h * (horizon.price_eur_per_kwh.transpose() +
                                             slope * horizon.fixed_p_kw.colwise().sum());
    return out;
}

PieceNewton& FeederNewton::whole() {
    if (whole_.empty())
        whole_.emplace_back(feeder_.network(), feeder_.horizon(), std::vector<std::size_t>(),
                            false);
    return whole_.front();
}

std::vector<std::uint64_t> FeederNewton::price_memory() const {
    return whole_.empty() ? std::vector<std::uint64_t>() : whole_.front().memory();
}

void FeederNewton::recall(std::span<const std::uint64_t> memory) {
    if (channels() == 1 && PieceNewton::linear(feeder_.network())) whole().recall(memory);
}

bool FeederNewton::price_step(const Schedules& price,
                              const Schedules& demand_kw,
                              const std::vector<model::Response>& response,
                              const model::PriceRestraint& restraint,
                              Schedules& next_price,
                              Schedules& delivery_kw) {
    if (channels() != 1 || !PieceNewton::linear(feeder_.network())) return false;
    PieceNewton& owner = whole();
    owner.begin(price, demand_kw, response);
    std::vector<model::Response> answers = response;
    const auto restrain = [&] {
        if (!restraint || !restraint(owner.prices(), answers)) return false;
        owner.change_responses(answers);
        return true;
    };
    if (JointNewton({{}}, intervals()).settle(whole_, restrain) == 0) return false;
    next_price = owner.prices();
    delivery_kw = owner.deliveries();
    return true;
}

}  // namespace kilter::prox
