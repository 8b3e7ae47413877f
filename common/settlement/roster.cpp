#include "common/settlement/roster.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace kilter::settlement {

namespace {

void write(ByteWriter& out, const RosterMember& member) {
    out.raw(member.key.view())
        .u8(static_cast<std::uint8_t>(member.role))
        .u32(member.net.value)
        .u32(member.weight_milli)
        .u16(static_cast<std::uint16_t>(member.endpoint.size()))
        .text(member.endpoint)
        .u8(static_cast<std::uint8_t>(member.feeder.size()))
        .text(member.feeder)
        .raw(member.service_point.view())
        .i64(member.valid_from_ms)
        .i64(member.valid_until_ms);
}

std::string read_text(ByteReader& in, std::size_t size) {
    const ByteView text = in.raw(size);
    return {text.begin(), text.end()};
}

Result<RosterMember> read_member(ByteReader& in) {
    RosterMember member;
    member.key = in.fixed<PublicKey>();
    const std::uint8_t role = in.u8();
    if (role < 1 || role > 3) return Error{"roster: a member has an unknown role"};
    member.role = static_cast<Role>(role);
    member.net.value = in.u32();
    member.weight_milli = in.u32();
    const std::size_t endpoint = in.u16();
    if (endpoint > limits::endpoint_bytes_max) return Error{"roster: an endpoint is too long"};
    member.endpoint = read_text(in, endpoint);
    const std::size_t feeder = in.u8();
    if (feeder > limits::feeder_name_bytes_max) return Error{"roster: a feeder's name is too long"};
    member.feeder = read_text(in, feeder);
    member.service_point = in.fixed<ServicePoint>();
    member.valid_from_ms = in.i64();
    member.valid_until_ms = in.i64();
    if (in.failed()) return Error{"roster: cut short"};
    return member;
}

Result<std::vector<RosterMember>> read_members(ByteReader& in) {
    const std::size_t count = in.u32();
    if (count > limits::roster_members_max) return Error{"roster: more members than the limit"};
    std::vector<RosterMember> out;
    for (std::size_t i = 0; i < count; ++i) {
        auto member = read_member(in);
        if (!member) return member.error();
        out.push_back(*std::move(member));
    }
    return out;
}

void write(ByteWriter& out, const std::vector<RosterMember>& members) {
    out.u32(static_cast<std::uint32_t>(members.size()));
    for (const RosterMember& member : members)
        write(out, member);
}

std::string named(const PublicKey& key) {
    return "member " + short_hex(key.view());
}

Result<void> check(const RosterMember& member) {
    const std::string name = "roster: " + named(member.key);
    if (member.weight_milli == 0) return Error{name + " has no weight"};
    if (member.valid_from_ms < 0 || member.valid_until_ms <= member.valid_from_ms)
        return Error{name + " has a certificate that ends before it begins"};
    if (member.role != Role::coordinator && member.service_point.is_zero())
        return Error{name + " has no service point"};
    if (!crypto::curve_key(member.key)) return Error{name + " has no valid Ed25519 key"};
    return {};
}

Result<void> check_service_points(const Roster& roster) {
    std::set<std::pair<Role, ServicePoint>> taken;
    for (const RosterMember& member : roster.members)
        if (member.role != Role::coordinator &&
            !taken.insert({member.role, member.service_point}).second)
            return Error{"roster: " + named(member.key) +
                         " is granted a service point that another " + name_of(member.role) +
                         " has: revoke that one, or give its certificate to this key (rekey)"};
    return {};
}

}  // namespace

const char* name_of(Role role) {
    switch (role) {
        case Role::coordinator:
            return "coordinator";
        case Role::home:
            return "home";
        case Role::meter:
            return "meter";
    }
    return "unknown";
}

Digest Roster::digest() const {
    return crypto::digest("roster", encode(*this));
}

const RosterMember* Roster::find(const PublicKey& key) const {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const RosterMember& member) { return member.key == key; });
    return found == members.end() ? nullptr : &*found;
}

Bytes encode(const RosterMember& member) {
    ByteWriter out;
    write(out, member);
    return std::move(out).bytes();
}

Bytes encode(const Roster& roster) {
    ByteWriter out;
    out.u64(roster.epoch);
    write(out, roster.members);
    return std::move(out).bytes();
}

Bytes encode(const RosterChange& change) {
    ByteWriter out;
    out.u64(change.epoch).u32(static_cast<std::uint32_t>(change.removals.size()));
    for (const Removal& removal : change.removals)
        out.raw(removal.key.view()).u8(removal.revoked ? 1 : 0);
    write(out, change.grants);
    out.raw(change.roster.view());
    return std::move(out).bytes();
}

