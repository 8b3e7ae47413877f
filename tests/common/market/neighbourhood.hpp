/// A whole toy neighbourhood for tests of the session: devices with closed-form proxes, all
/// members' sessions, and a network between them that can shuffle, duplicate and lose. Plus plain
/// ADMM in one loop to compare with.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <Eigen/LU>
#include <climits>
#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/market/residuals.hpp"
#include "common/market/session.hpp"

namespace kilter::market::test {

using model::Schedules;

/// f(x) = Σ curvature/2 (x − wish)² over low ≤ x ≤ high, per row and interval. Remembers all it was
/// asked.
class Quadratic final : public model::Device {
  public:
    Quadratic(Schedules wish, double curvature, double low = -1e3, double high = 1e3)
        : wish_(std::move(wish)), curvature_(curvature), low_(low), high_(high) {}

    Eigen::Index rows() const override { return wish_.rows(); }

    Eigen::Index intervals() const override { return wish_.cols(); }

    model::ProxStatus prox(const Schedules& target,
                           const Eigen::VectorXd& penalty,
                           Schedules& x) override {
        targets.push_back(target);
        free_.setZero(intervals());
        for (Eigen::Index i = 0; i < rows(); ++i)
            for (Eigen::Index t = 0; t < intervals(); ++t)
                x(i, t) = std::clamp((curvature_ * wish_(i, t) + penalty(i) * target(i, t)) /
                                         (curvature_ + penalty(i)),
                                     low_, high_);
        for (Eigen::Index t = 0; t < intervals(); ++t)
            free_(t) = x(0, t) > low_ && x(0, t) < high_ ? 1 : 0;
        return model::ProxStatus::solved;
    }

    bool price_response(double penalty, Eigen::MatrixXd& response) override {
        response = (free_ / (curvature_ + penalty)).asDiagonal();
        return true;
    }

    double cost(const Schedules& x) const override {
        return curvature_ / 2 * (x - wish_).squaredNorm();
    }

    double at_price(double y, Eigen::Index t) const {
        return std::clamp(wish_(0, t) - y / curvature_, low_, high_);
    }

    double curvature() const { return curvature_; }

    const Schedules& wish() const { return wish_; }

    std::optional<model::Regret> regret(const Schedules& x, const Schedules& y) override {
        Schedules best = x;
        for (Eigen::Index t = 0; t < intervals(); ++t)
            best(0, t) = at_price(y(0, t), t);
        return model::Regret{
            .eur = std::max(0.0, cost(x) - cost(best) + (x - best).cwiseProduct(y).sum()),
            .reach = std::max(-low_, high_)};
    }

    std::vector<Schedules> targets;

  private:
    Schedules wish_;
    double curvature_, low_, high_;
    Eigen::VectorXd free_;  ///< of the last prox
};

/// A supply with a terminal per net: f(x) = Σ_t −price_t s_t + slope/2 s_t², s_t = Σ_rows x
/// (negative: it delivers).
class Supply final : public model::Device {
  public:
    Supply(Eigen::Index rows, Eigen::VectorXd price, double slope)
        : rows_(rows), price_(std::move(price)), slope_(slope) {}

    Eigen::Index rows() const override { return rows_; }

    Eigen::Index intervals() const override { return price_.size(); }

    model::ProxStatus prox(const Schedules& target,
                           const Eigen::VectorXd& penalty,
                           Schedules& x) override {
        const double soft = penalty.cwiseInverse().sum();
        for (Eigen::Index t = 0; t < intervals(); ++t) {
            const double s = (target.col(t).sum() + price_(t) * soft) / (1 + slope_ * soft);
            for (Eigen::Index i = 0; i < rows_; ++i)
                x(i, t) = target(i, t) + (price_(t) - slope_ * s) / penalty(i);
        }
        return model::ProxStatus::solved;
    }

