#include "common/settlement/ledger.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/consensus/block_execution.hpp"
#include "common/consensus/seen_ids.hpp"
#include "common/market/tolerance.hpp"
#include "common/settlement/correction_rules.hpp"
#include "common/settlement/docket_state.hpp"
#include "common/settlement/money_rules.hpp"

// The state is one MerkleMap:
//   "id", "due", "time"      -> consensus::SeenIds
//   "key" semantic key       -> entry id
//   "roster"                 -> the newest roster
//   "epoch"                  -> its epoch
//   "left"                   -> who left a net within leave_grace_ms before the newest change
//   "revoked" key            -> the epoch that revoked it
//   "revoked" "number" n     -> the n-th key revoked
//   "revoked" "count"        -> how many there are
//   "metered" service point  -> Metered (money_rules)
//   "neighbour" chain        -> the validators of another log's genesis (neighbour_rules)
//   "neighbour" chain epoch  -> the members of a later epoch of it, as an anchor has proved
//   "anchor" chain           -> its newest anchored head
//   "docket", "case" n       -> docket_state.hpp
namespace kilter::settlement {

namespace {
using consensus::Admission;
using consensus::Entry;
using consensus::SealedEntry;
using consensus::Verdict;
using crypto::MerkleMap;

constexpr std::int64_t minute_ms = 60'000;
constexpr UnixMs leave_grace_ms = 2 * minute_ms;

/// Somebody who is not a home of this net any more, since epoch `epoch`.
struct Leaver {
    PublicKey key;
    NetId net;
    std::uint64_t epoch = 0;
    UnixMs time_ms = 0;
};

Bytes unique_key(ByteView key) {
    return ByteWriter{}.text("key").raw(key).bytes();
}

std::optional<consensus::EntryId> entry_in(const MerkleMap& map, ByteView key) {
    const Bytes* id = map.find(unique_key(key));
    if (id == nullptr) return std::nullopt;
    return consensus::EntryId::from(*id);
}

Bytes newest_roster_key() {
    return ByteWriter{}.text("roster").bytes();
}

Bytes leavers_key() {
    return ByteWriter{}.text("left").bytes();
}

std::vector<Leaver> leavers_in(const MerkleMap& map) {
    std::vector<Leaver> out;
    const Bytes* bytes = map.find(leavers_key());
    if (bytes == nullptr) return out;
    for (ByteReader in(*bytes); in.left() > 0;) {
        Leaver leaver;
        leaver.key = in.fixed<PublicKey>();
        leaver.net.value = in.u32();
        leaver.epoch = in.u64();
        leaver.time_ms = in.i64();
        out.push_back(leaver);
    }
    return out;
}

/// What is kept under leavers_key() once `before` became `after`.
Bytes leavers_after(const MerkleMap& map,
                    const Roster& before,
                    const Roster& after,
                    UnixMs time_ms) {
    std::vector<Leaver> leavers = leavers_in(map);
    std::erase_if(leavers,
                  [&](const Leaver& one) { return time_ms > one.time_ms + leave_grace_ms; });
    for (const RosterMember& member : before.members) {
        const RosterMember* stays = after.find(member.key);
        if (member.role == Role::home && (stays == nullptr || stays->net != member.net))
            leavers.push_back({member.key, member.net, after.epoch, time_ms});
    }
    ByteWriter out;
    for (const Leaver& leaver : leavers)
        out.raw(leaver.key.view()).u32(leaver.net.value).u64(leaver.epoch).i64(leaver.time_ms);
    return std::move(out).bytes();
}

Bytes revoked_key(const PublicKey& key) {
    return ByteWriter{}.text("revoked").raw(key.view()).bytes();
}

Bytes revoked_number_key(std::uint64_t number) {
    return ByteWriter{}.text("revoked").text("number").u64(number).bytes();
}

Bytes revoked_count_key() {
    return ByteWriter{}.text("revoked").text("count").bytes();
}

Bytes last_epoch_key() {
    return ByteWriter{}.text("epoch").bytes();
}

std::uint64_t number(const MerkleMap& map, const Bytes& key) {
    const Bytes* value = map.find(key);
    return value == nullptr ? 0 : ByteReader(*value).u64();
}

void set_number(MerkleMap& map, const Bytes& key, std::uint64_t value) {
    map.set(key, ByteWriter{}.u64(value).bytes());
}

Verdict refused(std::string reason) {
    return {Admission::refused, std::move(reason)};
}

Roster roster_in(const MerkleMap& map) {
    const Bytes* body = map.find(newest_roster_key());
    if (body == nullptr) return {};
    Result<Roster> roster = decode_roster(*body);
    KILTER_CHECK(roster.ok(), "the ledger holds a malformed roster");
    return *std::move(roster);
}

}  // namespace

class DecodedRoster {
  public:
    std::shared_ptr<const Roster> in(const MerkleMap& map) {
        const Bytes* body = map.find(newest_roster_key());
        if (!roster_ || (body != nullptr ? *body : Bytes{}) != body_) {
            roster_ = std::make_shared<Roster>(roster_in(map));
            body_ = body != nullptr ? *body : Bytes{};
        }
        return roster_;
    }

