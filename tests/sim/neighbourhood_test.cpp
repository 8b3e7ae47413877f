// Gateways, feeder host and log together: what a session leaves behind, and what it survives.

#include <cmath>
#include <span>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"
#include "common/market/step.hpp"
#include "tests/sim/fixture.hpp"

namespace kilter::sim::neighbourhood_test {
namespace {

TEST_F(Neighbourhood, clears_records_and_dispatches_every_interval_as_in_one_process) {
    ASSERT_TRUE(finish());
    expect_prices_of_one_process();
    EXPECT_EQ(world.records.size(), intervals * neighbourhood.network.nets.size());
    for (const auto& report : world.reports) {
        EXPECT_EQ(report.outcome, market::Outcome::converged);
        EXPECT_EQ(report.homes, world.homes.size());
        ASSERT_TRUE(report.certificate.has_value()) << report.uncertified;
        EXPECT_GE(report.certificate->homes_regret_eur, 0);
        EXPECT_LT(report.certificate->gap_eur(), 0.5);
    }
    for (const Home& home : world.homes) {
        ASSERT_EQ(home.setpoints.size(), intervals);
        for (std::uint32_t i = 0; i < intervals; ++i)
            EXPECT_EQ(home.setpoints[i].interval, first / 4 + i);
    }
}

// But for a home that asks for its last record four times in vain: it joins the next session as if that had come to nothing
// (once in 300 seeds).
TEST_F(Neighbourhood, lost_messages_cost_time_and_change_nothing) {
    Prng chance(1);
    world.loses = [&](const Letter&) { return chance.chance(0.1); };
    ASSERT_TRUE(finish());
    expect_prices_of_one_process();
    for (const auto& report : world.reports)
        EXPECT_NE(report.certificate.has_value(), !report.uncertified.empty());
}

TEST_F(Neighbourhood, a_silent_home_is_left_out_and_comes_back) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    const auto key = world.homes[4].identity.public_key();
    world.switch_off(4);
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 2; }, 600'000));
    EXPECT_EQ(world.reports[1].excluded, 1U);
    EXPECT_EQ(world.reports[1].homes, world.homes.size() - 1);
    world.switch_on(4);
    ASSERT_TRUE(finish());
    for (const auto& record : world.records) {
        const bool named = std::any_of(record.members.begin(), record.members.end(),
                                       [&](const auto& member) { return member.key == key; });
        const bool own_net = record.net == neighbourhood.homes[4].net;
        EXPECT_EQ(named, own_net && record.interval != first / 4 + 1)
            << "interval " << record.interval;
    }
}

TEST_F(Neighbourhood, an_absent_home_is_waited_for_once) {
    world.switch_off(4);
    const UnixMs started = world.now;
    ASSERT_TRUE(finish());
    EXPECT_EQ(world.reports.back().homes, world.homes.size() - 1);
    const UnixMs gathering_ms = coordinator::Pace{}.gather_ms;
    EXPECT_GE(world.now - started, gathering_ms);
    EXPECT_LT(world.now - started, 2 * gathering_ms);
}