Result<RosterMember> decode_member(ByteView bytes) {
    ByteReader in(bytes);
    auto member = read_member(in);
    if (member && !in.complete()) return Error{"roster: a member is followed by other bytes"};
    return member;
}

Result<Roster> decode_roster(ByteView bytes) {
    ByteReader in(bytes);
    Roster roster;
    roster.epoch = in.u64();
    auto members = read_members(in);
    if (!members) return members.error();
    roster.members = *std::move(members);
    if (!in.complete()) return Error{"roster: cut short or followed by other bytes"};
    return roster;
}

Result<RosterChange> decode_roster_change(ByteView bytes) {
    ByteReader in(bytes);
    RosterChange change;
    change.epoch = in.u64();
    const std::size_t removals = in.u32();
    for (std::size_t i = 0; i < removals && !in.failed(); ++i) {
        Removal removal;
        removal.key = in.fixed<PublicKey>();
        const std::uint8_t revoked = in.u8();
        if (revoked > 1) return Error{"roster change: a removal is of an unknown kind"};
        removal.revoked = revoked == 1;
        change.removals.push_back(removal);
    }
    auto grants = read_members(in);
    if (!grants) return grants.error();
    change.grants = *std::move(grants);
    change.roster = in.fixed<Digest>();
    if (!in.complete()) return Error{"roster change: cut short or followed by other bytes"};
    return change;
}

Result<void> check(const RosterChange& change) {
    if (change.removals.empty() && change.grants.empty())
        return Error{"roster change: it changes nothing"};
    std::set<PublicKey> keys;
    for (const Removal& removal : change.removals)
        if (!keys.insert(removal.key).second)
            return Error{"roster: " + named(removal.key) + " is listed twice"};
    for (const RosterMember& grant : change.grants) {
        if (!keys.insert(grant.key).second)
            return Error{"roster: " + named(grant.key) + " is listed twice"};
        if (auto checked = check(grant); !checked) return checked;
    }
    return {};
}

Result<Roster> apply(const Roster& before, const RosterChange& change) {
    if (change.epoch != before.epoch + 1)
        return Error{"roster epoch " + std::to_string(change.epoch) + " does not follow epoch " +
                     std::to_string(before.epoch)};
    Roster after = before;
    after.epoch = change.epoch;
    for (const Removal& removal : change.removals)
        if (std::erase_if(after.members, [&](const auto& m) { return m.key == removal.key; }) == 0)
            return Error{"roster: " + named(removal.key) + " is not on it, so it cannot leave"};
    for (const RosterMember& grant : change.grants) {
        const auto held = std::find_if(after.members.begin(), after.members.end(),
                                       [&](const auto& m) { return m.key == grant.key; });
        if (held == after.members.end())
            after.members.push_back(grant);
        else
            *held = grant;
    }
    if (after.members.size() > limits::roster_members_max ||
        encode(after).size() > limits::roster_bytes_max)
        return Error{"roster: more members than one roster may have"};
    if (auto distinct = check_service_points(after); !distinct) return distinct.error();
    return after;
}

Result<RosterChange> make_change(const Roster& before,
                                 std::vector<Removal> removals,
                                 std::vector<RosterMember> grants) {
    RosterChange change{before.epoch + 1, std::move(removals), std::move(grants), {}};
    if (auto checked = check(change); !checked) return checked.error();
    auto after = apply(before, change);
    if (!after) return after.error();
    change.roster = after->digest();
    if (encode(change).size() > limits::entry_body_bytes_max)
        return Error{"roster change: it is too large for one entry; make several"};
    return change;
}

std::vector<RosterChange> first_changes(const std::vector<RosterMember>& members) {
    std::vector<RosterChange> out;
    Roster roster;
    std::vector<RosterMember> batch;
    const std::size_t empty = encode(RosterChange{}).size();
    std::size_t size = empty;
    const auto close = [&] {
        RosterChange change{roster.epoch + 1, {}, std::exchange(batch, {}), {}};
        roster.epoch = change.epoch;
        roster.members.insert(roster.members.end(), change.grants.begin(), change.grants.end());
        change.roster = roster.digest();
        out.push_back(std::move(change));
        size = empty;
    };
    for (const RosterMember& member : members) {
        const std::size_t bytes = encode(member).size();
        if (size + bytes > limits::entry_body_bytes_max) close();
        size += bytes;
        batch.push_back(member);
    }
    if (!batch.empty()) close();
    return out;
}

}  // namespace kilter::settlement
