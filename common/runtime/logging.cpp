#include "common/runtime/logging.hpp"

#include <chrono>
#include <cstdio>
#include <mutex>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "common/runtime/line_limit.hpp"

namespace kilter::runtime {

namespace {

/// Standard error, as much of it as LineLimit admits.
class LimitedStderr final : public spdlog::sinks::base_sink<std::mutex> {
  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
        const std::string_view text(message.payload.data(), message.payload.size());
        if (!limit_.admit(text, message.level >= spdlog::level::warn, now_ms)) return;
        if (const auto left_out = limit_.take_left_out(); left_out > 0) {
            spdlog::details::log_msg note = message;
            const std::string words =
                std::to_string(left_out) + " lines left out: too many, or the same again";
            note.payload = words;
            note.level = spdlog::level::warn;
            write(note);
        }
        write(message);
    }

    void flush_() override { std::fflush(stderr); }

  private:
    void write(const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        std::fwrite(line.data(), 1, line.size(), stderr);
    }

    LineLimit limit_;
};

}  // namespace

Result<void> set_up_logging(const std::string& program, std::string_view level) {
    const auto parsed = spdlog::level::from_str(std::string(level));
    if (parsed == spdlog::level::off &&
        level != "off")  // what spdlog makes of what it does not know
        return Error{"log level \"" + std::string(level) +
                     "\" is not known: use trace, debug, info, warning, error or off"};
    auto logger = std::make_shared<spdlog::logger>(program, std::make_shared<LimitedStderr>());
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
