#include "coordinator/cli/bench_audit.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/base/prng.hpp"
#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "common/settlement/home_account.hpp"
#include "common/settlement/net_audit.hpp"
#include "coordinator/cli/worker_pool.hpp"

namespace kilter::cli {

namespace {

constexpr const char* bench_audit_command = "kilter bench audit";
constexpr std::int64_t bench_interval_s = 900;
constexpr std::size_t intervals_per_day = 96;
constexpr std::size_t pool_size = 64;

double thread_cpu_s() {
    std::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Commitments for next to nothing: e·B and r·H from small tables, one addition each. The auditor cannot tell.
class CommitmentPool {
  public:
    CommitmentPool() {
        const auto key = crypto::digest("bench", as_bytes("blindings"));
        for (std::size_t i = 0; i < pool_size; ++i) {
            energies_[i] = static_cast<std::int64_t>(i * 61) - 1'500;
            blindings_[i] =
                crypto::hash_to_scalar("bench", key.view(), ByteWriter{}.u64(i).bytes());
            energy_points_[i] = crypto::commit(energies_[i], crypto::Scalar{});
            blinding_points_[i] = crypto::commit(0, blindings_[i]);
        }
    }

    std::pair<settlement::KnownEnergy, crypto::Point> draw(Prng& random) const {
        const std::size_t e = random.below(pool_size);
        const std::size_t r = random.below(pool_size);
        return {{energies_[e], blindings_[r]}, crypto::add(energy_points_[e], blinding_points_[r])};
    }

    [[nodiscard]] const crypto::Scalar& blinding(std::size_t i) const {
        return blindings_[i % pool_size];
    }

  private:
    std::array<std::int64_t, pool_size> energies_{};
    std::array<crypto::Scalar, pool_size> blindings_;
    std::array<crypto::Point, pool_size> energy_points_;
    std::array<crypto::Point, pool_size> blinding_points_;
};

settlement::PublicKey bench_key(std::size_t number) {
    settlement::PublicKey out;
    for (std::size_t i = 0; i < 8; ++i)
        out.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    out.bytes[31] = 1;
    return out;
}

consensus::Entry entry_of(consensus::EntryType type,
                          const settlement::PublicKey& author,
                          Bytes body) {
    consensus::Entry out;
    out.type = type;
    out.author = author;
    out.body = std::move(body);
    return out;
}

struct NetRun {
    settlement::NetVerdict verdict;
    double audit_cpu_s = 0;
};

/// One net's log of the period, made and audited.
class NetBench {
  public:
    NetBench(const BenchAudit& options, const CommitmentPool& pool, std::size_t net)
        : options_(options),
          pool_(pool),
          net_{static_cast<std::uint32_t>(net)},
          random_(net + 1),
          end_(month_begin + static_cast<IntervalIndex>(options.days * intervals_per_day)),
          context_(month_begin, end_, bench_interval_s) {}

    NetRun run() {
        settle_in();
        clear();
        std::vector<std::pair<settlement::PublicKey, settlement::MeterReads>> reads;
        std::vector<std::pair<settlement::PublicKey, settlement::Position>> positions;
        for (std::size_t i = 0; i < options_.homes_per_net; ++i) {
            settlement::HomeAccount account;
            account.net = net_;
            for (IntervalIndex day = month_begin; day < end_; day += intervals_per_day) {
                settlement::MeterReads batch;
                batch.series = series(i, day, account.reads);
                batch.qualities.assign(intervals_per_day, settlement::Quality::measured);
                reads.emplace_back(bench_key(2 * i + 1), std::move(batch));
                if (options_.positions) {
                    auto& own = positions_[{i, day}];
                    account.positions.insert(own.second.begin(), own.second.end());
                    positions.emplace_back(bench_key(2 * i), own.first);
                }
            }
            const auto bill = settlement::make_bill(account, context_.prices(), month_begin, end_);
            KILTER_CHECK(bill.ok(), "the bench has prices and reads for its bills");
            context_.add(
                entry_of(settlement::bill_entry, bench_key(2 * i), settlement::encode(*bill)));
        }
        const double before = thread_cpu_s();
        settlement::NetAudit audit(context_, net_, crypto::digest("bench", as_bytes("root")));
        for (const auto& [home, position] : positions)
            audit.add(home, position);
        for (const auto& [meter, batch] : reads)
            audit.add(meter, batch);
        NetRun out{audit.finish(), 0};
        out.audit_cpu_s = thread_cpu_s() - before;
        return out;
    }

  private:
    void settle_in() {
        std::vector<settlement::RosterMember> members;
        for (std::size_t i = 0; i < options_.homes_per_net; ++i)
            for (const bool meter : {false, true}) {
                settlement::RosterMember member{
                    bench_key(2 * i + (meter ? 1 : 0)),
                    meter ? settlement::Role::meter : settlement::Role::home, net_, 1'000, ""};
                member.service_point.bytes[0] = static_cast<std::uint8_t>(i + 1);
                member.service_point.bytes[1] = 1;
                members.push_back(member);
            }
        for (const auto& change : settlement::first_changes(members))
            context_.add(entry_of(settlement::roster_change_entry, {}, settlement::encode(change)));
    }

    void clear() {
        for (IntervalIndex t = month_begin; t < end_; ++t) {
            settlement::ClearedNet record;
            record.interval = t;
            record.net = net_;
            record.outcome = settlement::Outcome::converged;
            const bool midnight = t % static_cast<IntervalIndex>(intervals_per_day) == 0;
            const std::size_t horizon = midnight ? intervals_per_day : 1;
            for (std::size_t k = 0; k < horizon; ++k)
                record.prices_micro_eur_per_kwh.push_back(draw_price());
            for (std::size_t i = 0; i < options_.homes_per_net; ++i) {
                settlement::ClearedMember member{bench_key(2 * i), {}, {}};
                if (midnight && options_.positions) {
                    auto& own = positions_[{i, t}];
                    own.first.series = series(i, t, own.second);
                    member.commitment = settlement::digest_of_commitments(own.first.series);
                }
                if (options_.positions) record.members.push_back(member);
            }
            if (record.members.empty())
                record.members.push_back({bench_key(~std::size_t{0}), {}, {}});
            context_.add(entry_of(settlement::cleared_net_entry, {}, settlement::encode(record)));
            settlement::TiePrices tie{t, {}};
            for (std::size_t k = 0; k < horizon; ++k)
                tie.prices_micro_eur_per_kwh.push_back(draw_price());
            context_.add(entry_of(settlement::tie_prices_entry, {}, settlement::encode(tie)));
        }
    }

    std::int64_t draw_price() { return 50'000 + static_cast<std::int64_t>(random_.below(400'000)); }

    // A day of home `i`; masks that cancel: all but the last home's from the pool.
    settlement::CommittedSeries series(std::size_t i,
                                       IntervalIndex day,
                                       std::map<IntervalIndex, settlement::KnownEnergy>& known) {
        settlement::CommittedSeries out{day, net_, 1, {}};
        for (std::size_t k = 0; k < intervals_per_day; ++k) {
            const auto [energy, point] = pool_.draw(random_);
            known[day + static_cast<IntervalIndex>(k)] = energy;
            crypto::MaskedOpening opening{static_cast<std::uint64_t>(energy.energy_wh),
                                          energy.blinding};
            for (std::size_t j = 0; j < options_.homes_per_net; ++j) {
                if (j == i) continue;
                const std::size_t pair = std::min(i, j) * options_.homes_per_net + std::max(i, j);
                const crypto::Scalar& mask = pool_.blinding(pair + k);
                const std::uint64_t word = ByteReader(mask.view()).u64();
                opening.energy += i < j ? word : ~word + 1;
                opening.blinding = i < j ? crypto::add(opening.blinding, mask)
                                         : crypto::subtract(opening.blinding, mask);
            }
            out.intervals.push_back({point, opening});
        }
        return out;
    }

    static constexpr IntervalIndex month_begin = IntervalIndex{96} * 20'000;
    const BenchAudit& options_;
    const CommitmentPool& pool_;
    NetId net_;
    Prng random_;
    IntervalIndex end_;
    settlement::AuditContext context_;
    std::map<std::pair<std::size_t, IntervalIndex>,
             std::pair<settlement::Position, std::map<IntervalIndex, settlement::KnownEnergy>>>
        positions_;
};

}  // namespace

int BenchAudit::run() const {
    const std::size_t net_count = (homes + homes_per_net - 1) / homes_per_net;
    const CommitmentPool pool;
    std::vector<NetRun> runs(net_count);
    WorkerPool workers(threads);
    const auto started = std::chrono::steady_clock::now();
    auto one = [&](std::size_t net) { runs[net] = NetBench(*this, pool, net).run(); };
    workers.for_each(net_count, one);
    const double wall_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    double cpu_s = 0;
    std::uint64_t commitments = 0;
    std::size_t faults = 0;
    for (const NetRun& run : runs) {
        cpu_s += run.audit_cpu_s;
        const auto verdict = settlement::conclude({run.verdict});
        if (!verdict) return fail(bench_audit_command, verdict.error());
        commitments += verdict->commitments;
        faults += verdict->faults.size();
        if (faults > 0)
            return fail(bench_audit_command, Error{"the audit found: " + verdict->faults.front()},
                        ExitCode::not_verified);
    }
    const double per_commitment_us = 1e6 * cpu_s / static_cast<double>(commitments);
    if (!json.empty()) {
        const nlohmann::ordered_json out{{"homes", net_count * homes_per_net},
                                         {"days", days},
                                         {"threads", threads},
                                         {"commitments", commitments},
                                         {"audit_cpu_s", cpu_s},
                                         {"us_per_commitment", per_commitment_us},
                                         {"wall_s_with_making_the_log", wall_s}};
        if (auto written = write_output(json, out.dump(1) + "\n"); !written)
            return fail(bench_audit_command, written.error());
        if (json == "-") return to_int(ExitCode::success);
    }
    std::cout << net_count * homes_per_net << " homes, " << days << " days: " << commitments
              << " commitments audited, all bills hold and all sums open: " << fixed(cpu_s, 1)
              << " s of CPU, " << fixed(per_commitment_us, 1) << " us each, "
              << fixed(cpu_s / threads, 1) << " s on " << threads << " cores; " << fixed(wall_s, 1)
              << " s by the clock with making the log\n";
    return to_int(ExitCode::success);
}

void add_bench_audit(CLI::App& bench, int& exit_code) {
    const auto options = std::make_shared<BenchAudit>();
    CLI::App* command =
        bench.add_subcommand("audit", "Audit the bills of a made-up feeder and period");
    command->add_option("--homes", options->homes, "Rounded up to whole nets")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000));
    command->add_option("--homes-per-net", options->homes_per_net, "Homes on every net")
        ->capture_default_str()
        ->check(CLI::Range(2, 100));
    command->add_option("--days", options->days, "Length of the period, 96 intervals each")
        ->capture_default_str()
        ->check(CLI::Range(1, 366));
    command->add_flag("--positions", options->positions,
                      "With a day-ahead position for every interval: twice the commitments");
    command->add_option("--threads", options->threads, "Threads")
        ->capture_default_str()
        ->check(CLI::Range(1U, 256U));
    command->add_option("--json", options->json, "Write the figures to this file, '-' for stdout");
    command->footer("Example:\n  kilter bench audit --homes 1000 --days 30 --threads 2");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
