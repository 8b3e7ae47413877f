/// Whether an entry's semantic key is the one that follows from its body.
#pragma once

#include "common/settlement/entries.hpp"

namespace kilter::settlement {

/// `value`: the decoded body; `key`: of it. Error: it does not decode, or the key names something else.
template <class T, class KeyOf>
Result<void> check_entry_key(const consensus::Entry& entry, const Result<T>& value, KeyOf key) {
    if (!value) return value.error();
    if (entry.key != key(*value))
        return Error{std::string(entry_type_name(entry.type)) +
                     ": the entry's key does not name what is in it"};
    return {};
}

}  // namespace kilter::settlement
