// What a session's followers are told: there and back, in pieces, and whatever bytes come.
#include "coordinator/core/journal.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"

namespace kilter::coordinator::journal_test {
namespace {

constexpr market::SessionId session{1'978'148, 5};

market::Parameters parameters() {
    market::Parameters out;
    out.horizon = 4;
    return out;
}

SessionStart start() {
    SessionStart out{3, {}, PartyId{2}, {}, market::WarmState::cold(2, 4, 0.01)};
    out.seats = {{NetId{0}, {{PartyId{2}, 0.5}, {PartyId{5}, 1}, {PartyId{6}, 10}}},
                 {NetId{7}, {{PartyId{2}, 1}, {PartyId{9}, 1}}}};
    out.start.y_eur_per_kw(1, 3) = 0.25;
    out.start.z_kw(0, 0) = -1.5;
    return out;
}

market::Journal journal() {
    market::Journal out;
    out.iteration = 12;
    out.nets = {{0x0102, {PartyId{5}, PartyId{6}}, {1, 2, UINT64_MAX}}, {0, {}, {7}}};
    out.stop = market::Notice{11, 5, 6, 11, market::Outcome::partial};
    return out;
}

TEST(Journal, AStartComesBack) {
    const SessionStart sent = start();
    const auto back = decode_start(encode(sent, parameters()), parameters());
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->roster_epoch, sent.roster_epoch);
    EXPECT_EQ(back->chair, sent.chair);
    ASSERT_EQ(back->seats.size(), 2U);
    EXPECT_EQ(back->seats[0].members, sent.seats[0].members);
    EXPECT_EQ(back->seats[1].net, sent.seats[1].net);
    EXPECT_EQ(back->start.y_eur_per_kw, sent.start.y_eur_per_kw);
    EXPECT_EQ(back->start.z_kw, sent.start.z_kw);
    EXPECT_EQ(back->start.rho_eur_per_kw2, 0.01);
}

TEST(Journal, AnIterationComesBack) {
    EXPECT_EQ(decode_journal(encode(journal()), 12), journal());
    market::Journal plain = journal();
    plain.stop.reset();
    EXPECT_EQ(decode_journal(encode(plain), 12), plain);
    market::Journal accelerated = plain;
    accelerated.memory = {1, 0, UINT64_MAX};
    EXPECT_EQ(decode_journal(encode(accelerated), 12), accelerated);
    accelerated.memory.resize(limits::journal_memory_max + 1);
    EXPECT_EQ(decode_journal(encode(accelerated), 12), std::nullopt);
}

TEST(Journal, WhatIsLongTravelsInPieces) {
    const Bytes whole(2 * limits::journal_bytes_max + 17, 0xAB);
    const auto pieces = pieces_of(session, 3, 9, whole);
    ASSERT_EQ(pieces.size(), 3U);
    PieceStack stack;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        ASSERT_TRUE(wire::check(pieces[i]).ok());
        const auto piece = decode_piece(std::get<wire::SessionJournal>(pieces[i]));
        ASSERT_TRUE(piece.has_value());
        EXPECT_EQ(piece->session, session);
        EXPECT_EQ(piece->generation, 3);
        const auto got = stack.add(*piece);
        EXPECT_EQ(got.has_value(), i + 1 == pieces.size());
        if (got) {
            EXPECT_EQ(*got, whole);
        }
    }
}

TEST(Journal, APieceThatIsMissingIsNotMadeUp) {
    const Bytes whole(2 * limits::journal_bytes_max + 17, 0xAB);
    const auto pieces = pieces_of(session, 0, 9, whole);
    PieceStack stack;
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}})
        EXPECT_FALSE(stack.add(*decode_piece(std::get<wire::SessionJournal>(pieces[i]))));
    EXPECT_TRUE(
        pieces_of(session, 0, 9, Bytes((journal_pieces_max + 1) * limits::journal_bytes_max, 0))
            .empty());
}

TEST(Journal, ACountWithoutRoomIsNotTakenForNone) {
    market::Journal none;
    Bytes bytes = encode(none);
    ASSERT_TRUE(decode_journal(bytes, 0));
    bytes.back() = 0xFF;  // nets
    EXPECT_FALSE(decode_journal(bytes, 0));
    bytes = encode(none);
    bytes.front() = 2;  // neither a stop nor none
    EXPECT_FALSE(decode_journal(bytes, 0));
}

TEST(Journal, AnyBytesAreSafe) {
    Prng prng(1);
    market::Journal accelerated = journal();
    accelerated.memory = {1, 2, 3};
    const Bytes good[] = {
        encode(start(), parameters()), encode(journal()), encode(accelerated),
        std::get<wire::SessionJournal>(pieces_of(session, 0, 1, Bytes(9))[0]).payload};
    for (int round = 0; round < 3'000; ++round) {
        Bytes bytes = good[prng.below(4)];
        if (prng.chance(0.3))
            bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(prng.below(bytes.size())),
                        bytes.end());
        for (std::size_t i = prng.below(4); i > 0 && !bytes.empty(); --i)
            bytes[prng.below(bytes.size())] = static_cast<std::uint8_t>(prng.below(256));
        if (const auto one = decode_start(bytes, parameters())) {
            EXPECT_TRUE(one->start.z_kw.allFinite());
            EXPECT_EQ(encode(*one, parameters()), bytes);
        }
        if (const auto one = decode_journal(bytes, 12)) {
            for (const auto& net : one->nets)
                EXPECT_TRUE(std::is_sorted(net.homes.begin(), net.homes.end()));
            EXPECT_LE(one->memory.size(), limits::journal_memory_max);
            EXPECT_EQ(encode(*one), bytes);
        }
        (void)decode_piece({bytes});
    }
}

}  // namespace
}  // namespace kilter::coordinator::journal_test
