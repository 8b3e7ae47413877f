/// A chaired session as JSON, for the operator's eyes: prices, voltages, residuals, times. Numbers read back to the same
/// bits. Schema: docs/reports.md.
#pragma once

#include <string>

#include "coordinator/core/feeder_host.hpp"

namespace kilter::coordinator {

std::string to_json(const SessionReport& report, const model::Network& network);

}  // namespace kilter::coordinator
