/// Money that changes hands. A product's whole effect is a list of these: what one party pays another gets, so money is
/// conserved by construction, and a correction is the difference of two lists.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "common/products/share_out.hpp"

namespace kilter::products {

/// Who pays or is paid: a service point, or a role's account, by the name the ledger has for it.
using Account = std::string;

struct Transfer {
    Account from;
    Account to;
    MicroEur amount_micro_eur = 0;  ///< > 0
    std::string product;            ///< "sharing", "network", ...: the rule's name
    auto operator<=>(const Transfer&) const = default;
};

using Transfers = std::vector<Transfer>;

/// Appends it; a negative amount the other way round; nothing for zero or for oneself.
void pay(Transfers& out, Account from, Account to, MicroEur amount_micro_eur, std::string product);

/// What each account has gained. Sums to zero.
std::map<Account, MicroEur> balances(const Transfers& transfers);

/// The transfers that lead from what was settled to what should have been: per pair of accounts and product one signed
/// difference. Empty when nothing differs.
Transfers difference(const Transfers& settled, const Transfers& should_be);

}  // namespace kilter::products