  private:
    Bytes body_;
    std::shared_ptr<const Roster> roster_;  // of these bytes; null: of none yet
};

namespace {

void revoke(MerkleMap& map, const PublicKey& key, std::uint64_t epoch) {
    const std::uint64_t count = number(map, revoked_count_key());
    set_number(map, revoked_key(key), epoch);
    map.set(revoked_number_key(count), to_bytes(key.view()));
    set_number(map, revoked_count_key(), count + 1);
}

consensus::SeenForm form_in(std::uint32_t version) {
    return version >= 2 ? consensus::SeenForm::lists : consensus::SeenForm::pairs;
}

class LedgerExecution final : public consensus::Execution {
  public:
    LedgerExecution(const Genesis& genesis,
                    const ChainId& chain,
                    const consensus::LedgerState& parent,
                    governance::Place place,
                    DecodedRoster& decoded)
        : genesis_(genesis),
          chain_(chain),
          map_(*parent.map()),
          place_(place),
          time_ms_(place.time_ms),
          seen_(parent, place.time_ms),
          decoded_(decoded) {}

    Verdict apply(const SealedEntry& sealed) override {
        const Entry& entry = sealed.entry;
        if (Verdict verdict = seen_.judge(map_, sealed); verdict.admission != Admission::ready)
            return verdict;
        if (!entry.key.empty() && map_.find(unique_key(entry.key)) != nullptr)
            return refused("the log has an entry with the same key already");
        Verdict verdict;
        if (entry.type == roster_change_entry)
            verdict = apply_change(entry);
        else if (entry.type == cleared_net_entry)
            verdict = apply_cleared(entry);
        else if (entry.type == proposal_entry || entry.type == statement_entry)
            verdict = apply_governance(sealed);
        else if (entry.type == consensus::epoch_change_entry)
            verdict = judge_validators(entry);
        else if (concerns_neighbour(entry.type))
            verdict = apply_neighbour(entry, chain_, standing_of(entry.author), held_, time_ms_,
                                      version(), map_);
        else if (auto correction = judge_correction(
                     entry, newest_roster(), held_,
                     [this](std::uint32_t number) { return case_of(number); }, place_.height,
                     time_ms_, map_))
            verdict = *std::move(correction);
        else if (entry.type == tie_prices_entry)
            verdict = apply_tie_prices(entry);
        else if (auto money = apply_money(entry, newest_roster(), time_ms_, map_))
            verdict = *std::move(money);
        else if (!consensus::is_own_type(entry.type))
            return refused("the entry's type is unknown");
        if (verdict.admission != Admission::ready) return verdict;
        if (!entry.key.empty()) map_.set(unique_key(entry.key), to_bytes(sealed.id.view()));
        seen_.add(sealed);
        return verdict;
    }

    consensus::StatePtr finish() override {
        auto seen = seen_.finish(map_, form_of_ids());
        return std::make_shared<consensus::MapState>(std::move(map_), std::move(seen));
    }

