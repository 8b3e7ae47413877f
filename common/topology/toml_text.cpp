#include "common/topology/toml_text.hpp"

#include <cstddef>
#include <string>

namespace kilter::topology {

Result<void> check_toml_text(std::string_view text, std::string_view source_name) {
    std::size_t line = 1;
    std::size_t line_start = 0;
    char inside = 0;  // '#' in a comment, the quote in a string
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto refuse = [&](const char* why) {
            return Error{std::string(source_name) + ":" + std::to_string(line) + ":" +
                         std::to_string(i - line_start + 1) + ": " + why};
        };
        if (c == '\n') {
            ++line;
            line_start = i + 1;
            inside = 0;  // a string that was not closed is the parser's to complain about
        } else if (inside == '#') {
            continue;
        } else if (inside != 0) {
            if (c == '\\' && inside == '"')
                ++i;
            else if (c == inside)
                inside = 0;
        } else if (c == '#' || c == '"' || c == '\'') {
            if (c != '#' && text.substr(i, 3) == std::string(3, c))
                return refuse("strings over several lines are not supported; write it on one line");
            inside = c;
        } else if (static_cast<unsigned char>(c) >= 0x80) {
            return refuse(
                "a character outside ASCII where neither a string nor a comment is; put it in "
                "quotes");
        }
    }
    return {};
}

}  // namespace kilter::topology