    /// λ = price + slope Σ d for every net, Σ d = Σ (D + S y) − Σ S λ.
    bool price_step(const Schedules& price,
                    const Schedules& demand,
                    const std::vector<model::Response>& response,
                    const model::PriceRestraint&,
                    Schedules& next_price,
                    Schedules& delivery) override {
        if (prices_to_set-- == 0) return false;
        Eigen::MatrixXd all = Eigen::MatrixXd::Zero(intervals(), intervals());
        Eigen::VectorXd drawn = demand.colwise().sum().transpose();
        for (std::size_t n = 0; n < response.size(); ++n) {
            all += response[n].matrix();
            drawn += response[n].matrix() * price.row(static_cast<Eigen::Index>(n)).transpose();
        }
        const Eigen::MatrixXd system =
            Eigen::MatrixXd::Identity(intervals(), intervals()) + slope_ * all;
        const Eigen::VectorXd lambda = system.partialPivLu().solve(price_ + slope_ * drawn);
        next_price = lambda.transpose().replicate(rows_, 1);
        delivery = demand;
        for (std::size_t n = 0; n < response.size(); ++n) {
            const auto row = static_cast<Eigen::Index>(n);
            delivery.row(row) -= (next_price.row(row) - price.row(row)) * response[n].matrix();
        }
        return true;
    }

    int prices_to_set = INT_MAX;

    double marginal(double drawn, Eigen::Index t) const { return price_(t) + slope_ * drawn; }

    double cost_of(double drawn, Eigen::Index t) const {
        return price_(t) * drawn + slope_ / 2 * drawn * drawn;
    }

    double cost(const Schedules& x) const override {
        const Eigen::RowVectorXd s = x.colwise().sum();
        return -(s * price_).value() + slope_ / 2 * s.squaredNorm();
    }

  private:
    Eigen::Index rows_;
    Eigen::VectorXd price_;
    double slope_;
};

/// Homes meeting one chair on several nets. Deterministic from its seed.
struct Scene {
    Parameters parameters;
    std::vector<Seat> seats;                                    ///< per net; the chair at each
    std::map<PartyId, std::unique_ptr<model::Device>> devices;  ///< homes and chair
    std::map<PartyId, WarmState> starts;                        ///< cold where missing
    PartyId chair{0};
    bool masked = true;

    [[nodiscard]] Terms terms() const {
        std::size_t terminals = 0;
        for (const Seat& seat : seats)
            terminals += seat.members.size();
        return {.id = {.interval = 100, .opening = 0},
                .parameters = parameters,
                .rho_eur_per_kw2 = parameters.rho_eur_per_kw2,
                .terminals = static_cast<std::uint32_t>(terminals),
                .chair = chair};
    }

