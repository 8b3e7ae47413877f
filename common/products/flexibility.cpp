#include "common/products/flexibility.hpp"

#include <algorithm>

namespace kilter::products {

namespace {
constexpr const char* flexibility_product = "flexibility";
}  // namespace

Result<Activation> activate(const Reservation& reservation) {
    if (reservation.homes.empty()) return Error{"flexibility: nobody has offered any"};
    const bool direct = reservation.aggregator.empty();
    if (direct && reservation.homes.size() > 1)
        return Error{"flexibility: several homes sell together only through an aggregator"};
    if (reservation.fee_ppm < 0 || reservation.fee_ppm > million)
        return Error{"flexibility: a fee is from 0 to a million parts per million"};
    std::vector<std::int64_t> bands;
    std::vector<std::int64_t> own;   // delivered by each alone
    std::vector<std::int64_t> lack;  // against its part of what was activated
    Wh band = 0;
    for (const PortfolioHome& home : reservation.homes) {
        if (home.band_wh < 0) return Error{"flexibility: a negative band of " + home.account};
        bands.push_back(home.band_wh);
        band += home.band_wh;
    }
    if (reservation.activated_wh < 0 || reservation.activated_wh > band)
        return Error{"flexibility: " + std::to_string(reservation.activated_wh) +
                     " Wh activated of " + std::to_string(band) + " Wh reserved"};
    const auto asked = share_out(reservation.activated_wh, bands);
    Wh together = 0;
    for (std::size_t i = 0; i < reservation.homes.size(); ++i) {
        const PortfolioHome& home = reservation.homes[i];
        const Wh delivered = home.scheduled_wh - home.read_wh;
        together += delivered;
        own.push_back(std::max<Wh>(0, delivered));
        lack.push_back(std::max<Wh>(0, asked[i] - delivered));
    }
    Activation out;
    out.delivered_wh = std::clamp<Wh>(together, 0, reservation.activated_wh);
    out.shortfall_wh = reservation.activated_wh - out.delivered_wh;
    const Account& seller = direct ? reservation.homes.front().account : reservation.aggregator;
    const MicroEur held = charge(band, reservation.reservation_micro_eur_per_kwh);
    const MicroEur used = charge(out.delivered_wh, reservation.activation_micro_eur_per_kwh);
    const MicroEur missed = charge(out.shortfall_wh, reservation.shortfall_micro_eur_per_kwh);
    pay(out.transfers, reservation.buyer, seller, held + used - missed, flexibility_product);
    if (direct) return out;
    const auto after_fee = [&](MicroEur amount) {
        return amount - muldiv(amount, reservation.fee_ppm, million);
    };
    const auto of_band = share_out(after_fee(held), bands);
    const auto of_use = share_out(after_fee(used), own);
    const auto of_lack = share_out(missed, lack);
    for (std::size_t i = 0; i < reservation.homes.size(); ++i)
        pay(out.transfers, seller, reservation.homes[i].account,
            of_band[i] + of_use[i] - of_lack[i], flexibility_product);
    return out;
}

}  // namespace kilter::products
