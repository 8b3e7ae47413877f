/// What a run found: broken invariants by their names in docs/testing-the-log.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kilter::consensus::simulation {

struct Violation {
    std::string invariant;  ///< "S1" to "S20", "L1" to "L9"
    std::string what;
};

class Report {
  public:
    void violation(std::string_view invariant, std::string what) {
        if (violations_.size() < kept_max)
            violations_.push_back({std::string(invariant), std::move(what)});
    }

    [[nodiscard]] bool clean() const { return violations_.empty(); }

    [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }

    [[nodiscard]] bool names(std::string_view invariant) const {
        for (const Violation& violation : violations_)
            if (violation.invariant == invariant) return true;
        return false;
    }

  private:
    static constexpr std::size_t kept_max = 16;
    std::vector<Violation> violations_;
};

}  // namespace kilter::consensus::simulation
