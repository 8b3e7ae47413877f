#include "common/settlement/ledger.hpp"

#include <algorithm>
#include <set>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/consensus/block_execution.hpp"

// The state is one MerkleMap:
//   "id" id                  -> the entry's expiry; until the log's time has passed it
//   "due" minute             -> number of chunks of ids that expire in that minute
//   "due" minute chunk       -> up to 64 ids
//   "key" semantic key       -> entry id
//   "roster" epoch           -> the roster's body
//   "epoch"                  -> the last roster's epoch
//   "time"                   -> the last block's minute, for the expiry above
namespace kilter::settlement {

namespace {
using consensus::Admission;
using consensus::Entry;
using consensus::EntryId;
using consensus::SealedEntry;
using consensus::Verdict;
using crypto::MerkleMap;

constexpr std::size_t chunk_bytes = 64 * EntryId::size;
constexpr std::int64_t minute_ms = 60'000;

Bytes id_key(const EntryId& id) {
    return ByteWriter{}.text("id").raw(id.view()).bytes();
}

Bytes due_key(std::int64_t minute) {
    return ByteWriter{}.text("due").i64(minute).bytes();
}

Bytes due_key(std::int64_t minute, std::uint64_t chunk) {
    return ByteWriter{}.text("due").i64(minute).u64(chunk).bytes();
}

Bytes unique_key(ByteView key) {
    return ByteWriter{}.text("key").raw(key).bytes();
}

Bytes epoch_key(std::uint64_t epoch) {
    return ByteWriter{}.text("roster").u64(epoch).bytes();
}

Bytes last_epoch_key() {
    return ByteWriter{}.text("epoch").bytes();
}

Bytes time_key() {
    return ByteWriter{}.text("time").bytes();
}

std::uint64_t number(const MerkleMap& map, const Bytes& key) {
    const Bytes* value = map.find(key);
    return value == nullptr ? 0 : ByteReader(*value).u64();
}

MerkleMap with_number(const MerkleMap& map, const Bytes& key, std::uint64_t value) {
    return map.with(key, ByteWriter{}.u64(value).bytes());
}

Verdict refused(std::string reason) {
    return {Admission::refused, std::move(reason)};
}

std::optional<Roster> roster_in(const MerkleMap& map, std::uint64_t epoch) {
    const Bytes* body = map.find(epoch_key(epoch));
    if (body == nullptr) return std::nullopt;
    Result<Roster> roster = decode_roster(*body);
    KILTER_CHECK(roster.ok(), "the ledger holds a malformed roster");
    return *std::move(roster);
}

/// Forgets the ids of the minutes that have passed since the parent's block: their entries can no longer be valid.
MerkleMap forget_expired(MerkleMap map, UnixMs time_ms) {
    const std::int64_t now = time_ms / minute_ms;
    const auto before = static_cast<std::int64_t>(number(map, time_key()));
    if (now <= before) return map;
    const std::int64_t last_due = before + limits::entry_life_ms_max / minute_ms + 1;
    for (std::int64_t minute = before; minute < std::min(now, last_due + 1); ++minute) {
        const std::uint64_t chunks = number(map, due_key(minute));
        if (chunks == 0) continue;
        for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
            const Bytes ids = *map.find(due_key(minute, chunk));
            ByteReader in(ids);
            while (in.left() > 0)
                map = map.without(id_key(in.fixed<EntryId>()));
            map = map.without(due_key(minute, chunk));
        }
        map = map.without(due_key(minute));
    }
    return with_number(map, time_key(), static_cast<std::uint64_t>(now));
}

MerkleMap remember(MerkleMap map, const EntryId& id, UnixMs expires_ms) {
    const std::int64_t minute = expires_ms / minute_ms;
    map = map.with(id_key(id), ByteWriter{}.i64(expires_ms).bytes());
    std::uint64_t chunks = number(map, due_key(minute));
    Bytes ids;
    if (chunks > 0) {
        ids = *map.find(due_key(minute, chunks - 1));
        if (ids.size() == chunk_bytes) ids.clear();
    }
    if (ids.empty()) map = with_number(map, due_key(minute), ++chunks);
    ids.insert(ids.end(), id.bytes.begin(), id.bytes.end());
    return map.with(due_key(minute, chunks - 1), std::move(ids));
}

class LedgerExecution final : public consensus::Execution {
  public:
    LedgerExecution(const Genesis& genesis, MerkleMap map, UnixMs time_ms)
        : genesis_(genesis), map_(forget_expired(std::move(map), time_ms)), time_ms_(time_ms) {}

    Verdict apply(const SealedEntry& sealed) override {
        const Entry& entry = sealed.entry;
        if (entry.expires_ms < time_ms_) return refused("the entry has expired");
        if (entry.expires_ms > time_ms_ + limits::entry_life_ms_max)
            return refused(
                "the entry expires more than a day ahead; sign it with an earlier expiry");
        if (map_.find(id_key(sealed.id)) != nullptr)
            return refused("the entry is on the log already");
        if (!entry.key.empty() && map_.find(unique_key(entry.key)) != nullptr)
            return refused("the log has an entry with the same key already");
        MerkleMap after = map_;
        Verdict verdict;
        if (entry.type == roster_entry)
            verdict = apply_roster(entry, after);
        else if (entry.type == cleared_net_entry)
            verdict = apply_cleared(entry, after);
        else if (!consensus::is_own_type(entry.type))
            return refused("the entry's type is unknown");
        if (verdict.admission != Admission::ready) return verdict;
        if (!entry.key.empty())
            after = after.with(unique_key(entry.key), to_bytes(sealed.id.view()));
        map_ = remember(std::move(after), sealed.id, entry.expires_ms);
        return verdict;
    }

