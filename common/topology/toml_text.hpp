/// Guards toml++ against characters that it does not survive: its 3.3 release runs into undefined behaviour where white
/// space may stand and some character outside ASCII does (toml++ issues 190 and 295).
#pragma once

#include <string_view>

#include "common/base/result.hpp"

namespace kilter::topology {

/// Outside comments and strings TOML is ASCII anyway; strings over several lines are not needed in our files.
/// Error: "source:line:column: ..." of the first character or string that is neither.
Result<void> check_toml_text(std::string_view text, std::string_view source_name);

}  // namespace kilter::topology
