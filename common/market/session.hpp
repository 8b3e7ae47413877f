/// One market session as seen by one member: a pure state machine. The same class runs a home (one
/// terminal), a whole feeder (one terminal per net) and a line (two); what differs is the Device
/// behind it.
///
/// One iteration where every net moves its own prices (docs/protocol/market.md; where the chair sets them: priced.hpp,
/// acceleration.hpp): device step at targets t_i = z_i − y/(ρ w_i); relaxed
/// a_i = α x_i + (1−α) z_i; one masked message to the members of each net; when all of a net's
/// messages are in, everyone knows r = Σ a_i and does the same net step  z_i = a_i − r/(w_i W),  y
/// ← y + ρ r / W,  W = Σ 1/w_j.
///
/// The chair (the feeder device's host) sits on every net. It reads the global residuals off the
/// same messages, announces them, decides whom an iteration goes on without, and announces the
/// iterate all stop at. Nobody else decides anything, and everybody checks what they can see of it.
///
/// What is common to a net (y, ρ, z's share of r) is computed by +, −, ×, ÷ and comparisons alone,
/// in one order, from sums of integers: bit-identical at all members. Every member's z sums to zero
/// over the net up to rounding.
///
/// When: the chair knows primal²(k) and dual²(k−1) once iteration k is in. Its message k+1 tells
/// them of iterate k−1 and, if that is good enough, stops everyone there; ρ follows from the notice
/// in message k and holds from device step k+1 on. Members keep their last limits::history_max
/// iterates to stop at, and to roll one net step back.
///
/// Silence: on SilenceElapsed the chair drops the members of a net whose message of its iteration
/// is missing and sends its own words again as the next attempt with the smaller set S'. Each of S'
/// does the same, one that had completed the iteration already after undoing that net step. An
/// absent home counts as consuming nothing: who is not in the market is not balanced by it, and its
/// load is the feeder's to expect next time. A net left with fewer homes than privacy_members_min
/// is left by all of them; the chair then settles its terminal alone, at zero. Attempts of a net
/// only grow, so no mask ever covers two different messages.
///
/// When the chair falls silent, another coordinator takes its place within the session, and nothing else changes. It has
/// followed: the chair sends the others where the session starts and then, for every iteration that is complete and
/// before anyone hears the next message, the sums of all nets (Journal). From these each computes the same step, one
/// iteration behind. To take over is to send the next attempt of the newest iteration whose sums one knows, over the same
/// homes, with oneself in the chair's place: its sum is the same, for the same words are in it. Homes go back to that
/// iteration and forward again over what they have computed already. Masks are between other pairs of keys; an attempt's
/// upper byte says who chairs it, so it is nobody else's, and nobody's a second time. All homes must follow into that one
/// attempt, or the session is given up: one that the late chair has stopped already says so by its silence, and nobody
/// else will agree to another iterate.
///
/// Repeating: messages may be lost, so hosts may repeat what `send` held; a repetition is a
/// harmless duplicate. A member can be one iteration behind another: what is worth repeating is a
/// net's last two.
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

/// Names one session for ever: the first interval it clears, and which opening of it this is. A chair
/// numbers its openings upwards, in the residue class of its index among the validators, so that no
/// two sessions share a name and nobody joins one twice.
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

/// One terminal's net: everyone who meets there, self and chair included, ascending by party. All
/// but the chair are homes, or owners of a piece of the feeder (coordinator/planner/segments.hpp).
struct Seat {
    NetId net;
    std::vector<Member> members;
};

/// What every member of the session has been told, the same for all.
struct Terms {
    SessionId id;
    Parameters parameters;
    double rho_eur_per_kw2 = 0;   ///< penalty of the first iteration
    std::uint32_t terminals = 0;  ///< of all members together, for the RMS
    PartyId chair;
    std::vector<PartyId> hosts =
        {};  ///< in the order they take over, the opener first; empty: nobody does
};

/// Which of Terms::hosts, counted on and on, an attempt is chaired by.
constexpr std::uint32_t generation_of(std::uint16_t attempt) {
    return attempt >> 8;
}

/// Where the next session starts from. Rows as the device's, columns intervals. y of a net must be
/// the same at all its members, bit for bit (the session's opening tells it); z is each member's
/// own business.
struct WarmState {
    model::Schedules z_kw;
    model::Schedules y_eur_per_kw;
    double rho_eur_per_kw2 = 0;

