#include "common/market/certificate.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/common/market/neighbourhood.hpp"

namespace kilter::market::certificate_test {
namespace {

using test::Exchange;
using test::Quadratic;
using test::Scene;
using test::Supply;

std::vector<NetId> nets_of(const Scene& scene) {
    std::vector<NetId> out;
    for (const Seat& seat : scene.seats)
        out.push_back(seat.net);
    return out;
}

/// What everyone's schedules cost, the feeder delivering what the homes draw.
double cost_of(const Scene& scene, const Exchange& exchange) {
    double sum = 0;
    model::Schedules drawn = model::Schedules::Zero(static_cast<Eigen::Index>(scene.seats.size()),
                                                    scene.parameters.horizon);
    for (std::size_t n = 0; n < scene.seats.size(); ++n)
        for (const Member& member : scene.seats[n].members) {
            if (member.party == scene.chair) continue;
            const model::Schedules& x = exchange.cleared.at(member.party).x_kw;
            sum += scene.devices.at(member.party)->cost(x);
            drawn.row(static_cast<Eigen::Index>(n)) += x;
        }
    return sum + scene.devices.at(scene.chair)->cost(-drawn);
}

/// The optimum, by bisection on each interval's price: every home at its best there, the supply's marginal cost equal.
double optimum_of(const Scene& scene) {
    std::vector<const Quadratic*> homes;
    for (const auto& [party, device] : scene.devices)
        if (party != scene.chair) homes.push_back(dynamic_cast<const Quadratic*>(device.get()));
    const auto& supply = dynamic_cast<const Supply&>(*scene.devices.at(scene.chair));
    double sum = 0;
    for (Eigen::Index t = 0; t < supply.intervals(); ++t) {
        double low = -100, high = 100;
        for (int round = 0; round < 200; ++round) {
            const double price = (low + high) / 2;
            double drawn = 0;
            for (const Quadratic* home : homes)
                drawn += home->at_price(price, t);
            (supply.marginal(drawn, t) < price ? high : low) = price;
        }
        double drawn = 0;
        for (const Quadratic* home : homes) {
            const double x = home->at_price(low, t);
            drawn += x;
            sum += home->curvature() / 2 * std::pow(x - home->wish()(0, t), 2);
        }
        sum += supply.cost_of(drawn, t);
    }
    return sum;
}

Certifier collect(const Scene& scene, const Exchange& exchange) {
    Certifier out(exchange.cleared.at(scene.chair), nets_of(scene), scene.chair);
    for (const auto& [party, cleared] : exchange.cleared)
        if (cleared.regret) out.receive(*cleared.regret);
    return out;
}

/// At any tolerance: never below the true distance from the optimum, and not far above it.
TEST(Certificate, BoundsTheDistanceFromTheOptimum) {
    for (const std::uint64_t seed : {1, 2, 3, 4}) {
        double last = 0;
        for (const double loose : {1.0, 30.0, 1000.0}) {
            Scene scene = test::scene(3, 4, 6, seed);
            scene.parameters.primal_tolerance_kw *= loose;
            scene.parameters.dual_tolerance *= loose;
            Exchange exchange(scene);
            exchange.run();
            ASSERT_EQ(exchange.cleared.at(scene.chair).outcome, Outcome::converged);
            const double truth = cost_of(scene, exchange) - optimum_of(scene);
            const auto certificate =
                collect(scene, exchange).certify(*scene.devices.at(scene.chair));
            ASSERT_TRUE(certificate.ok()) << certificate.error().message;
            EXPECT_GE(truth, -1e-9);
            EXPECT_GE(certificate->gap_eur(), truth - 1e-9) << "tolerance × " << loose;
            EXPECT_LE(certificate->gap_eur(), 3 * truth + 1e-3 * loose) << "seed " << seed;
            EXPECT_GE(certificate->gap_eur(), last / 1000);
            last = certificate->gap_eur();
        }
        EXPECT_GT(last, 1e-3) << "a session stopped early is certified as nothing better";
    }
}

/// Accelerated sessions post prices the feeder is optimal at.
TEST(Certificate, HoldsForAcceleratedSessions) {
    Scene scene = test::scene(3, 4, 6, 7);
    scene.parameters.method = market::Method::accelerated;
    Exchange exchange(scene);
    exchange.run();
    const double truth = cost_of(scene, exchange) - optimum_of(scene);
    const auto certificate = collect(scene, exchange).certify(*scene.devices.at(scene.chair));
    ASSERT_TRUE(certificate.ok()) << certificate.error().message;
    EXPECT_GE(certificate->gap_eur(), truth - 1e-9);
    EXPECT_LE(certificate->gap_eur(), 3 * truth + 2e-4);
}

TEST(Certificate, SumsUnderMasksAreThoseWithout) {
    Scene masked = test::scene(2, 3, 4), bare = test::scene(2, 3, 4);
    bare.masked = false;
    Exchange one(masked), other(bare);
    one.run();
    other.run();
    for (const auto& [party, cleared] : one.cleared) {
        ASSERT_EQ(cleared.regret.has_value(), party != masked.chair);
        if (party == masked.chair) continue;
        EXPECT_NE(cleared.regret->words, other.cleared.at(party).regret->words);
        EXPECT_EQ(std::count(cleared.regret->members.begin(), cleared.regret->members.end(),
                             masked.chair),
                  0);
    }
    const auto first = collect(masked, one).certify(*masked.devices.at(masked.chair));
    const auto second = collect(bare, other).certify(*bare.devices.at(bare.chair));
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->homes_regret_eur, second->homes_regret_eur);
    EXPECT_EQ(first->gap_eur(), second->gap_eur());
}

TEST(Certificate, NothingIsCertifiedOnMissingOrSenselessWords) {
    Scene scene = test::scene(2, 3, 4);
    Exchange exchange(scene);
    exchange.run();
    const Cleared& chairs = exchange.cleared.at(scene.chair);
    Certifier missing(chairs, nets_of(scene), scene.chair);
    Certifier wrong(chairs, nets_of(scene), scene.chair);
    for (const auto& [party, cleared] : exchange.cleared) {
        if (!cleared.regret) continue;
        if (party != PartyId{2}) missing.receive(*cleared.regret);
        MaskedShare share = *cleared.regret;
        if (party == PartyId{5}) share.words[0] += std::uint64_t{1} << 63;
        wrong.receive(share);
        share.words.push_back(0);
        missing.receive(share);  // of the wrong length: not counted
        share.words.pop_back();
        ++share.iteration;
        missing.receive(share);  // of another iterate
        EXPECT_TRUE(wrong.concerns(share));
    }
    EXPECT_FALSE(missing.complete());
    EXPECT_TRUE(wrong.complete());
    model::Device& feeder = *scene.devices.at(scene.chair);
    const auto silent = missing.certify(feeder), senseless = wrong.certify(feeder);
    ASSERT_FALSE(silent.ok());
    EXPECT_NE(silent.error().message.find("1 of the 3 homes of net 10"), std::string::npos)
        << silent.error().message;
    ASSERT_FALSE(senseless.ok());
    EXPECT_NE(senseless.error().message.find("net 11"), std::string::npos)
        << senseless.error().message;
    EXPECT_FALSE(wrong.concerns(exchange.traffic.at(PartyId{1}).back()));
}

}  // namespace
}  // namespace kilter::market::certificate_test
