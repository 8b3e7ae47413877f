#include "coordinator/ksuite/accounting.hpp"

#include <algorithm>

namespace kilter::ksuite {

Size size_of(const Instance& instance) {
    std::vector<bool> alternating(instance.nets, false);
    const Lines& lines = instance.lines;
    for (std::size_t i = 0; i < lines.count(); ++i)
        if (lines.phase[i] > 0) alternating[lines.from[i]] = alternating[lines.to[i]] = true;
    const auto phases =
        static_cast<std::size_t>(std::count(alternating.begin(), alternating.end(), true));
    return {instance.single_terminal_devices() + lines.count(), instance.terminals(),
            (instance.terminals() + phases) * intervals};
}

Traffic traffic_per_iteration(const Arrangement& arrangement) {
    const std::uint64_t rows = arrangement.terminals() + arrangement.phase_net_of.size();
    return {2 * arrangement.terminals(), 2 * rows * intervals * sizeof(double)};
}

}  // namespace kilter::ksuite
