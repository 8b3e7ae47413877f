#include "common/runtime/logging.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace kilter::runtime {

Result<void> set_up_logging(const std::string& program, std::string_view level) {
    const auto parsed = spdlog::level::from_str(std::string(level));
    if (parsed == spdlog::level::off &&
        level != "off")  // what spdlog makes of what it does not know
        return Error{"log level \"" + std::string(level) +
                     "\" is not known: use trace, debug, info, warning, error or off"};
    auto logger = std::make_shared<spdlog::logger>(
        program, std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ level=%l program=%n %v",
                        spdlog::pattern_time_type::utc);
    logger->set_level(parsed);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    return {};
}

void log_event(const Event& event) {
    switch (event.severity) {
        case Severity::routine:
            return spdlog::info("{}", event.text);
        case Severity::notable:
            return spdlog::warn("{}", event.text);
        case Severity::wrong:
            return spdlog::error("{}", event.text);
    }
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += '\\', out += c;
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    return out += '"';
}

}  // namespace kilter::runtime