  private:
    /// Changes the map iff it is ready.
    Verdict apply_change(const Entry& entry) {
        if (!standing_of(entry.author).operates)
            return refused("only the operator may change the roster");
        const Result<RosterChange> change = decode_roster_change(entry.body);
        if (!change) return refused(change.error().message);
        const std::uint64_t next = number(map_, last_epoch_key()) + 1;
        if (change->epoch < next)
            return refused("roster epoch " + std::to_string(change->epoch) +
                           " is taken; the next is " + std::to_string(next));
        if (change->epoch > next)
            return {Admission::later,
                    "roster epoch " + std::to_string(next) + " has to come first"};
        for (const RosterMember& grant : change->grants)
            if (map_.find(revoked_key(grant.key)) != nullptr)
                return refused(
                    "key " + short_hex(grant.key.view()) +
                    " was revoked and cannot be granted anything again: the home needs a "
                    "new key");
        const Roster before = newest_roster();
        Result<Roster> after = settlement::apply(before, *change);
        if (!after) return refused(after.error().message);
        if (after->digest() != change->roster)
            return refused(
                "the change does not lead to the roster it names: make it again from the newest "
                "roster");
        for (const RosterMember& member : after->members)
            if (!member.valid_at(time_ms_))
                return refused("the certificate of roster member " + short_hex(member.key.view()) +
                               (member.valid_from_ms > time_ms_
                                    ? " is not valid yet: grant it when it is"
                                    : " has expired: renew or remove it in the same change"));
        map_.set(leavers_key(), leavers_after(map_, before, *after, time_ms_));
        map_.set(newest_roster_key(), encode(*after));
        set_number(map_, last_epoch_key(), change->epoch);
        for (const Removal& removal : change->removals)
            if (removal.revoked) revoke(map_, removal.key, change->epoch);
        roster_ = std::make_shared<Roster>(*std::move(after));
        return {};
    }

    Verdict apply_cleared(const Entry& entry) {
        const Result<ClearedNet> cleared = decode_cleared_net(entry.body);
        if (!cleared) return refused(cleared.error().message);
        if (cleared->outcome == Outcome::interim) {
            if (Verdict verdict = judge_interim(entry.author, *cleared);
                verdict.admission != Admission::ready)
                return verdict;
        } else if (!members().index_of(entry.author)) {
            return refused("only a coordinator may append a cleared net");
        } else if (version() >= 3) {
            if (Verdict verdict = judge_feeder(entry.author, feeder_of(cleared->net));
                verdict.admission != Admission::ready)
                return verdict;
        }
        if (rules().stopped)
            return refused("the market is stopped by case " + std::to_string(*rules().stopped) +
                           " of the docket");
        if (cleared->roster_epoch == 0) return refused("roster epoch 0 does not exist");
        const Roster& roster = newest_roster();
        if (cleared->roster_epoch > roster.epoch)
            return {Admission::later, "the log does not hold roster epoch " +
                                          std::to_string(cleared->roster_epoch) + " yet"};
        for (const ClearedMember& member : cleared->members) {
            if (left_lately(member.key, *cleared)) continue;
            const RosterMember* home = roster.find(member.key);
            if (home == nullptr || home->role != Role::home || home->net != cleared->net)
                return refused("member " + short_hex(member.key.view()) + " is not a home of net " +
                               name_of(cleared->net) + " in roster epoch " +
                               std::to_string(roster.epoch));
            if (!home->valid_at(time_ms_))
                return refused("the certificate of member " + short_hex(member.key.view()) +
                               " is not valid at the block's time");
        }
        return {};
    }

    Verdict apply_tie_prices(const Entry& entry) {
        if (!members().index_of(entry.author))
            return refused("only a coordinator may append tie prices");
        const FeederNumber feeder = decode_tie_prices(entry.body)->feeder;
        if (version() >= 3) return judge_feeder(entry.author, feeder);
        if (feeder == 0) return {};
        return refused(
            "several feeders on one log need version 3 of the rule 'ledger': once all coordinators "
            "run a program that knows it, 'kilter rules propose --rule ledger=3'");
    }

    /// Whether this coordinator speaks for the feeder. One without a certificate speaks for feeder 0.
    Verdict judge_feeder(const PublicKey& author, FeederNumber feeder) {
        const RosterMember* member = newest_roster().find(author);
        if ((member == nullptr ? 0 : feeder_of(member->net)) == feeder) return {};
        return refused("coordinator " + short_hex(author.view()) +
                       " has no certificate for feeder " + std::to_string(feeder));
    }

