/// kilter keygen: a new identity in a key file.
#pragma once

#include <filesystem>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct Keygen {
    std::filesystem::path out;  ///< must not exist yet
    bool json = false;

    /// Writes the file (mode 0600) and prints public key and fingerprint; never the secret.
    [[nodiscard]] int run() const;
};

void add_keygen(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
