/// One market session as seen by one member: a pure state machine. The same class runs a home (one terminal), a whole
/// feeder (one terminal per net) and a line (two); what differs is the Device behind it.
///
/// One iteration (MARKET in docs/protocol): device step at targets t_i = z_i − y/(ρ w_i); relaxed a_i = α x_i + (1−α) z_i;
/// one masked message to the members of each net; when all of a net's messages are in, everyone knows r = Σ a_i and does
/// the same net step  z_i = a_i − r/(w_i W),  y ← y + ρ r / W,  W = Σ 1/w_j.
///
/// The chair (the feeder device's host) reads the global residuals off the same messages, announces them, decides whom
/// an iteration goes on without, and announces the iterate all stop at. Nobody else decides anything.
///
/// Threads: none. Time: none; the host owns the two timers. Allocation: bounded by limits.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/crypto/mask.hpp"
#include "common/market/parameters.hpp"
#include "common/model/device.hpp"

namespace kilter::market {

/// Names one session for ever: the first interval it clears, and which opening of it this is (0 unless the first host
/// failed and another one opened the session again).
struct SessionId {
    IntervalIndex interval = 0;
    std::uint32_t opening = 0;
    auto operator<=>(const SessionId&) const = default;
};

struct Member {
    PartyId party;
    double weight = 1;
    auto operator<=>(const Member&) const = default;
};

/// One terminal's net: everyone who meets there, self included, ascending by party.
struct Seat {
    NetId net;
    std::vector<Member> members;
};

/// What every member of the session has been told, the same for all.
struct Terms {
    SessionId id;
    Parameters parameters;
    double rho_eur_per_kw2 = 0;       ///< penalty of the first iteration
    std::uint32_t terminals = 0;      ///< of all members together, for the RMS
    PartyId chair;
};

/// Where the next session starts from. Rows are terminals, columns intervals.
struct WarmState {
    model::Schedules z_kw;
    model::Schedules y_eur_per_kw;
    double rho_eur_per_kw2 = 0;

    static WarmState cold(Eigen::Index rows, Eigen::Index intervals, double rho);
    /// The same state `by` ≥ 0 intervals later; what enters at the end repeats the interval one day earlier where the
    /// horizon reaches back that far, else the last one.
    [[nodiscard]] WarmState shifted(IntervalIndex by, Eigen::Index intervals_per_day) const;
};

enum class Outcome : std::uint8_t {
    converged,  ///< both residuals under tolerance
    partial,    ///< iteration or time limit: the best common iterate, with its residual
    excluded,   ///< this member was silent for too long; the others went on
    abandoned,  ///< the chair fell silent: nothing was agreed
};

/// The chair's word to a net, with its masked message.
struct Notice {
    std::uint32_t about_iteration = 0;  ///< whose residuals these are; 0: none yet
    std::uint64_t primal_square = 0;    ///< Σ r² over all nets and intervals, kW² in units of 2^-36, saturating
    std::uint64_t dual_square = 0;      ///< Σ (w_i Δz_i)² likewise
    std::uint32_t stop_iteration = 0;   ///< not 0: all stop, at this iterate
    Outcome outcome = Outcome::converged;  ///< with stop_iteration: converged or partial
    auto operator<=>(const Notice&) const = default;
};

/// One member's message on one net in one iteration. `words` are int64 sums mod 2^64, masked: horizon words of a_i in
/// units of 2^-20 kW, then one of the member's movement ‖w_i Δz_i‖² in the step before, in units of 2^-36 kW².
struct MaskedShare {
    NetId net;
    PartyId from;
    std::uint32_t iteration = 0;
    std::uint16_t attempt = 0;
    std::vector<PartyId> members;         ///< S of this attempt, ascending
    std::vector<std::uint64_t> words;
    std::optional<Notice> notice;         ///< from the chair, always; from others, never
    auto operator<=>(const MaskedShare&) const = default;
};

// ---- inputs --------------------------------------------------------------------------------------------------------
struct Begin {};
struct ShareReceived { MaskedShare share; };  ///< its sender is authenticated by the transport: share.from is true
struct SilenceElapsed {};                     ///< Parameters::silence_ms since Outputs::progressed was last set
struct DeadlineElapsed {};                    ///< Parameters::session_ms since Begin
using Input = std::variant<Begin, ShareReceived, SilenceElapsed, DeadlineElapsed>;

// ---- outputs -------------------------------------------------------------------------------------------------------
/// What the session came to. Rows are this member's terminals.
struct Cleared {
    Outcome outcome = Outcome::converged;
    std::uint32_t iteration = 0;          ///< the common iterate
    std::uint32_t rounds = 0;             ///< messages sent on each net, ≥ iteration
    double primal_residual_kw = 0;        ///< RMS at that iterate, as announced
    double dual_residual_eur_per_kw = 0;  ///< RMS of the ρ-scaled movement at that iterate, as announced
    model::Schedules x_kw;                ///< this member's schedule: inside its device's set
    model::Schedules y_eur_per_kw;        ///< dual of each terminal's net; / interval hours = EUR/kWh
    std::vector<std::vector<PartyId>> members;  ///< who cleared, per terminal
    WarmState warm;
    std::string explanation;              ///< one sentence, set unless converged
};

/// What a received share was worth.
enum class Verdict : std::uint8_t {
    accepted,
    duplicate,      ///< already had it, or from an iteration that is over: harmless
    early,          ///< for an iteration not reached yet: kept (one ahead only)
    not_a_member,   ///< sender or net is not of this session
    malformed,      ///< wrong number of words, wrong set, notice where none may be, or no notice where one must be
    contradiction,  ///< differs from what the same member already sent for the same attempt: report it
};

struct Outputs {
    std::vector<MaskedShare> send;   ///< each to every other member in share.members
    bool progressed = false;         ///< re-arm the silence timer
    Verdict verdict = Verdict::accepted;
    std::optional<Cleared> cleared;  ///< the last output of a session; later inputs do nothing
};

class Session {
  public:
    /// `seats[i]` is where row i of the device connects. `masks` holds one secret per other member of any seat.
    /// `start` has the device's rows and intervals. The device must outlive the session.
    /// REQUIRES: shapes agree; self sits at every seat; parameters are valid.
    Session(Terms terms, PartyId self, std::vector<Seat> seats, model::Device& device,
            std::shared_ptr<const crypto::PairwiseMasks> masks, WarmState start);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    Outputs step(const Input& input);

    [[nodiscard]] std::uint32_t iteration() const;
    /// Members whose message the current iteration still waits for, per terminal.
    [[nodiscard]] std::vector<std::vector<PartyId>> awaited() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::market
