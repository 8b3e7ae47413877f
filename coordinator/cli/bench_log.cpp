#include "coordinator/cli/bench_log.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <unordered_set>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/progress.hpp"
#include "common/runtime/files.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/installation.hpp"
#include "coordinator/cli/log_report.hpp"
#include "coordinator/cli/process.hpp"
#include "coordinator/cli/process_usage.hpp"
#include "coordinator/logbench/bench_client.hpp"
#include "coordinator/logbench/bench_replica.hpp"
#include "coordinator/logbench/opaque_ledger.hpp"

namespace kilter::cli {

using coordinator::BenchClient;
using coordinator::Load;
using coordinator::Mode;
using coordinator::monotonic_us;
using coordinator::Sample;
using coordinator::Site;

namespace {

constexpr const char* command_name = "kilter bench log";
constexpr std::size_t outstanding_full = 256;
constexpr std::size_t outstanding_order = 1'600;
constexpr double start_s = 20;
constexpr double single_s = 3;
constexpr double kill_after_s = 1;
constexpr double watch_kill_s = 5;
constexpr double catch_up_s_max = 120;
constexpr std::int64_t soak_life_ms = 15'000;
constexpr std::uint64_t signed_ahead_max = 1'000'000;
constexpr double signed_per_second_full = 10'000;
constexpr double signed_per_second_order = 90'000;
constexpr consensus::Height blocks_kept = 64;

void pause_ms(int ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/// A directory of this run, removed at its end unless it is to stay.
class Workplace {
  public:
    static Result<std::unique_ptr<Workplace>> make(const std::filesystem::path& wanted, bool keep) {
        std::filesystem::path path = wanted;
        if (path.empty()) {
            std::string name =
                (std::filesystem::temp_directory_path() / "kilter-log-XXXXXX").string();
            if (::mkdtemp(name.data()) == nullptr)
                return Error{"cannot make a directory like " + name};
            path = name;
        } else if (auto made = runtime::make_private_directory(path); !made) {
            return made.error();
        }
        if (!std::filesystem::is_empty(path))
            return Error{path.string() + " is not empty: name a directory that is, or a new one"};
        return std::unique_ptr<Workplace>(new Workplace(path, keep));
    }

    ~Workplace() {
        std::error_code ignored;
        if (!keep_) std::filesystem::remove_all(path_, ignored);
    }

    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    Workplace(std::filesystem::path path, bool keep) : path_(std::move(path)), keep_(keep) {}

    std::filesystem::path path_;
    bool keep_;
};

std::uint64_t size_of(const std::filesystem::path& directory) {
    std::uint64_t bytes = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
        const std::string name = file.path().filename().string();
        if (file.is_regular_file() && name != "stderr" && name != "key" && name != "progress")
            bytes += file.file_size();
    }
    return bytes;
}

/// One measurement from start to end.
class Measurement {
  public:
    Measurement(const BenchLog& options, Site site) : options_(options), site_(std::move(site)) {
        report_.replicas = options.replicas;
        report_.mode = options.mode;
        double load[1] = {0};
        if (::getloadavg(load, 1) == 1) report_.load_average = load[0];
        outstanding_ = options.outstanding > 0      ? options.outstanding
                       : options.mode == Mode::full ? outstanding_full
                                                    : outstanding_order;
    }

    Result<void> start(const crypto::Identity& identity) {
        for (std::size_t i = 0; i < site_.replicas(); ++i)
            if (auto started = start_replica(i); !started) return started;
        auto client = BenchClient::open(site_, options_.mode, identity);
        if (!client) return client.error();
        client_ = std::move(*client);
        if (auto linked = client_->wait_for_links(start_s); !linked) return linked;
        // Until all links of the replicas among each other stand.
        const auto sample = client_->run({.outstanding = 1, .warm_up_s = 0, .seconds = 1.5});
        return sample ? Result<void>{} : Result<void>{sample.error()};
    }

    Result<void> measure() {
        progress_.show("one at a time");
        if (!options_.only_throughput)
            if (auto done = load_into(report_.single,
                                      {.outstanding = 1, .warm_up_s = 0.5, .seconds = single_s});
                !done)
                return done;
        progress_.show("closed loop");
        sign_for(options_.warm_up_s + options_.seconds);
        if (auto done = load_into(report_.full_load, under_load()); !done) return done;
        if (options_.soak_entries > 0)
            if (auto done = soak(); !done) return done;
        if (options_.only_throughput) return {};
        if (auto done = kill_leader(); !done) return done;
        if (auto done = degrade(); !done) return done;
        return catch_up();
    }

