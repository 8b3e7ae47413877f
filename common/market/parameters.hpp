/// What all members of a market have agreed on: part of genesis, hashed, changed only through the
/// log.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/digest.hpp"
#include "common/model/flexibility.hpp"

namespace kilter::market {

/// Whether ρ changes where every net moves its own prices (residuals.hpp).
enum class Balance : std::uint8_t {
    none,     ///< never
    gross,    ///< where it is grossly wrong
    stalled,  ///< also where a residual stalls; programs before 0.2.0 do not read this
};

/// How prices come about (docs/protocol/market.md).
enum class Method : std::uint8_t {
    proximal,     ///< every net moves its own by its imbalance
    accelerated,  ///< the feeder's host sets them where it can, by how homes say that they answer
    priced,       ///< it sets them where it can, unanswered; programs before 0.2.0 do not read this
};

struct Parameters {
    std::uint32_t interval_s = 900;  ///< length of a market interval; divides a day
    std::uint32_t horizon = 96;      ///< intervals optimised together; the first one binds
    std::uint32_t channels = 1;      ///< what is traded: 1 active power, 2 reactive power as well
    double rho_eur_per_kw2 = 0.015;  ///< penalty of a session that has no predecessor
    double alpha = 1.5;              ///< over-relaxation, 1 ≤ α < 2
    double weight_flexible = 1;      ///< w of a home with a battery
    double weight_curtailing = 5;    ///< w of a home with panels and no battery
    double weight_stiff = 10;        ///< w of a home that cannot flex
    bool weight_feeder_by_homes = true;  ///< feeder terminal's w = 1/(homes of the net), else 1
    Balance balance_rho = Balance::stalled;
    Method method = Method::priced;
    double primal_tolerance_kw = 1e-3;  ///< RMS over terminals and intervals
    double dual_tolerance =
        1e-3;  ///< × price scale × interval length: RMS of the ρ-scaled movement
    double price_scale_eur_per_kwh = 0.2;
    std::uint32_t iterations_max = 500;
    std::uint32_t silence_ms = 2'000;  ///< how long an iteration waits for a member
    std::uint32_t session_ms =
        60'000;  ///< then the session ends at its best common iterate, marked partial
    std::uint32_t privacy_members_min = 2;  ///< homes a net must have for a home to join

    /// The algorithm exactly as published (Kraning et al. 2013): all weights 1, no relaxation,
    /// fixed ρ.
    static Parameters paper();

    /// Numbers a terminal's schedule has: its channels one after the other, each over the horizon.
    [[nodiscard]] std::uint32_t quantities() const { return channels * horizon; }

    /// w of a home's terminal, by its public flag.
    [[nodiscard]] double home_weight(model::Flexibility flexibility) const {
        if (flexibility == model::Flexibility::stores) return weight_flexible;
        return flexibility == model::Flexibility::curtails ? weight_curtailing : weight_stiff;
    }

    /// w of the feeder device's terminal on a net with so many homes.
    [[nodiscard]] double feeder_weight(std::size_t homes) const {
        return weight_feeder_by_homes && homes > 0 ? 1 / static_cast<double>(homes) : 1;
    }

    /// How often a message is repeated that may have been lost: nine chances before silence is concluded, and three in
    /// accelerated sessions, whose iterations take long enough that sooner would be in vain, and whose messages are long.
    [[nodiscard]] std::uint32_t resend_ms() const {
        const std::uint32_t out = silence_ms / (method == Method::accelerated ? 4 : 10);
        return out > 0 ? out : 1;
    }

    /// Ranges; the error names the parameter, its value and what is allowed.
    [[nodiscard]] Result<void> validate() const;
    /// Canonical fixed-width bytes, for hashing and for genesis.
    [[nodiscard]] Bytes encode() const;
    static Result<Parameters> decode(ByteView bytes);
    /// What the openings of sessions name: of encode(), and of the form that sessions have in this version in which the chair
    /// sets prices. Who has another form does not join.
    [[nodiscard]] crypto::Digest digest() const;
    auto operator<=>(const Parameters&) const = default;
};

}  // namespace kilter::market
