#include "coordinator/cli/settled_log.hpp"

#include <algorithm>
#include <map>

#include "common/settlement/ledger.hpp"
#include "coordinator/cli/log_entries.hpp"
#include "coordinator/cli/worker_pool.hpp"

namespace kilter::cli {

namespace {

using settlement::Elements;

/// Entries are kept until so many bytes of them wait, then all nets work through theirs: the audit's memory.
constexpr std::size_t waiting_bytes_max = 32U << 20;

struct NetWork {
    std::unique_ptr<settlement::NetAudit> audit;
    std::vector<consensus::EntryPtr> waiting;

    void catch_up() {
        for (const auto& sealed : waiting) {
            const consensus::Entry& entry = sealed->entry;
            if (entry.type == settlement::meter_reads_entry)
                audit->add(entry.author,
                           *settlement::decode_meter_reads(entry.body, Elements::verified));
            else
                audit->add(entry.author,
                           *settlement::decode_position(entry.body, Elements::verified));
        }
        waiting.clear();
    }
};

// Both kinds begin with a series, a position after its opening: the net stands at a fixed place.
std::optional<NetId> net_of(const consensus::Entry& entry) {
    ByteReader in(entry.body);
    if (entry.type == settlement::position_entry)
        in.u32();
    else if (entry.type != settlement::meter_reads_entry)
        return std::nullopt;
    in.i64();
    return NetId{in.u32()};
}

}  // namespace

SettledLog::SettledLog(storage::LogStore store, Period period, std::int64_t interval_s)
    : store_(std::move(store)),
      period_(period),
      interval_s_(interval_s),
      context_(period.first, period.end, interval_s) {}

Result<SettledLog> SettledLog::open(const std::filesystem::path& path, std::string_view period) {
    const std::filesystem::path file = store_file(path);
    auto store = storage::LogStore::open_read_only(file);
    if (!store) return store.error();
    const std::int64_t interval_s = interval_seconds(store->genesis());
    const auto parsed = parse_period(period, interval_s);
    if (!parsed) return parsed.error();
    SettledLog out(*std::move(store), *parsed, interval_s);
    auto report = out.store_.verify([&out](const settlement::CheckedEntry& checked) {
        const consensus::Entry& entry = checked.entry->entry;
        out.context_.add(entry);
        if (entry.type == settlement::cleared_net_entry)
            out.cleared_at_.emplace(settlement::decode_cleared_net(entry.body)->interval,
                                    checked.height);
        if (entry.type == settlement::disclosure_entry)
            out.disclosures_.emplace_back(entry.author, *settlement::decode_disclosure(entry.body));
    });
    if (!report) return Error{file.string() + ": " + report.error().message};
    out.report_ = *report;
    return out;
}

Result<void> SettledLog::for_each_entry(
    const std::function<void(const consensus::EntryPtr&)>& visit) const {
    for (consensus::Height height = 1; height <= report_.blocks; ++height) {
        const auto block = store_.block(height);
        if (!block) return block.error();
        for (const auto& entry : block->block->entries)
            visit(entry);
    }
    return {};
}

Result<std::vector<settlement::NetVerdict>> SettledLog::audit(unsigned threads) const {
    std::map<NetId, std::size_t> places;
    std::vector<NetWork> nets;
    for (const NetId net : context_.nets()) {
        places[net] = nets.size();
        nets.push_back(
            {std::make_unique<settlement::NetAudit>(context_, net, report_.log_root), {}});
    }
    WorkerPool pool(threads);
    std::size_t waiting_bytes = 0;
    const auto work = [&] {
        auto catch_up = [&nets](std::size_t i) { nets[i].catch_up(); };
        pool.for_each(nets.size(), catch_up);
        waiting_bytes = 0;
    };
    auto read = for_each_entry([&](const consensus::EntryPtr& entry) {
        const auto net = net_of(entry->entry);
        if (!net || !places.contains(*net)) return;
        nets[places.at(*net)].waiting.push_back(entry);
        waiting_bytes += entry->encoded.size();
        if (waiting_bytes >= waiting_bytes_max) work();
    });
    if (!read) return read.error();
    work();
    std::vector<settlement::NetVerdict> out(nets.size());
    auto finish = [&](std::size_t i) { out[i] = nets[i].audit->finish(); };
    pool.for_each(nets.size(), finish);
    return out;
}

Result<std::map<IntervalIndex, crypto::Point>> SettledLog::commitments(
    const PublicKey& meter) const {
    std::map<IntervalIndex, crypto::Point> out;
    auto read = for_each_entry([&](const consensus::EntryPtr& sealed) {
        const consensus::Entry& entry = sealed->entry;
        if (entry.type != settlement::meter_reads_entry || entry.author != meter) return;
        const auto reads = settlement::decode_meter_reads(entry.body, Elements::verified);
        for (std::size_t t = 0; t < reads->series.intervals.size(); ++t) {
            const IntervalIndex at = reads->series.first + static_cast<IntervalIndex>(t);
            if (period_.first <= at && at < period_.end)
                out[at] = reads->series.intervals[t].commitment;
        }
    });
    if (!read) return read.error();
    if (const auto* party = context_.party(meter))
        if (const auto* corrected = context_.corrected(party->service_point))
            for (const auto& [t, commitment] : *corrected)
                out[t] = commitment;
    return out;
}

Result<std::map<IntervalIndex, crypto::Point>> SettledLog::positions(const PublicKey& home) const {
    std::map<IntervalIndex, crypto::Point> out;
    auto read = for_each_entry([&](const consensus::EntryPtr& sealed) {
        const consensus::Entry& entry = sealed->entry;
        if (entry.type != settlement::position_entry || entry.author != home) return;
        const auto position = settlement::decode_position(entry.body, Elements::verified);
        const auto& series = position->series;
        const auto* record = context_.prices().day_ahead(series.net, series.first);
        if (record == nullptr || !settlement::is_signed_in(*record, home, *position)) return;
        for (std::size_t k = 0; k < series.intervals.size(); ++k)
            out[series.first + static_cast<IntervalIndex>(k)] = series.intervals[k].commitment;
    });
    if (!read) return read.error();
    return out;
}

std::optional<consensus::Height> SettledLog::cleared_at(IntervalIndex interval) const {
    const auto found = cleared_at_.find(interval);
    return found == cleared_at_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<governance::Case>> SettledLog::decisions() const {
    const settlement::Ledger ledger(genesis());
    const auto image = store_.load(ledger);
    if (!image) return image.error();
    std::vector<governance::Case> out;
    if (!image->state) return out;
    for (auto& one : settlement::cases(*image->state, genesis()))
        if (one.state == governance::CaseState::in_force ||
            one.state == governance::CaseState::adopted)
            out.push_back(std::move(one));
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.effective < b.effective; });
    return out;
}

Result<std::pair<IntervalIndex, consensus::EntryId>> SettledLog::reads_entry(
    const PublicKey& meter, IntervalIndex interval) const {
    std::optional<std::pair<IntervalIndex, consensus::EntryId>> out;
    auto read = for_each_entry([&](const consensus::EntryPtr& sealed) {
        const consensus::Entry& entry = sealed->entry;
        if (entry.type != settlement::meter_reads_entry || entry.author != meter) return;
        const auto reads = settlement::decode_meter_reads(entry.body, Elements::verified);
        if (reads->series.first <= interval && interval < reads->series.end())
            out = {reads->series.first, sealed->id};
    });
    if (!read) return read.error();
    if (!out)
        return Error{"the log has no read of interval " + std::to_string(interval) +
                     " by the meter " + short_hex(meter.view())};
    return *out;
}

}  // namespace kilter::cli
