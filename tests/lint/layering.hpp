/// The include table. The kilter_library() lines of the root CMakeLists.txt say what each folder
/// links; whatever a folder includes must be itself or in the transitive closure of those links,
/// libraries of others alike.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/lint/source_file.hpp"

namespace kilter::lint {

/// Library folder -> everything it may use: folders and imported targets, itself included.
using LinkTable = std::map<std::string, std::set<std::string>>;

/// The transitive closure of the kilter_library() lines of a CMakeLists.txt.
LinkTable read_link_table(std::string_view cmake);

/// The folder whose rules hold for a source file: the deepest library folder it lies in, agent/host
/// for agent/main.cpp (coordinator alike), empty for anything else.
std::string folder_of(const SourceFile& file, const LinkTable& table);

/// Includes of `file` that its folder does not link.
std::vector<Finding> check_includes(const SourceFile& file, const LinkTable& table);

/// Folders where agent and coordinator meet although they must not, and folders that depend on
/// themselves.
std::vector<Finding> check_sides(const LinkTable& table);

}  // namespace kilter::lint
