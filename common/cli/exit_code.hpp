/// What a program's end says to scripts. Stable: documented in docs/cli.md, numbers are never
/// reused.
#pragma once

namespace kilter::cli {

enum class ExitCode : int {
    success = 0,
    failure = 1,        ///< could not do what was asked; the message says why
    usage = 2,          ///< the command line itself is wrong
    not_verified = 3,   ///< what was to be verified is damaged, forged or contradicts itself
    not_converged = 4,  ///< a market session ended without full agreement
};

constexpr int to_int(ExitCode code) {
    return static_cast<int>(code);
}

}  // namespace kilter::cli
