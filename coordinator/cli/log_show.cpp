#include "coordinator/cli/log_show.hpp"

#include <bit>
#include <iostream>
#include <memory>

#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {
namespace {

constexpr const char* log_show_command = "kilter log show";

void print(const consensus::FinalBlock& final, std::int64_t interval_s) {
    const consensus::Header& header = final.block->header;
    std::cout << "height " << header.height << "  view " << header.view << "  "
              << utc_text(header.time_ms) << "  proposer " << header.proposer << "  hash "
              << short_hex(final.block->hash.view()) << "  log root "
              << short_hex(header.log_root.view()) << "  "
              << (final.certificate
                      ? std::to_string(final.certificate->signatures.size()) + " final votes"
                      : "final by a later block")
              << '\n';
    for (std::size_t i = 0; i < final.block->entries.size(); ++i)
        std::cout << "  entry " << header.first_index + i << "  "
                  << short_hex(final.block->entries[i]->id.view()) << "  "
                  << entry_text(final.block->entries[i]->entry, interval_s) << '\n';
}

Json json_of(const consensus::FinalBlock& final, std::int64_t interval_s) {
    const consensus::Header& header = final.block->header;
    Json entries = Json::array();
    for (std::size_t i = 0; i < final.block->entries.size(); ++i)
        entries.push_back(entry_json(
            {header.first_index + i, header.height, final.block->entries[i]}, interval_s));
    return {{"height", header.height},
            {"view", header.view},
            {"parent_view", header.parent_view},
            {"time_ms", header.time_ms},
            {"proposer", header.proposer},
            {"hash", to_hex(final.block->hash.view())},
            {"parent_hash", to_hex(header.parent_hash.view())},
            {"payload_root", to_hex(header.payload_root.view())},
            {"log_root", to_hex(header.log_root.view())},
            {"state_root", to_hex(header.state_root.view())},
            {"final_votes", final.certificate ? final.certificate->signatures.size() : 0},
            {"entries", entries}};
}

}  // namespace

int LogShow::run() const {
    const auto opened = storage::LogStore::open_read_only(store_file(store));
    if (!opened) return fail(log_show_command, opened.error());
    const consensus::Height tip = opened->height();
    if (height && (*height < 1 || *height > tip))
        return fail(log_show_command,
                    Error{"there is no block at height " + std::to_string(*height) +
                          "; the store has 1 to " + std::to_string(tip)});
    const std::int64_t interval_s = interval_seconds(opened->genesis());

    Json blocks = Json::array();
    for (consensus::Height h = height.value_or(1); h <= height.value_or(tip); ++h) {
        const auto block = opened->block(h);
        if (!block) return fail(log_show_command, block.error(), ExitCode::not_verified);
        if (json)
            blocks.push_back(json_of(*block, interval_s));
        else
            print(*block, interval_s);
    }
    if (json)
        std::cout << Json{{"chain", to_hex(opened->genesis().chain_id().view())},
                          {"blocks", blocks}}
                         .dump(2)
                  << '\n';
    return to_int(ExitCode::success);
}

void add_log_show(CLI::App& log, int& exit_code) {
    const auto options = std::make_shared<LogShow>();
    CLI::App* command = log.add_subcommand("show", "Print the blocks and entries of a store");
    command->add_option("PATH", options->store, "A store, or a coordinator's state directory")
        ->required();
    command->add_option("--height", options->height, "Only the block at this height");
    command->add_flag("--json", options->json, "Print JSON");
    command->footer(
        "Shows what is stored; 'kilter log verify' checks it.\nExample:\n  kilter log show "
        "coordinator-0 "
        "--height 2");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
