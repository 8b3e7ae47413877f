/// Shared self-consumption, rule "sharing" versions 1 and 2: a producer's surplus of an interval is allocated among the members of
/// a sharing group, who buy it at the group's price instead of their own; what nobody takes is sold as before.
///
/// Member i consumes d_i Wh, the group's producers feed in G Wh together. Allocation a_i <= d_i:
/// - static coefficients k_i (agreed, parts per million): a_i = min(share of G by k_i, d_i). In version 1 what a member leaves
///   is not offered again, as in most national schemes; in version 2 it is, to those who still consume, by their k_i.
/// - dynamic: in proportion to consumption, weights d_i, so a_i = min(G, D) d_i / D.
/// Member i then pays the producers a_i at the group's price; its retailer bills d_i - a_i. Producer j is credited the part of
/// sum a_i that its feed-in is of G.
#pragma once

#include "common/base/result.hpp"
#include "common/products/transfer.hpp"

namespace kilter::products {

enum class Coefficients : std::uint8_t { fixed = 1, dynamic = 2 };

struct SharingMember {
    Account account;
    Wh consumed_wh = 0;                ///< >= 0, drawn from the grid
    std::int64_t coefficient_ppm = 0;  ///< with fixed coefficients; they sum to at most a million
};

struct SharingProducer {
    Account account;
    Wh fed_in_wh = 0;  ///< >= 0
};

struct SharingInterval {
    Coefficients coefficients = Coefficients::dynamic;
    std::uint32_t version = 1;  ///< of the rule
    std::int64_t price_micro_eur_per_kwh = 0;
    std::vector<SharingMember> members;
    std::vector<SharingProducer> producers;
};

struct Shared {
    std::vector<Wh> allocated_wh;  ///< per member; what its retailer does not bill
    std::vector<Wh> sold_wh;       ///< per producer, to the group; sums to the same
    Transfers transfers;           ///< members to producers
};

/// Error: a negative energy, coefficients beyond a million, or an unknown version.
Result<Shared> share(const SharingInterval& interval);

}  // namespace kilter::products
