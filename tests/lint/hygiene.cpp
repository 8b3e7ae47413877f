#include "tests/lint/hygiene.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <regex>
#include <string_view>

namespace kilter::lint {
namespace {

// .git, build, .cache and compile_commands.json are nobody's source, and are there in every working
// copy.
constexpr std::array<std::string_view, 20> top_level{".ci",
                                                     ".clang-format",
                                                     ".clang-tidy",
                                                     ".gitignore",
                                                     "CMakeLists.txt",
                                                     "CMakePresets.json",
                                                     "LICENSE",
                                                     "README.md",
                                                     "agent",
                                                     "common",
                                                     "coordinator",
                                                     "docs",
                                                     "packaging",
                                                     "tests",
                                                     "topologies",
                                                     ".git",
                                                     ".cache",
                                                     "build",
                                                     "compile_commands.json",
                                                     "CMakeUserPresets.json"};

/// Written by other programs, kept byte for byte.
bool is_data(const SourceFile& file) {
    return file.is_under("tests/vectors") || file.is_under("tests/cases") ||
           file.is_under("tests/fuzz/corpus");
}

bool may_print(const SourceFile& file) {
    return file.path.ends_with("/main.cpp") || file.is_under("common/cli") ||
           file.is_under("coordinator/cli");
}

}  // namespace

std::vector<Finding> check_text(const SourceFile& file) {
    static const std::regex unfinished(
        "\\b(TO"
        "DO|FIX"
        "ME|XX"
        "X)\\b");  // halves: this file is checked too
    static const std::regex using_std(R"(\busing\s+namespace\s+std\s*;)");
    std::vector<Finding> out;
    if (is_data(file)) return out;
    const auto object = [&](std::size_t line, std::string rule) {
        out.push_back({file.path, line, std::move(rule)});
    };
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
        const std::string& line = file.lines[i];
        if (line.find('\t') != std::string::npos) object(i + 1, "tab");
        if (line.ends_with(' ') || line.ends_with('\r')) object(i + 1, "trailing blank");
        if (line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
            object(i + 1, "conflict marker");
        if (std::regex_search(line, unfinished)) object(i + 1, "unfinished mark");
        if (!file.is_cpp()) continue;
        if (file.code[i].find("std::cout") != std::string::npos && !may_print(file))
            object(i + 1, "std::cout outside the command lines");
        if (file.code[i].find("__int128") != std::string::npos && !file.is_under("tests") &&
            file.path != "common/base/wide.hpp")
            object(i + 1, "__int128, which 32-bit processors lack: common/base/wide.hpp");
        if (std::regex_search(file.code[i], using_std)) object(i + 1, "using namespace std");
    }
    if (file.is_header()) {
        if (file.lines.empty() || !file.lines.front().starts_with("//"))
            object(1, "a header starts with a comment that says what it is");
        if (std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end())
            object(1, "a header has #pragma once");
    }
    return out;
}

std::vector<Finding> check_links(const SourceFile& file) {
    namespace fs = std::filesystem;
    static const std::regex link(R"(\]\(([^)#: ]+)(#[^)]*)?\))");
    static const std::regex page(R"(\bdocs/[\w/-]+\.md\b)");
    const fs::path root = KILTER_SOURCE_DIR;
    const fs::path folder = root / fs::path(file.path).parent_path();
    std::vector<Finding> out;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
        const std::string& line = file.lines[i];
        const auto require = [&](const fs::path& base, const std::string& target) {
            if (!fs::exists(base / target))
                out.push_back({file.path, i + 1, target + " does not exist"});
        };
        const std::sregex_iterator end;
        if (file.path.ends_with(".md"))
            for (std::sregex_iterator it(line.begin(), line.end(), link); it != end; ++it)
                require(folder, (*it)[1]);
        for (std::sregex_iterator it(line.begin(), line.end(), page); it != end; ++it) {
            const auto at = static_cast<std::size_t>(it->position());
            if (at == 0 || line[at - 1] != '/') require(root, it->str());
        }
    }
    return out;
}

std::vector<Finding> check_top_level(const std::vector<std::string>& entries) {
    std::vector<Finding> out;
    for (const std::string& entry : entries)
        if (std::find(top_level.begin(), top_level.end(), entry) == top_level.end())
            out.push_back({entry, 0, "does not belong into the top level"});
    return out;
}

}  // namespace kilter::lint
