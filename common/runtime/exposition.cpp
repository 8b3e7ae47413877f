#include "common/runtime/exposition.hpp"

#include <fstream>
#include <unistd.h>

#include <spdlog/fmt/fmt.h>

#include "common/runtime/loop.hpp"

namespace kilter::runtime {

namespace {

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    statm >> pages >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double bytes_below(const std::filesystem::path& folder) {
    double sum = 0;
    std::error_code error;
    for (auto it = std::filesystem::recursive_directory_iterator(folder, error);
         !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
        std::error_code gone;  // a file that was renamed meanwhile
        const auto size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
        if (!gone) sum += static_cast<double>(size);
    }
    return sum;
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view help, std::string_view type) {
    if (family_ == name) return;
    family_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::gauge(std::string_view name, std::string_view help, double value) {
    family(name, help, "gauge");
    text_ += fmt::format("{} {}\n", name, value);
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, help, "counter");
    text_ += fmt::format("{} {}\n", name, value);
}

void Exposition::counter(std::string_view name,
                         std::string_view help,
                         std::string_view label,
                         std::string_view label_value,
                         std::uint64_t value) {
    family(name, help, "counter");
    text_ += fmt::format("{}{{{}=\"{}\"}} {}\n", name, label, label_value, value);
}

void add_process(Exposition& out, const std::filesystem::path& state_dir) {
    static const double started_s = static_cast<double>(now_ms()) / 1e3;
    out.gauge("process_start_time_seconds", "Unix time at which figures were first kept.",
              started_s);
    out.gauge("process_resident_memory_bytes", "Resident memory.", resident_bytes());
    std::error_code error;
    const auto space = std::filesystem::space(state_dir, error);
    if (!error)
        out.gauge("kilter_disk_free_bytes", "Free on the file system of the state directory.",
                  static_cast<double>(space.available));
    out.gauge("kilter_state_bytes", "Size of all files in the state directory.",
              bytes_below(state_dir));
}

}  // namespace kilter::runtime
