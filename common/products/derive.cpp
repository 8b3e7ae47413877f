#include "common/products/derive.hpp"

#include <algorithm>

#include "common/products/flexibility.hpp"
#include "common/products/reactive.hpp"
#include "common/products/reserve.hpp"
#include "common/products/response.hpp"
#include "common/products/roaming.hpp"
#include "common/products/sharing.hpp"

namespace kilter::products {

namespace {

class Derivation {
  public:
    Derivation(const Contracts& contracts, const Facts& facts, std::int64_t interval)
        : contracts_(contracts), facts_(facts), interval_(interval) {
        for (const ContractedHome& home : contracts.homes)
            read_wh_.push_back(of(FactKind::read_wh, home.account));
    }

    Result<Derived> run() {
        billed_wh_ = read_wh_;
        for (const auto step :
             {&Derivation::sharing, &Derivation::energy, &Derivation::services,
              &Derivation::flexibility, &Derivation::network, &Derivation::origins})
            if (auto done = (this->*step)(); !done)
                return Error{"interval " + std::to_string(interval_) + ": " + done.error().message};
        return std::move(out_);
    }

  private:
    [[nodiscard]] std::int64_t of(FactKind kind, const std::string& name) const {
        return facts_.at(kind, name, interval_);
    }

    [[nodiscard]] std::int64_t tariff(const std::string& name) const {
        return facts_.tariff(name, interval_);
    }

    [[nodiscard]] std::int64_t price(const ContractedHome& home) const {
        return of(FactKind::price, std::to_string(home.net));
    }

    void add(const Transfers& transfers) {
        out_.transfers.insert(out_.transfers.end(), transfers.begin(), transfers.end());
    }

    Result<void> sharing() {
        SharingInterval group;
        group.coefficients =
            tariff("sharing.fixed") != 0 ? Coefficients::fixed : Coefficients::dynamic;
        group.version =
            static_cast<std::uint32_t>(facts_.since(FactKind::rule, "sharing", interval_, 1));
        group.price_micro_eur_per_kwh = tariff("sharing.price");
        std::vector<std::size_t> members;
        std::vector<std::size_t> producers;
        for (std::size_t i = 0; i < contracts_.homes.size(); ++i) {
            const ContractedHome& home = contracts_.homes[i];
            if (!home.shares) continue;
            if (read_wh_[i] >= 0) {
                members.push_back(i);
                group.members.push_back({home.account, read_wh_[i], home.coefficient_ppm});
            } else {
                producers.push_back(i);
                group.producers.push_back({home.account, -read_wh_[i]});
            }
        }
        const auto shared = share(group);
        if (!shared) return shared.error();
        for (std::size_t k = 0; k < members.size(); ++k)
            billed_wh_[members[k]] -= shared->allocated_wh[k];
        for (std::size_t k = 0; k < producers.size(); ++k)
            billed_wh_[producers[k]] += shared->sold_wh[k];
        add(shared->transfers);
        return {};
    }

    Result<void> energy() {
        for (std::size_t i = 0; i < contracts_.homes.size(); ++i) {
            const ContractedHome& home = contracts_.homes[i];
            if (home.prepaid && billed_wh_[i] > 0)
                pay(out_.transfers, home.account, contracts_.grid_operator,
                    charge(billed_wh_[i], tariff("prepaid.price")), "prepaid");
            else
                pay(out_.transfers, home.account, contracts_.market,
                    charge(billed_wh_[i], price(home)), "energy");
        }
        return {};
    }

