/// A text file of the source tree as the lint rules see it, and how a rule reports what it finds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kilter::lint {

/// What a rule objects to, printed as path:line: rule.
struct Finding {
    std::string path;
    std::size_t line = 0;  ///< counted from 1; 0 when the whole file is meant
    std::string rule;
};

struct SourceFile {
    std::string path;                ///< from the source root, with '/'
    std::vector<std::string> lines;  ///< as they are, without the newline
    std::vector<std::string>
        code;  ///< the same lines without comments and without the text of literals

    /// A file from its text; C++ literals and comments are recognised, whatever the extension.
    static SourceFile from_text(std::string path, std::string_view text);

    [[nodiscard]] bool is_header() const { return path.ends_with(".hpp"); }

    [[nodiscard]] bool is_cpp() const { return is_header() || path.ends_with(".cpp"); }

    /// Inside this folder or one below it.
    [[nodiscard]] bool is_under(std::string_view folder) const;
};

struct Include {
    std::size_t line = 0;
    std::string target;  ///< what stands between the quotes or angle brackets
    bool quoted = false;
};

std::vector<Include> includes_of(const SourceFile& file);

/// Every text file below the source root, ascending by path; build trees and version control are
/// not looked at.
std::vector<SourceFile> read_source_tree();

/// One finding per line, for a failing test's message.
std::string describe(const std::vector<Finding>& findings);

}  // namespace kilter::lint