    [[nodiscard]] std::vector<Seat> seats_of(PartyId party) const {
        std::vector<Seat> out;
        for (const Seat& seat : seats)
            for (const Member& member : seat.members)
                if (member.party == party) out.push_back(seat);
        return out;
    }
};

/// `homes` boxed quadratics on each of `nets` nets and a supply. Some homes generate. Every net moves its own prices.
inline Scene scene(std::size_t nets,
                   std::size_t homes,
                   std::uint32_t horizon,
                   std::uint64_t seed = 1) {
    Scene out;
    out.parameters.horizon = horizon;
    out.parameters.rho_eur_per_kw2 = 0.05;
    out.parameters.method = Method::proximal;
    Prng prng(seed);
    std::uint32_t party = 1;
    for (std::size_t n = 0; n < nets; ++n) {
        Seat seat{.net = NetId{static_cast<std::uint32_t>(10 + n)}, .members = {}};
        seat.members.push_back({.party = out.chair, .weight = out.parameters.feeder_weight(homes)});
        for (std::size_t h = 0; h < homes; ++h, ++party) {
            const bool flexes = prng.chance(0.7);
            Schedules wish(1, horizon);
            for (double& value : wish.reshaped())
                value = prng.uniform(-2, 4);
            seat.members.push_back(
                {.party = PartyId{party},
                 .weight = out.parameters.home_weight(flexes ? model::Flexibility::stores
                                                             : model::Flexibility::none)});
            out.devices.emplace(
                PartyId{party},
                std::make_unique<Quadratic>(wish, flexes ? prng.uniform(0.02, 0.2) : 5, -1.5, 3.5));
        }
        out.seats.push_back(seat);
    }
    Eigen::VectorXd price(horizon);
    for (double& value : price)
        value = prng.uniform(0.02, 0.1);
    out.devices.emplace(out.chair,
                        std::make_unique<Supply>(static_cast<Eigen::Index>(nets), price, 0.01));
    return out;
}

inline crypto::SharedSecret secret_of(PartyId a, PartyId b) {
    const auto [low, high] = std::minmax(a.value, b.value);
    return crypto::SharedSecret::from(
        crypto::digest("test secret", ByteWriter().u32(low).u32(high).bytes()).view());
}

inline std::shared_ptr<const crypto::PairwiseMasks> masks_of(const Scene& scene, PartyId self) {
    std::map<PartyId, crypto::SharedSecret> secrets;
    for (const auto& [other, device] : scene.devices)
        if (other != self) secrets.emplace(other, secret_of(self, other));
    return std::make_shared<crypto::PairwiseMasks>(self, Bytes{1}, std::move(secrets));
}

/// All sessions of a scene and what happens between them.
class Exchange {
  public:
    explicit Exchange(Scene& scene, std::uint64_t seed = 0)
        : scene_(scene), prng_(seed), shuffles_(seed != 0) {
        for (auto& [party, device] : scene.devices)
            sessions.emplace(party,
                             Session(scene.terms(), party, scene.seats_of(party), *device,
                                     scene.masked ? masks_of(scene, party) : nullptr,
                                     scene.starts.contains(party)
                                         ? scene.starts.at(party)
                                         : WarmState::cold(device->rows(), device->intervals(),
                                                           scene.parameters.rho_eur_per_kw2)));
    }

    struct Packet {
        PartyId to;
        Input input;
    };

    // Faults, set before run(). `loses(from, to, share)`: the network drops it.
    std::function<bool(PartyId, PartyId, const MaskedShare&)> loses = [](auto, auto, const auto&) {
        return false;
    };
    double duplicates = 0;  ///< probability that a packet arrives twice

    void give(PartyId to, const Input& input) { absorb(to, sessions.at(to).step(input)); }

    /// Delivers until nothing moves; then the chair's silence timer fires. Ends when all are done
    /// or `steps_max` is over.
    void run(std::size_t steps_max = 2'000'000) {
        for (auto& [party, session] : sessions)
            give(party, Begin{});
        for (std::size_t steps = 0; steps < steps_max; ++steps) {
            if (packets.empty()) {
                if (cleared.contains(scene_.chair)) return;
                ++silences;
                give(scene_.chair, SilenceElapsed{});
                continue;
            }
            deliver();
        }
    }

    void deliver() {
        const std::size_t pick = shuffles_ ? prng_.below(packets.size()) : 0;
        const Packet packet = packets[pick];
        packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(pick));
        give(packet.to, packet.input);
    }

    /// The last message of a party in an iteration.
    [[nodiscard]] MaskedShare sent(PartyId from, std::uint32_t iteration) const {
        MaskedShare out;
        for (const MaskedShare& share : traffic.at(from))
            if (share.iteration == iteration) out = share;
        KILTER_CHECK(out.iteration == iteration, "it never sent that");
        return out;
    }

    /// Begins, and goes on until nothing moves because the chair's messages from that iteration on are lost. Returns the
    /// first of them.
    MaskedShare until_the_chairs_is_lost(std::uint32_t iteration) {
        loses = [this, iteration](PartyId from, PartyId, const MaskedShare& share) {
            return from == scene_.chair && share.iteration >= iteration;
        };
        for (auto& [party, session] : sessions)
            give(party, Begin{});
        while (!packets.empty())
            deliver();
        return sent(scene_.chair, iteration);
    }

