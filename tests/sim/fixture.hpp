/// A small feeder with a dozen homes and what its tests ask of it again and again.
#pragma once

#include <algorithm>
#include <iostream>
#include <tuple>

#include <gtest/gtest.h>

#include "common/topology/generated.hpp"
#include "tests/sim/virtual_neighbourhood.hpp"

namespace kilter::sim {

inline constexpr IntervalIndex first = 1'978'152;
inline constexpr std::uint32_t horizon = 24;
inline constexpr std::uint32_t intervals = 3;

inline market::Parameters parameters() {
    market::Parameters out;
    out.interval_s = 3600;
    out.horizon = horizon;
    out.rho_eur_per_kw2 = 0.03;
    return out;
}

inline planner::Neighbourhood small_feeder(std::uint64_t seed = 1) {
    topology::FeederOptions options;
    options.buses = 5;
    options.homes_per_net = 3;
    auto generated = topology::generate_feeder(options, seed, topology::generated_profiles(seed));
    // Hourly series, so that a day is a short horizon.
    const auto hourly = [](std::vector<double>& series) {
        std::vector<double> out;
        for (std::size_t i = 0; i + 3 < series.size(); i += 4)
            out.push_back((series[i] + series[i + 1] + series[i + 2] + series[i + 3]) / 4);
        series = out;
    };
    for (auto& home : generated.homes) {
        home.interval_s = 3600;
        hourly(home.load_kw);
        hourly(home.pv_kw);
    }
    hourly(generated.network.daily_shape);
    hourly(generated.network.tie.price_eur_per_kwh);
    return {generated.network, generated.homes};
}

inline coordinator::Pace pace() {
    coordinator::Pace out;
    out.follow_clock = false;
    out.first_interval = first / 4;
    out.intervals = intervals;
    return out;
}

struct Neighbourhood : testing::Test {
    explicit Neighbourhood(const market::Parameters& agreed = parameters())
        : world(neighbourhood, agreed, pace()) {}

    planner::Neighbourhood neighbourhood = small_feeder();
    VirtualNeighbourhood world;
    static constexpr IntervalIndex last = first / 4 + intervals - 1;

    bool finish(UnixMs limit_ms = 600'000) {
        const bool done =
            world.run([&] { return world.finished() && world.all_certified(last); }, limit_ms);
        if (!done) {
            for (const Event& event : world.events)
                std::cerr << "host: " << event.text << '\n';
            for (std::size_t i = 0; i < world.homes.size(); ++i)
                for (const Event& event : world.homes[i].events)
                    std::cerr << "home " << i << ": " << event.text << '\n';
        }
        return done;
    }

    void expect_prices_of_one_process() {
        planner::Options options;
        options.parameters = parameters();
        options.first_interval = first / 4;
        options.sessions = intervals;
        const auto expected = planner::simulate(neighbourhood, options);
        ASSERT_TRUE(expected.ok()) << expected.error().message;
        ASSERT_EQ(world.reports.size(), expected->sessions.size());
        for (std::size_t s = 0; s < intervals; ++s) {
            EXPECT_EQ(world.reports[s].iterations, expected->sessions[s].iterations)
                << "session " << s;
            EXPECT_EQ(world.reports[s].price_eur_per_kwh, expected->sessions[s].price_eur_per_kwh)
                << "session " << s;
            ASSERT_TRUE(expected->sessions[s].certificate.has_value());
            if (const auto& certificate = world.reports[s].certificate) {
                EXPECT_NEAR(certificate->gap_eur(), expected->sessions[s].certificate->gap_eur(),
                            1e-6);
            }
        }
        for (std::size_t i = 0; i < world.homes.size(); ++i) {
            const auto row =
                expected->sessions.back().price_eur_per_kwh.row(neighbourhood.homes[i].net.value);
            EXPECT_EQ(world.homes[i].reports.back().price_eur_per_kwh,
                      std::vector<double>(row.begin(), row.end()));
        }
    }

    [[nodiscard]] bool told(std::size_t home, const std::string& words) const {
        const auto& events = world.homes[home].events;
        return std::any_of(events.begin(), events.end(), [&](const Event& event) {
            return event.text.find(words) != std::string::npos;
        });
    }

    // One mask, one message: whoever sees two messages under the same masks sees how they differ.
    void expect_no_mask_twice() {
        using Mask = std::tuple<market::SessionId, NetId, PartyId, std::uint32_t, std::uint16_t,
                                std::vector<PartyId>>;
        std::map<Mask, std::vector<std::uint64_t>> seen;
        for (const Letter& letter : world.traffic)
            if (const auto* sent = std::get_if<wire::Share>(&letter.message)) {
                const market::MaskedShare& share = sent->share;
                const auto place = seen.try_emplace({sent->session, share.net, share.from,
                                                     share.iteration, share.attempt, share.members},
                                                    share.words)
                                       .first;
                // A home tells its chair more words than its neighbours, the first of them the same.
                std::vector<std::uint64_t>& known = place->second;
                const auto both =
                    static_cast<std::ptrdiff_t>(std::min(known.size(), share.words.size()));
                ASSERT_TRUE(std::equal(known.begin(), known.begin() + both, share.words.begin()))
                    << "party " << share.from.value << " masked two messages of iteration "
                    << share.iteration << " alike";
                if (share.words.size() > known.size()) known = share.words;
            }
    }
};

}  // namespace kilter::sim
