// The days on which clocks are put on and back: 92 and 100 quarter hours from one midnight to the next as people count them.
// Traded, metered, held day-ahead, billed and audited like any other day, because intervals are counted in UTC: none is
// missing, none is there twice, and no process asks where it stands.
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/base/time.hpp"
#include "tests/common/settlement/village.hpp"

namespace kilter::settlement::daylight_saving_test {
namespace {

constexpr const char* zone = "Europe/Berlin";
constexpr std::int64_t quarter_s = Village::interval_s;

/// The process stands here while this lives.
class Standing {
  public:
    explicit Standing(const char* where) {
        if (const char* name = std::getenv("TZ")) before_ = name;
        setenv("TZ", where, 1);
        tzset();
    }

    ~Standing() {
        before_ ? setenv("TZ", before_->c_str(), 1) : unsetenv("TZ");
        tzset();
    }

    Standing(const Standing&) = delete;
    Standing& operator=(const Standing&) = delete;

  private:
    std::optional<std::string> before_;
};

/// The interval that begins when this day does, by the clocks on the walls.
IntervalIndex midnight(int year, int month, int day) {
    const Standing here(zone);
    std::tm date{};
    date.tm_year = year - 1900;
    date.tm_mon = month - 1;
    date.tm_mday = day;
    date.tm_isdst = -1;
    return interval_at(1'000 * static_cast<UnixMs>(std::mktime(&date)), quarter_s);
}

struct Day {
    const char* name;
    int month;
    int day;
    std::uint32_t quarters;
};

class DaylightSaving : public testing::TestWithParam<Day> {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(std::string("/usr/share/zoneinfo/") + zone))
            GTEST_SKIP() << "no time zones on this machine: install tzdata";
    }

    [[nodiscard]] VillageOptions options() const {
        const IntervalIndex first = midnight(2026, GetParam().month, GetParam().day);
        const IntervalIndex end = midnight(2026, GetParam().month, GetParam().day + 1);
        VillageOptions out;
        out.seed = 7;
        out.nets = 1;
        out.homes_per_net = 2;
        out.first = first;
        out.intervals = static_cast<std::uint32_t>(end - first);
        return out;
    }
};

TEST_P(DaylightSaving, ADayIsTradedMeteredBilledAndAudited) {
    const Village village(options());
    ASSERT_EQ(village.end() - village.first(), GetParam().quarters);
    for (const Village::Home& home : village.homes) {
        EXPECT_EQ(home.account.reads.size(), GetParam().quarters);
        EXPECT_EQ(home.account.reads.begin()->first, village.first());
        EXPECT_EQ(home.account.reads.rbegin()->first, village.end() - 1);
        EXPECT_EQ(home.owed.first, village.first());
    }
    std::int64_t drawn_wh = 0;
    for (const auto& [t, wh] : village.tie_wh)
        drawn_wh += wh;
    EXPECT_EQ(village.tie_wh.size(), GetParam().quarters);
    const FeederVerdict verdict = village.audit(village.entries);
    EXPECT_TRUE(verdict.faults.empty()) << verdict.faults.front();
    EXPECT_EQ(verdict.homes, village.homes.size());
    EXPECT_EQ(verdict.opened, GetParam().quarters) << "the sum of every interval";
    EXPECT_EQ(verdict.closed, 0u);
    EXPECT_EQ(verdict.settlement.energy_wh, drawn_wh);
}

TEST_P(DaylightSaving, WhereAProcessStandsIsNoMatter) {
    const auto lived_in = [this](const char* where) {
        const Standing there(where);
        std::vector<consensus::EntryId> out;
        for (const auto& entry : Village(options()).entries)
            out.push_back(entry->id);
        return out;
    };
    const auto entries = lived_in(zone);
    EXPECT_GT(entries.size(), std::size_t{GetParam().quarters});
    EXPECT_EQ(entries, lived_in("UTC"));
    EXPECT_EQ(entries, lived_in("America/St_Johns"));
}

INSTANTIATE_TEST_SUITE_P(Days,
                         DaylightSaving,
                         testing::Values(Day{"ClocksPutOn", 3, 29, 92},
                                         Day{"AnOrdinaryDay", 6, 1, 96},
                                         Day{"ClocksPutBack", 10, 25, 100}),
                         [](const auto& day) { return day.param.name; });

}  // namespace
}  // namespace kilter::settlement::daylight_saving_test
