/// What a core has to tell people: one line for the log and for `status`. Never a schedule, never a key.
#pragma once

#include <cstdint>
#include <string>

namespace kilter {

enum class Severity : std::uint8_t {
    routine,  ///< as expected
    notable,  ///< a person may want to know
    wrong,    ///< something or somebody misbehaved; the text says what to do
};

struct Event {
    Severity severity = Severity::routine;
    std::string text;
};

}  // namespace kilter