    Result<LogReport> finish() {
        stop();
        if (options_.mode == Mode::full) weigh_receipts();
        if (auto same = compare(); !same) return same.error();
        if (auto weighed = weigh_disk(); !weighed) return weighed.error();
        progress_.clear();
        return report_;
    }

  private:
    Result<void> start_replica(std::size_t i) {
        std::error_code error;
        const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
        if (error) return Error{"cannot find this program: " + error.message()};
        auto process = Process::start(
            {self.string(), "bench", "log-replica", "--dir", site_.directory.string(), "--index",
             std::to_string(i), "--mode", options_.mode == Mode::full ? "full" : "order",
             "--workers", std::to_string(options_.workers), "--batch-wait",
             std::to_string(options_.parameters.batch_wait_ms)},
            site_.replica(i) / "stderr");
        if (!process) return process.error();
        if (i >= processes_.size()) processes_.resize(i + 1);
        processes_[i].emplace(*std::move(process));
        return {};
    }

    [[nodiscard]] Load under_load() const {
        return {.outstanding = outstanding_,
                .warm_up_s = options_.warm_up_s,
                .seconds = options_.seconds};
    }

    void sign_for(double seconds) {
        const double rate =
            options_.mode == Mode::full ? signed_per_second_full : signed_per_second_order;
        client_->sign_ahead(std::min(static_cast<std::uint64_t>(rate * seconds), signed_ahead_max),
                            Load{}.life_ms);
    }

    [[nodiscard]] double replica_cpu_s() const {
        double sum = 0;
        for (const auto& process : processes_)
            if (process) sum += usage_of(process->pid()).cpu_s;
        return sum;
    }

    Result<void> load_into(std::optional<LoadFigures>& into, const Load& load) {
        double replicas = 0, own = 0;
        bool begun = false;
        const auto sample = client_->run(load, [&](double at) {
            if (begun || at < 0) return;
            begun = true;
            replicas = replica_cpu_s();
            own = usage_of(::getpid()).cpu_s;
        });
        if (!sample) return sample.error();
        const double entries = std::max(1.0, static_cast<double>(sample->entries));
        LoadFigures figures;
        figures.replicas_alive = alive_;
        figures.outstanding = load.outstanding;
        figures.seconds = sample->seconds;
        figures.entries = sample->entries;
        figures.p50_ms = sample->latency_ms(0.5);
        figures.p99_ms = sample->latency_ms(0.99);
        figures.replica_cpu_us = 1e6 * (replica_cpu_s() - replicas) / entries;
        figures.client_cpu_us = 1e6 * (usage_of(::getpid()).cpu_s - own) / entries;
        figures.resent = sample->resent;
        figures.refused = sample->refused;
        into = figures;
        return {};
    }

    /// So many entries, signed as they are sent, with a short life: what is remembered of them must not grow.
    Result<void> soak() {
        MemoryFigures memory;
        const std::uint64_t before = client_->answered();
        const auto note = [&](double) {
            const std::uint64_t done = client_->answered() - before;
            if (done < (memory.resident_bytes.size() + 1) * options_.soak_entries / 10) return;
            progress_.show("soak", static_cast<double>(done),
                           static_cast<double>(options_.soak_entries));
            std::uint64_t largest = 0;
            for (const auto& process : processes_)
                if (process) largest = std::max(largest, usage_of(process->pid()).memory_bytes);
            memory.resident_bytes.push_back(largest);
        };
        const auto sample = client_->run({.outstanding = outstanding_,
                                          .entries = options_.soak_entries,
                                          .life_ms = soak_life_ms},
                                         note);
        if (!sample) return sample.error();
        memory.entries = sample->entries;
        report_.memory = memory;
        return {};
    }

    void kill(std::size_t replica) {
        processes_[replica]->kill();
        processes_[replica].reset();
        client_->give_up(replica);
        --alive_;
    }

    /// Every member leads in turn: whoever is killed leads within a few views.
    Result<void> kill_leader() {
        if (site_.genesis.validators.faults() == 0) return {};
        progress_.show("a leader is killed");
        std::int64_t killed = 0;
        Load load = under_load();
        load.seconds = kill_after_s + watch_kill_s;
        const auto sample = client_->run(load, [&](double at) {
            if (killed != 0 || at < kill_after_s) return;
            killed = monotonic_us();
            kill(0);
        });
        if (!sample) return sample.error();
        const auto until = killed + static_cast<std::int64_t>(1e6 * (watch_kill_s - 0.5));
        report_.kill_gap_ms = sample->longest_gap_ms(killed, until);
        return {};
    }

