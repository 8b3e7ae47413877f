// Power cuts and failing writes under the real store: what was acknowledged is there, the turn under way is there as a
// whole or not at all, and a write that fails ends the process.
#include "tests/common/storage/power_cut.hpp"

#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/storage/database.hpp"

namespace kilter::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t turns = 8;
constexpr std::int64_t rows_per_turn = 3;
const StoreKind kind{1, "a table", "t", "CREATE TABLE IF NOT EXISTS t(turn INTEGER, body BLOB)"};

struct PowerCut : testing::Test {
    PowerCut() {
        fs::remove_all(folder);
        fs::create_directories(folder / "live");
        fs::create_directories(folder / "survivors");
    }

    ~PowerCut() override { fs::remove_all(folder); }

    PowerCut(const PowerCut&) = delete;
    PowerCut& operator=(const PowerCut&) = delete;

    struct End {
        int status = 0;
        std::int64_t acknowledged = 0;  ///< turns
    };

    /// What becomes of the write-ahead log at a checkpoint.
    enum class Log : std::uint8_t { cut, kept };

    /// A process that writes turns, with a checkpoint in between, until the failure or to the end.
    End live(Log log,
             std::uint64_t operation,
             power_cut::Failure failure,
             std::uint64_t seed) const {
        std::array<int, 2> pipe{};
        KILTER_CHECK(::pipe(pipe.data()) == 0, "a pipe");
        const pid_t child = ::fork();
        if (child == 0) {
            (void)::freopen("/dev/null", "w", stderr);
            const rlimit no_core{0, 0};
            (void)::setrlimit(RLIMIT_CORE, &no_core);
            auto database = *Database::open(folder / "live" / "db", kind);
            if (log == Log::kept) database->keep_log();
            power_cut::arm(folder / "live", folder / "survivors", operation, failure, Prng(seed));
            Statement insert = database->prepare("INSERT INTO t VALUES(?, ?)");
            for (std::int64_t turn = 0; turn < turns; ++turn) {
                database->begin();
                for (std::int64_t row = 0; row < rows_per_turn; ++row)
                    insert.restart().bind(turn).bind(Bytes(1'500, 7)).run();
                database->commit();
                (void)!::write(pipe[1], "!", 1);
                if (log == Log::kept) database->make_room();
                if (turn != turns / 2) continue;
                log == Log::kept ? database->start_log_over() : database->checkpoint();
            }
            ::_exit(42);  // there are no more operations
        }
        ::close(pipe[1]);
        End end;
        for (char acknowledgement = 0; ::read(pipe[0], &acknowledgement, 1) == 1;)
            ++end.acknowledged;
        ::close(pipe[0]);
        ::waitpid(child, &end.status, 0);
        return end;
    }

    void keeps_what_was_acknowledged(Log log) const;

    // In memory where there is such a place: hundreds of stores are opened, and none of them outlives its test.
    fs::path folder = (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
                      ("kilter-power-" + std::to_string(::getpid()));
};

void PowerCut::keeps_what_was_acknowledged(Log log) const {
    std::size_t cuts = 0;
    for (std::uint64_t operation = 0;; ++operation) {
        for (std::uint64_t seed = 0; seed < 4; ++seed) {
            fs::remove_all(folder);
            fs::create_directories(folder / "live");
            fs::create_directories(folder / "survivors");
            const End end = live(log, operation, power_cut::Failure::power, 100 * operation + seed);
            ASSERT_TRUE(WIFEXITED(end.status));
            if (WEXITSTATUS(end.status) == 42) {
                EXPECT_GT(cuts, 50u) << "too few operations to cut at";
                return;
            }
            ++cuts;
            auto database = Database::open(folder / "survivors" / "db", kind);
            ASSERT_TRUE(database.ok())
                << "operation " << operation << ": " << database.error().message;
            Statement count = (*database)->prepare("SELECT count(*), count(DISTINCT turn) FROM t");
            ASSERT_TRUE(*count.row());
            EXPECT_EQ(count.integer(0), rows_per_turn * count.integer(1)) << "half a turn";
            EXPECT_GE(count.integer(1), end.acknowledged) << "operation " << operation;
            EXPECT_LE(count.integer(1), end.acknowledged + 1);
        }
    }
}

TEST_F(PowerCut, ACommitOfOnePageIsAWriteAndASynchronisation) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto database = *Database::open(folder / "live" / "db", kind);
        Statement insert = database->prepare("INSERT INTO t VALUES(?, ?)");
        const auto commit_one = [&] {
            database->begin();
            insert.restart().bind(std::int64_t{1}).bind(Bytes(100, 7)).run();
            database->commit();
        };
        commit_one();  // the log's header
        power_cut::arm(folder / "live", folder / "survivors", UINT64_MAX, power_cut::Failure::power,
                       Prng(1));
        commit_one();
        ::_exit(static_cast<int>(power_cut::operations()));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 2) << "a frame's head and page are one write";
}

TEST_F(PowerCut, KeepsWhatWasAcknowledgedAndTheLastTurnWholeOrNot) {
    keeps_what_was_acknowledged(Log::cut);
}

TEST_F(PowerCut, KeepsWhatWasAcknowledgedInALogThatIsWrittenOver) {
    keeps_what_was_acknowledged(Log::kept);
}

TEST_F(PowerCut, DamageBeforeTheLastTurnIsNoLeftover) {
    for (const Log log : {Log::cut, Log::kept}) {
        fs::remove_all(folder / "live");
        fs::create_directories(folder / "live");
        const End end = live(log, SIZE_MAX, power_cut::Failure::power, 1);
        ASSERT_EQ(end.acknowledged, turns);
        std::ifstream in(folder / "live" / "db-wal", std::ios::binary);
        const std::string whole{std::istreambuf_iterator<char>(in), {}};
        ASSERT_GT(whole.size(), 8u * 4'096);  // three turns after the checkpoint
        if (log == Log::kept) {
            EXPECT_GT(whole.size(), 128u * 4'096) << "laid out";
        }
        const auto opens = [&](const std::string& left_log) {
            for (const char* left : {"db", "db-wal", "db-shm"})
                fs::remove(folder / "survivors" / left);
            fs::copy_file(folder / "live" / "db", folder / "survivors" / "db");
            std::ofstream(folder / "survivors" / "db-wal", std::ios::binary) << left_log;
            return Database::open(folder / "survivors" / "db", kind).ok();
        };
        EXPECT_TRUE(opens(whole));
        Prng prng(3);
        for (int i = 0; i < 40; ++i) {
            std::string flipped = whole;
            flipped[prng.below(4 * 4'096)] ^= 1;
            EXPECT_FALSE(opens(flipped)) << i;
        }
    }
}

TEST_F(PowerCut, AFailedWriteOrSynchronisationEndsTheProcess) {
    for (const auto failure : {power_cut::Failure::io, power_cut::Failure::full})
        for (std::uint64_t operation = 0;; operation += 7) {
            fs::remove_all(folder / "live");
            fs::create_directories(folder / "live");
            const End end = live(Log::cut, operation, failure, 1);
            if (WIFEXITED(end.status)) {
                EXPECT_EQ(WEXITSTATUS(end.status), 42);
                EXPECT_EQ(end.acknowledged, turns);
                EXPECT_GT(operation, 20u);
                break;
            }
            EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGABRT);
            EXPECT_LT(end.acknowledged, turns + 1);
        }
}

}  // namespace
}  // namespace kilter::storage
