/// What a gateway says of a remembered value that does not decode.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace kilter::agent {

inline Error damaged_memory(const std::string& key) {
    return {"the remembered '" + key +
            "' does not decode: agent.db is damaged, or another version's. Move agent.db and what "
            "begins with agent.db- away (keep them) and start again: this home then begins anew, "
            "which is safe"};
}

}  // namespace kilter::agent
