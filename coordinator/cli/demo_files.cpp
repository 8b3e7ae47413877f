#include "coordinator/cli/demo_files.hpp"

#include <fstream>
#include <iterator>

namespace kilter::cli {

std::optional<nlohmann::ordered_json> read_json(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) return std::nullopt;
    auto value = nlohmann::ordered_json::parse(std::string{std::istreambuf_iterator<char>(in), {}},
                                               nullptr, false);
    return value.is_discarded() ? std::nullopt : std::optional(std::move(value));
}

std::string last_line(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::string last;
    while (std::getline(in, line))
        if (!line.empty()) last = line;
    return last;
}

}  // namespace kilter::cli
