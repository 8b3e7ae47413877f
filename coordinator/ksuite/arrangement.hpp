/// An instance arranged for the iteration: every device terminal has a row, single-terminal devices first, kind by
/// kind, then the lines, two rows each, those with phases last. Built once, then only read.
///
/// Nets are numbered depth first, so those next to each other are near, and most lines are within a block of nets. What belongs
/// to a block alone lies side by side and is done at once, while its rows are in a second-level cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/ksuite/instance.hpp"
#include "coordinator/ksuite/settings.hpp"

namespace kilter::ksuite {

/// Members of numbered groups, one after another.
class Groups {
  public:
    Groups() = default;
    Groups(std::size_t groups, std::span<const std::uint32_t> group_of);

    [[nodiscard]] std::size_t count() const { return begin_.size() - 1; }

    [[nodiscard]] std::span<const std::uint32_t> members(std::size_t group) const {
        return {member_.data() + begin_[group], begin_[group + 1] - begin_[group]};
    }

  private:
    std::vector<std::uint32_t> begin_{0};
    std::vector<std::uint32_t> member_;
};

struct Arrangement {
    Arrangement(const Instance& instance, const Settings& settings);

    [[nodiscard]] std::size_t terminals() const { return net_of.size(); }

    /// Of a line's first terminal; the second one's is next.
    [[nodiscard]] std::size_t line_row(std::size_t line) const { return first_line + 2 * line; }

    [[nodiscard]] std::size_t phased_lines() const { return lines.count() - first_phased; }

    static constexpr std::size_t nets_per_block = 128;

    /// None where there are fewer nets than in one.
    [[nodiscard]] std::size_t blocks() const { return inner.size() - 1; }

    std::size_t first_battery = 0, first_deferrable = 0, first_curtailable = 0,
                first_line = 0;         ///< rows
    std::vector<std::uint32_t> net_of;  ///< of a row
    std::vector<double> weight;         ///< of a row
    bool uniform = true;                ///< all weights are 1
    Groups nets;                        ///< rows of a net
    std::vector<double> softness;       ///< of a net: Σ 1/w

    Lines lines;
    std::vector<std::uint32_t> inner{0};  ///< lines inner[b] … inner[b + 1] − 1 are within block b
    std::size_t first_crossing = 0;       ///< lines from here on are not within one block,
    std::size_t first_phased = 0;         ///< or from here on have phases

    // Phases: terminal 2i, 2i + 1 of the i-th line with phases; phase nets are nets with such a terminal.
    std::vector<std::uint32_t> phase_net_of;
    Groups phase_nets;
    std::vector<double> phase_gauge;      ///< per line: weight of (rad)² against (kW)²
    std::vector<double> phase_gauge_sum;  ///< per phase net
    std::vector<double> curvature;        ///< per line: c of line_step.hpp
    std::vector<double> coupling;         ///< per line

  private:
    void place_devices(const Instance& instance);
    void place_lines(const Instance& instance, const Settings& settings);
    void weigh(const Instance& instance, const Settings& settings);
    void place_phases(std::size_t nets, const Settings& settings);
};

}  // namespace kilter::ksuite
