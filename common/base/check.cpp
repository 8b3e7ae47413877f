#include "common/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace kilter {

void check_failed(const char* condition, const char* message, const char* file, int line) {
    std::fprintf(stderr, "kilter: internal error at %s:%d: %s (%s)\n", file, line, message,
                 condition);
    std::abort();
}

}  // namespace kilter
