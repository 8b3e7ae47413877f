/// /etc/kilter/agent.toml: where this agent keeps its state, who it is, and which home it speaks for. Local options
/// only; what the market has agreed on is in genesis.
///
///     state_dir = "/var/lib/kilter"                 # database and status; created if missing
///     key_file  = "/var/lib/kilter/agent.key"       # Ed25519 seed, mode 0600 (kilter keygen)
///     genesis   = "/etc/kilter/genesis.bin"         # the log to trust
///     bind      = "tcp://127.0.0.1:20001"           # where neighbours reach this agent; without it: over connections it makes
///     meter_key = "/var/lib/kilter/meter.key"       # the simulated meter's; without it nothing is metered
///     log_level = "info"                            # trace, debug, info, warning, error, off
///     runtime_dir = "/run/kilter"                   # status.json, rewritten often; default: state_dir
///     lanes     = 4                                 # connections to each peer; more than 1 where the network loses
///     metrics   = "127.0.0.1:9464"                  # answers GET /metrics there; default: nowhere
///     relay     = true                              # passes on what homes of its net that nobody can reach say to each other
///     [home]
///     file = "/etc/kilter/home.toml"                # the simulated home's devices
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.hpp"

namespace kilter::agent {

struct Config {
    std::filesystem::path state_dir;
    std::filesystem::path key_file;
    std::filesystem::path genesis_file;
    std::filesystem::path meter_key_file;  ///< empty: there is no meter
    std::string bind;                      ///< empty: listens nowhere
    std::string log_level = "info";
    std::filesystem::path runtime_dir;  ///< state_dir unless given
    std::string metrics;                ///< empty: no figures are shown
    int lanes = 1;                      ///< connections to each peer (transport/hub.hpp)
    bool relay = true;
    std::filesystem::path home_file;
};

/// Relative paths are relative to the file's folder. Error: file:line:column, the key, and what to do.
Result<Config> load_config(const std::filesystem::path& path);
Result<Config> parse_config(const std::string& text, const std::filesystem::path& path);

}  // namespace kilter::agent
