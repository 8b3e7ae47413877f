#include "coordinator/cli/demo_bills.hpp"

#include <chrono>
#include <thread>

#include "agent/core/outbox.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/ledger.hpp"
#include "common/settlement/money_rules.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/key_value.hpp"
#include "coordinator/cli/audit.hpp"
#include "coordinator/cli/entry_file.hpp"
#include "coordinator/cli/home_books.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {

namespace {

constexpr auto look_every = std::chrono::milliseconds(250);
constexpr UnixMs demo_bill_life_ms = 3'600'000;
constexpr unsigned audit_threads = 2;

std::string text_of_period(const DemoPeriod& period) {
    return std::to_string(period.first) + ":" + std::to_string(period.intervals);
}

// Which of these homes have all their reads of the period on the log.
Result<std::vector<bool>> metered_homes(const std::filesystem::path& coordinator,
                                        const std::vector<settlement::PublicKey>& homes,
                                        IntervalIndex end) {
    const auto store = storage::LogStore::open_read_only(store_file(coordinator));
    if (!store) return store.error();
    const settlement::Ledger ledger(store->genesis());
    const auto image = store->load(ledger);
    if (!image) return image.error();
    std::vector<bool> out(homes.size());
    if (!image->state) return out;
    const settlement::Roster roster = settlement::roster(*image->state);
    for (std::size_t i = 0; i < homes.size(); ++i) {
        const auto* member = roster.find(homes[i]);
        const auto metered = member == nullptr
                                 ? std::nullopt
                                 : settlement::metered(*image->state->map(), member->service_point);
        out[i] = metered && metered->until >= end;
    }
    return out;
}

bool all_but(const std::vector<bool>& done, const std::optional<std::size_t>& without) {
    for (std::size_t i = 0; i < done.size(); ++i)
        if (!done[i] && i != without) return false;
    return true;
}

// Whether any waits still. Error: one was refused.
Result<bool> any_bill_left(const std::filesystem::path& spool) {
    std::error_code error;
    bool left = false;
    for (const auto& file : std::filesystem::directory_iterator(spool, error)) {
        if (file.path().extension() == ".refused")
            return Error{file.path().string() + ": the log has refused this bill"};
        left = left || file.path().extension() == ".entry";
    }
    return left;
}

// Whether the home's gateway has a receipt for everything it had to say.
bool all_on_log(const std::filesystem::path& home) {
    const auto store = storage::KeyValue::open_read_only(home / "state" / "agent.db");
    if (!store) return false;
    const auto waiting = store->keys(agent::outbox_prefix);
    return waiting && waiting->empty();
}

}  // namespace

Result<std::size_t> bill_homes(const Installation& installation,
                               const DemoPeriod& period,
                               std::int64_t seconds_max) {
    const UnixMs give_up = runtime::now_ms() + 1'000 * seconds_max;
    const auto& coordinator = installation.coordinators.front();
    std::vector<settlement::PublicKey> keys;
    for (const auto& directory : installation.homes) {
        const auto identity = storage::read_key_file(directory / "key");
        if (!identity) return identity.error();
        keys.push_back(identity->public_key());
    }
    std::vector<bool> done;
    for (;;) {
        auto metered = metered_homes(coordinator, keys, period.first + period.intervals);
        if (!metered) return metered.error();
        done = *std::move(metered);
        for (std::size_t i = 0; i < done.size(); ++i)
            done[i] = done[i] && all_on_log(installation.homes[i]);
        if (all_but(done, period.without)) break;
        if (runtime::now_ms() >= give_up)
            return Error{"the log does not have all meter reads after " +
                         std::to_string(seconds_max) + " s"};
        std::this_thread::sleep_for(look_every);
    }
    const auto log = SettledLog::open(coordinator, text_of_period(period));
    if (!log) return log.error();
    const auto spool = coordinator / "state" / "submit";
    std::size_t bills = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!done[i]) continue;
        const auto books = HomeBooks::open(installation.homes[i], *log);
        if (!books) return books.error();
        const auto bill = books->bill(*log);
        if (!bill)
            return Error{installation.homes[i].filename().string() + ": " + bill.error().message};
        const UnixMs now = runtime::now_ms();
        const auto entry = settlement::make_entry(*bill, log->genesis().chain_id(),
                                                  static_cast<std::uint64_t>(now),
                                                  now + demo_bill_life_ms, books->home);
        if (auto written = write_entry(spool / ("bill-" + std::to_string(i) + ".entry"), *entry);
            !written)
            return written.error();
        ++bills;
    }
    for (;;) {
        const auto left = any_bill_left(spool);
        if (!left) return left.error();
        if (!*left) break;
        if (runtime::now_ms() >= give_up)
            return Error{"the bills are not on the log after " + std::to_string(seconds_max) +
                         " s"};
        std::this_thread::sleep_for(look_every);
    }
    return bills;
}

Result<std::vector<settlement::FeederVerdict>> audit_bills(const Installation& installation,
                                                           const DemoPeriod& period) {
    const auto log = SettledLog::open(installation.coordinators.front(), text_of_period(period));
    if (!log) return log.error();
    auto nets = log->audit(audit_threads);
    if (!nets) return nets.error();
    std::vector<settlement::FeederVerdict> out;
    for (const auto& [feeder, own] : by_feeder(*std::move(nets))) {
        auto verdict = conclude(log->context(), feeder, own);
        if (!verdict) return verdict.error();
        out.push_back(*std::move(verdict));
    }
    return out;
}

}  // namespace kilter::cli
