/// Names of a network's parts.
#pragma once

#include <set>
#include <string>

#include "common/base/result.hpp"

namespace kilter::model {

/// Error: an item (with a field `name`) without one, or one that another has. `kind` is what an item is, for people.
template <class Items>
Result<void> check_names(const char* kind, const Items& items) {
    std::set<std::string> seen;
    for (const auto& item : items) {
        if (item.name.empty()) return Error{std::string("a ") + kind + " has no name, give it one"};
        if (!seen.insert(item.name).second)
            return Error{std::string("the name of ") + kind + " " + item.name +
                         " is used twice, give each its own"};
    }
    return {};
}

}  // namespace kilter::model
