/// KILTER_CHECK: a programmer's error ends the process with the place and the reason, in every build.
/// For conditions a peer, a user or a disk can cause use Result or a verdict enum instead.
#pragma once

namespace kilter {
[[noreturn]] void check_failed(const char* condition,
                               const char* message,
                               const char* file,
                               int line);
}  // namespace kilter

#define KILTER_CHECK(condition, message)                                     \
    do {                                                                     \
        if (!(condition)) [[unlikely]]                                       \
            ::kilter::check_failed(#condition, message, __FILE__, __LINE__); \
    } while (false)
