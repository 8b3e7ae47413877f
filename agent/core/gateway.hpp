/// The agent's core: one home's part in the market, from the opening of a session to the certified record of it.
/// Pure: `step(input, now) -> outputs`; no clock, socket, disk or log inside.
///
///     waiting for a roster ──certified roster──▶ idle ──SessionOpen──▶ in session ──cleared──▶ awaiting the record
///                                                 ▲                        │ excluded, abandoned      │
///                                                 └────────────────────────┴──────────certified───────┘
///
/// Where no coordinator opens an interval in time, the homes of the net trade among themselves (interim.hpp), in the same
/// states; what they agree on is signed by all, durable, and brought to the log when it is back.
///
/// Nothing is believed because a coordinator says so: rosters and cleared nets count only with a quorum certificate and
/// an inclusion proof under the validator set pinned in genesis; openings are signed by a validator; what a member may
/// say on the net is checked against the roster.
///
/// Order of outputs is contract: `persist` is durable before anything in `send` leaves.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/plan.hpp"
#include "common/base/event.hpp"
#include "common/crypto/identity.hpp"
#include "common/market/session.hpp"
#include "common/model/home.hpp"
#include "common/settlement/genesis.hpp"
#include "common/settlement/metering.hpp"
#include "common/wire/outgoing.hpp"

namespace kilter::agent {

enum class Timer : std::uint8_t {
    greet,     ///< ask the next coordinator for what is missing
    resend,    ///< repeat the newest shares: messages do get lost
    deadline,  ///< market::DeadlineElapsed
    append,    ///< repeat entries that are not on the log yet
    interim,   ///< see whether the net has to look after itself
    silence,   ///< market::SilenceElapsed, of a session that this home chairs
};

// ---- inputs --------------------------------------------------------------------------------------------------------
struct Started {};

struct MessageReceived {
    crypto::PublicKey from;  ///< authenticated by the transport
    wire::Message message;
};

struct TimerElapsed {
    Timer timer;
};

/// There are links to all of Outputs::peers now, or waiting longer for them makes no sense: ready to trade.
struct PeersConnected {};

/// What the home's meter shows at the end of an interval.
struct RegistersRead {
    settlement::RegisterRead read;
};

using Input = std::variant<Started, MessageReceived, TimerElapsed, PeersConnected, RegistersRead>;

// ---- outputs -------------------------------------------------------------------------------------------------------
struct Peer {
    crypto::PublicKey key;
    std::string endpoint;
};

struct ArmTimer {
    Timer timer = Timer::greet;
    std::uint32_t delay_ms = 0;  ///< replaces the timer's earlier time; 0 cancels
};

/// One session, over for this home: what the status page and the demo read.
struct SessionReport {
    market::SessionId session;
    market::Outcome outcome = market::Outcome::abandoned;
    std::uint32_t iterations = 0;
    std::uint32_t rounds = 0;
    bool certified = false;                 ///< the record is on the log and its proof was checked
    std::vector<double> price_eur_per_kwh;  ///< of this home's net, over the horizon
    std::vector<PlannedStep>
        plan;               ///< what the home's devices will do, and why: private to the home
    std::string shortfall;  ///< what they will miss, in words; empty: nothing
};

/// How the net fares without coordinators.
struct InterimReport {
    std::size_t waiting = 0;  ///< records that all homes have signed and the log does not hold
    std::optional<IntervalIndex> newest;  ///< of those
    std::optional<UnixMs>
        coordinator_heard;  ///< when a coordinator was last heard, by this process
};

/// The rules as this home knows them.
struct RulesReport {
    std::uint64_t edition = 0;             ///< 0: genesis'
    crypto::Digest parameters;             ///< of the market parameters in force
    crypto::Digest session_parameters;     ///< of those of the newest opening
    std::optional<std::uint32_t> stopped;  ///< by which case of the docket
};

/// What the home's devices are to do in one interval: from a certified record; where no coordinator was there in time, from
/// what all homes of the session have signed; else from the horizon of the net's last record with the feeder.
struct Setpoint {
    IntervalIndex interval = 0;
    double consumption_kw = 0;  ///< at the home's connection, positive = import
};

struct Outputs {
    std::map<std::string, Bytes> persist;
    std::optional<std::vector<Peer>>
        peers;  ///< whom to admit and connect to from now on, coordinators included
    std::vector<wire::Outgoing> send;
    std::vector<ArmTimer> timers;
    std::vector<Event> events;
    std::optional<Setpoint> setpoint;
    std::optional<SessionReport> report;
};

/// What the agent remembers across restarts: Outputs::persist, merged. Empty for a new agent.
using Memory = std::map<std::string, Bytes>;

/// Of keys under these prefixes the gateway needs nothing back: they grow with time and are read by billing alone
/// (meter_desk.hpp).
inline constexpr const char* read_prefix = "read|";
inline constexpr const char* position_prefix = "position|";

/// What the home's drivers know for a horizon starting at interval `first`: measured state and forecast.
using Forecast = std::function<model::Home(IntervalIndex first, Eigen::Index intervals)>;

class Gateway {
  public:
    /// `identity` and `meter` must outlive the gateway. Without a meter (null) RegistersRead changes nothing. Error: a remembered value that does not decode or verify; it names the key.
    static Result<Gateway> create(const crypto::Identity& identity,
                                  settlement::Genesis genesis,
                                  Forecast forecast,
                                  const Memory& memory,
                                  const crypto::Identity* meter = nullptr);
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;
    Gateway(Gateway&&) noexcept;
    Gateway& operator=(Gateway&&) noexcept;

    Outputs step(const Input& input, UnixMs now);

    /// Of the newest roster seen; 0: none yet.
    [[nodiscard]] std::uint64_t roster_epoch() const;
    /// The newest epoch of the log that was proved to this home.
    [[nodiscard]] consensus::Epoch log_epoch() const;
    /// In that epoch.
    [[nodiscard]] bool is_coordinator(const crypto::PublicKey& key) const;
    /// The endpoint in this home's certificate, empty where it has none; nothing while it is on no roster.
    [[nodiscard]] std::optional<std::string> reached_at() const;
    [[nodiscard]] RulesReport rules() const;
    [[nodiscard]] InterimReport interim() const;
    /// What the agent is doing and what it waits for, one sentence a home owner understands.
    [[nodiscard]] std::string explain() const;
    /// On whom it waits, if on somebody in particular.
    [[nodiscard]] std::vector<crypto::PublicKey> awaited() const;

  private:
    struct State;
    explicit Gateway(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace kilter::agent