    static WarmState cold(Eigen::Index rows, Eigen::Index intervals, double rho);
    /// The same state `by` ≥ 0 intervals later. The horizon's last two intervals stay the last ones, because what happens
    /// there is due to its end; what enters before them repeats the interval one day earlier where the horizon reaches
    /// back that far, else the last one.
    [[nodiscard]] WarmState shifted(IntervalIndex by, Eigen::Index intervals_per_day) const;
    /// Nets nobody knows a price of (all zero) start at `marginal` (Device::marginal_price()).
    void start_unpriced_at(const model::Schedules& marginal);
};

/// A terminal's numbers, its channels one after the other, each over the horizon: as they are signed, recorded and sent.
/// `rows` as a device's.
inline auto terminal_values(const model::Schedules& rows,
                            std::size_t terminal,
                            const Parameters& parameters) {
    return Eigen::Map<const model::Series>(rows.data() + terminal * parameters.quantities(),
                                           parameters.quantities());
}

inline auto terminal_values(model::Schedules& rows,
                            std::size_t terminal,
                            const Parameters& parameters) {
    return Eigen::Map<model::Series>(rows.data() + terminal * parameters.quantities(),
                                     parameters.quantities());
}

enum class Outcome : std::uint8_t {
    converged,  ///< both residuals under tolerance
    partial,    ///< iteration or time limit: the best common iterate, with its residual
    excluded,   ///< this member was silent for too long; the others went on
    abandoned,  ///< the chair fell silent: nothing was agreed
};

/// The chair's word to a net, with its masked message. Without a stop, message k speaks about
/// iterate k − 2.
struct Notice {
    std::uint32_t about_iteration =
        0;  ///< whose residuals these are; 0: none yet; with a stop: stop_iteration
    std::uint64_t primal_square =
        0;  ///< Σ r² over all nets and intervals, kW² in units of 2^-36, saturating
    std::uint64_t dual_square = 0;         ///< Σ (w_i Δz_i)² likewise
    std::uint32_t stop_iteration = 0;      ///< not 0: all stop, at this iterate
    Outcome outcome = Outcome::converged;  ///< with stop_iteration: converged or partial
    auto operator<=>(const Notice&) const = default;
};

/// One member's message on one net in one iteration. `words` are int64 sums mod 2^64, masked:
/// the words of a_i, channel by channel over the horizon, in units of 2^-20 kW (kvar), then one of the member's movement ‖w_i Δz_i‖² in the
/// net step before, in units of 2^-36 kW² (saturating at 2^55, so that no net's sum wraps). A home's message to its chair goes
/// on with its answer to prices in an accelerated iteration, the chair's, in the clear, with the prices where it sets them.
struct MaskedShare {
    NetId net;
    PartyId from;
    std::uint32_t iteration = 0;
    std::uint16_t attempt = 0;
    std::vector<PartyId> members;  ///< S of this attempt, ascending
    std::vector<std::uint64_t> words;
    std::optional<Notice> notice;  ///< from the chair, always; from others, never
    auto operator<=>(const MaskedShare&) const = default;
};

/// A message as it leaves: the chair gets all of its words, the other members the first of them.
struct Dispatch {
    MaskedShare share;  ///< as the chair gets it
    std::size_t words_for_all = 0;
    PartyId chair;

    [[nodiscard]] MaskedShare to(PartyId party) const;

    /// Whether the chair gets more.
    [[nodiscard]] bool is_answer() const { return share.words.size() > words_for_all; }
};

/// From the chair to those who follow it: one iteration of the whole feeder, and where it sets prices what its device
/// made of it, so that they need not. Nobody's schedule, as the feeder's host learns the sums anyway.
struct Journal {
    struct Net {
        std::uint16_t attempt = 0;
        std::vector<PartyId> homes;  ///< of the attempt's set, ascending
        /// Σ of the words that everybody sums, nothing masked; where the chair sets the next iteration's prices, then those and
        /// its deliveries as bits of doubles, and in an accelerated session how much the net is held back
        /// (Acceleration::held_back).
        std::vector<std::uint64_t> words;
        auto operator<=>(const Net&) const = default;
    };

    std::uint32_t iteration = 0;
    std::vector<Net>
        nets;  ///< as the device's terminals; none when the chair's time was up in this iteration
    std::optional<Notice> stop;  ///< with which the chair now stops everyone
    std::vector<std::uint64_t> memory =
        {};  ///< of its device, after those prices (Device::price_memory)
    auto operator<=>(const Journal&) const = default;
};

