/// The public docket: every proposal to decide something, who said what about it, and what is in force at which height.
///
///     open ──all approvals, or a mandate──▶ adopted ──its height──▶ in force
///      │                                       │
///      ├──veto──▶ vetoed ◀──────────veto───────┘
///      └──too old──▶ lapsed
///
/// A pure function of the log: the same entries at the same heights give the same docket everywhere. What an adopted case
/// decides is in force from block max(height it names, adopting block + notice) on, not before any earlier decision on the
/// same subject. Nothing has to happen at that height: rules_at() is asked for it.
#pragma once

#include <map>
#include <optional>

#include "common/base/time.hpp"
#include "common/consensus/entry.hpp"
#include "common/governance/action.hpp"

namespace kilter::governance {

using consensus::EntryId;

/// What is in force.
struct Rules {
    Constitution constitution;
    Bytes market_parameters;                        ///< market::Parameters::encode()
    std::map<std::string, std::int64_t> tariffs;    ///< those ever set
    std::map<std::string, std::uint32_t> versions;  ///< of rules; 1 where none was set
    std::optional<std::uint32_t> stopped;           ///< the case that stopped the market
    std::optional<Digest> validators;  ///< the set that the next change of epoch may lead to
    bool operator==(const Rules&) const = default;
};

/// The body of a proposal entry.
struct Proposal {
    Action action;
    Height height = 0;   ///< not in force before this block; 0: as soon as may be
    std::string reason;  ///< for people; printable ASCII
    bool operator==(const Proposal&) const = default;
};

enum class Opinion : std::uint8_t { approve = 1, veto = 2, mandate = 3 };

/// "approve", "veto", "mandate".
const char* name_of(Opinion opinion);

/// The body of an opinion entry.
struct Statement {
    EntryId proposal;
    Opinion opinion{};
    bool operator==(const Statement&) const = default;
};

Bytes encode(const Proposal& proposal);
Bytes encode(const Statement& statement);
/// Strict and total.
Result<Proposal> decode_proposal(ByteView body);
Result<Statement> decode_statement(ByteView body);

enum class CaseState : std::uint8_t { open = 1, adopted = 2, in_force = 3, vetoed = 4, lapsed = 5 };

/// "open", "adopted", "in force", "vetoed", "lapsed".
const char* name_of(CaseState state);

struct Said {
    PublicKey key;
    Offices offices;  ///< that the key held then
    Opinion opinion{};
    Height height = 0;
    bool operator==(const Said&) const = default;
};

struct Case {
    std::uint32_t number = 0;  ///< from 1 on, in the order of their proposals
    EntryId id;                ///< the proposal's entry
    PublicKey author;
    Proposal proposal;
    Height opened = 0;
    UnixMs opened_ms = 0;
    std::vector<Said> said;  ///< the proposer's approval first
    CaseState state = CaseState::open;
    Height adopted = 0;
    Height effective = 0;  ///< in force from this block on, once adopted
    bool operator==(const Case&) const = default;
};

Bytes encode(const Case& one);
Result<Case> decode_case(ByteView bytes);

/// Where an entry is being executed.
struct Place {
    Height height = 0;
    UnixMs time_ms = 0;
};

class Docket {
  public:
    /// Nothing proposed yet.
    explicit Docket(Rules genesis);

    /// Those that hold for a block at this height. REQUIRES: not below the height of the newest entry taken.
    [[nodiscard]] Rules rules_at(Height height) const;

    /// As rules_at(), for the height when everything adopted is in force.
    [[nodiscard]] Rules rules_to_come() const;

    /// Rises with every entry the docket takes and every coming into force; 0: as genesis says. Whoever knows this edition
    /// knows the live cases, what is in force at this height, and what is to come.
    [[nodiscard]] std::uint64_t edition(Height height) const;

    /// Not closed yet, ascending by number.
    [[nodiscard]] const std::vector<Case>& live() const { return live_; }

    /// Of all that there ever were.
    [[nodiscard]] std::uint32_t cases() const { return cases_; }

    /// Null: unknown, or closed.
    [[nodiscard]] const Case* find(const EntryId& proposal) const;

    /// `offices`: what the author holds at this place. Error: why the entry is refused; nothing has changed.
    Result<void> propose(const PublicKey& author,
                         Offices offices,
                         const EntryId& id,
                         const Proposal& proposal,
                         Place place);
    Result<void> state(const PublicKey& author,
                       Offices offices,
                       const Statement& statement,
                       Place place);

    /// Cases that are over at this place leave the live ones and are returned, in their final state, once.
    std::vector<Case> close(Place place);

    [[nodiscard]] Bytes encode() const;
    static Result<Docket> decode(ByteView bytes);

    bool operator==(const Docket&) const = default;

  private:
    Docket() = default;
    /// Adopts it if nothing is missing.
    void weigh(Case& one, const Power& power, Place place);

    Rules base_;
    std::vector<Case> live_;
    std::uint32_t cases_ = 0;
    std::uint64_t number_ = 0;  // of the edition, without what live cases add to it
};

}  // namespace kilter::governance
