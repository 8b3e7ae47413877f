// A small genesis with coordinators, homes and an operator whose keys are known, and entries signed by them.
#pragma once

#include <algorithm>

#include "common/settlement/ledger.hpp"

namespace kilter::settlement {

inline constexpr UnixMs start_ms = 1'700'000'000'000;

inline crypto::Identity party(std::uint8_t kind, std::uint8_t number) {
    crypto::Seed seed;
    seed.bytes[0] = kind;
    seed.bytes[1] = number;
    return crypto::Identity::from_seed(seed);
}

inline crypto::Identity coordinator(std::uint8_t number) {
    return party(1, number);
}

inline crypto::Identity home(std::uint8_t number) {
    return party(2, number);
}

inline crypto::Identity grid_operator() {
    return party(3, 0);
}

/// Homes 0 to 5; home i is on net i / 3.
inline Genesis neighbourhood(std::uint8_t coordinators = 4) {
    crypto::initialise();
    Genesis genesis;
    genesis.time_ms = start_ms;
    genesis.operator_key = grid_operator().public_key();
    for (std::uint8_t i = 0; i < coordinators; ++i) {
        const PublicKey key = coordinator(i).public_key();
        genesis.validators.validators.push_back(
            {key, "tcp://127.0.0.1:" + std::to_string(7100 + i)});
    }
    genesis.market_parameters = {1, 2, 3};
    return genesis;
}

/// Home `number`'s, valid for the log's first year.
inline RosterMember certificate(std::uint8_t number, NetId net) {
    RosterMember out{home(number).public_key(), Role::home, net, 1'000, ""};
    out.feeder = "street";
    out.service_point.bytes[0] = static_cast<std::uint8_t>(number + 1);
    out.valid_from_ms = start_ms;
    out.valid_until_ms = start_ms + std::int64_t{365} * 86'400'000;
    return out;
}

inline Roster first_roster() {
    Roster roster{1, {}};
    for (std::uint8_t i = 0; i < 6; ++i)
        roster.members.push_back(certificate(i, NetId{i / 3u}));
    roster.members.push_back(
        {coordinator(0).public_key(), Role::coordinator, NetId{0}, 333, "tcp://x"});
    return roster;
}

/// From nobody to first_roster().
inline RosterChange first_change() {
    return first_changes(first_roster().members).front();
}

inline ClearedNet cleared_of(const ChainId& chain, IntervalIndex interval, std::uint32_t net) {
    ClearedNet cleared;
    cleared.interval = interval;
    cleared.net = NetId{net};
    cleared.roster_epoch = 1;
    cleared.outcome = Outcome::converged;
    cleared.iteration = 57;
    cleared.residual_milliwatt = 12;
    cleared.prices_micro_eur_per_kwh = {210'000, -4'000, 180'000};
    for (std::uint8_t i = 0; i < 3; ++i) {
        const crypto::Identity who = home(static_cast<std::uint8_t>(3 * net + i));
        ClearedMember member;
        member.key = who.public_key();
        member.commitment.bytes[0] = i;
        member.signature =
            who.sign(clearing_statement(chain, interval, 0, cleared.net, 57,
                                        cleared.prices_micro_eur_per_kwh, member.commitment));
        cleared.members.push_back(member);
    }
    std::sort(cleared.members.begin(), cleared.members.end(),
              [](const ClearedMember& a, const ClearedMember& b) { return a.key < b.key; });
    return cleared;
}

/// check() and apply() of an entry as a replica does, in a block of its own. One that is taken moves the state on.
inline consensus::Verdict execute_alone(const Ledger& ledger,
                                        consensus::StatePtr& state,
                                        consensus::Height height,
                                        UnixMs time_ms,
                                        const consensus::EntryPtr& entry) {
    if (auto content = ledger.check(entry->entry); !content)
        return {consensus::Admission::refused, content.error().message};
    const auto execution = ledger.begin(state, height, time_ms);
    consensus::Verdict verdict = execution->apply(*entry);
    if (verdict.admission == consensus::Admission::ready) state = execution->finish();
    return verdict;
}

}  // namespace kilter::settlement
