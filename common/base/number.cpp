#include "common/base/number.hpp"

#include <array>
#include <cstdio>

namespace kilter {

std::string number_text(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", value);
    return text.data();
}

}  // namespace kilter