    consensus::StatePtr finish() override {
        return std::make_shared<consensus::MapState>(std::move(map_));
    }

  private:
    Verdict apply_roster(const Entry& entry, MerkleMap& map) const {
        if (entry.author != genesis_.operator_key)
            return refused("only the operator may append a roster");
        const Result<Roster> roster = decode_roster(entry.body);
        if (!roster) return refused(roster.error().message);
        const std::uint64_t next = number(map, last_epoch_key()) + 1;
        if (roster->epoch < next)
            return refused("roster epoch " + std::to_string(roster->epoch) +
                           " is taken; the next is " + std::to_string(next));
        if (roster->epoch > next)
            return {Admission::later,
                    "roster epoch " + std::to_string(next) + " has to come first"};
        for (const RosterMember& member : roster->members)
            if (genesis_.role_of(member.key) != member.role)
                return refused("roster member " + short_hex(member.key.view()) +
                               " is not enrolled in that role");
        map = map.with(epoch_key(roster->epoch), entry.body);
        map = with_number(map, last_epoch_key(), roster->epoch);
        return {};
    }

    Verdict apply_cleared(const Entry& entry, const MerkleMap& map) {
        if (!members().index_of(entry.author))
            return refused("only a coordinator may append a cleared net");
        const Result<ClearedNet> cleared = decode_cleared_net(entry.body);
        if (!cleared) return refused(cleared.error().message);
        if (!roster_ || roster_->epoch != cleared->roster_epoch)
            roster_ = roster_in(map, cleared->roster_epoch);
        if (!roster_) {
            if (cleared->roster_epoch <= number(map, last_epoch_key()))
                return refused("roster epoch 0 does not exist");
            return {Admission::later, "the log does not hold roster epoch " +
                                          std::to_string(cleared->roster_epoch) + " yet"};
        }
        for (const ClearedMember& member : cleared->members) {
            const auto home = std::find_if(
                roster_->members.begin(), roster_->members.end(),
                [&](const RosterMember& candidate) { return candidate.key == member.key; });
            if (home == roster_->members.end() || home->role != Role::home ||
                home->net != cleared->net)
                return refused("member " + short_hex(member.key.view()) + " is not a home of net " +
                               std::to_string(cleared->net.value) + " in roster epoch " +
                               std::to_string(cleared->roster_epoch));
        }
        return {};
    }

    const consensus::ValidatorSet& members() {
        if (!members_) members_ = consensus::members(map_, genesis_.validators);
        return *members_;
    }

    const Genesis& genesis_;
    MerkleMap map_;
    UnixMs time_ms_;
    std::optional<Roster> roster_;  // the one last looked at
    std::optional<consensus::ValidatorSet> members_;
};
}  // namespace

Ledger::Ledger(Genesis genesis) : genesis_(std::move(genesis)), chain_(genesis_.chain_id()) {}

Result<void> Ledger::check(const Entry& entry) const {
    if (entry.type == roster_entry) {
        const Result<Roster> roster = decode_roster(entry.body);
        if (!roster) return roster.error();
        if (entry.key != roster_key(roster->epoch))
            return Error{"roster: the entry's key does not name its epoch"};
        std::set<PublicKey> keys;
        for (const RosterMember& member : roster->members) {
            if (!keys.insert(member.key).second)
                return Error{"roster: member " + short_hex(member.key.view()) + " is listed twice"};
            if (member.weight_milli == 0)
                return Error{"roster: member " + short_hex(member.key.view()) + " has no weight"};
        }
        return {};
    }
    if (entry.type == cleared_net_entry) {
        const Result<ClearedNet> cleared = decode_cleared_net(entry.body);
        if (!cleared) return cleared.error();
        if (entry.key != cleared_key(cleared->interval, cleared->net))
            return Error{"cleared net: the entry's key does not name its interval and net"};
        for (const ClearedMember& member : cleared->members) {
            const Bytes statement = clearing_statement(
                chain_, cleared->interval, cleared->opening, cleared->net, cleared->iteration,
                cleared->prices_micro_eur_per_kwh, member.commitment);
            if (!crypto::verify(member.key, statement, member.signature))
                return Error{"cleared net: member " + short_hex(member.key.view()) +
                             " did not sign this clearing"};
        }
        return {};
    }
    return Error{"entry type " + std::to_string(entry.type) + " is unknown to this version"};
}

consensus::StatePtr Ledger::initial() const {
    return std::make_shared<consensus::MapState>(
        with_number({}, time_key(), static_cast<std::uint64_t>(genesis_.time_ms / minute_ms)));
}

std::unique_ptr<consensus::Execution> Ledger::begin(const consensus::StatePtr& parent,
                                                    UnixMs time_ms) const {
    return std::make_unique<LedgerExecution>(genesis_, *parent->map(), time_ms);
}

bool Ledger::contains(const consensus::LedgerState& state, const EntryId& id) const {
    return state.map()->find(id_key(id)) != nullptr;
}

std::uint64_t roster_epoch(const consensus::LedgerState& state) {
    return number(*state.map(), last_epoch_key());
}

std::optional<Roster> roster(const consensus::LedgerState& state, std::uint64_t epoch) {
    return roster_in(*state.map(), epoch);
}

std::optional<EntryId> entry_with_key(const consensus::LedgerState& state, ByteView key) {
    const Bytes* id = state.map()->find(unique_key(key));
    if (id == nullptr) return std::nullopt;
    return EntryId::from(*id);
}

}  // namespace kilter::settlement
