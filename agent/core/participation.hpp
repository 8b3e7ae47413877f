/// A session this home is in: the market's state machine with this home's device, masks and start, and whom its messages
/// go to.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/base.hpp"
#include "agent/core/charter.hpp"
#include "agent/core/interim.hpp"
#include "agent/core/memory.hpp"
#include "agent/core/place.hpp"
#include "common/base/time.hpp"
#include "common/market/session.hpp"
#include "common/model/home.hpp"
#include "common/prox/deviation.hpp"
#include "common/prox/home.hpp"
#include "common/wire/outgoing.hpp"

namespace kilter::agent {

/// Why a forecast does not do for a session of this market, in words; or nothing.
std::optional<std::string> objection(const Charter& charter, const model::Home& forecast);

class Participation {
  public:
    /// Joins, starting from `warm` where it is not of a later interval; ρ and prices are the
    /// opening's. REQUIRES: no objection to the opening or to `home`.
    Participation(const Charter& charter,
                  const Place& place,
                  const wire::SessionOpen& open,
                  const model::Home& home,
                  const std::optional<Warm>& warm,
                  UnixMs now);

    /// Joins, or opens, a session of the net's homes alone (interim.hpp). REQUIRES: no objection to it or to `home`; base has
    /// this home's schedule.
    Participation(const Charter& charter,
                  const Place& place,
                  const InterimTerms& terms,
                  const Base& base,
                  const model::Home& home,
                  UnixMs now);

    /// What the session keeps the sum of: this home's schedule over its horizon, kW; null: it is one with the feeder.
    [[nodiscard]] const model::Schedules* base_kw() const {
        return base_kw_ ? &*base_kw_ : nullptr;
    }

    /// Of the record that schedule is from. REQUIRES: interim().
    [[nodiscard]] IntervalIndex base_interval() const { return base_interval_; }

    [[nodiscard]] bool interim() const { return base_kw_.has_value(); }

    /// Whether this home chairs it: only an interim session.
    [[nodiscard]] bool chairs() const { return session_.chair() == self_; }

    [[nodiscard]] const market::SessionId& id() const { return id_; }

    [[nodiscard]] const settlement::Directory& directory() const { return *directory_; }

    /// Who opened it, or took it over since.
    [[nodiscard]] const crypto::PublicKey& chair() const {
        return directory_->at(session_.chair()).key;
    }

    [[nodiscard]] NetId net() const { return net_; }

    [[nodiscard]] const market::Session& session() const { return session_; }

    /// Whose messages the iteration waits for.
    [[nodiscard]] std::vector<crypto::PublicKey> awaited() const;

    [[nodiscard]] const prox::Home& device() const { return *device_; }

    /// When the chair was last heard.
    [[nodiscard]] UnixMs heard() const { return heard_; }

    /// Whether a share of this session that came from the key `from` is that party's own; notes a coordinator's, or the
    /// chair's.
    bool admits(const crypto::PublicKey& from, const market::MaskedShare& share, UnixMs now);

    /// This member of it was not found saying what no member says, until now.
    bool catches(PartyId member) { return caught_.insert(member).second; }

    market::Outputs step(const market::Input& input);

    /// One letter to each other member in share.members, each with the words that are for it.
    [[nodiscard]] std::vector<wire::Outgoing> letters(const market::Dispatch& sent) const;
    /// The newest two shares again, to everyone: two members that each miss the other's message must both hear it. Of answers the
    /// chair misses the newest alone: without the one before there would be none.
    [[nodiscard]] std::vector<wire::Outgoing> newest_letters() const;
    /// This home's part in the certificate of optimality, for the chair alone. REQUIRES: cleared.regret.
    [[nodiscard]] wire::Outgoing regret_letter(const market::Cleared& cleared) const;

  private:
    market::SessionId id_;
    NetId net_;
    settlement::DirectoryPtr directory_;  // the roster it was opened under
    PartyId self_;
    UnixMs heard_;
    std::unique_ptr<prox::Home> device_;
    IntervalIndex base_interval_ = 0;
    std::optional<model::Schedules> base_kw_;
    std::unique_ptr<prox::Deviation> change_;  // of an interim session: the device from there
    market::Session session_;
    std::deque<market::Dispatch> sent_;
    std::set<PartyId> caught_;
};

}  // namespace kilter::agent
