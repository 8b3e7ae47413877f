/// `kilter book`: a feeder's books of products from its log: prices, tariffs and versions of rules as they were in force, and
/// reads and positions that homes have opened to who keeps the books, every one of them checked against the log.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace kilter::cli {

struct BookCommand {
    std::filesystem::path log;
    std::string period;
    std::filesystem::path contracts;              ///< JSON: as in a book, each home with its "key"
    std::vector<std::filesystem::path> openings;  ///< documents of `kilter disclose`
    std::filesystem::path facts;  ///< JSON: what contracts are called with; may be empty
    std::filesystem::path out;

    [[nodiscard]] int run() const;
};

void add_book(CLI::App& app, int& exit_code);

}  // namespace kilter::cli
