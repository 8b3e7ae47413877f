#include "tests/lint/layering.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <sstream>
#include <utility>

namespace kilter::lint {
namespace {

constexpr std::string_view cmake_path = "CMakeLists.txt";

/// Headers of libraries and the CMake target that stands for the library.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> library_headers{{
    {"Eigen/", "eigen"},
    {"unsupported/Eigen/", "eigen"},
    {"sodium", "PkgConfig::sodium"},
    {"msgpack", "msgpack"},
    {"toml++/", "tomlplusplus"},
    {"sqlite3", "PkgConfig::sqlite"},
    {"zmq", "cppzmq"},
    {"spdlog/", "spdlog::spdlog"},
    {"fmt/", "spdlog::spdlog"},
    {"thread", "Threads::Threads"},
    {"CLI/", "CLI11::CLI11"},
    {"nlohmann/", "nlohmann_json::nlohmann_json"},
    {"gtest/", "GTest::gtest"},
}};

bool is_folder(std::string_view name) {
    return name.starts_with("common/") || name.starts_with("agent/") ||
           name.starts_with("coordinator/");
}

/// The two places that put whole neighbourhoods into one process.
bool may_join_sides(std::string_view folder) {
    return folder == "coordinator/planner" || folder == "coordinator/cli";
}

std::string without_comments(std::string_view cmake) {
    return std::regex_replace(std::string(cmake), std::regex("#[^\n]*"), "");
}

std::string folder_part(std::string_view include) {
    return std::string(include.substr(0, include.rfind('/')));
}

}  // namespace

LinkTable read_link_table(std::string_view cmake) {
    const std::string text = without_comments(cmake);
    const std::regex call(R"(\bkilter_library\(([^)]*)\))");
    LinkTable table;
    for (std::sregex_iterator it(text.begin(), text.end(), call), end; it != end; ++it) {
        std::istringstream words((*it)[1].str());
        std::string folder;
        words >> folder;
        if (!is_folder(folder)) continue;  // the function's own definition
        for (std::string dependency; words >> dependency;)
            table[folder].insert(dependency);
        table[folder];
    }
    for (bool grew = true; grew;) {
        grew = false;
        for (auto& [folder, links] : table)
            for (const std::string& link : std::set<std::string>(links))
                if (const auto next = table.find(link); next != table.end())
                    for (const std::string& further : next->second)
                        grew |= links.insert(further).second;
    }
    return table;
}

std::string folder_of(const SourceFile& file, const LinkTable& table) {
    if (file.path == "agent/main.cpp" || file.path == "coordinator/main.cpp")
        return folder_part(file.path) + "/host";
    std::string best;
    for (const auto& [folder, links] : table)
        if (file.is_under(folder) && folder.size() > best.size()) best = folder;
    return best;
}

std::vector<Finding> check_includes(const SourceFile& file, const LinkTable& table) {
    std::vector<Finding> out;
    const bool is_product = file.is_cpp() && (file.is_under("common") || file.is_under("agent") ||
                                              file.is_under("coordinator"));
    if (!is_product) return out;
    const std::string folder = folder_of(file, table);
    if (folder.empty() || !table.contains(folder)) {
        out.push_back(
            {file.path, 0, "lies in no folder that CMakeLists.txt names with kilter_library()"});
        return out;
    }
    const std::set<std::string>& allowed = table.at(folder);
    for (const Include& include : includes_of(file)) {
        if (include.quoted) {
            const std::string target = folder_part(include.target);
            if (!is_folder(include.target)) {
                out.push_back({file.path, include.line,
                               "\"" + include.target + "\" is not written from the source root"});
            } else if (target != folder && !allowed.contains(target)) {
                out.push_back({file.path, include.line,
                               folder + " does not link " + target +
                                   " (kilter_library() in CMakeLists.txt)"});
            }
            continue;
        }
        for (const auto& [prefix, library] : library_headers)
            if (include.target.starts_with(prefix) && !allowed.contains(std::string(library)))
                out.push_back({file.path, include.line,
                               folder + " includes <" + include.target + "> but does not link " +
                                   std::string(library)});
    }
    return out;
}

std::vector<Finding> check_sides(const LinkTable& table) {
    std::vector<Finding> out;
    for (const auto& [folder, links] : table) {
        if (links.contains(folder))
            out.push_back({std::string(cmake_path), 0, folder + " depends on itself"});
        const auto reaches = [&links = links](std::string_view side) {
            return std::any_of(links.begin(), links.end(),
                               [&](const auto& link) { return link.starts_with(side); });
        };
        const bool crosses =
            (folder.starts_with("agent/") && reaches("coordinator/")) ||
            (folder.starts_with("coordinator/") && reaches("agent/")) ||
            (folder.starts_with("common/") && (reaches("agent/") || reaches("coordinator/")));
        if (crosses && !may_join_sides(folder))
            out.push_back(
                {std::string(cmake_path), 0,
                 folder + " reaches the other side; only the planner and the command line may"});
    }
    return out;
}

}  // namespace kilter::lint
