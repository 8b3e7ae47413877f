#include "agent/host/safe_state.hpp"

#include <algorithm>
#include <cmath>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "agent/drivers/home_file.hpp"
#include "agent/drivers/simulated.hpp"
#include "agent/host/device_memory.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/storage/key_value.hpp"

namespace kilter::agent {

Result<void> enter_safe_state(const Config& config) {
    auto spec = drivers::load_home(config.home_file);
    if (!spec) return spec.error();
    for (const auto& directory : {config.state_dir, config.runtime_dir})
        if (auto made = runtime::make_private_directory(directory); !made) return made.error();

    auto memory = storage::KeyValue::open(config.state_dir / "agent.db");
    std::optional<double> energy_kwh;
    if (memory) {
        const auto remembered = memory->get(energy_key);
        if (remembered && *remembered) energy_kwh = decode_energy(**remembered, *spec);
    } else {
        spdlog::warn("the agent's memory stays closed: {}", memory.error().message);
    }
    drivers::SimulatedHome home(*std::move(spec), energy_kwh);
    const UnixMs now = runtime::now_ms();
    home.rest(interval_at(now, home.spec().interval_s));

    nlohmann::ordered_json status;
    status["program"] = "kilter-agent";
    status["pid"] = ::getpid();
    status["home"] = home.spec().name;
    status["doing"] =
        "the devices are at rest and nothing is traded: the agent ended too often; see its log, "
        "then start it again";
    status["since_ms"] = now;
    status["updated_ms"] = now;
    auto told = runtime::replace_file(config.runtime_dir / "status.json", status.dump(1) + "\n");
    // Last, for it ends the process where the disk is full.
    if (memory) memory->put({{energy_key, encode_energy(home.energy_kwh())}});
    return told;
}

}  // namespace kilter::agent