    Result<void> degrade() {
        if (alive_ == site_.replicas()) return {};
        progress_.show("with f dead");
        while (site_.replicas() - alive_ < site_.genesis.validators.faults())
            kill(site_.replicas() - alive_);
        sign_for(options_.warm_up_s + options_.seconds);
        Load load = under_load();
        load.warm_up_s += 3;  // the dead are noticed one after the other
        return load_into(report_.degraded, load);
    }

    /// A replica that was never there fetches the whole log.
    Result<void> catch_up() {
        if (options_.mode != Mode::full) return {};
        progress_.show("a fresh replica catches up");
        const std::size_t learner = site_.replicas();
        const std::size_t member = site_.replicas() - 1;
        pause_ms(1'500);
        const coordinator::Progress target = coordinator::progress_of(site_, member);
        if (auto started = start_replica(learner); !started) return started;
        const std::int64_t begin = monotonic_us();
        std::int64_t first = 0;  // until the links stand it knows of nothing to fetch
        coordinator::Progress now;
        while (now.height < target.height) {
            pause_ms(5);
            now = coordinator::progress_of(site_, learner);
            if (now.height == 0) first = monotonic_us();
            if (static_cast<double>(monotonic_us() - begin) > 1e6 * catch_up_s_max)
                return Error{"the fresh replica did not catch up: " + std::to_string(now.height) +
                             " of " + std::to_string(target.height) + " blocks"};
        }
        report_.catch_up = {now.entries, static_cast<double>(monotonic_us() - first) / 1e6};
        return {};
    }

    void stop() {
        for (const auto& process : processes_)
            if (process) process->signal(SIGTERM);
        for (auto& process : processes_)
            for (int waited = 0; process && !process->exited() && waited < 5'000; waited += 10)
                pause_ms(10);
    }

    void weigh_receipts() {
        ReceiptFigures figures;
        std::vector<double> times;
        for (const Bytes& bytes : client_->receipts()) {
            const std::int64_t begin = monotonic_us();
            const auto receipt = consensus::decode_receipt(bytes);
            const bool holds =
                receipt && verify(*receipt, site_.genesis.chain_id(), site_.genesis.validators) ==
                               consensus::ReceiptVerdict::valid;
            times.push_back(static_cast<double>(monotonic_us() - begin));
            if (!holds) {
                wrong_ = "a receipt does not hold";
                return;
            }
            figures.bytes_beyond_entry_max =
                std::max(figures.bytes_beyond_entry_max,
                         bytes.size() - consensus::encode(receipt->entry).size());
        }
        if (times.empty()) return;
        std::sort(times.begin(), times.end());
        figures.checked = times.size();
        figures.verify_us = times[times.size() / 2];
        report_.receipts = figures;
    }

    /// Every replica's log is the beginning of the longest one; that one holds as many entries as were answered, each once.
    Result<void> compare() {
        progress_.show("comparing the logs");
        if (!wrong_.empty()) return Error{wrong_};
        std::vector<storage::LogStore> stores;
        for (std::size_t i = 0; i < processes_.size(); ++i) {
            auto store = storage::LogStore::open_read_only(site_.store(i));
            if (!store) return store.error();
            stores.push_back(std::move(*store));
        }
        std::sort(stores.begin(), stores.end(),
                  [](const auto& a, const auto& b) { return a.height() > b.height(); });
        std::unordered_set<consensus::EntryId> ids;
        report_.heights = stores.front().height();
        for (consensus::Height h = 1; h <= report_.heights; ++h) {
            const auto block = stores.front().block(h);
            if (!block) return block.error();
            for (const auto& entry : block->block->entries) {
                if (!ids.insert(entry->id).second)
                    return Error{"an entry is on the log twice, at height " + std::to_string(h)};
                entry_bytes_ += entry->encoded.size();
            }
        }
        for (const auto& store : stores) {
            const consensus::Height top = store.height();
            if (top == 0) continue;
            const auto mine = store.block(top);
            const auto longest = stores.front().block(top);
            if (!mine || !longest || mine->block->hash != longest->block->hash)
                return Error{"two replicas' logs differ at height " + std::to_string(top)};
        }
        report_.entries = ids.size();
        report_.entry_bytes = ids.empty() ? 0 : entry_bytes_ / ids.size();
        if (ids.size() < client_->answered())
            return Error{std::to_string(client_->answered()) + " entries were answered, but only " +
                         std::to_string(ids.size()) + " are on the log"};
        return {};
    }

    Result<void> weigh_disk() {
        const std::size_t replica = site_.replicas() - 1;
        DiskFigures disk;
        disk.entry_bytes = entry_bytes_;
        disk.store_bytes = size_of(site_.replica(replica));
        auto store = storage::LogStore::open(site_.store(replica), site_.genesis);
        if (!store) return store.error();
        while (store->prune(blocks_kept, true)) {
        }
        store->checkpoint();
        if (std::filesystem::exists(site_.store(replica).string() + ".archive"))
            disk.pruned_bytes = size_of(site_.replica(replica));
        report_.disk = disk;
        return {};
    }

    const BenchLog& options_;
    Site site_;
    std::size_t outstanding_ = 0;
    std::size_t alive_ = site_.replicas();
    std::vector<std::optional<Process>> processes_;
    std::unique_ptr<BenchClient> client_;
    std::uint64_t entry_bytes_ = 0;
    std::string wrong_;
    LogReport report_;
    Progress progress_;
};

void add_replica_command(CLI::App& bench, int& exit_code) {
    const auto replica = std::make_shared<coordinator::BenchReplica>();
    const auto mode = std::make_shared<std::string>("full");
    CLI::App* command = bench.add_subcommand("log-replica", "One replica of kilter bench log");
    command->group("");  // not for people
    command->add_option("--dir", replica->directory)->required();
    command->add_option("--index", replica->index)->required();
    command->add_option("--mode", *mode)->check(CLI::IsMember({"full", "order"}));
    command->add_option("--workers", replica->workers)->check(CLI::Range(1U, 64U));
    command->add_option("--batch-wait", replica->parameters.batch_wait_ms);
    command->callback([replica, mode, &exit_code] {
        replica->mode = *mode == "full" ? Mode::full : Mode::order;
        const auto done = replica->run();
        exit_code =
            done ? to_int(ExitCode::success) : fail("kilter bench log-replica", done.error());
    });
}

}  // namespace

int BenchLog::run() const {
    const auto measured = [&]() -> Result<LogReport> {
        auto workplace = Workplace::make(directory, keep);
        if (!workplace) return workplace.error();
        const auto port = free_ports(static_cast<int>(replicas) + 2);
        if (!port) return port.error();
        const auto identity = crypto::Identity::generate();
        auto site = coordinator::make_site((*workplace)->path(), replicas, *port, identity);
        if (!site) return site.error();
        Measurement measurement(*this, *std::move(site));
        if (auto started = measurement.start(identity); !started) return started.error();
        if (auto done = measurement.measure(); !done) return done.error();
        return measurement.finish();
    }();
    if (!measured) return fail(command_name, measured.error());
    if (!json.empty())
        if (const auto written = write_output(json, to_json(*measured) + "\n"); !written)
            return fail(command_name, written.error());
    if (json != "-") std::cout << to_text(*measured);
    return to_int(ExitCode::success);
}

void add_bench_log(CLI::App& bench, int& exit_code) {
    add_replica_command(bench, exit_code);
    const auto options = std::make_shared<BenchLog>();
    const auto mode = std::make_shared<std::string>("full");
    CLI::App* command =
        bench.add_subcommand("log", "Load the replicated log: each replica a process of its own");
    command->add_option("--replicas", options->replicas, "Validators")
        ->capture_default_str()
        ->check(CLI::IsMember({1, 4, 7, 10, 13}));
    command
        ->add_option("--mode", *mode,
                     "full: every replica checks every signature, every vote is on disk before it "
                     "is sent. order: neither, entries are empty")
        ->capture_default_str()
        ->check(CLI::IsMember({"full", "order"}));
    command
        ->add_option("--outstanding", options->outstanding,
                     "Entries under way at any time; default 256, in order mode 1600")
        ->check(CLI::Range(1U, 20'000U));
    command->add_option("--seconds", options->seconds, "Of each load that is measured")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 600.0));
    command->add_option("--warm-up", options->warm_up_s, "Seconds before that")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 60.0));
    command->add_option("--soak", options->soak_entries,
                        "Also send so many entries and watch the replicas' memory");
    command->add_option("--workers", options->workers, "Threads per replica that check signatures")
        ->capture_default_str()
        ->check(CLI::Range(1U, 64U));
    command
        ->add_option("--batch-wait", options->parameters.batch_wait_ms,
                     "Milliseconds a leader waits for company of a young, lonely entry")
        ->capture_default_str()
        ->check(CLI::Range(0, 100));
    command->add_flag("--only-throughput", options->only_throughput,
                      "Nobody is killed, nothing is fetched");
    command->add_option("--dir", options->directory,
                        "Where the stores go; default: a temporary one");
    command->add_flag("--keep", options->keep, "Leave the directory");
    command->add_option("--json", options->json, "Write the figures to this file, '-' for stdout");
    command->footer("Example:\n  kilter bench log --replicas 4 --mode full --seconds 20");
    command->callback([options, mode, &exit_code] {
        options->mode = *mode == "full" ? Mode::full : Mode::order;
        exit_code = options->run();
    });
}

}  // namespace kilter::cli
