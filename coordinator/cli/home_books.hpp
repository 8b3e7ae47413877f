/// A home's own books, opened with its own keys: what its gateway has kept of reads and positions, for its bill.
#pragma once

#include <filesystem>
#include <map>
#include <vector>

#include "common/settlement/home_account.hpp"
#include "common/settlement/metering.hpp"
#include "coordinator/cli/settled_log.hpp"

namespace kilter::cli {

struct HomeBooks {
    crypto::Identity home;
    crypto::Identity meter;
    settlement::HomeAccount account;  ///< of the period, as far as there is anything
    std::map<IntervalIndex, settlement::MeteredInterval> reads;

    /// DIR has `key`, `meter.key` and `state/agent.db`, as the agent's configuration says by default.
    /// Error: a file that cannot be read, a key the log does not know, a row that does not open.
    static Result<HomeBooks> open(const std::filesystem::path& directory, const SettledLog& log);

    /// Takes corrected reads (CSV: interval, energy_wh; without gap) in place of those the meter has made, each under a
    /// blinding of its own. Returns them. Error: the file is not that.
    Result<std::map<IntervalIndex, std::int64_t>> correct(const std::filesystem::path& file,
                                                          const settlement::ChainId& chain);

    /// The bill of the log's period: from the home's first read in it on.
    [[nodiscard]] Result<settlement::Bill> bill(const SettledLog& log) const;
    [[nodiscard]] Result<std::vector<settlement::BillLine>> lines(
        const SettledLog& log, const settlement::Bill& bill) const;
};

}  // namespace kilter::cli
