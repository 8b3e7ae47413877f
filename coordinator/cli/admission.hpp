/// kilter grant, renew, rekey, revoke: the operator's decisions on who may trade, each one entry on the log.
#pragma once

#include <optional>
#include <string>

#include "coordinator/cli/desk.hpp"

namespace kilter::cli {

/// What a new certificate says beside the key.
struct Terms {
    std::string role = "home";
    std::string net;                 ///< number, or name with `topology`
    std::filesystem::path topology;  ///< the feeder: checks the net, and lets it be named
    std::string feeder;              ///< empty: the topology's, or the coordinators'
    std::string service_point;       ///< UUID; empty: a new one
    std::string home;                ///< of a meter: whose, fingerprint or key
};

struct Grant {
    DeskOptions desk;
    std::string request;  ///< text or file
    Terms terms;
    int days = 365;
    std::filesystem::path out;  ///< the bundle; empty: <fingerprint>.kilter
    bool json = false;

    [[nodiscard]] int run() const;
};

struct Renew {
    DeskOptions desk;
    std::string member;  ///< fingerprint or key
    int days = 365;

    [[nodiscard]] int run() const;
};

struct Rekey {
    DeskOptions desk;
    std::string member;
    std::string request;
    std::filesystem::path out;

    [[nodiscard]] int run() const;
};

struct Revoke {
    DeskOptions desk;
    std::string member;

    [[nodiscard]] int run() const;
};

void add_admission(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
