#include "coordinator/host/config.hpp"

#include "common/topology/files.hpp"
#include "common/topology/toml_reader.hpp"
#include "common/transport/hub.hpp"

namespace kilter::coordinator {

Result<Config> parse_config(const std::string& text, const std::filesystem::path& path) {
    auto document = topology::TomlDocument::parse(text, path.string());
    if (!document) return document.error();
    topology::TomlTable root = document->root();
    const auto folder = path.parent_path();
    const auto located = [&](std::string value) {
        return folder / std::filesystem::path(std::move(value));
    };

    Config config;
    config.state_dir = located(root.required<std::string>("state_dir"));
    config.key_file = located(root.required<std::string>("key_file"));
    config.genesis_file = located(root.required<std::string>("genesis"));
    config.bind = root.required<std::string>("bind");
    config.topology_file = located(root.required<std::string>("topology"));
    config.log_level = root.optional<std::string>("log_level", config.log_level);
    config.runtime_dir = root.has("runtime_dir")
                             ? located(root.required<std::string>("runtime_dir"))
                             : config.state_dir;
    config.metrics = root.optional<std::string>("metrics", "");
    config.lanes = static_cast<int>(root.optional<std::int64_t>(
        "lanes", config.lanes, topology::Range::between(1, transport::lanes_max)));

    config.relay = root.optional<bool>("relay", config.relay);

    topology::TomlTable gate = root.optional_table("gate");
    Pace& pace = config.pace;
    const auto milliseconds = [&](std::string_view key, std::uint32_t fallback) {
        return static_cast<std::uint32_t>(
            gate.optional<std::int64_t>(key, fallback, topology::Range::between(1, 86'400'000)));
    };
    pace.follow_clock = gate.optional<bool>("follow_clock", pace.follow_clock);
    pace.first_interval =
        gate.optional<std::int64_t>("first_interval", 0, topology::Range::not_negative());
    pace.intervals = static_cast<std::uint32_t>(
        gate.optional<std::int64_t>("intervals", 0, topology::Range::between(0, 1'000'000)));
    pace.lead_ms = milliseconds("lead_ms", pace.lead_ms);
    pace.gather_ms = milliseconds("gather_ms", pace.gather_ms);
    pace.takeover_ms = milliseconds("takeover_ms", pace.takeover_ms);
    if (pace.follow_clock && (gate.has("first_interval") || gate.has("intervals")))
        gate.fail(gate.has("intervals") ? "intervals" : "first_interval",
                  "has a meaning only with follow_clock = false: set that, or leave this key out");
    if (auto done = document->finish(); !done) return done.error();
    return config;
}

Result<Config> load_config(const std::filesystem::path& path) {
    auto text = topology::read_text_file(path);
    if (!text) return text.error();
    return parse_config(*text, path);
}

}  // namespace kilter::coordinator
