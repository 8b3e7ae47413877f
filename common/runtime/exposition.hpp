/// Figures for monitoring, in Prometheus' text format (version 0.0.4). Names end in their unit; counters in _total.
/// Figures say how a daemon fares, never what a home does: no power, no price, no device, no plan.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace kilter::runtime {

class Exposition {
  public:
    /// Goes up and down.
    void gauge(std::string_view name, std::string_view help, double value);
    /// Only grows, while the process lives.
    void counter(std::string_view name, std::string_view help, std::uint64_t value);
    /// One more sample of the family added last, which then has none without a label. Label values are words of ours:
    /// nothing in them needs escaping.
    void counter(std::string_view name,
                 std::string_view help,
                 std::string_view label,
                 std::string_view label_value,
                 std::uint64_t value);

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void family(std::string_view name, std::string_view help, std::string_view type);

    std::string text_;
    std::string family_;
};

/// Of this process (its memory, its start) and of the file system and files of `state_dir`.
void add_process(Exposition& out, const std::filesystem::path& state_dir);

}  // namespace kilter::runtime
