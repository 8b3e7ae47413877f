/// What a cleared session leaves on the log: the homes' signatures under each net's prices, the records made of them,
/// and which of those are not final yet. A home whose signature does not come in time is not in the record.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "common/market/session.hpp"
#include "common/settlement/directory.hpp"
#include "common/wire/messages.hpp"
#include "coordinator/core/charter.hpp"
#include "coordinator/core/elimination.hpp"

namespace kilter::coordinator {

class Records {
  public:
    enum class Verdict : std::uint8_t {
        accepted,
        not_asked,  ///< of another session or iterate, or by nobody who cleared this net: harmless
        forged,     ///< signs something else than this net's prices: report it
    };

    /// Terminal i of `cleared` is net i. REQUIRES: cleared is converged or partial; the charter outlives this.
    Records(const Charter& charter,
            const market::SessionId& session,
            settlement::DirectoryPtr directory,
            const std::vector<NetId>& nets,
            const market::Cleared& cleared);

    /// Nets that came to prices no market has: nobody is asked to sign them, and they are not recorded.
    [[nodiscard]] std::vector<NetId> implausible() const;

    /// What the session came to on each net, as far as signatures have come.
    [[nodiscard]] std::map<NetId, Ending> endings() const;

    /// `from` is authenticated by the transport.
    Verdict on_signature(const crypto::PublicKey& from, const wire::ClearingShare& share);
    /// Homes that the newest roster does not have on their net are not in the records, signed or not: the log would refuse
    /// the whole record.
    void leave_out_who_left(const settlement::Directory& newest);
    /// Whether all homes that cleared have signed.
    [[nodiscard]] bool complete() const;

    /// One record for each net that any home has signed for. From now on they are awaited on the log.
    std::vector<settlement::ClearedNet> make();

    [[nodiscard]] bool made() const { return made_; }

    /// Whether it was the last one awaited.
    bool on_final(NetId net);

    /// Not final yet.
    [[nodiscard]] std::size_t open() const { return open_.size(); }

    /// That have signed, on all nets.
    [[nodiscard]] std::size_t homes() const;

  private:
    struct Row {
        NetId net;
        bool plausible = false;
        std::vector<std::int64_t> prices_micro_eur_per_kwh;
        std::set<PartyId> expected;  // homes that cleared
        std::map<PartyId, settlement::ClearedMember> signatures;
        std::set<PartyId> forged;  // signed something else, and nothing right since
    };

    [[nodiscard]] settlement::ClearedNet record_of(const Row& row) const;

    const Charter& charter_;
    market::SessionId session_;
    settlement::DirectoryPtr directory_;
    settlement::Outcome outcome_;
    std::uint32_t iteration_;
    std::int64_t residual_milliwatt_;
    std::vector<Row> rows_;
    bool made_ = false;
    std::set<NetId> open_;
};

}  // namespace kilter::coordinator
