/// What the coordinators of a demo's feeder report of the sessions they chaired, read as it comes.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/time.hpp"

namespace kilter::cli {

class DemoSessions {
  public:
    /// `coordinators`: their directories.
    explicit DemoSessions(std::vector<std::filesystem::path> coordinators)
        : coordinators_(std::move(coordinators)) {}

    /// Reads the reports that were not there the last time.
    void look();

    /// The reports of those that cleared an interval, one each.
    [[nodiscard]] const std::map<IntervalIndex, nlohmann::ordered_json>& cleared() const {
        return cleared_;
    }

    /// How many came to nothing: their intervals were opened again.
    [[nodiscard]] std::size_t abandoned() const { return abandoned_; }

  private:
    std::vector<std::filesystem::path> coordinators_;
    std::set<std::filesystem::path> read_;
    std::map<IntervalIndex, nlohmann::ordered_json> cleared_;
    std::size_t abandoned_ = 0;
};

}  // namespace kilter::cli
