/// The coordinator's market side: hosts the feeder device, chairs the feeder's sessions, and turns what cleared into
/// entries for the log. Pure: `step(input, now) -> outputs`.
///
///     idle ──gate──▶ in session ──cleared──▶ collecting signatures ──all in, or silence──▶ awaiting finality ──▶ idle
///
/// Every coordinator that holds the feeder's model runs one of these on the same log. The acting host is the author of
/// the newest cleared record, at first replica 0, or whoever took over since, and greets the others while there is work;
/// they stand by, in the order of their distance from it, and open the next interval themselves when a gate is due and
/// the acting host was not heard of for takeover_ms × distance, or has been due for longer than a session takes.
///
/// A crash loses nothing that matters: the log tells what is cleared, homes greet again when asked to, and what was
/// under way is opened again under a name that was never used (SessionId::opening grows with time).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/event.hpp"
#include "common/crypto/identity.hpp"
#include "common/market/session.hpp"
#include "common/model/network.hpp"
#include "common/settlement/directory.hpp"
#include "common/wire/outgoing.hpp"

namespace kilter::coordinator {

/// When gates open. Local, not agreed: only the acting host's counts.
struct Pace {
    bool follow_clock = true;  ///< false: the next gate opens as soon as the last interval is final
    IntervalIndex first_interval = 0;  ///< only without the clock
    std::uint32_t intervals = 0;       ///< only without the clock: stop after so many; 0 = never
    std::uint32_t lead_ms =
        120'000;  ///< with the clock: the gate opens this long before the interval starts
    std::uint32_t gather_ms =
        10'000;  ///< how long the first gate waits for homes that have not greeted yet
    std::uint32_t takeover_ms = 4'000;  ///< silence of the acting host that makes the next one act
};

enum class Timer : std::uint8_t {
    gate,
    gather,
    resend,
    silence,
    deadline,
    signatures,
    finality,
    takeover,
    presence,
};

// ---- inputs --------------------------------------------------------------------------------------------------------
struct Started {};

/// A roster or a cleared net has become final on the log. In log order.
struct RosterFinal {
    settlement::Roster roster;
};

struct ClearedNetFinal {
    settlement::ClearedNet record;
    crypto::PublicKey author;
};

struct MessageReceived {
    crypto::PublicKey from;  ///< authenticated by the transport
    wire::Message message;   ///< Hello, Share, ClearingShare; others are not for this core
};

struct TimerElapsed {
    Timer timer;
};

using Input = std::variant<Started, RosterFinal, ClearedNetFinal, MessageReceived, TimerElapsed>;

// ---- outputs -------------------------------------------------------------------------------------------------------
struct ArmTimer {
    Timer timer;
    std::uint32_t delay_ms = 0;  ///< replaces the timer's earlier time; 0 cancels
};

/// A session this host has chaired, once all its records are final.
struct SessionReport {
    market::SessionId session;
    market::Outcome outcome = market::Outcome::abandoned;
    std::uint32_t iterations = 0;
    std::uint32_t rounds = 0;
    double primal_residual_kw = 0;
    double dual_residual_eur_per_kw = 0;
    std::int64_t started_ms = 0;
    std::int64_t cleared_ms = 0;
    std::int64_t final_ms = 0;
    std::vector<NetId> nets;             ///< that traded: the rows of price_eur_per_kwh
    model::Schedules price_eur_per_kwh;  ///< nets × intervals
    model::Schedules voltage_pu;         ///< buses × intervals
    model::Series import_kw;             ///< per interval
    std::size_t homes = 0;               ///< that cleared
    std::size_t excluded = 0;            ///< that were silent
};

struct Outputs {
    std::vector<wire::Outgoing> send;
    std::vector<settlement::ClearedNet>
        submit;  ///< to be signed as entries by this coordinator and appended
    std::vector<ArmTimer> timers;
    std::vector<Event> events;
    std::optional<SessionReport> report;
};

class FeederHost {
  public:
    /// `identity` must outlive the host; its key must be one of genesis' validators.
    /// Error: parameters or network invalid, or the key is no validator.
    static Result<FeederHost> create(const crypto::Identity& identity,
                                     settlement::Genesis genesis,
                                     model::Network network,
                                     Pace pace);
    ~FeederHost();
    FeederHost(FeederHost&&) noexcept;
    FeederHost& operator=(FeederHost&&) noexcept;

    Outputs step(const Input& input, UnixMs now);

    /// What the host is doing and whom it waits for, one sentence.
    [[nodiscard]] std::string explain() const;
    /// Whether the pace's last interval is final (never with the clock).
    [[nodiscard]] bool finished() const;

  private:
    struct State;
    explicit FeederHost(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::coordinator
