#include "agent/host/config.hpp"

#include "common/topology/files.hpp"
#include "common/topology/toml_reader.hpp"
#include "common/transport/hub.hpp"

namespace kilter::agent {

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
    if (const auto meter = root.optional<std::string>("meter_key", ""); !meter.empty())
        config.meter_key_file = located(meter);
    config.bind = root.optional<std::string>("bind", "");
    config.log_level = root.optional<std::string>("log_level", config.log_level);
    config.runtime_dir = root.has("runtime_dir")
                             ? located(root.required<std::string>("runtime_dir"))
                             : config.state_dir;
    config.metrics = root.optional<std::string>("metrics", "");
    config.lanes = static_cast<int>(root.optional<std::int64_t>(
        "lanes", config.lanes, topology::Range::between(1, transport::lanes_max)));
    if (config.bind.empty() && config.lanes > 1)
        root.fail("lanes",
                  "an agent that listens nowhere has one connection to each peer: leave this out, "
                  "or set bind");
    config.relay = root.optional<bool>("relay", config.relay);
    config.home_file = located(root.table("home").required<std::string>("file"));
    if (auto done = document->finish(); !done) return done.error();
    return config;
}

Result<Config> load_config(const std::filesystem::path& path) {
    auto text = topology::read_text_file(path);
    if (!text) return text.error();
    return parse_config(*text, path);
}

}  // namespace kilter::agent
