/// The homes of one roster as the chair sees them: who can be served, who is ready, who is waited for, and who sits
/// where in the next session. Made anew for every roster: greetings count for one roster only.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "common/base/event.hpp"
#include "common/crypto/identity.hpp"
#include "common/market/session.hpp"
#include "common/model/network.hpp"
#include "common/settlement/directory.hpp"

namespace kilter::coordinator {

class Attendance {
  public:
    static constexpr std::size_t greeted_at_once = 256;
    static constexpr std::int64_t greet_again_ms = 250;  ///< after the first time
    static constexpr std::int64_t greet_again_ms_max = 8'000;

    /// `feeder`: the one that the chair hosts. REQUIRES: directory not null, parameters valid.
    Attendance(const crypto::Identity& identity,
               settlement::DirectoryPtr directory,
               const model::Network& feeder,
               market::Parameters parameters);

    /// Other parameters from the next session on. REQUIRES: of the same interval, horizon and channels.
    void follow(const market::Parameters& parameters) { parameters_ = parameters; }

    [[nodiscard]] const settlement::DirectoryPtr& directory() const { return directory_; }

    /// This coordinator on the roster; nothing when it is not named for this feeder, and so may not chair.
    [[nodiscard]] std::optional<PartyId> chair() const { return chair_; }

    /// Homes whose keys masks can be agreed with.
    [[nodiscard]] std::size_t homes() const { return secrets_.size(); }

    /// REQUIRES: the party has sat in seats().
    [[nodiscard]] const crypto::SharedSecret& secret_with(PartyId home) const;
    /// Whether masks can be agreed with this party as a home of the net.
    [[nodiscard]] bool serves(PartyId home, NetId net) const;
    /// For people: homes that no session will have a seat for, and what to do about it.
    [[nodiscard]] std::vector<Event> unserved() const;

    /// Whether the home was not ready before. Ignored: keys of others than homes().
    bool on_greeting(const crypto::PublicKey& from);
    /// It fell silent in a session: not ready until it greets again.
    void on_silence(const crypto::PublicKey& home);
    /// Waited for in vain: not waited for again until they greet.
    void waive(const std::vector<PartyId>& homes);

    /// Homes to ask now whether they are ready, and counts them as asked: served, not ready, and not asked lately: whoever
    /// does not answer is asked half as often each time, as all that greet at once have the chair to themselves only in
    /// turn. At most greeted_at_once of them.
    std::vector<PartyId> to_greet(UnixMs now);
    /// Homes worth waiting for: served, not ready, not waived.
    [[nodiscard]] std::vector<PartyId> missing(UnixMs now) const;
    /// The nets that can trade, with the homes that are ready and the chair; without those of `left_out`, the first ones
    /// first, as long as enough others are. REQUIRES: chair().
    [[nodiscard]] std::vector<market::Seat> seats(UnixMs now,
                                                  const std::vector<PartyId>& left_out = {}) const;
    /// Homes whose certificate does not last until a session that begins now is on the log.
    [[nodiscard]] std::vector<PartyId> expiring(UnixMs now) const;

  private:
    struct Asked {
        UnixMs last = 0;
        std::int64_t pause_ms = 0;  // until the next time
    };

    [[nodiscard]] bool lasts(PartyId home, UnixMs now) const;
    // The roster's nets that have this feeder's number, ascending.
    [[nodiscard]] std::vector<NetId> own_nets() const;
    // Served, and not ready.
    [[nodiscard]] std::vector<PartyId> silent(UnixMs now) const;
    // The homes of a net that can have a seat, whether ready or not.
    [[nodiscard]] std::vector<PartyId> served(NetId net, UnixMs now) const;

    settlement::DirectoryPtr directory_;
    std::optional<PartyId> chair_;
    std::map<PartyId, crypto::SharedSecret> secrets_;
    model::Network feeder_;
    market::Parameters parameters_;
    std::size_t homes_max_;  // per net
    std::set<PartyId> ready_;
    std::set<PartyId> waived_;
    std::map<PartyId, Asked> asked_;  // since they were ready
};

/// The seats' nets, in order: the rows of the feeder's device.
std::vector<NetId> nets_of(const std::vector<market::Seat>& seats);

}  // namespace kilter::coordinator