    std::map<PartyId, Session> sessions;
    std::map<PartyId, Cleared> cleared;
    std::map<PartyId, std::vector<MaskedShare>> traffic;  ///< by sender
    std::map<Verdict, std::size_t> verdicts;
    std::vector<Journal> journals;  ///< of the chair
    std::deque<Packet> packets;
    std::size_t silences = 0;

  private:
    void absorb(PartyId from, Outputs out) {
        ++verdicts[out.verdict];
        if (out.cleared) cleared.emplace(from, *out.cleared);
        journals.insert(journals.end(), out.journals.begin(), out.journals.end());
        for (const Dispatch& sent : out.send) {
            const MaskedShare& share = sent.share;
            traffic[from].push_back(share);
            for (const PartyId to : share.members) {
                if (to == from || loses(from, to, share)) continue;
                for (int copies = prng_.chance(duplicates) ? 2 : 1; copies > 0; --copies)
                    packets.push_back({.to = to, .input = ShareReceived{sent.to(to)}});
            }
        }
        for (const Expulsion& expulsion : out.expel)
            packets.push_back({.to = expulsion.party, .input = Expelled{}});
    }

    Scene& scene_;
    Prng prng_;
    bool shuffles_;
};

/// Of the prices that two sessions of the scene came to, EUR/kW.
inline double largest_difference(const Scene& scene, const Exchange& a, const Exchange& b) {
    return (a.cleared.at(scene.chair).y_eur_per_kw - b.cleared.at(scene.chair).y_eur_per_kw)
        .cwiseAbs()
        .maxCoeff();
}

/// Plain ADMM over the same scene in one loop: what the members together must compute.
struct Reference {
    struct Step {
        std::map<PartyId, Schedules> x, z;
        Schedules y;  ///< nets × intervals
        double rho = 0;
        std::uint64_t primal_square = 0, dual_square = 0;
    };

    std::vector<Step> steps;  ///< [0] is the start

    /// Runs until the stop rule is met at some iterate (steps then holds two more) or `most`
    /// iterations are done.
    Reference(Scene& scene, std::uint32_t most) {
        const Terms terms = scene.terms();
        const double alpha = scene.parameters.alpha;
        const auto nets = static_cast<Eigen::Index>(scene.seats.size());
        Step now;
        now.rho = terms.rho_eur_per_kw2;
        now.y = Schedules::Zero(nets, scene.parameters.horizon);
        for (auto& [party, device] : scene.devices)
            now.z[party] = Schedules::Zero(device->rows(), device->intervals());
        steps.push_back(now);
        double rho = now.rho;
        Balancing balancing;
        for (std::uint32_t k = 1; k <= most && !stop; ++k) {
            const Step& last = steps.back();
            Step next = last;
            next.rho = rho;
            next.primal_square = next.dual_square = 0;
            std::map<PartyId, Schedules> a;
            for (auto& [party, device] : scene.devices) {
                Schedules target = last.z.at(party);
                Eigen::VectorXd penalty(device->rows());
                for_rows(scene, party, [&](Eigen::Index row, Eigen::Index net, double weight) {
                    penalty(row) = rho * weight;
                    target.row(row) -= last.y.row(net) / penalty(row);
                });
                next.x[party].resize(target.rows(), target.cols());
                device->prox(target, penalty, next.x[party]);
                a[party] = alpha * next.x[party] + (1 - alpha) * last.z.at(party);
                for (double& value : a[party].reshaped())
                    value = static_cast<double>(std::llround(value * 0x1p20)) * 0x1p-20;
            }
            for (Eigen::Index n = 0; n < nets; ++n) {
                Eigen::RowVectorXd r = Eigen::RowVectorXd::Zero(scene.parameters.horizon);
                double inverse = 0;
                for_members(scene, n, [&](PartyId party, Eigen::Index row, double weight) {
                    r += a.at(party).row(row);
                    inverse += 1 / weight;
                });
                next.y.row(n) += rho * r / inverse;
                next.primal_square += square_units(r.squaredNorm());
                for_members(scene, n, [&](PartyId party, Eigen::Index row, double weight) {
                    next.z[party].row(row) = a.at(party).row(row) - r / (weight * inverse);
                    next.dual_square +=
                        square_units((weight * (next.z[party].row(row) - last.z.at(party).row(row)))
                                         .squaredNorm());
                });
            }
            steps.push_back(next);
            if (k >= 2) {
                const Step& judged = steps[k - 1];
                if (badness(terms, residuals_of(terms, judged.primal_square, judged.dual_square,
                                                judged.rho, alpha)) <= 1)
                    stop = k - 1;
            }
            if (k > 2)
                rho = balancing.next_rho(terms, rho, steps[k - 2].rho,
                                         {.about_iteration = k - 2,
                                          .primal_square = steps[k - 2].primal_square,
                                          .dual_square = steps[k - 2].dual_square,
                                          .stop_iteration = 0,
                                          .outcome = Outcome::converged},
                                         k);
        }
    }

