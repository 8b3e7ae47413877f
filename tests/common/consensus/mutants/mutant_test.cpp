// A simulator that notices nothing proves nothing: with one protocol rule broken it must report a violation.
#include <gtest/gtest.h>

#include "common/consensus/mutation.hpp"
#include "tests/common/consensus/simulator.hpp"

namespace kilter::consensus::simulation {

TEST(Mutant, IsKilled) {
    ASSERT_NE(mutant, Mutant::none);
    std::vector<std::string> violations;
    std::uint64_t seed = 0;
    while (violations.empty() && seed < 60)
        violations = simulate({.seed = ++seed, .healed_ms = 20'000}).violations;
    ASSERT_FALSE(violations.empty()) << "survived " << seed << " seeds";
    RecordProperty("violation", violations.front());
    RecordProperty("seed", static_cast<int>(seed));
}

}  // namespace kilter::consensus::simulation
