/// What was agreed with the net and waits for its record on the log. Several agreements wait when coordinators took turns
/// at one interval: only one of them gets on the log.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/charter.hpp"
#include "common/market/session.hpp"
#include "common/settlement/position.hpp"
#include "common/wire/messages.hpp"

namespace kilter::agent {

/// One session's result, as this home will sign it.
struct Agreement {
    market::SessionId session;
    NetId net;
    crypto::PublicKey chair;
    std::uint32_t iteration = 0;
    std::vector<std::int64_t>
        prices_micro;           ///< micro-EUR/kWh (kvarh), channel by channel over the horizon
    crypto::Digest commitment;  ///< to this home's energies
    double consumption_kw = 0;  ///< of the first interval, positive = import
    /// In a day's first session, the energies that bind until midnight: `commitment` is to positions_of() them. Else empty.
    std::vector<std::int64_t> positions_wh;
    bool operator==(const Agreement&) const = default;
};

/// `day_ahead`: this home is in no record of this UTC day yet.
/// `cleared` of this home's one terminal. REQUIRES: outcome converged or partial, prices plausible.
Agreement agreement_on(const Charter& charter,
                       const market::SessionId& session,
                       NetId net,
                       const crypto::PublicKey& chair,
                       const market::Cleared& cleared,
                       bool day_ahead);

/// The blinding of a position's k-th commitment, and the commitments, nothing masked yet. REQUIRES: positions_wh not empty.
crypto::Scalar position_blinding(const Charter& charter,
                                 const market::SessionId& session,
                                 std::size_t k);
settlement::Position positions_of(const Charter& charter, const Agreement& agreement);

/// The home's signature under the agreement, for its chair.
wire::ClearingShare clearing_share(const Charter& charter, const Agreement& agreement);

class Agreements {
  public:
    /// Of several openings of an interval and of several intervals, while the log is away.
    static constexpr std::size_t kept_max = 16;

    /// Forgets the oldest when there are too many.
    void add(Agreement agreement);

    [[nodiscard]] bool empty() const { return by_age_.empty(); }

    /// REQUIRES: !empty().
    [[nodiscard]] const Agreement& newest() const { return by_age_.back(); }

    /// What the record says was agreed, with this home's `commitment` in it; null when it was not. Valid until the next
    /// change.
    [[nodiscard]] const Agreement* matching(const settlement::ClearedNet& record,
                                            const crypto::Digest& commitment) const;

    /// Forgets what was agreed for `interval` and earlier; whether there was any.
    bool settle(IntervalIndex interval);

    /// No bytes when there are none.
    [[nodiscard]] Bytes encode() const;
    /// Total. Nothing: not what encode() wrote.
    static std::optional<Agreements> decode(ByteView bytes);

    bool operator==(const Agreements&) const = default;

  private:
    std::vector<Agreement> by_age_;
};

}  // namespace kilter::agent
