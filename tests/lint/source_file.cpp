#include "tests/lint/source_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

namespace kilter::lint {
namespace {

/// Blanks out comments and the text of literals, keeping every newline where it is.
std::string code_of(std::string_view text) {
    std::string out(text);
    std::size_t at = 0;
    const auto blank_to = [&](std::size_t end) {
        for (end = std::min(end, text.size()); at < end; ++at)
            if (text[at] != '\n') out[at] = ' ';
    };
    const auto after = [&](std::string_view what, std::size_t from) {
        const std::size_t found = text.find(what, from);
        return found == std::string_view::npos ? text.size() : found + what.size();
    };
    while (at < text.size()) {
        const std::string_view rest = text.substr(at);
        const bool in_word = at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) ||
                                        text[at - 1] == '_');
        if (rest.starts_with("//")) {
            blank_to(text.find('\n', at));
        } else if (rest.starts_with("/*")) {
            blank_to(after("*/", at + 2));
        } else if (rest.starts_with("R\"") && !in_word) {
            const std::size_t open = std::min(text.find('(', at), text.size());
            blank_to(after(")" + std::string(text.substr(at + 2, open - at - 2)) + "\"", open));
        } else if (rest.front() == '"' || (rest.front() == '\'' && !in_word)) {
            std::size_t end = at + 1;
            while (end < text.size() && text[end] != rest.front() && text[end] != '\n')
                end += text[end] == '\\' ? 2 : 1;
            ++at;
            blank_to(end);
            ++at;
        } else {
            ++at;
        }
    }
    return out;
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

bool is_text(const std::filesystem::path& path) {
    static constexpr std::array extensions{".cpp",   ".hpp", ".txt", ".md",   ".toml", ".json",
                                           ".cmake", ".sh",  ".py",  ".supp", ".svg",  ".service"};
    const std::string extension = path.extension().string();
    return extension.empty() ||
           std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

}  // namespace

SourceFile SourceFile::from_text(std::string path, std::string_view text) {
    return {std::move(path), split_lines(text), split_lines(code_of(text))};
}

bool SourceFile::is_under(std::string_view folder) const {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

std::vector<Include> includes_of(const SourceFile& file) {
    static const std::regex directive(R"(^\s*#\s*include\s*(["<])([^">]*)[">])");
    std::vector<Include> out;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
        std::smatch match;
        if (file.code[i].find('#') != std::string::npos &&
            std::regex_search(file.lines[i], match, directive))
            out.push_back({i + 1, match[2], match[1] == "\""});
    }
    return out;
}

std::vector<SourceFile> read_source_tree() {
    namespace fs = std::filesystem;
    const fs::path root = KILTER_SOURCE_DIR;
    std::vector<SourceFile> out;
    for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
        const std::string path = it->path().lexically_relative(root).generic_string();
        if (path == ".git" || path == "build" || path == ".cache" ||
            path.ends_with("__pycache__")) {
            it.disable_recursion_pending();
        } else if (it->is_regular_file() && is_text(it->path())) {
            std::ifstream file(it->path(), std::ios::binary);
            out.push_back(
                SourceFile::from_text(path, std::string(std::istreambuf_iterator<char>(file), {})));
        }
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return out;
}

std::string describe(const std::vector<Finding>& findings) {
    std::string out;
    for (const Finding& finding : findings)
        out += finding.path + ":" + std::to_string(finding.line) + ": " + finding.rule + "\n";
    return out;
}

}  // namespace kilter::lint
