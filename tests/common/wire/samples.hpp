/// The messages of tests/vectors/wire/accepted, as values.
#pragma once

#include <map>
#include <string>

#include "common/wire/messages.hpp"

namespace kilter::wire::samples {

inline constexpr std::uint64_t counter = 0x19A'0000'0000'0007;
inline constexpr market::SessionId session{1978321, 1};

template <class Fixed>
Fixed filled(std::uint8_t byte) {
    return Fixed::from(Bytes(Fixed::size, byte));
}

inline const auto digest = filled<crypto::Digest>(0xD1);
inline const auto signature = filled<crypto::Signature>(0x51);

inline SessionOpen session_open() {
    return {.session = session,
            .chair = {1},
            .net = {17},
            .members = {{{1}, 0.5}, {{7}, 1.0}, {{300}, 10.0}},
            .roster_epoch = 3,
            .parameters = digest,
            .rho_eur_per_kw2 = 0.0075,
            .terminals = 128,
            .start_dual_eur_per_kw = {0.05, -0.0, 1e-300},
            .opened_ms = 1'780'000'000'123,
            .signature = signature};
}

inline Share share() {
    return {session,
            {.net = {17},
             .from = {300},
             .iteration = 42,
             .attempt = 2,
             .members = {{1}, {7}, {300}},
             .words = {0, 1, ~std::uint64_t{0}},
             .notice = {}}};
}

inline Share share_chair() {
    return {session,
            {.net = {17},
             .from = {1},
             .iteration = 42,
             .attempt = 0,
             .members = {{1}, {7}},
             .words = {std::uint64_t{1} << 63, 5},
             .notice = market::Notice{41, std::uint64_t{1} << 40, std::uint64_t{1} << 63, 40,
                                      market::Outcome::partial}}};
}

/// By the vector's file name.
inline std::map<std::string, Message> all() {
    return {
        {"hello", Hello{digest, 3, 2}},
        {"refusal", Refusal{"unknown key: ask for enrolment.."}},
        {"certified_entry", CertifiedEntry{Bytes(100, 0xEE)}},
        {"session_open", session_open()},
        {"share", share()},
        {"share_chair", share_chair()},
        {"session_excluded", SessionExcluded{session, {17}}},
        {"clearing_share", ClearingShare{session, {17}, 71, digest, signature}},
        {"submit", Submit{Bytes{0x01}}},
        {"consensus", ConsensusMessage{Bytes(300, 0xAB)}},
        {"roster", RosterUpdate{Bytes(100, 0xEE), Bytes(200, 0xCC)}},
        {"rules", RulesUpdate{Bytes(300, 0xDD)}},
        {"session_journal", SessionJournal{Bytes(300, 0xEE)}},
        {"interim_open",
         InterimOpen{
             {1978324, 0x8000'0005}, {17}, {{7}, {300}}, session, 3, digest, 1'780'000'000'123}},
        {"interim_record", InterimRecord{Bytes(300, 0xEE)}},
        {"relayed", Relayed{filled<crypto::PublicKey>(0xA1), filled<crypto::PublicKey>(0xB2),
                            Bytes(300, 0xEE)}},
        {"presence", Presence{1'780'000'000'123}}};
}

}  // namespace kilter::wire::samples
