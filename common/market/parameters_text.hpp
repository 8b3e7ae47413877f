/// Market parameters by name, for people: what `kilter rules` shows and proposes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/market/parameters.hpp"

namespace kilter::market {

/// Every parameter with its value, in the order of the struct. Numbers with the fewest digits that come back the same.
std::vector<std::pair<std::string, std::string>> listed(const Parameters& parameters);

const char* name_of(Balance balance);
const char* name_of(Method method);

/// Error: there is no such parameter, or the text is no value of its kind; ranges are validate()'s.
Result<void> set(Parameters& parameters, std::string_view name, std::string_view value);

}  // namespace kilter::market
