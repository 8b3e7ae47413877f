/// Sessions of a net's homes alone, for intervals that no coordinator has opened in time: who may be in one, who opens it
/// and when, and which ones a home joins (docs/protocol/market.md).
///
/// All of it follows from what every home has a proof of, the net's newest record with the feeder and the roster, and from
/// the clock: the homes of that record that are still on the roster, in the order of their parties. The first opens
/// interim_lead_ms before the interval begins, the next when it has heard nothing two silences later, and so on. Whoever
/// opens it sits in the chair's place, with its own home as its device: the session is over what each home changes from its
/// schedule in the record (prox::Deviation), so the net's sum stays what the feeder was promised.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/base.hpp"
#include "agent/core/charter.hpp"
#include "agent/core/place.hpp"
#include "common/wire/messages.hpp"

namespace kilter::agent {

/// Set in the openings of these sessions and of no other.
inline constexpr std::uint32_t interim_opening = 0x8000'0000;
/// Such a number, divided by this, leaves what its opener's party leaves: two homes that open an interval at once open two
/// sessions, with masks of their own.
inline constexpr std::uint32_t interim_openers = 256;

/// The next number of the home: of the present second or later, and after the one it used last.
std::uint32_t interim_number(PartyId opener,
                             UnixMs now,
                             const std::optional<market::SessionId>& last);

/// What every home of the session derives alike, but for its name and who opened it.
struct InterimTerms {
    market::SessionId id;
    PartyId chair;
    std::vector<market::Member> members;  ///< ascending by party, the chair among them
    std::size_t homes = 0;                ///< of the net
};

/// When the home of this rank opens the interval, and how long before its start the first one does.
UnixMs interim_lead_ms(const market::Parameters& parameters);
UnixMs interim_gate(const market::Parameters& parameters, IntervalIndex interval, std::size_t rank);
/// The newest interval that homes open at this time.
IntervalIndex interim_newest(const market::Parameters& parameters, UnixMs now);

/// The homes of the base that may clear this interval, ascending by party: on the roster, certified when it begins, with
/// usable keys.
std::vector<market::Member> interim_members(const Charter& charter,
                                            const Place& place,
                                            const Base& base,
                                            IntervalIndex interval);
/// This home's place among them; nothing: it is not one.
std::optional<std::size_t> rank_in(const std::vector<market::Member>& members, PartyId party);

/// Those of `candidates` that an opening names; nothing: it names others too.
std::optional<std::vector<market::Member>> named_in(const wire::InterimOpen& open,
                                                    const std::vector<market::Member>& candidates);

/// Why these homes cannot clear the interval, in words; or nothing.
std::optional<std::string> objection(const Charter& charter,
                                     const Place& place,
                                     const Base& base,
                                     const std::vector<market::Member>& members,
                                     IntervalIndex interval);

/// What decides about somebody's opening, beside the base.
struct InterimPosition {
    std::optional<IntervalIndex> traded;      ///< newest interval with a record, on the log or not
    std::optional<market::SessionId> joined;  ///< newest session joined under the sender
    std::optional<market::SessionId> under_way;  ///< another session that is alive
    UnixMs now = 0;
    UnixMs began = 0;  ///< when this home's process did, by the same clock
};

/// Why this opening is not one to join, in words that continue "did not join: "; or nothing. Total in `open`; `from` is
/// authenticated.
std::optional<std::string> objection(const Charter& charter,
                                     const Place& place,
                                     const Base& base,
                                     const InterimPosition& position,
                                     const crypto::PublicKey& from,
                                     const wire::InterimOpen& open);

/// The session's parameters: every net moves its own prices, and the chair counts as the home that it is. It ends where no more than half of
/// the net's homes are left, as the log takes no record of theirs.
market::Terms session_terms(const market::Parameters& agreed, const InterimTerms& terms);

/// Names the session where salts and, with its opener's key, masks are derived: none with a coordinator has these bytes.
Bytes interim_bytes(const Charter& charter, const market::SessionId& session);

}  // namespace kilter::agent
