/// What `log verify` and `log show` have in common: opening stores, and entries in words and as
/// JSON.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "common/settlement/audit.hpp"
#include "common/storage/log_store.hpp"

namespace kilter::cli {

using Json = nlohmann::ordered_json;

/// `path` itself, or the store in it: a coordinator's state directory, or the directory above (as a demo leaves it).
std::filesystem::path store_file(const std::filesystem::path& path);

/// Error: it cannot be read, or is no genesis document.
Result<settlement::Genesis> read_genesis(const std::filesystem::path& file);

/// Seconds per market interval as agreed in genesis; 0 if the parameters do not decode.
std::int64_t interval_seconds(const settlement::Genesis& genesis);

/// "cleared net 17  2026-06-01 18:15  converged at 87  3 homes  0.2314 EUR/kWh" or what else the
/// entry says.
std::string entry_text(const consensus::Entry& entry, std::int64_t interval_s);

/// Everything the entry says, digests and keys in hex.
Json entry_json(const settlement::CheckedEntry& checked, std::int64_t interval_s);

}  // namespace kilter::cli