TEST_F(Neighbourhood, a_gateway_that_crashed_goes_on_from_its_memory) {
    ASSERT_TRUE(world.run(
        [&] { return world.reports.size() == 1 && world.all_certified(first / 4); }, 600'000));
    world.switch_off(0);
    world.switch_on(0);
    ASSERT_TRUE(finish());
    expect_prices_of_one_process();
}

TEST_F(Neighbourhood, no_word_on_the_wire_is_a_schedule) {
    ASSERT_TRUE(finish());
    // Bytes of all words but the chair's prices, per member and position: uniform, so no member's messages say anything alone.
    std::array<std::uint64_t, 256> histogram{};
    std::uint64_t bytes = 0;
    for (const Letter& letter : world.traffic)
        if (const auto* share = std::get_if<wire::Share>(&letter.message))
            for (const std::uint64_t word :
                 std::span(share->share.words)
                     .first(std::min(share->share.words.size(),
                                     market::words_per_message(parameters()))))
                for (int i = 0; i < 8; ++i, ++bytes)
                    ++histogram[(word >> (8 * i)) & 255];
    ASSERT_GT(bytes, 500'000U);
    double chi_square = 0;
    const double expected = static_cast<double>(bytes) / 256;
    for (const std::uint64_t count : histogram)
        chi_square += (static_cast<double>(count) - expected) *
                      (static_cast<double>(count) - expected) / expected;
    // 255 degrees of freedom. The same share goes to three members, which triples the spread: 3 (255 ± 7 sqrt(510)).
    EXPECT_LT(chi_square, 3 * (255 + 7 * std::sqrt(510.0)));
}

// ---- attacks -----------------------------------------------------------------------------------------------------

TEST_F(Neighbourhood, an_opening_with_a_wrong_signature_is_not_joined) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    std::optional<wire::SessionOpen> seen;
    for (const Letter& letter : world.traffic)
        if (const auto* open = std::get_if<wire::SessionOpen>(&letter.message);
            open != nullptr && open->net.value == 0)
            seen = *open;
    ASSERT_TRUE(seen);
    seen->session.interval += 100;
    const auto victim = std::find_if(neighbourhood.homes.begin(), neighbourhood.homes.end(),
                                     [](const auto& home) { return home.net.value == 0; }) -
                        neighbourhood.homes.begin();
    world.send({world.coordinator.public_key(),
                world.homes[static_cast<std::size_t>(victim)].identity.public_key(), *seen});
    ASSERT_TRUE(finish());
    EXPECT_TRUE(told(static_cast<std::size_t>(victim), "its signature is wrong"));
    expect_prices_of_one_process();
}

TEST_F(Neighbourhood, a_home_that_opens_a_session_is_not_followed) {
    ASSERT_TRUE(world.run([&] { return world.reports.size() == 1; }, 600'000));
    wire::SessionOpen open;
    for (const Letter& letter : world.traffic)
        if (const auto* seen = std::get_if<wire::SessionOpen>(&letter.message);
            seen != nullptr && seen->net.value == 0)
            open = *seen;
    open.session.interval += 1;
    const auto chain = crypto::Digest::from(world.genesis.chain_id().view());
    open.signature = world.homes[1].identity.sign(wire::signing_bytes(open, chain));
    for (std::size_t i = 0; i < world.homes.size(); ++i)
        if (i != 1 && neighbourhood.homes[i].net == open.net)
            world.send(
                {world.homes[1].identity.public_key(), world.homes[i].identity.public_key(), open});
    ASSERT_TRUE(finish());
    EXPECT_TRUE(told(0, "its sender is no coordinator") || told(2, "its sender is no coordinator"));
    expect_prices_of_one_process();
}

TEST_F(Neighbourhood, a_record_without_a_valid_proof_moves_no_device) {
    bool spoilt = false;
    world.loses = [&](const Letter& letter) {
        const auto* proof = std::get_if<wire::CertifiedEntry>(&letter.message);
        const auto receipt = proof != nullptr ? consensus::decode_receipt(proof->receipt)
                                              : Result<consensus::Receipt>(Error{});
        if (spoilt || !receipt || receipt->entry.type != settlement::cleared_net_entry)
            return false;
        spoilt = true;
        wire::CertifiedEntry forged = *proof;
        consensus::Receipt changed = *receipt;
        changed.entry.body[changed.entry.body.size() / 2] ^= 1;
        forged.receipt = consensus::encode(changed);
        world.send({letter.from, letter.to, forged});
        return true;  // the true one is lost
    };
    ASSERT_TRUE(finish());
    std::size_t warned = 0;
    for (std::size_t i = 0; i < world.homes.size(); ++i) {
        warned += told(i, "without a valid proof") ? 1U : 0U;
        EXPECT_EQ(world.homes[i].setpoints.size(), intervals);
    }
    EXPECT_EQ(warned, 1U);
}

// Each coordinator shows the record of a session: what has been proved is not proved again, what differs from it is.
TEST_F(Neighbourhood, one_proof_of_a_record_is_enough) {
    std::optional<Letter> newest;
    world.loses = [&](const Letter& letter) {
        if (letter.to == world.homes[0].identity.public_key() &&
            std::holds_alternative<wire::CertifiedEntry>(letter.message))
            newest = letter;
        return false;
    };
    ASSERT_TRUE(finish());
    ASSERT_TRUE(newest.has_value());
    const auto receipt =
        consensus::decode_receipt(std::get<wire::CertifiedEntry>(newest->message).receipt);
    ASSERT_TRUE(receipt.ok());
    const auto show = [&](const consensus::Receipt& shown) {
        world.send({newest->from, newest->to, wire::CertifiedEntry{consensus::encode(shown)}});
        world.run([] { return false; }, 0);
    };
    consensus::Receipt proved = *receipt;
    proved.certificate.signatures.front().bytes[0] ^= 1;
    show(proved);
    EXPECT_FALSE(told(0, "without a valid proof"));
    consensus::Receipt of_another_block = proved;
    ++of_another_block.header.view;
    show(of_another_block);
    EXPECT_TRUE(told(0, "without a valid proof"));
    world.homes[0].events.clear();
    consensus::Receipt of_another_entry = *receipt;
    of_another_entry.entry.signature.bytes[0] ^= 1;
    show(of_another_entry);
    EXPECT_TRUE(told(0, "without a valid proof"));
}

// A log that is slow is not made slower by those who wait for it.
TEST_F(Neighbourhood, what_is_not_on_the_log_is_handed_in_again_later_and_later) {
    std::vector<UnixMs> handed_in;
    world.loses = [&](const Letter& letter) {
        if (letter.from == world.homes[0].identity.public_key() &&
            std::holds_alternative<wire::Submit>(letter.message))
            handed_in.push_back(world.now);
        return false;
    };
    ASSERT_TRUE(world.run([&] { return handed_in.size() == 5; }, 600'000));
    std::vector<UnixMs> apart;
    for (std::size_t i = 1; i < handed_in.size(); ++i)
        apart.push_back(handed_in[i] - handed_in[i - 1]);
    EXPECT_EQ(apart, (std::vector<UnixMs>{3'000, 6'000, 12'000, 12'000}));
}

TEST_F(Neighbourhood, a_share_in_anothers_name_is_ignored) {
    world.loses = [&](const Letter& letter) {
        const auto* share = std::get_if<wire::Share>(&letter.message);
        if (share != nullptr && letter.from == world.homes[0].identity.public_key() &&
            share->share.iteration == 3) {
            wire::Share forged = *share;
            forged.share.words.front() += 1;
            // Home 1 says it in home 0's name; the transport knows who it was.
            world.send({world.homes[1].identity.public_key(), letter.to, forged});
        }
        return false;
    };
    ASSERT_TRUE(finish());
    expect_prices_of_one_process();
}

}  // namespace
}  // namespace kilter::sim::neighbourhood_test
