/// The certificate of optimality: how far a cleared session is, at most, from the best that all members together could
/// have done, from one more masked sum per net and nobody's data.
///
/// At the posted duals y every member knows its own regret. With X_i the homes' sets, D = −Σ x what each net's homes draw
/// (into the feeder), F the feeder's cost, and every min over the member's whole set,
///
///     optimum ≥ Σ_i min (f_i + y·) + min (F + y·)                                           weak duality
///     cost − optimum ≤ Σ_i [f_i(x_i) + y·x_i − min (f_i + y·)]  +  [F(D) + y·D − min (F + y·)]  =  the gap
///                       homes' regrets, a masked sum                the feeder's, imbalance included
///
/// The feeder's minimum is bounded from below by a prox step x̂ from D − y/k with penalty k: −y − e with e = k (x̂ − D) is
/// a subgradient of F at x̂, so with R_n the homes' reach, no |x_nt| of which is larger,
///
///     F(x) + y·x ≥ F(x̂) + y·x̂ − e·(x − x̂) ≥ F(x̂) + (y + e)·x̂ − Σ |e_nt| R_n
///
/// The best of several k is taken. Nothing is certified where the feeder's step is not proven optimal (a relaxation that
/// is not exact), where limits were missed, or where a home's word is not there.
///
/// A home's word is a MaskedShare to the chair alone, once, after the stop: members are the homes that cleared (no chair,
/// so its masks are those of no message of the session), iteration the one all stopped at, attempt 0, and two words,
/// rounded up: regret in units of 2^-20 EUR, reach in units of 2^-20 kW. It shows the chair a net's sums.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/market/session.hpp"

namespace kilter::market {

struct Certificate {
    double homes_regret_eur = 0;  ///< Σ over all homes
    double feeder_regret_eur =
        0;  ///< a bound; can be a little below 0 where imbalance oversteps limits

    /// The session's cost is at most this much above the optimum.
    [[nodiscard]] double gap_eur() const { return homes_regret_eur + feeder_regret_eur; }
};

/// A home's unmasked word. `homes`: who cleared the net, ascending, without the chair.
MaskedShare regret_share(const model::Regret& regret,
                         NetId net,
                         PartyId self,
                         std::uint32_t iteration,
                         std::vector<PartyId> homes);

/// The chair's collection of the homes' words.
class Certifier {
  public:
    /// `cleared` of the chair, converged or partial; terminal i is nets[i]'s.
    Certifier(const Cleared& cleared, const std::vector<NetId>& nets, PartyId chair);

    /// Whether a share is one of these and no message of a session.
    [[nodiscard]] bool concerns(const MaskedShare& share) const;
    /// Keeps a home's word; its sender is authenticated. Ignores what is not asked for. The first one counts.
    void receive(const MaskedShare& share);
    /// Whether all that cleared have spoken.
    [[nodiscard]] bool complete() const;

    /// `feeder`: the chair's device, whose prox() is called. Error: why there is none, in words.
    [[nodiscard]] Result<Certificate> certify(model::Device& feeder) const;

  private:
    struct Row {
        NetId net;
        std::vector<PartyId> homes;
        std::map<PartyId, std::vector<std::uint64_t>> words;
    };

    PartyId chair_;
    std::uint32_t iteration_;
    model::Schedules drawn_kw_;  ///< D
    model::Schedules y_eur_per_kw_;
    std::vector<Row> rows_;
};

}  // namespace kilter::market
