/// Entries of this home on their way to the log: kept until a receipt says that they are there, across restarts.
#pragma once

#include <map>
#include <vector>

#include "agent/core/gateway.hpp"
#include "common/consensus/entry.hpp"

namespace kilter::agent {

/// Of the keys under which it is remembered: as long as there are any, something is not on the log yet.
inline constexpr const char* outbox_prefix = "outbox|";

class Outbox {
  public:
    /// Error: a remembered entry that does not decode; it names the key.
    static Result<Outbox> recall(const Memory& memory);

    void add(const consensus::EntryPtr& entry, Outputs& out);

    /// Whether a receipt for this entry is waited for.
    [[nodiscard]] bool awaits(const consensus::EntryId& id) const { return entries_.contains(id); }

    /// This entry is on the log: no longer kept. Another one changes nothing.
    void settle(const consensus::EntryId& id, Outputs& out);
    /// Forgets what has expired: it can not get on the log any more. How many.
    std::size_t expire(UnixMs now, Outputs& out);

    [[nodiscard]] bool empty() const { return entries_.empty(); }

    [[nodiscard]] std::vector<Bytes> encoded() const;

  private:
    struct Waiting {
        Bytes encoded;
        UnixMs expires_ms = 0;
    };

    static std::string key_of(const consensus::EntryId& id);
    void erase(std::map<consensus::EntryId, Waiting>::iterator place, Outputs& out);

    std::map<consensus::EntryId, Waiting> entries_;
};

}  // namespace kilter::agent
