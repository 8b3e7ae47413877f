/// What an interim session came to, and who has signed it. It counts once every home of the session has: then it is a record
/// that anyone can check, and any of them can bring to the log.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "agent/core/charter.hpp"
#include "common/market/session.hpp"
#include "common/settlement/entries.hpp"
#include "common/wire/messages.hpp"

namespace kilter::agent {

class Accord {
  public:
    /// `cleared` in deviations from `base_kw`, converged, at plausible prices; `members` in its set, self among them.
    Accord(const Charter& charter,
           const market::SessionId& session,
           NetId net,
           std::uint64_t roster_epoch,
           IntervalIndex base,
           const market::Cleared& cleared,
           const model::Schedules& base_kw,
           std::vector<crypto::PublicKey> members);

    [[nodiscard]] market::SessionId session() const { return {record_.interval, record_.opening}; }

    [[nodiscard]] IntervalIndex interval() const { return record_.interval; }

    [[nodiscard]] double consumption_kw() const { return consumption_kw_; }

    /// This home's part, for all others.
    [[nodiscard]] wire::ClearingShare own_share(const Charter& charter) const;
    /// Those whose part is missing.
    [[nodiscard]] std::vector<crypto::PublicKey> missing() const;
    /// Everybody else in it.
    [[nodiscard]] std::vector<crypto::PublicKey> others(const Charter& charter) const;
    /// Whether `from` is in it and this is its signature under it.
    bool take(const Charter& charter,
              const crypto::PublicKey& from,
              const wire::ClearingShare& share);
    /// Whether `record` is this one with everybody's signature, which makes it complete.
    bool take(const Charter& charter, const settlement::ClearedNet& record);

    [[nodiscard]] bool complete() const { return missing().empty(); }

    /// As far as it is signed: of who has not, commitment and signature are zeros.
    [[nodiscard]] const settlement::ClearedNet& record() const { return record_; }

    [[nodiscard]] Bytes encode() const;
    /// Total. Nothing: not what encode() wrote.
    static std::optional<Accord> decode(ByteView bytes);

  private:
    Accord() = default;

    settlement::ClearedNet record_;  // parts that are missing: zeros
    double consumption_kw_ = 0;      // of this home in the first interval
};

/// Whether every member has signed this record.
bool all_signed(const Charter& charter, const settlement::ClearedNet& record);

}  // namespace kilter::agent
