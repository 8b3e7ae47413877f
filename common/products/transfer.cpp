#include "common/products/transfer.hpp"

#include <tuple>
#include <utility>

namespace kilter::products {

void pay(Transfers& out, Account from, Account to, MicroEur amount_micro_eur, std::string product) {
    if (amount_micro_eur == 0 || from == to) return;
    if (amount_micro_eur < 0) {
        std::swap(from, to);
        amount_micro_eur = -amount_micro_eur;
    }
    out.push_back({std::move(from), std::move(to), amount_micro_eur, std::move(product)});
}

std::map<Account, MicroEur> balances(const Transfers& transfers) {
    std::map<Account, MicroEur> out;
    for (const Transfer& transfer : transfers) {
        out[transfer.from] -= transfer.amount_micro_eur;
        out[transfer.to] += transfer.amount_micro_eur;
    }
    return out;
}

Transfers difference(const Transfers& settled, const Transfers& should_be) {
    std::map<std::tuple<Account, Account, std::string>, MicroEur> net;
    const auto add = [&](const Transfers& transfers, int sign) {
        for (const Transfer& one : transfers) {
            const bool forward = one.from < one.to;
            net[{forward ? one.from : one.to, forward ? one.to : one.from, one.product}] +=
                (forward ? sign : -sign) * one.amount_micro_eur;
        }
    };
    add(should_be, 1);
    add(settled, -1);
    Transfers out;
    for (const auto& [between, amount] : net)
        pay(out, std::get<0>(between), std::get<1>(between), amount, std::get<2>(between));
    return out;
}

}  // namespace kilter::products
