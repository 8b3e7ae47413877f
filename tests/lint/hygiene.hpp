/// Rules about text rather than architecture: what no file of the tree may contain, and what the
/// tree may contain.
#pragma once

#include <string>
#include <vector>

#include "tests/lint/source_file.hpp"

namespace kilter::lint {

/// Tabs, trailing blanks, conflict markers, unfinished marks, std::cout outside command lines,
/// using namespace std; headers without #pragma once or an opening comment.
std::vector<Finding> check_text(const SourceFile& file);

/// Links of a Markdown file, and pages under docs/ that any file names, that are not there.
std::vector<Finding> check_links(const SourceFile& file);

/// Entries of the source root that are not on the list of those that belong there.
std::vector<Finding> check_top_level(const std::vector<std::string>& entries);

}  // namespace kilter::lint
