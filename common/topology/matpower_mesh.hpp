/// A MATPOWER case (version 2) as a meshed grid: text -> MeshedGrid, with generators and their polynomial costs.
///
/// Branches and generators out of service are left out, and so is one of two angle limits that say nothing (0, or a
/// quarter turn and more). Stores (mpc.storage) keep their active power; their resistance, which only reactive power gives a
/// meaning, is left out. Loads are the case's in every interval; power becomes kW, costs per MW become costs per kW,
/// in whatever currency the case is in.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.hpp"
#include "common/model/meshed_grid.hpp"

namespace kilter::topology {

/// `intervals` of one hour, all alike. Error: as in matpower_case.hpp; a cost that is not a polynomial of degree 2 or
/// less; a grid that validate() refuses. Names the item.
Result<model::MeshedGrid> parse_matpower_mesh(std::string_view text,
                                              std::string_view source_name,
                                              Eigen::Index intervals);
Result<model::MeshedGrid> load_matpower_mesh(const std::filesystem::path& path,
                                             Eigen::Index intervals);

}  // namespace kilter::topology