    std::uint32_t stop = 0;  ///< the first iterate under tolerance; 0: none

  private:
    template <class F>
    static void for_rows(const Scene& scene, PartyId party, F&& f) {
        Eigen::Index row = 0;
        for (std::size_t n = 0; n < scene.seats.size(); ++n)
            for (const Member& member : scene.seats[n].members)
                if (member.party == party) f(row++, static_cast<Eigen::Index>(n), member.weight);
    }

    template <class F>
    static void for_members(const Scene& scene, Eigen::Index n, F&& f) {
        for (const Member& member : scene.seats[static_cast<std::size_t>(n)].members)
            for_rows(scene, member.party, [&](Eigen::Index row, Eigen::Index net, double weight) {
                if (net == n) f(member.party, row, weight);
            });
    }
};

/// Everyone who cleared has the same outcome, iterate and, bit for bit, prices; and their z sum to
/// zero.
inline void expect_agreement(const Scene& scene, const Exchange& exchange) {
    const Cleared& chair = exchange.cleared.at(scene.chair);
    for (std::size_t n = 0; n < scene.seats.size(); ++n) {
        const auto row = static_cast<Eigen::Index>(n);
        Eigen::RowVectorXd sum = chair.warm.z_kw.row(row);
        for (const PartyId party : chair.members[n]) {
            if (party == scene.chair) continue;
            const Cleared& home = exchange.cleared.at(party);
            EXPECT_EQ(home.outcome, chair.outcome);
            EXPECT_EQ(home.iteration, chair.iteration);
            EXPECT_EQ(home.members.front(), chair.members[n]);
            EXPECT_EQ(home.warm.rho_eur_per_kw2, chair.warm.rho_eur_per_kw2);
            EXPECT_EQ(home.primal_residual_kw, chair.primal_residual_kw);
            EXPECT_TRUE(home.y_eur_per_kw.row(0) == chair.y_eur_per_kw.row(row)) << "net " << n;
            sum += home.warm.z_kw.row(0);
        }
        EXPECT_LT(sum.cwiseAbs().maxCoeff(), 1e-9);
    }
}

/// The same results, bit for bit, at everyone.
inline void expect_same(const Exchange& a, const Exchange& b) {
    ASSERT_EQ(a.cleared.size(), b.cleared.size());
    for (const auto& [party, cleared] : a.cleared) {
        const Cleared& other = b.cleared.at(party);
        EXPECT_EQ(cleared.iteration, other.iteration);
        EXPECT_TRUE(cleared.x_kw == other.x_kw && cleared.y_eur_per_kw == other.y_eur_per_kw);
    }
}

}  // namespace kilter::market::test
