/// The coordinator's market side: hosts the feeder device, chairs the feeder's sessions, and turns what cleared into
/// entries for the log. Pure: `step(input, now) -> outputs`.
///
///     idle ──gate──▶ in session ──cleared──▶ collecting signatures ──all in, or silence──▶ awaiting finality ──▶ idle
///
/// Every coordinator that holds the feeder's model runs one of these on the same log. One acts, and greets the others
/// while there is work; they stand by, compute its session beside it, and take over when it is silent (turn.hpp): the
/// session goes on where it was (followed.hpp), or, where that cannot be, the interval is opened again.
///
/// A crash loses nothing that matters: the log tells what is cleared, homes greet again when asked to, and what was
/// under way is opened again under a name that was never used (naming.hpp), which is all there is to remember.
///
/// This file is the states and what moves between them; what they know is in turn, attendance, warm_start, naming
/// (before a session), chaired (in one) and records (after it).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/crypto/identity.hpp"
#include "common/model/network.hpp"
#include "common/settlement/genesis.hpp"
#include "common/wire/messages.hpp"
#include "coordinator/core/outputs.hpp"
#include "coordinator/core/turn.hpp"

namespace kilter::coordinator {

// ---- inputs --------------------------------------------------------------------------------------------------------
struct Started {};

/// A roster or a cleared net has become final on the log. In log order.
struct RosterFinal {
    settlement::Roster roster;
};

/// Others order the log from its next block on. In log order.
struct MembersFinal {
    consensus::ValidatorSet members;
};

/// What is in force for the log's next block, whenever it is news. In log order.
struct RulesFinal {
    Bytes market_parameters;               ///< encoded; of genesis' interval, horizon and channels
    std::optional<std::uint32_t> stopped;  ///< by which case of the docket
};

struct ClearedNetFinal {
    settlement::ClearedNet record;
    crypto::PublicKey author;
};

struct MessageReceived {
    crypto::PublicKey from;  ///< authenticated by the transport
    wire::Message
        message;  ///< Hello, Share, ClearingShare, SessionJournal; others are not for this core
};

struct TimerElapsed {
    Timer timer;
};

using Input = std::variant<Started,
                           RosterFinal,
                           MembersFinal,
                           RulesFinal,
                           ClearedNetFinal,
                           MessageReceived,
                           TimerElapsed>;

class FeederHost {
  public:
    /// `identity` must outlive the host; until MembersFinal names its key, or genesis does, it hosts nothing. `memory`: the
    /// newest Outputs::persist; empty for a new coordinator.
    /// Error: parameters or network invalid, or a memory that does not decode.
    static Result<FeederHost> create(const crypto::Identity& identity,
                                     settlement::Genesis genesis,
                                     model::Network network,
                                     Pace pace,
                                     ByteView memory = {});
    ~FeederHost();
    FeederHost(const FeederHost&) = delete;
    FeederHost& operator=(const FeederHost&) = delete;
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
