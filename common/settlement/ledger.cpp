#include "common/settlement/ledger.hpp"

#include <algorithm>
#include <set>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/consensus/block_execution.hpp"
#include "common/consensus/seen_ids.hpp"

// The state is one MerkleMap:
//   "id", "due", "time"      -> consensus::SeenIds
//   "key" semantic key       -> entry id
//   "roster" epoch           -> the roster's body
//   "epoch"                  -> the last roster's epoch
namespace kilter::settlement {

namespace {
using consensus::Admission;
using consensus::Entry;
using consensus::SealedEntry;
using consensus::Verdict;
using crypto::MerkleMap;

Bytes unique_key(ByteView key) {
    return ByteWriter{}.text("key").raw(key).bytes();
}

Bytes epoch_key(std::uint64_t epoch) {
    return ByteWriter{}.text("roster").u64(epoch).bytes();
}

Bytes last_epoch_key() {
    return ByteWriter{}.text("epoch").bytes();
}

std::uint64_t number(const MerkleMap& map, const Bytes& key) {
    const Bytes* value = map.find(key);
    return value == nullptr ? 0 : ByteReader(*value).u64();
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

class LedgerExecution final : public consensus::Execution {
  public:
    LedgerExecution(const Genesis& genesis, MerkleMap map, UnixMs time_ms)
        : genesis_(genesis), map_(std::move(map)), seen_(time_ms) {}

    Verdict apply(const SealedEntry& sealed) override {
        const Entry& entry = sealed.entry;
        if (Verdict verdict = seen_.judge(map_, sealed); verdict.admission != Admission::ready)
            return verdict;
        if (!entry.key.empty() && map_.find(unique_key(entry.key)) != nullptr)
            return refused("the log has an entry with the same key already");
        Verdict verdict;
        if (entry.type == roster_entry)
            verdict = apply_roster(entry);
        else if (entry.type == cleared_net_entry)
            verdict = apply_cleared(entry);
        else if (!consensus::is_own_type(entry.type))
            return refused("the entry's type is unknown");
        if (verdict.admission != Admission::ready) return verdict;
        if (!entry.key.empty()) map_.set(unique_key(entry.key), to_bytes(sealed.id.view()));
        seen_.add(sealed);
        return verdict;
    }

    consensus::StatePtr finish() override {
        seen_.finish(map_);
        return std::make_shared<consensus::MapState>(std::move(map_));
    }

  private:
    /// Changes the map iff it is ready.
    Verdict apply_roster(const Entry& entry) {
        if (entry.author != genesis_.operator_key)
            return refused("only the operator may append a roster");
        const Result<Roster> roster = decode_roster(entry.body);
        if (!roster) return refused(roster.error().message);
        const std::uint64_t next = number(map_, last_epoch_key()) + 1;
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
        map_.set(epoch_key(roster->epoch), entry.body);
        map_.set(last_epoch_key(), ByteWriter{}.u64(roster->epoch).bytes());
        return {};
    }

    Verdict apply_cleared(const Entry& entry) {
        if (!members().index_of(entry.author))
            return refused("only a coordinator may append a cleared net");
        const Result<ClearedNet> cleared = decode_cleared_net(entry.body);
        if (!cleared) return refused(cleared.error().message);
        if (!roster_ || roster_->epoch != cleared->roster_epoch)
            roster_ = roster_in(map_, cleared->roster_epoch);
        if (!roster_) {
            if (cleared->roster_epoch <= number(map_, last_epoch_key()))
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
    consensus::SeenIds seen_;
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
    return std::make_shared<consensus::MapState>(consensus::nothing_seen(genesis_.time_ms));
}

std::unique_ptr<consensus::Execution> Ledger::begin(const consensus::StatePtr& parent,
                                                    UnixMs time_ms) const {
    return std::make_unique<LedgerExecution>(genesis_, *parent->map(), time_ms);
}

bool Ledger::contains(const consensus::LedgerState& state, const consensus::EntryId& id) const {
    return consensus::seen(*state.map(), id);
}

std::uint64_t roster_epoch(const consensus::LedgerState& state) {
    return number(*state.map(), last_epoch_key());
}

std::optional<Roster> roster(const consensus::LedgerState& state, std::uint64_t epoch) {
    return roster_in(*state.map(), epoch);
}

std::optional<consensus::EntryId> entry_with_key(const consensus::LedgerState& state,
                                                 ByteView key) {
    const Bytes* id = state.map()->find(unique_key(key));
    if (id == nullptr) return std::nullopt;
    return consensus::EntryId::from(*id);
}

}  // namespace kilter::settlement
