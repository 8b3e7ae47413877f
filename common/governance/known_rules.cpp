#include "common/governance/known_rules.hpp"

namespace kilter::governance {

const KnownRules& known_rules() {
    static const KnownRules known{{"ledger", 3},      {"sharing", 2},    {"response", 1},
                                  {"flexibility", 1}, {"reactive", 1},   {"reserve", 1},
                                  {"network", 1},     {"guarantees", 1}, {"roaming", 1},
                                  {"prepaid", 1},     {"corrections", 1}};
    return known;
}

Result<void> understood(const Docket& docket, Height height, const KnownRules& known) {
    for (const auto& [rule, version] : docket.rules_at(height).versions) {
        const auto found = known.find(rule);
        const std::uint32_t newest = found == known.end() ? 0 : found->second;
        if (version > newest)
            return Error{"from height " + std::to_string(height) + " on the log follows version " +
                         std::to_string(version) + " of rule '" + rule +
                         "', and this program knows " +
                         (newest == 0 ? std::string("no version of it")
                                      : "it up to version " + std::to_string(newest)) +
                         ": install a newer kilter; nothing is lost, it goes on from here"};
    }
    return {};
}

}  // namespace kilter::governance
