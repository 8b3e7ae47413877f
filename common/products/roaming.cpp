#include "common/products/roaming.hpp"

namespace kilter::products {

Result<Roamed> settle_roaming(const RoamingSession& session) {
    Roamed out;
    for (std::size_t t = 0; t < session.intervals.size(); ++t) {
        const RoamingInterval& interval = session.intervals[t];
        if (interval.car_wh < 0 || interval.host_feed_in_wh < 0 ||
            interval.car_wh > interval.host_read_wh + interval.host_feed_in_wh)
            return Error{"roaming: in interval " + std::to_string(t) + " of the session " +
                         std::to_string(interval.car_wh) +
                         " Wh are claimed for the car, more than the host's meter has seen"};
        out.energy_wh += interval.car_wh;
        out.energy_micro_eur += charge(interval.car_wh, interval.price_micro_eur_per_kwh);
    }
    out.fee_micro_eur = charge(out.energy_wh, session.fee_micro_eur_per_kwh);
    pay(out.transfers, session.owner, session.host, out.energy_micro_eur + out.fee_micro_eur,
        "roaming");
    return out;
}

}  // namespace kilter::products
