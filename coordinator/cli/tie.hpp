/// `kilter tie`: what a feeder has with its neighbours: their logs known and anchored here, trades over a tie settled on both.
#pragma once

#include <filesystem>
#include <vector>

#include "coordinator/cli/desk.hpp"

namespace kilter::cli {

struct TieKnow {
    DeskOptions desk;
    std::filesystem::path neighbour;  ///< the other log's genesis document

    [[nodiscard]] int run() const;
};

struct TieAnchor {
    DeskOptions desk;
    std::filesystem::path proof;  ///< of the other log, by `kilter log prove`

    [[nodiscard]] int run() const;
};

struct TieOffer {
    DeskOptions desk;
    std::filesystem::path neighbour;
    std::int64_t first = 0;
    std::vector<std::int64_t> energies_wh;  ///< positive: this feeder buys
    std::vector<std::int64_t> prices;       ///< micro-EUR/kWh; one for all, or one each
    int minutes = 60;                       ///< to accept it

    [[nodiscard]] int run() const;
};

struct TieBring {
    DeskOptions desk;
    std::filesystem::path proof;

    [[nodiscard]] int run() const;
};

struct TieShow {
    std::filesystem::path log;
    std::filesystem::path
        neighbour;  ///< a store of another log, held against the anchors and trades; may be empty
    bool json = false;

    [[nodiscard]] int run() const;
};

void add_tie(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
