/// Reactive power, rule "reactive" version 1: a home that follows the operator's reactive set-point is paid per kvarh of
/// what it delivers of the request, in the direction asked; beyond a free band around zero, what nobody asked for is charged.
///
///     request > 0: absorb (lower the voltage); < 0: inject.      delivered = the part of q between 0 and the request
///     unasked = max(0, |q - delivered| - free), free = energy * tan(phi) in parts per million
#pragma once

#include "common/products/transfer.hpp"

namespace kilter::products {

struct ReactiveTerms {
    Account grid_operator;
    std::int64_t service_micro_eur_per_kvarh = 0;
    std::int64_t excess_micro_eur_per_kvarh = 0;
    std::int64_t free_tan_phi_ppm = 484'322;  ///< tan(arccos 0.9)
};

struct ReactiveInterval {
    Account home;
    std::int64_t requested_varh = 0;
    std::int64_t read_varh = 0;
    Wh read_wh = 0;
};

struct Reactive {
    std::int64_t delivered_varh = 0;  ///< with the request's sign
    std::int64_t excess_varh = 0;     ///< >= 0
    Transfers transfers;
};

Reactive settle_reactive(const ReactiveTerms& terms, const ReactiveInterval& interval);

}  // namespace kilter::products
