/// The session this coordinator chairs, from its opening to the last share: tells the homes, runs the feeder's side of
/// the session, repeats what may have been lost, and leaves out who stays silent. Repeats go on after the session has
/// cleared, to those who have not heard of it. Stays under the roster it was opened with.
///
/// Tells the coordinators that follow what they need to take over, before anything of it reaches a home; and is, on their
/// side, the same session computed beside the chair, silent until it takes over (market::Succeed).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "common/prox/feeder_newton.hpp"
#include "coordinator/core/attendance.hpp"
#include "coordinator/core/charter.hpp"
#include "coordinator/core/outputs.hpp"
#include "coordinator/core/patience.hpp"

namespace kilter::coordinator {

class Chaired {
  public:
    /// What a step came to, beside its outputs.
    struct Step {
        std::vector<crypto::PublicKey> silent;  ///< homes the session goes on without from now on
        /// A home of this net says what no home says; once per session.
        std::optional<std::pair<NetId, crypto::PublicKey>> caught;
        std::optional<market::Cleared> cleared;  ///< the session's last word
    };

    enum class Place : std::uint8_t {
        chair,
        beside,  ///< follows; `seats` has this coordinator in the chair's place
    };

    /// Nothing is sent yet. REQUIRES: seats are of `attendance`, not empty; `start` has a terminal for each; the charter
    /// outlives the session.
    Chaired(const Charter& charter,
            market::SessionId id,
            const Attendance& attendance,
            const std::vector<market::Seat>& seats,
            const market::WarmState& start,
            UnixMs now,
            Place place = Place::chair);

    [[nodiscard]] const market::SessionId& id() const { return terms_.id; }

    [[nodiscard]] const settlement::DirectoryPtr& directory() const { return directory_; }

    /// Terminal i of the feeder's device is net i's.
    [[nodiscard]] const std::vector<NetId>& nets() const { return nets_; }

    /// At the opening, one for each of nets().
    [[nodiscard]] const std::vector<market::Seat>& seats() const { return seats_; }

    /// Whether every home with this seat has spoken.
    [[nodiscard]] bool all_spoke(const market::Seat& seat) const;

    /// Nets that went on without a home that spoke all the while: somebody there is not heard by everybody.
    [[nodiscard]] const std::set<NetId>& parted() const { return parted_; }

    /// Filled as far as the session has come; complete but for `homes` and `final_ms` once it has cleared.
    [[nodiscard]] const SessionReport& report() const { return report_; }

    /// With a seat at the opening.
    [[nodiscard]] std::size_t homes() const { return terms_.terminals - nets_.size(); }

    [[nodiscard]] std::uint32_t iteration() const { return session_.iteration(); }

    /// Of what it says to homes (market::generation_of).
    [[nodiscard]] std::uint8_t generation() const { return session_.generation(); }

    /// Beside the chair: whether it has missed something.
    [[nodiscard]] bool lost() const { return session_.lost(); }

    /// How many homes the iteration waits for.
    [[nodiscard]] std::size_t awaited() const;

    /// The signed opening, to every home with a seat; before it where it starts, to those who follow.
    void announce(Outputs& out);
    Step step(const market::Input& input, UnixMs now, Outputs& out);
    /// A home's part in the certificate of optimality. False: the share is a message of the session itself.
    bool on_regret(const market::MaskedShare& share);
    /// Adds the certificate to the report, or why there is none.
    void certify();
    /// To all of a net that is not complete: who misses what, only each of them knows.
    void repeat(Outputs& out) const;
    /// What this party of the net may have missed: the opening, while nothing was heard of it, and the newest shares.
    void repeat_to(PartyId party, NetId net, Outputs& out) const;

  private:
    // Whether it is news that its sender says what no home says.
    bool catches(const market::MaskedShare& share, market::Verdict verdict, Outputs& out);
    // Whether it is news: the home is told again whenever it still speaks.
    bool expel(const market::Expulsion& expulsion, Outputs& out);
    void send(const market::MaskedShare& share, PartyId to, Outputs& out) const;
    void tell_followers(std::uint32_t iteration, ByteView whole, Outputs& out) const;
    void conclude(const market::Cleared& cleared, UnixMs now);

    const Charter& charter_;
    market::Terms terms_;
    settlement::DirectoryPtr directory_;
    std::vector<NetId> nets_;
    std::unique_ptr<prox::Feeder> device_;
    std::unique_ptr<prox::FeederNewton> pricing_;
    std::vector<market::Seat> seats_;
    Bytes start_;                              // for those who follow; until it is told
    std::vector<wire::SessionOpen> openings_;  // row i's; none beside the chair
    market::Session session_;
    std::map<NetId, std::deque<market::MaskedShare>> sent_;  // the newest two of each net
    std::set<PartyId> spoke_;
    std::set<PartyId> caught_;
    std::set<PartyId> expelled_;
    std::set<PartyId> repeating_;  // said the same again since the session went on last
    std::set<NetId> parted_;
    Patience patience_;
    std::optional<market::Certifier> certifier_;  // once cleared
    SessionReport report_;
};

}  // namespace kilter::coordinator