// ---- inputs
// --------------------------------------------------------------------------------------------------------
struct Begin {};

/// In place of Begin: self sits in the chair's place, but only computes what the chair computes.
struct Follow {};

struct Journaled {
    Journal journal;
};

/// One who follows takes the chair: `send` holds its first words, also when the session has been stopped.
struct Succeed {};

struct ShareReceived {
    MaskedShare share;
};  ///< its sender is authenticated by the transport: share.from is true

struct SilenceElapsed {
};  ///< Parameters::silence_ms since Outputs::progressed; only the chair acts

/// Parameters::session_ms since Begin at the chair: it stops everyone at the best common iterate.
/// At the others silence_ms later, so that the chair's word can arrive: they give up.
struct DeadlineElapsed {};

struct Expelled {};  ///< the chair (authenticated) says it went on without this member

using Input = std::variant<Begin,
                           Follow,
                           Journaled,
                           Succeed,
                           ShareReceived,
                           SilenceElapsed,
                           DeadlineElapsed,
                           Expelled>;

// ---- outputs
// -------------------------------------------------------------------------------------------------------
/// What the session came to. Rows as the device's.
struct Cleared {
    Outcome outcome = Outcome::converged;
    std::uint32_t iteration = 0;    ///< the common iterate
    std::uint32_t rounds = 0;       ///< messages sent on each net, ≥ iteration
    double primal_residual_kw = 0;  ///< RMS at that iterate, as announced
    double dual_residual_eur_per_kw =
        0;                          ///< RMS of the ρ-scaled movement at that iterate, as announced
    model::Schedules x_kw;          ///< this member's schedule: inside its device's set
    model::Schedules y_eur_per_kw;  ///< dual of each terminal's net; / interval hours = EUR/kWh
    std::vector<std::vector<PartyId>> members;  ///< who cleared, per terminal
    model::Schedules imbalance_kw;              ///< Σ x over each terminal's net
    std::optional<MaskedShare> regret;  ///< of a home: for the chair alone (certificate.hpp)
    WarmState warm;
    std::string explanation;  ///< one sentence; empty if converged and the device could do what it
                              ///< was asked
};

/// The chair to a party it has dropped from a net: becomes Expelled at the other end.
struct Expulsion {
    NetId net;
    PartyId party;
    auto operator<=>(const Expulsion&) const = default;
};

/// What a received share was worth.
enum class Verdict : std::uint8_t {
    accepted,
    duplicate,  ///< already had it, from an attempt or iteration that is over, or from an expelled
                ///< member: harmless
    early,      ///< for an iteration not reached yet: kept (one ahead only)
    not_a_member,  ///< sender or net is not of this session
    malformed,  ///< wrong number of words, wrong set, notice where none may be, or no notice where
                ///< one must be
    contradiction,  ///< differs from what the same member already sent for the same attempt: report
                    ///< it
};

struct Outputs {
    std::vector<Dispatch> send;  ///< each to every other member in share.members
    std::vector<Expulsion>
        expel;  ///< to tell: at the drop, and again whenever the expelled member still speaks
    std::vector<Journal> journals;  ///< of the chair, to all who follow, before anything of `send`
    bool progressed = false;        ///< re-arm the silence timer
    Verdict verdict = Verdict::accepted;
    std::optional<Cleared> cleared;  ///< the last output of a session; later inputs do nothing
};

class Session {
  public:
    /// `seats[i]` is where row i of the device connects. `masks` holds one secret per other member
    /// of any seat and per host that may take over; null sends bare words (simulations only: a home's host never passes null).
    /// `start` has the device's rows and intervals; its ρ is not used, Terms' is. The device must
    /// outlive the session. REQUIRES: shapes agree; self and chair sit at every seat; where the chair sets prices
    /// only it has several; parameters are valid.
    Session(const Terms& terms,
            PartyId self,
            std::vector<Seat> seats,
            model::Device& device,
            std::shared_ptr<const crypto::PairwiseMasks> masks,
            const WarmState& start);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    Outputs step(const Input& input);

    [[nodiscard]] std::uint32_t iteration() const;
    [[nodiscard]] PartyId chair() const;
    /// Of the attempts under way.
    [[nodiscard]] std::uint8_t generation() const;
    /// Of who follows: whether a journal was missed; it can not take over.
    [[nodiscard]] bool lost() const;
    /// Members whose message the current iteration still waits for, per terminal.
    [[nodiscard]] std::vector<std::vector<PartyId>> awaited() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kilter::market