    Result<void> services() {
        const ReactiveTerms reactive{contracts_.grid_operator, tariff("reactive.service"),
                                     tariff("reactive.excess"), tariff("reactive.tan_phi_ppm")};
        ReserveInterval reserve;
        reserve.grid_operator = contracts_.grid_operator;
        reserve.need_wh = of(FactKind::need_wh, "alert");
        reserve.alert = reserve.need_wh > 0;
        reserve.holding_micro_eur_per_kwh = tariff("reserve.holding");
        for (std::size_t i = 0; i < contracts_.homes.size(); ++i) {
            const ContractedHome& home = contracts_.homes[i];
            const Wh scheduled = of(FactKind::scheduled_wh, home.account);
            if (const Wh called = of(FactKind::called_wh, home.account); called > 0)
                add(respond({home.account, contracts_.grid_operator, called,
                             tariff("response.tolerance_wh"), tariff("response.price"),
                             tariff("response.penalty")},
                            scheduled, read_wh_[i])
                        .transfers);
            add(settle_reactive(reactive, {home.account, of(FactKind::requested_varh, home.account),
                                           of(FactKind::read_varh, home.account), read_wh_[i]})
                    .transfers);
            if (const Wh held = of(FactKind::held_wh, home.account); held > 0)
                reserve.offers.push_back({home.account, held,
                                          tariff("reserve.price." + home.account),
                                          std::max<Wh>(0, scheduled - read_wh_[i])});
            if (home.guest.empty()) continue;
            const auto roamed =
                settle_roaming({home.account,
                                home.guest,
                                tariff("roaming.fee"),
                                {{std::max<Wh>(0, read_wh_[i]), std::max<Wh>(0, -read_wh_[i]),
                                  of(FactKind::car_wh, home.account), price(home)}}});
            if (!roamed) return roamed.error();
            add(roamed->transfers);
        }
        add(call_reserve(reserve).transfers);
        return {};
    }

    Result<void> flexibility() {
        Reservation pool;
        pool.buyer = contracts_.grid_operator;
        pool.aggregator = contracts_.aggregator;
        pool.fee_ppm = tariff("flexibility.fee_ppm");
        pool.activated_wh = of(FactKind::activated_wh, "pool");
        pool.reservation_micro_eur_per_kwh = tariff("flexibility.reservation");
        pool.activation_micro_eur_per_kwh = tariff("flexibility.activation");
        pool.shortfall_micro_eur_per_kwh = tariff("flexibility.shortfall");
        for (std::size_t i = 0; i < contracts_.homes.size(); ++i) {
            const Account& account = contracts_.homes[i].account;
            if (const Wh band = of(FactKind::band_wh, account); band > 0)
                pool.homes.push_back(
                    {account, band, of(FactKind::scheduled_wh, account), read_wh_[i]});
        }
        if (pool.homes.empty()) return {};
        const auto activated = activate(pool);
        if (!activated) return activated.error();
        add(activated->transfers);
        return {};
    }

    Result<void> network() {
        NetworkInterval use;
        use.grid_operator = contracts_.grid_operator;
        use.nets = contracts_.nets;
        use.root = contracts_.root;
        for (const auto& [below, above] : contracts_.lines)
            use.lines.push_back({below, above, tariff("network.rate")});
        for (std::size_t i = 0; i < contracts_.homes.size(); ++i)
            use.homes.push_back(
                {contracts_.homes[i].account, contracts_.homes[i].net, read_wh_[i]});
        const auto charged = charge_network(use);
        if (!charged) return charged.error();
        add(charged->transfers);
        return {};
    }

    Result<void> origins() {
        OriginInterval flows;
        flows.interval = interval_;
        flows.export_account = contracts_.above;
        flows.grid_gram_co2_per_kwh = tariff("grid.gram_co2");
        for (std::size_t i = 0; i < contracts_.homes.size(); ++i) {
            const ContractedHome& home = contracts_.homes[i];
            if (read_wh_[i] < 0)
                flows.produced.push_back({home.account, -read_wh_[i], home.gram_co2_per_kwh});
            else
                flows.consumed.push_back({home.account, read_wh_[i]});
        }
        out_.certificates = certify(flows);
        return {};
    }

    const Contracts& contracts_;
    const Facts& facts_;
    std::int64_t interval_;
    std::vector<Wh> read_wh_;
    std::vector<Wh> billed_wh_;  // by the retailer: what sharing leaves
    Derived out_;
};

}  // namespace

Result<Derived> derive(const Contracts& contracts, const Facts& facts, std::int64_t interval) {
    return Derivation(contracts, facts, interval).run();
}

}  // namespace kilter::products
