/// All products of one interval from its facts: the one function that settlement, its dry run and every correction use.
///
/// Order matters where one product takes from another: sharing first, so that the retailer bills what is left; a prepaid home
/// pays its tariff instead of its net's price. Every other product is its own.
#pragma once

#include "common/products/facts.hpp"
#include "common/products/guarantees.hpp"
#include "common/products/network.hpp"

namespace kilter::products {

/// A home as the feeder's contracts have it.
struct ContractedHome {
    Account account;
    std::size_t net = 0;               ///< its price is the fact of this number's text
    bool shares = false;               ///< in the sharing group
    std::int64_t coefficient_ppm = 0;  ///< with fixed coefficients
    bool prepaid = false;
    std::int64_t gram_co2_per_kwh = 0;  ///< of what it feeds in
    Account guest;                      ///< whose car charges here; empty: nobody's
};

/// What does not come from the log: who has which contract on which grid. Tariffs, by name:
/// sharing.price, sharing.fixed (1: fixed coefficients), response.price, .penalty, .tolerance_wh; flexibility.reservation,
/// .activation, .shortfall, .fee_ppm; reactive.service, .excess, .tan_phi_ppm; reserve.holding, reserve.price.ACCOUNT;
/// network.rate; roaming.fee; prepaid.price; grid.gram_co2.
struct Contracts {
    Account grid_operator = "operator";
    Account market = "market";          ///< buys and sells at the nets' prices
    Account aggregator = "aggregator";  ///< of all who offer a band
    Account above = "above";            ///< takes certificates of what leaves the feeder
    std::size_t nets = 0;
    std::size_t root = 0;
    std::vector<std::pair<std::size_t, std::size_t>> lines;  ///< {below, above}
    std::vector<ContractedHome> homes;
};

struct Derived {
    Transfers transfers;
    Certified certificates;
};

/// Error: a product that cannot be derived from these facts; names interval and reason.
Result<Derived> derive(const Contracts& contracts, const Facts& facts, std::int64_t interval);

}  // namespace kilter::products
