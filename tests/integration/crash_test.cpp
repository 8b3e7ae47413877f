// kill -9 at every write: a home's agent, and the coordinator that acts, end at the first durable operation of one life, at
// the second of the next, and so on through start, session, record and reads, and come back each time. The others go on
// trading; afterwards it does too. Nothing it said in one life contradicts what it said in another: no mask covers two
// messages, no session is opened or signed twice, no entry's number is used twice; and the log has everything once. And a
// disk that takes nothing more: the agent ends, and says why. And a memory that was lost, or put back from a backup: the agent
// says nothing in two ways either, and learns from the log what it did meanwhile.
#include <chrono>
#include <cstring>
#include <set>

#include "common/consensus/entry.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/storage/log_store.hpp"
#include "common/transport/hub.hpp"
#include "common/wire/envelope.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::crash_test {
namespace {

constexpr int ended_by_kill = 128 + SIGKILL;
// Of a connection: probed and given up (transport::Options).
const std::chrono::milliseconds longest_silence{transport::Options{}.heartbeat_ms +
                                                transport::Options{}.heartbeat_timeout_ms + 1'000};

std::vector<wire::Message> sent_messages(const std::filesystem::path& file) {
    const std::string all = read_file(file);
    std::vector<wire::Message> out;
    for (std::size_t at = 0; at + 4 <= all.size();) {
        std::uint32_t size = 0;
        std::memcpy(&size, all.data() + at, 4);
        at += 4;
        if (at + size > all.size()) break;
        if (auto opened = wire::open(as_bytes(std::string_view(all).substr(at, size))))
            out.push_back(std::move(opened->message));
        at += size;
    }
    return out;
}

// Says the same thing under one name, however often.
template <class Name, class What>
class Once {
  public:
    explicit Once(const char* kind) : kind_(kind) {}

    void say(const Name& name, const What& what) {
        const auto [known, fresh] = said_.try_emplace(name, what);
        EXPECT_TRUE(fresh || known->second == what) << kind_;
    }

    [[nodiscard]] std::size_t names() const { return said_.size(); }

  private:
    const char* kind_;
    std::map<Name, What> said_;
};

// What an entry shows of each interval.
template <class Visitor>
void for_each_interval(const settlement::MeterReads& reads, const Visitor& visit) {
    IntervalIndex interval = reads.series.first;
    for (const settlement::CommittedInterval& one : reads.series.intervals)
        visit(interval++, ByteWriter{}
                              .raw(one.commitment.view())
                              .u64(one.opening.energy)
                              .raw(one.opening.blinding.view())
                              .bytes());
}

class DemoCrash : public Street {
  protected:
    DemoCrash() {
        silence_ms_ = 700;
        takeover_ms_ = 500;
    }

    // Lives of this program that end at operation 1, 2, … `most`; the last one, that does not, is left running.
    void crash_everywhere(const std::string& program,
                          const std::filesystem::path& directory,
                          int most,
                          const std::filesystem::path& watched) {
        int crashes = 0;
        for (int at = 1; at <= most; ++at) {
            start_with(program, directory,
                       {"LD_PRELOAD=" KILTER_CRASH_POINT, "KILTER_CRASH_AT=" + std::to_string(at),
                        "KILTER_CRASH_SENT=" + sent().string()});
            cli::Process& process = running_.at(directory);
            expected_to_end(directory);
            ASSERT_TRUE(eventually([&] { return process.exited().has_value(); }))
                << "operation " << at << " is never reached";
            ASSERT_EQ(process.exited(), ended_by_kill) << "operation " << at;
            ++crashes;
        }
        EXPECT_EQ(crashes, most);
        const std::int64_t before = newest_interval(watched);
        start_with(program, directory,
                   {"LD_PRELOAD=" KILTER_CRASH_POINT, "KILTER_CRASH_SENT=" + sent().string()});
        for (const auto& home : installation_.homes)
            ASSERT_TRUE(eventually([&] { return newest_interval(home) >= before + 3; })) << home;
    }

    // One net, one of whose processes ends at each of its writes.
    void crash_one(const std::string& program,
                   int first_port,
                   const std::set<std::string>& kinds_of_it) {
        lay_out(generated_homes(1), first_port);
        start_all();
        expect_trade_goes_on(2);
        const auto victim =
            program == "kilter-agent" ? installation_.homes[1] : installation_.coordinators[0];
        stop(victim);
        crash_everywhere(program, victim, 60, installation_.homes[0]);
        if (HasFatalFailure()) return;
        expect_no_contradiction(kinds_of_it);
        expect_everything_once();
    }

    [[nodiscard]] std::size_t entries_sent() const {
        std::set<Bytes> entries;
        for (const wire::Message& message : sent_messages(sent()))
            if (const auto* submit = std::get_if<wire::Submit>(&message))
                entries.insert(submit->entry);
        return entries.size();
    }

    [[nodiscard]] std::filesystem::path sent() const { return street() / "sent"; }

    // Over all lives.
    void expect_no_contradiction(const std::set<std::string>& kinds) {
        // After a start reads wait until a coordinator has had time to show what is on the log.
        if (kinds.contains("entries")) {
            ASSERT_TRUE(eventually([&] { return entries_sent() > 3; }));
        }
        // A mask is between the members of a set, for one attempt of one iteration.
        Once<std::tuple<market::SessionId, NetId, std::uint32_t, std::uint16_t,
                        std::vector<PartyId>>,
             std::vector<std::uint64_t>>
            shares("one mask over two messages");
        Once<market::SessionId, crypto::Digest> commitments("a session signed twice");
        Once<std::pair<market::SessionId, NetId>, wire::SessionOpen> openings(
            "a session opened twice");
        Once<std::tuple<crypto::PublicKey, std::uint64_t, Bytes>, Bytes> entries(
            "a number used twice");
        // Of a meter, each interval: its commitment, and its energy and blinding under masks.
        Once<std::pair<crypto::PublicKey, IntervalIndex>, Bytes> reads("an interval read twice");
        for (const wire::Message& message : sent_messages(sent())) {
            if (const auto* share = std::get_if<wire::Share>(&message)) {
                shares.say({share->session, share->share.net, share->share.iteration,
                            share->share.attempt, share->share.members},
                           share->share.words);
            } else if (const auto* signed_ = std::get_if<wire::ClearingShare>(&message)) {
                commitments.say(signed_->session, signed_->commitment);
            } else if (const auto* open = std::get_if<wire::SessionOpen>(&message)) {
                openings.say({open->session, open->net}, *open);
            } else if (const auto* submit = std::get_if<wire::Submit>(&message)) {
                const auto entry = consensus::decode_sealed(submit->entry);
                ASSERT_TRUE(entry.ok());
                entries.say({(*entry)->entry.author, (*entry)->entry.seq, (*entry)->entry.key},
                            (*entry)->entry.body);
                if ((*entry)->entry.type == settlement::meter_reads_entry)
                    for_each_interval(*settlement::decode_meter_reads((*entry)->entry.body),
                                      [&](IntervalIndex interval, const Bytes& shown) {
                                          reads.say({(*entry)->entry.author, interval}, shown);
                                      });
            }
        }
        EXPECT_TRUE(!kinds.contains("shares") || shares.names() > 100U);
        EXPECT_TRUE(!kinds.contains("signatures") || commitments.names() > 3U);
        EXPECT_TRUE(!kinds.contains("openings") || openings.names() > 3U);
        EXPECT_TRUE(!kinds.contains("entries") || entries.names() > 3U);
    }

    // Every interval of every net once, no gap; every log the same.
    void expect_everything_once() {
        stop_all();
        for (const auto& directory : installation_.coordinators) {
            auto store = storage::LogStore::open_read_only(directory / "state" / "log.db");
            ASSERT_TRUE(store.ok()) << store.error().message;
            std::map<IntervalIndex, std::size_t> records;
            auto audit = store->verify([&](const settlement::CheckedEntry& checked) {
                if (checked.entry->entry.type == settlement::cleared_net_entry)
                    ++records[settlement::decode_cleared_net(checked.entry->entry.body)->interval];
            });
            ASSERT_TRUE(audit.ok()) << audit.error().message;
            ASSERT_FALSE(records.empty());
            for (const auto& [interval, nets] : records)
                EXPECT_EQ(nets, 1U) << "interval " << interval;
            EXPECT_EQ(records.begin()->first, first_interval);
            EXPECT_EQ(static_cast<std::size_t>(records.rbegin()->first - first_interval) + 1,
                      records.size());
        }
    }
};

TEST_F(DemoCrash, an_agent_at_every_write) {
    crash_one("kilter-agent", 27'000, {"shares", "signatures", "entries"});
}

TEST_F(DemoCrash, the_acting_coordinator_at_every_write) {
    crash_one("kilter-coordinator", 27'100, {});
}

// A lid that is closed: an agent and the acting coordinator stand still while the others trade on, longer than any connection
// lasts without an answer; then they go on where they were, in another time.
TEST_F(DemoCrash, an_agent_and_the_acting_coordinator_stand_still) {
    lay_out(generated_homes(1), 27'300);
    start_all();
    expect_trade_goes_on(2);
    for (const auto& directory : {installation_.homes[1], installation_.coordinators[0]}) {
        const auto& watched = installation_.homes[0];
        const auto since = std::chrono::steady_clock::now();
        running_.at(directory).signal(SIGSTOP);
        const std::int64_t before = newest_interval(watched);
        ASSERT_TRUE(eventually([&] {
            return newest_interval(watched) >= before + 3 &&
                   std::chrono::steady_clock::now() - since > longest_silence;
        }));
        running_.at(directory).signal(SIGCONT);
        expect_trade_goes_on(2);
    }
    expect_everything_once();
}

TEST_F(DemoCrash, an_agent_whose_memory_is_lost_or_put_back_from_a_backup) {
    lay_out(generated_homes(1), 27'400);
    start_all();
    expect_trade_goes_on(2);
    const auto victim = installation_.homes[1];
    const auto backup = folder_ / "backup";
    const std::vector<std::string> watched{"LD_PRELOAD=" KILTER_CRASH_POINT,
                                           "KILTER_CRASH_SENT=" + sent().string()};
    stop(victim);
    std::filesystem::copy(victim / "state", backup);
    start_with("kilter-agent", victim, watched);
    const auto reads_go_on = [&] {
        const std::size_t before = entries_sent();
        expect_trade_goes_on(3);
        ASSERT_TRUE(eventually([&] { return entries_sent() >= before + 3; }));
    };
    for (const bool lost : {false, true}) {
        reads_go_on();
        stop(victim);
        std::filesystem::remove_all(victim / "state");
        if (!lost) std::filesystem::copy(backup, victim / "state");
        std::filesystem::remove(victim / "log");
        start_with("kilter-agent", victim, watched);
        ASSERT_TRUE(eventually([&] {
            return read_file(victim / "log").find("was put back from an older copy, or lost") !=
                   std::string::npos;
        })) << lost;
    }
    reads_go_on();
    expect_no_contradiction({"shares", "signatures", "entries"});
    expect_everything_once();
}

// A disk that is full, as far as this process is concerned: it may make no file longer than 64 kB.
TEST_F(DemoCrash, an_agent_whose_disk_is_full) {
    lay_out(generated_homes(1), 27'200);
    start_all();
    expect_trade_goes_on(2);
    const auto victim = installation_.homes[1];
    stop(victim);
    auto started = cli::Process::start(
        {"/bin/bash", "-c", "ulimit -f 64; exec \"$0\" \"$@\"", KILTER_BINARY_DIR "/kilter-agent",
         "run", "--config", (victim / "agent.toml").string()},
        victim / "log");
    ASSERT_TRUE(started.ok()) << started.error().message;
    running_.insert_or_assign(victim, *std::move(started));
    cli::Process& process = running_.at(victim);
    expected_to_end(victim);
    ASSERT_TRUE(eventually([&] { return process.exited().has_value(); }));
    EXPECT_EQ(process.exited(), 128 + SIGABRT);
    EXPECT_NE(read_file(victim / "log").find("agent.db: "), std::string::npos) << "says which file";
    const std::int64_t before = newest_interval(installation_.homes[0]);
    ASSERT_TRUE(eventually([&] { return newest_interval(installation_.homes[0]) >= before + 2; }))
        << "the others go on";
    start("kilter-agent", victim);
    expect_trade_goes_on(2);
    expect_everything_once();
}

}  // namespace
}  // namespace kilter::tests::crash_test
