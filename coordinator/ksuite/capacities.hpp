/// How much flows over every line when lines neither lose nor limit: what the suite sizes lines by.
///
/// Without losses and limits all nets are one. Devices are cleared on that one net, to 1 % of what they trade; then the
/// flows that carry the result are the smallest ones, min Σ f² over f with the given balance at every net (on a tree
/// they are unique): f = differences of a potential with the network's Laplacian.
#pragma once

#include <vector>

#include "coordinator/ksuite/instance.hpp"
#include "coordinator/ksuite/workers.hpp"

namespace kilter::ksuite {

/// F_max per line, kW: the largest |flow| over the intervals. REQUIRES: a connected network.
std::vector<double> lossless_flow_max(const Instance& instance, Workers& workers);

}  // namespace kilter::ksuite