    /// What an interim record needs beside what every cleared net does.
    Verdict judge_interim(const PublicKey& author, const ClearedNet& record) {
        if (form_of_ids() != consensus::SeenForm::lists)
            return refused(
                "records of homes alone need version 2 of the rule 'ledger': once all coordinators "
                "run a program that knows it, 'kilter rules propose --rule ledger=2'");
        if (std::none_of(record.members.begin(), record.members.end(),
                         [&](const ClearedMember& member) { return member.key == author; }))
            return refused("only a member of an interim record may append it");
        const auto parameters = market::Parameters::decode(rules().market_parameters);
        if (!parameters) return refused(parameters.error().message);
        const auto homes =
            std::count_if(newest_roster().members.begin(), newest_roster().members.end(),
                          [&](const auto& member) {
                              return member.role == Role::home && member.net == record.net;
                          });
        if (2 * static_cast<std::int64_t>(record.members.size()) <= homes)
            return refused("an interim record needs more than half of the net's " +
                           std::to_string(homes) + " homes");
        if (record.interval - record.base >= IntervalIndex{parameters->horizon})
            return refused("the horizon of interval " + std::to_string(record.base) +
                           " does not reach interval " + std::to_string(record.interval));
        if (record.residual_milliwatt > market::primal_tolerance_milliwatt(*parameters))
            return refused("its homes miss the sum they had to keep by more than the tolerance");
        if (interval_start(record.interval, parameters->interval_s) > time_ms_)
            return {Admission::later, "an interim record's interval has to begin first"};
        if (!entry_in(map_, cleared_key(record.base, record.net)))
            return {Admission::later, "the log has no record of interval " +
                                          std::to_string(record.base) + " and this net yet"};
        return {};
    }

    /// Changes the map iff it is ready.
    Verdict apply_governance(const SealedEntry& sealed) {
        if (auto moved =
                move_docket(map_, genesis_, sealed, offices_of(sealed.entry.author), place_);
            !moved)
            return refused(moved.error().message);
        rules_.reset();
        return {};
    }

    // The log's own rules have judged the rest of it.
    Verdict judge_validators(const Entry& entry) {
        if (rules().constitution.find(governance::Subject::validators) == nullptr) return {};
        const auto change = consensus::decode_epoch_change(entry.body);
        if (change && rules().validators == change->next.hash()) return {};
        return refused(
            "the docket has not decided on this set of validators: propose it first with 'kilter "
            "rules propose --validators'");
    }

    /// Of the rule "ledger": what holds for this block, not what its own entries have decided on.
    std::uint32_t version() {
        return ledger_version(map_.find(docket_key()) == nullptr ? genesis_.versions
                                                                 : rules().versions);
    }

    consensus::SeenForm form_of_ids() {
        if (consensus::seen_form(map_) == consensus::SeenForm::lists)
            return consensus::SeenForm::lists;
        return form_in(version());
    }

    const governance::Rules& rules() {
        if (!rules_) rules_ = docket_in(map_, genesis_).rules_at(place_.height);
        return *rules_;
    }

    governance::Offices offices_of(const PublicKey& key) {
        governance::Offices out = rules().constitution.held_by(key);
        const RosterMember* member = newest_roster().find(key);
        if (member != nullptr && member->role == Role::home && member->valid_at(time_ms_))
            out.add(governance::Office::home);
        return out;
    }

    Standing standing_of(const PublicKey& key) {
        const governance::Offices offices = offices_of(key);
        const governance::Power* power = rules().constitution.find(governance::Subject::roster);
        const RosterMember* member = newest_roster().find(key);
        return {power != nullptr && offices.meets(power->propose),
                members().index_of(key).has_value(),
                !offices.empty() || (member != nullptr && member->valid_at(time_ms_))};
    }

    [[nodiscard]] std::optional<governance::Case> case_of(std::uint32_t number) const {
        const governance::Docket docket = docket_in(map_, genesis_);
        for (const governance::Case& one : docket.live())
            if (one.number == number) return one;
        return closed_case(map_, number);
    }

    // Its session began before it left, and could not know.
    [[nodiscard]] bool left_lately(const PublicKey& key, const ClearedNet& cleared) const {
        const std::vector<Leaver> leavers = leavers_in(map_);
        return std::any_of(leavers.begin(), leavers.end(), [&](const Leaver& leaver) {
            return leaver.key == key && leaver.net == cleared.net &&
                   cleared.roster_epoch < leaver.epoch &&
                   time_ms_ <= leaver.time_ms + leave_grace_ms;
        });
    }

    const Roster& newest_roster() {
        if (!roster_ || roster_->epoch != number(map_, last_epoch_key()))
            roster_ = decoded_.in(map_);
        return *roster_;
    }

    const consensus::ValidatorSet& members() {
        if (!members_) members_ = consensus::members(map_, genesis_.validators);
        return *members_;
    }

