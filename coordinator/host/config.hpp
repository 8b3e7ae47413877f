/// /etc/kilter/coordinator.toml: local options of one coordinator. What the market has agreed on is in genesis.
///
///     state_dir = "/var/lib/kilter"
///     key_file  = "/var/lib/kilter/coordinator.key"   # one of genesis' validators
///     genesis   = "/etc/kilter/genesis.bin"
///     bind      = "tcp://10.0.0.7:7100"               # must be this validator's endpoint in genesis, or reach it
///     topology  = "/etc/kilter/feeder.toml"           # the feeder this coordinator hosts
///     log_level = "info"
///     runtime_dir = "/run/kilter"                     # status.json, rewritten often; default: state_dir
///     lanes     = 4                                 # connections to each peer; more than 1 where the network loses
///     metrics   = "127.0.0.1:9465"                    # answers GET /metrics there; default: nowhere
///     relay     = true                                # passes on what homes that nobody can reach say to each other
///     [gate]
///     follow_clock   = true        # false: next gate as soon as the last interval is final
///     first_interval = 1978321     # only without the clock: UTC index of the first interval
///     intervals      = 4           # only without the clock: how many; 0 = no end
///     lead_ms        = 120000
///     gather_ms      = 10000
///     takeover_ms    = 4000
#pragma once

#include <filesystem>
#include <string>

#include "coordinator/core/feeder_host.hpp"

namespace kilter::coordinator {

struct Config {
    std::filesystem::path state_dir;
    std::filesystem::path key_file;
    std::filesystem::path genesis_file;
    std::string bind;
    std::filesystem::path topology_file;
    std::string log_level = "info";
    std::filesystem::path runtime_dir;  ///< state_dir unless given
    std::string metrics;                ///< empty: no figures are shown
    int lanes = 1;                      ///< connections to each peer (transport/hub.hpp)
    bool relay = true;
    Pace pace;
};

/// Relative paths are relative to the file's folder. Error: file:line:column, the key, and what to do.
Result<Config> load_config(const std::filesystem::path& path);
Result<Config> parse_config(const std::string& text, const std::filesystem::path& path);

}  // namespace kilter::coordinator
