// Devices that must choose, in a whole session: appliances start once, everyone else answers, and what the choice cost is
// in the certificate.
#include <gtest/gtest.h>

#include "common/market/certificate.hpp"
#include "common/prox/home.hpp"
#include "tests/common/market/neighbourhood.hpp"

namespace kilter::market::choices_test {
namespace {

using test::Exchange;
using test::Scene;
using test::Supply;

constexpr std::uint32_t horizon = 24;

/// Three homes on each of two nets, every one with an appliance of 1.5 hours and every second one with a battery. Power is
/// cheap for less time than all appliances fit into, so that prices rise there and starts are shared out in fractions.
Scene appliances(std::uint64_t seed) {
    Scene out;
    out.parameters.horizon = horizon;
    out.parameters.iterations_max = 1000;
    Prng prng(seed);
    std::uint32_t party = 1;
    for (std::uint32_t n = 0; n < 2; ++n) {
        Seat seat{.net = NetId{n}, .members = {{.party = out.chair, .weight = 1.0 / 3}}};
        for (int h = 0; h < 3; ++h, ++party) {
            model::Home home;
            home.load_kw = model::Series::Zero(horizon);
            home.pv_available_kw = model::Series::Zero(horizon);
            for (double& load : home.load_kw)
                load = prng.uniform(0.2, 0.8);
            if (party % 2 == 0)
                home.battery = {.power_max_kw = 2,
                                .energy_max_kwh = 5,
                                .energy_start_kwh = 2,
                                .energy_end_min_kwh = 2};
            model::Series profile(6);
            for (double& power : profile)
                power = prng.uniform(0.5, 2.5);
            home.shiftables.push_back({.profile_kw = profile, .first_start = 3, .last_start = 14});
            EXPECT_TRUE(home.validate().ok());
            seat.members.push_back({.party = PartyId{party}, .weight = 1});
            out.devices.emplace(PartyId{party}, std::make_unique<prox::Home>(home));
        }
        out.seats.push_back(seat);
    }
    Eigen::VectorXd price(horizon);
    for (Eigen::Index t = 0; t < price.size(); ++t)
        price(t) = t >= 8 && t < 15 ? 0.02 : 0.06;
    out.devices.emplace(out.chair, std::make_unique<Supply>(2, price, 0.004));
    return out;
}

TEST(Choices, AppliancesStartOnceAndTheSessionSettlesAroundThem) {
    for (const bool accelerated : {false, true}) {
        for (const std::uint64_t seed : {1, 2, 3}) {
            Scene scene = appliances(seed);
            scene.parameters.method =
                accelerated ? market::Method::accelerated : market::Method::proximal;
            Exchange exchange(scene);
            exchange.run();
            const Cleared& chair = exchange.cleared.at(scene.chair);
            ASSERT_EQ(chair.outcome, Outcome::converged) << chair.explanation;
            Certifier certifier(chair, {NetId{0}, NetId{1}}, scene.chair);
            for (const auto& [party, cleared] : exchange.cleared) {
                if (party == scene.chair) continue;
                auto& home = dynamic_cast<prox::Home&>(*scene.devices.at(party));
                ASSERT_TRUE(home.starts().at(0).has_value()) << "party " << party.value;
                const std::size_t start = *home.starts()[0];
                EXPECT_GE(start, 3U);
                EXPECT_LE(start, 14U);
                // What the rest of the home draws is what its battery can: without one, nothing but the load.
                model::Series rest = cleared.x_kw.row(0).transpose() - home.data().load_kw;
                rest.segment(static_cast<Eigen::Index>(start), 6) -=
                    home.data().shiftables[0].profile_kw;
                const double power = home.data().battery.power_max_kw;
                EXPECT_LE(rest.cwiseAbs().maxCoeff(), power + 1e-5) << "party " << party.value;
                certifier.receive(*cleared.regret);
            }
            const auto certificate = certifier.certify(*scene.devices.at(scene.chair));
            ASSERT_TRUE(certificate.ok()) << certificate.error().message;
            double cost = 0;
            model::Schedules drawn = model::Schedules::Zero(2, horizon);
            for (std::size_t n = 0; n < 2; ++n)
                for (const Member& member : scene.seats[n].members)
                    if (member.party != scene.chair)
                        drawn.row(static_cast<Eigen::Index>(n)) +=
                            exchange.cleared.at(member.party).x_kw.row(0);
            cost = scene.devices.at(scene.chair)->cost(-drawn);
            std::printf("seed %d%s: %u iterations, cost %.4f, certified within %.4f\n",
                        static_cast<int>(seed), accelerated ? ", accelerated" : "", chair.iteration,
                        cost, certificate->gap_eur());
            EXPECT_GE(certificate->gap_eur(), 0);
            EXPECT_LT(certificate->gap_eur(), 0.06 * cost) << "rounding six appliances";
        }
    }
}

}  // namespace
}  // namespace kilter::market::choices_test