    const Genesis& genesis_;
    const ChainId& chain_;
    MerkleMap map_;
    governance::Place place_;
    UnixMs time_ms_;
    consensus::SeenIds seen_;
    EntryOfKey held_ = [this](const Bytes& key) { return entry_in(map_, key); };
    std::optional<governance::Rules> rules_;  // at this place, once looked at
    DecodedRoster& decoded_;
    std::shared_ptr<const Roster> roster_;  // the newest, once looked at
    std::optional<consensus::ValidatorSet> members_;
};
}  // namespace

Ledger::Ledger(Genesis genesis, governance::KnownRules known)
    : genesis_(std::move(genesis)),
      chain_(genesis_.chain_id()),
      known_(std::move(known)),
      roster_(std::make_shared<DecodedRoster>()) {}

Result<void> Ledger::check(const Entry& entry) const {
    if (entry.type == roster_change_entry) {
        const Result<RosterChange> change = decode_roster_change(entry.body);
        if (!change) return change.error();
        if (entry.key != roster_key(change->epoch))
            return Error{"roster: the entry's key does not name its epoch"};
        return settlement::check(*change);
    }
    if (entry.type == cleared_net_entry) {
        const Result<ClearedNet> cleared = decode_cleared_net(entry.body);
        if (!cleared) return cleared.error();
        if (entry.key != cleared_key(cleared->interval, cleared->net))
            return Error{"cleared net: the entry's key does not name its interval and net"};
        if (cleared->outcome == Outcome::interim &&
            (cleared->base < 0 || cleared->base >= cleared->interval))
            return Error{"cleared net: an interim record follows an earlier one"};
        for (const ClearedMember& member : cleared->members) {
            if (!crypto::verify(member.key, statement_of(chain_, *cleared, member.commitment),
                                member.signature))
                return Error{"cleared net: member " + short_hex(member.key.view()) +
                             " did not sign this clearing"};
        }
        return {};
    }
    if (auto neighbour = check_neighbour(entry)) return *std::move(neighbour);
    if (auto correction = check_correction(entry)) return *std::move(correction);
    if (auto money = check_money(entry)) return *std::move(money);
    if (entry.type == proposal_entry || entry.type == statement_entry)
        return check_governance(entry);
    return Error{"entry type " + std::to_string(entry.type) + " is unknown to this version"};
}

consensus::StatePtr Ledger::initial() const {
    return consensus::state_without_ids(genesis_.time_ms,
                                        form_in(ledger_version(genesis_.versions)));
}

std::unique_ptr<consensus::Execution> Ledger::begin(const consensus::StatePtr& parent,
                                                    consensus::Height height,
                                                    UnixMs time_ms) const {
    return std::make_unique<LedgerExecution>(genesis_, chain_, *parent,
                                             governance::Place{height, time_ms}, *roster_);
}

Result<void> Ledger::understands(const consensus::LedgerState& parent,
                                 consensus::Height height) const {
    if (parent.map()->find(docket_key()) == nullptr && genesis_.versions.empty()) return {};
    return governance::understood(docket_in(*parent.map(), genesis_), height, known_);
}

bool Ledger::contains(const consensus::LedgerState& state, const consensus::EntryId& id) const {
    return consensus::seen(state, id);
}

Roster roster(const consensus::LedgerState& state) {
    return roster_in(*state.map());
}

std::uint64_t roster_epoch(const consensus::LedgerState& state) {
    return number(*state.map(), last_epoch_key());
}

governance::Docket docket(const consensus::LedgerState& state, const Genesis& genesis) {
    return docket_in(*state.map(), genesis);
}

std::vector<governance::Case> cases(const consensus::LedgerState& state, const Genesis& genesis) {
    const governance::Docket newest = docket_in(*state.map(), genesis);
    std::vector<governance::Case> out;
    auto live = newest.live().begin();
    for (std::uint32_t number = 1; number <= newest.cases(); ++number) {
        if (auto closed = closed_case(*state.map(), number))
            out.push_back(*std::move(closed));
        else if (live != newest.live().end())
            out.push_back(*live++);
    }
    return out;
}

std::vector<PublicKey> revoked_keys(const consensus::LedgerState& state) {
    const MerkleMap& map = *state.map();
    std::vector<PublicKey> out;
    const std::uint64_t count = number(map, revoked_count_key());
    for (std::uint64_t i = 0; i < count; ++i)
        out.push_back(PublicKey::from(*map.find(revoked_number_key(i))));
    return out;
}

std::optional<consensus::EntryId> entry_with_key(const consensus::LedgerState& state,
                                                 ByteView key) {
    return entry_in(*state.map(), key);
}

}  // namespace kilter::settlement
