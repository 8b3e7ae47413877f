/// The tables of a MATPOWER case (version 2), before anything is made of them: text -> rows of numbers.
///
/// Many distribution cases hold ohm, kW and kvar and end with MATLAB statements that convert them: those in MATPOWER's
/// own cases are recognised and noted; any other statement on the tables is refused rather than ignored.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::topology {

struct MatpowerCase {
    std::map<std::string, std::vector<std::vector<double>>>
        tables;                          ///< by name after "mpc."; rows are equally long
    std::optional<double> base_mva;      ///< present when read_matpower() said ok
    bool ohm = false;                    ///< r and x are in ohm, not per unit
    bool kilo = false;                   ///< loads are in kW and kvar, not MW and Mvar
    std::optional<double> power_factor;  ///< loads' apparent power is given, at this power factor
};

/// The tables bus, gen and branch are there, with at least 13, 8 and 11 columns.
/// Error: not a case of this kind; names the statement, table or row.
Result<MatpowerCase> read_matpower(std::string_view text);

}  // namespace kilter::topology
