/// What the chair of a session tells the coordinators that follow it, as bytes: where the session starts, then one
/// market::Journal per iteration. Either may be longer than a message, so it travels in pieces. Everything decoded here
/// comes from another coordinator: total, and nothing larger than a feeder's.
#pragma once

#include <optional>
#include <vector>

#include "common/market/session.hpp"
#include "common/wire/messages.hpp"

namespace kilter::coordinator {

/// All that one needs to compute the session beside its chair.
struct SessionStart {
    std::uint64_t roster_epoch = 0;  ///< what the party ids refer to
    crypto::Digest parameters;
    PartyId chair;
    std::vector<market::Seat>
        seats;                ///< rows of the feeder's device, in the order the chair sums in
    market::WarmState start;  ///< as the chair's own, prices filled in
};

/// Of one session: iteration 0 is its start.
struct JournalPiece {
    market::SessionId session;
    std::uint8_t generation = 0;  ///< market::generation_of() what the sender says to homes
    std::uint32_t iteration = 0;
    std::uint16_t index = 0;
    std::uint16_t count = 1;
    Bytes bytes;
};

inline constexpr std::size_t journal_pieces_max = 64;

/// Empty: longer than journal_pieces_max pieces; nobody can follow such a session.
std::vector<wire::Message> pieces_of(const market::SessionId& session,
                                     std::uint8_t generation,
                                     std::uint32_t iteration,
                                     ByteView whole);
std::optional<JournalPiece> decode_piece(const wire::SessionJournal& message);

/// Puts pieces together that come in order, which is how a link delivers them.
class PieceStack {
  public:
    /// The whole, once its last piece is there. A piece out of order begins anew, or is lost.
    std::optional<Bytes> add(const JournalPiece& piece);

  private:
    std::uint32_t iteration_ = 0;
    std::uint16_t next_ = 0;
    Bytes bytes_;
};

Bytes encode(const SessionStart& start, const market::Parameters& parameters);
/// Nothing: not what encode() wrote, of other shapes than `parameters` have, or with a number no session starts from.
std::optional<SessionStart> decode_start(ByteView bytes, const market::Parameters& parameters);

/// All but the iteration, which its pieces say.
Bytes encode(const market::Journal& journal);
std::optional<market::Journal> decode_journal(ByteView bytes, std::uint32_t iteration);

}  // namespace kilter::coordinator
