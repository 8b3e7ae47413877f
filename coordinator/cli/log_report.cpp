#include "coordinator/cli/log_report.hpp"

#include <nlohmann/json.hpp>

#include "common/cli/table.hpp"

namespace kilter::cli {

namespace {

const char* name_of(coordinator::Mode mode) {
    return mode == coordinator::Mode::full ? "full" : "order";
}

double ratio(std::uint64_t of, std::uint64_t to) {
    return to == 0 ? 0 : static_cast<double>(of) / static_cast<double>(to);
}

double mebibytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
}

void add(Table& table, const char* what, const std::optional<LoadFigures>& load) {
    if (!load) return;
    table.add({what, std::to_string(load->replicas_alive), std::to_string(load->outstanding),
               fixed(load->rate(), 0), fixed(load->p50_ms, 2), fixed(load->p99_ms, 2),
               fixed(load->replica_cpu_us, 1), fixed(load->client_cpu_us, 1),
               std::to_string(load->entries)});
}

nlohmann::ordered_json json_of(const LoadFigures& load) {
    return {{"replicas_alive", load.replicas_alive},
            {"outstanding", load.outstanding},
            {"seconds", load.seconds},
            {"entries", load.entries},
            {"entries_per_second", load.rate()},
            {"p50_ms", load.p50_ms},
            {"p99_ms", load.p99_ms},
            {"replica_cpu_us_per_entry", load.replica_cpu_us},
            {"client_cpu_us_per_entry", load.client_cpu_us},
            {"resent", load.resent},
            {"refused", load.refused}};
}

}  // namespace

std::string to_text(const LogReport& report) {
    std::string out = std::to_string(report.replicas) + " replicas, " + name_of(report.mode) +
                      " mode, entries of " + std::to_string(report.entry_bytes) +
                      " bytes, load average before " + fixed(report.load_average, 1) + "\n\n";
    Table loads({{"load", false},
                 {"alive"},
                 {"outstanding"},
                 {"entries/s"},
                 {"p50 ms"},
                 {"p99 ms"},
                 {"replicas' CPU us/entry"},
                 {"client's"},
                 {"entries"}});
    add(loads, "one at a time", report.single);
    add(loads, "closed loop", report.full_load);
    add(loads, "with f dead", report.degraded);
    out += loads.text() + "\n";
    Table rest({{"what", false}, {"figure", false}});
    if (report.kill_gap_ms)
        rest.add({"a leader killed: longest time without a final entry",
                  fixed(*report.kill_gap_ms, 0) + " ms"});
    if (report.degraded && report.full_load)
        rest.add({"throughput with f dead",
                  fixed(100 * report.degraded->rate() / report.full_load->rate(), 0) + " %"});
    if (report.catch_up)
        rest.add(
            {"a fresh replica catches up",
             fixed(static_cast<double>(report.catch_up->entries) / report.catch_up->seconds, 0) +
                 " entries/s (" + std::to_string(report.catch_up->entries) + " in " +
                 fixed(report.catch_up->seconds, 2) + " s)"});
    if (report.receipts)
        rest.add({"a receipt", std::to_string(report.receipts->bytes_beyond_entry_max) +
                                   " bytes beyond its entry at most, verified in " +
                                   fixed(report.receipts->verify_us, 0) + " us (" +
                                   std::to_string(report.receipts->checked) + " checked)"});
    if (report.disk)
        rest.add(
            {"on disk per byte of entries",
             fixed(ratio(report.disk->store_bytes, report.disk->entry_bytes), 2) +
                 (report.disk->pruned_bytes == 0
                      ? std::string()
                      : ", pruned and archived " +
                            fixed(ratio(report.disk->pruned_bytes, report.disk->entry_bytes), 2))});
    if (report.memory) {
        std::string sizes;
        for (const std::uint64_t bytes : report.memory->resident_bytes)
            sizes += (sizes.empty() ? "" : " ") + fixed(mebibytes(bytes), 0);
        rest.add(
            {"MiB resident over " + std::to_string(report.memory->entries) + " entries", sizes});
    }
    rest.add({"the log at the end", std::to_string(report.entries) + " entries in " +
                                        std::to_string(report.heights) +
                                        " blocks, the same on every replica"});
    return out + rest.text();
}

std::string to_json(const LogReport& report) {
    nlohmann::ordered_json out = {{"replicas", report.replicas},
                                  {"mode", name_of(report.mode)},
                                  {"entry_bytes", report.entry_bytes},
                                  {"load_average_before", report.load_average}};
    if (report.single) out["single"] = json_of(*report.single);
    if (report.full_load) out["closed_loop"] = json_of(*report.full_load);
    if (report.kill_gap_ms) out["leader_kill_gap_ms"] = *report.kill_gap_ms;
    if (report.degraded) out["f_dead"] = json_of(*report.degraded);
    if (report.catch_up)
        out["catch_up"] = {{"entries", report.catch_up->entries},
                           {"seconds", report.catch_up->seconds}};
    if (report.receipts)
        out["receipts"] = {{"checked", report.receipts->checked},
                           {"bytes_beyond_entry_max", report.receipts->bytes_beyond_entry_max},
                           {"verify_us", report.receipts->verify_us}};
    if (report.disk)
        out["disk"] = {{"entry_bytes", report.disk->entry_bytes},
                       {"store_bytes", report.disk->store_bytes},
                       {"pruned_bytes", report.disk->pruned_bytes}};
    if (report.memory)
        out["memory"] = {{"entries", report.memory->entries},
                         {"resident_bytes", report.memory->resident_bytes}};
    out["log"] = {{"entries", report.entries}, {"blocks", report.heights}};
    return out.dump(1);
}

}  // namespace kilter::cli
