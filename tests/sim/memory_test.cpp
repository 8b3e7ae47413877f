// What a home remembers, value by value, with a byte altered or cut off: it says which value is damaged and what to do, or
// takes it for what it is; nothing ends the program. (Pages of a store have checksums, so such values are another program's.)

#include "tests/sim/fixture.hpp"

namespace kilter::sim::memory_test {
namespace {

constexpr std::size_t bytes_altered_max = 200;  // of one value

struct DamagedMemory : Neighbourhood {
    DamagedMemory() {
        world.run([&] { return world.reports.size() == 1 && world.all_certified(first / 4); },
                  600'000);
    }

    // Whether it is refused.
    bool is_refused(const std::string& key, const Bytes& value) {
        const Home& home = world.homes[0];
        agent::Memory memory = home.memory;
        memory[key] = value;
        auto gateway = agent::Gateway::create(
            home.identity, world.genesis,
            [&home](IntervalIndex from, Eigen::Index count) {
                return home.devices->horizon(from, count);
            },
            memory);
        if (gateway) {
            gateway->step(agent::Started{}, world.now);
            return false;
        }
        const std::string& why = gateway.error().message;
        EXPECT_TRUE(why.find("'" + key + "' does not decode") != std::string::npos ||
                    why.find("is of log") != std::string::npos)
            << why;
        EXPECT_NE(why.find("away"), std::string::npos) << "says what to do: " << why;
        return true;
    }
};

TEST_F(DamagedMemory, is_named_with_what_to_do) {
    const agent::Memory whole = world.homes[0].memory;
    for (const char* key : {"chain", "roster", "certified", "joined", "warm", "plans", "base"})
        ASSERT_FALSE(whole.at(key).empty()) << key;
    for (const auto& [key, value] : whole) {
        // The gateway needs nothing back of positions.
        if (value.empty() || key.starts_with(agent::position_prefix)) continue;
        EXPECT_TRUE(is_refused(key, Bytes(value.begin(), value.end() - 1))) << key;
        Bytes longer = value;
        longer.push_back(0);
        EXPECT_TRUE(is_refused(key, longer)) << key;
        const std::size_t step = std::max<std::size_t>(1, value.size() / bytes_altered_max);
        std::size_t refused = 0;
        std::size_t altered = 0;
        for (std::size_t at = 0; at < value.size(); at += step, ++altered) {
            Bytes other = value;
            other[at] ^= 0x40;
            refused += is_refused(key, other) ? 1 : 0;
        }
        // What others have signed is refused wherever it is altered.
        if (key == "chain" || key == "roster" || key == "base") {
            EXPECT_EQ(refused, altered) << key;
        }
    }
}

}  // namespace
}  // namespace kilter::sim::memory_test
