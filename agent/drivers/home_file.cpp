#include "agent/drivers/home_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "common/base/limits.hpp"
#include "common/topology/files.hpp"
#include "common/topology/toml_reader.hpp"

namespace kilter::drivers {

using topology::Range;

std::string write_home(const topology::HomeSpec& home) {
    using topology::toml_float, topology::toml_floats, topology::toml_string;
    const model::Battery& battery = home.battery;
    std::string out = "# One simulated home. Private: it never leaves its gateway.\n";
    out += "name = " + toml_string(home.name) + "\n";
    out += "net = " + std::to_string(home.net.value) + "\n";
    if (!home.source.empty()) out += "source = " + toml_string(home.source) + "\n";
    out += "interval_s = " + std::to_string(home.interval_s) + "\n";
    out += "load_kw = " + toml_floats(home.load_kw, 6) + "\n";
    if (!home.pv_kw.empty()) out += "pv_kw = " + toml_floats(home.pv_kw, 6) + "\n";
    if (battery.power_max_kw > 0 || battery.energy_max_kwh > 0) {
        out += "\n[battery]\n";
        out += "power_max_kw = " + toml_float(battery.power_max_kw) + "\n";
        out += "energy_max_kwh = " + toml_float(battery.energy_max_kwh) + "\n";
        out += "energy_start_kwh = " + toml_float(battery.energy_start_kwh) + "\n";
        out += "energy_end_min_kwh = " + toml_float(battery.energy_end_min_kwh) + "\n";
    }
    out += "\n[forecast]\n";
    out += "noise_fraction = " + toml_float(home.forecast.noise_fraction) + "\n";
    out += "seed = " + std::to_string(static_cast<std::int64_t>(home.forecast.seed)) + "\n";
    return out;
}

Result<topology::HomeSpec> parse_home(std::string_view text, std::string_view source_name) {
    auto document = topology::TomlDocument::parse(text, std::string(source_name));
    if (!document) return document.error();
    topology::TomlTable root = document->root();
    topology::HomeSpec home;
    home.name = root.required<std::string>("name");
    home.net.value = static_cast<std::uint32_t>(root.required<std::int64_t>(
        "net", Range::between(0, static_cast<double>(limits::nets_max) - 1)));
    home.source = root.optional<std::string>("source", "");
    home.interval_s = root.required<std::int64_t>("interval_s", Range::between(1, 86'400));
    home.load_kw = root.required<std::vector<double>>("load_kw", Range::not_negative());
    home.pv_kw = root.optional<std::vector<double>>("pv_kw", {}, Range::not_negative());
    topology::TomlTable battery = root.optional_table("battery");
    home.battery.power_max_kw = battery.required<double>("power_max_kw", Range::positive());
    home.battery.energy_max_kwh = battery.required<double>("energy_max_kwh", Range::positive());
    home.battery.energy_start_kwh =
        battery.required<double>("energy_start_kwh", Range::not_negative());
    home.battery.energy_end_min_kwh =
        battery.required<double>("energy_end_min_kwh", Range::not_negative());
    topology::TomlTable forecast = root.optional_table("forecast");
    home.forecast.noise_fraction =
        forecast.required<double>("noise_fraction", Range::between(0, 1));
    home.forecast.seed = static_cast<std::uint64_t>(forecast.required<std::int64_t>("seed"));
    if (auto done = document->finish(); !done) return done.error();
    if (auto valid = home.validate(); !valid)
        return Error{std::string(source_name) + ": " + valid.error().message};
    return home;
}

Result<void> save_home(const std::filesystem::path& path, const topology::HomeSpec& home) {
    const std::filesystem::path partial = path.string() + ".new";
    const auto failed = [&](const std::string& reason) {
        return Error{path.string() + ": cannot be written: " + reason};
    };
    std::error_code failure;
    {
        std::ofstream out(partial, std::ios::binary | std::ios::trunc);
        if (!out) return failed(std::strerror(errno));
        std::filesystem::permissions(
            partial, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
            failure);
        out << write_home(home);
        if (!out.flush()) return failed(std::strerror(errno));
    }
    std::filesystem::rename(partial, path, failure);
    if (failure) return failed(failure.message());
    return {};
}

Result<topology::HomeSpec> load_home(const std::filesystem::path& path) {
    auto text = topology::read_text_file(path);
    if (!text) return text.error();
    return parse_home(*text, path.string());
}

}  // namespace kilter::drivers
