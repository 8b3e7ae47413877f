/// Who is sent which roster and which receipt, and when: these are the long messages of a coordinator, of a thousand homes
/// a third of a megabyte each, and whoever waits for one asks again before it has had time to come.
///
/// A roster goes to those who ask, when it has not been followed by another for settle_ms and none is known to follow (the
/// operator enrols one home after the other, and nobody is sent every roster in between), to at_once of them a turn. Each
/// coordinator serves a part of the homes at once, and the others, whose own coordinator may be dead, if they still ask when
/// that has had others_wait_ms to serve them. To who asks on it is sent again after again_ms, then after twice as long.
///
/// A value: it knows keys and times, and sends nothing.
#pragma once

#include <map>
#include <vector>

#include "common/base/time.hpp"
#include "common/consensus/types.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::coordinator {

class Handouts {
  public:
    static constexpr std::int64_t settle_ms = 500;
    /// A roster that is known to be followed by another does not wait for it longer than this.
    static constexpr std::int64_t settle_ms_max = 10'000;
    static constexpr std::int64_t others_wait_ms = 2'000;
    static constexpr std::int64_t again_ms = 5'000;
    static constexpr std::int64_t again_ms_max = 80'000;
    static constexpr std::size_t at_once = 32;
    static constexpr std::int64_t record_again_ms = 1'000;
    static constexpr std::int64_t epochs_again_ms = 60'000;

    /// Of the validator with index `own` of `validators`; of no validator: all homes are others'.
    Handouts(std::optional<consensus::ReplicaIndex> own, std::size_t validators)
        : own_(own), validators_(validators) {}

    /// Other coordinators from now on.
    void follow(std::optional<consensus::ReplicaIndex> own, std::size_t validators) {
        own_ = own;
        validators_ = validators;
    }

    /// The newest roster has changed.
    void on_roster(UnixMs now);
    /// This home lacks the newest roster and says so.
    void on_request(const crypto::PublicKey& home, UnixMs now);
    /// It has the newest roster.
    void on_answered(const crypto::PublicKey& home);
    /// Whom to send the newest roster to now; they count as served. `more_follow`: the log is about to take another one.
    std::vector<crypto::PublicKey> rosters_due(bool more_follow, UnixMs now);
    /// Whether to send this receipt, which is its net's newest, to this home now; if so it counts as sent.
    bool record_due(const crypto::PublicKey& home, const consensus::EntryId& record, UnixMs now);

    /// Whether to send the proofs of the log's epochs up to this one to this party now; if so they count as sent.
    bool epochs_due(const crypto::PublicKey& party, consensus::Epoch newest, UnixMs now);

    /// Forgets a party that has left.
    void forget(const crypto::PublicKey& party);

  private:
    struct Waiting {
        UnixMs since = 0;
        UnixMs asked = 0;              // last
        bool asks = true;              // since it was served
        std::optional<UnixMs> served;  // last
        std::int64_t pause_ms = 0;     // after that
    };

    struct Shown {
        consensus::EntryId record;
        UnixMs record_ms = 0;
        consensus::Epoch epoch = 0;
        UnixMs epochs_ms = 0;
    };

    [[nodiscard]] bool is_own(const crypto::PublicKey& home) const;
    [[nodiscard]] bool is_due(const crypto::PublicKey& home,
                              const Waiting& waiting,
                              UnixMs now) const;

    std::optional<consensus::ReplicaIndex> own_;
    std::size_t validators_;
    std::optional<UnixMs> changed_;
    std::map<crypto::PublicKey, Waiting> waiting_;
    std::map<crypto::PublicKey, Shown> shown_;
};

}  // namespace kilter::coordinator
