/// The one thing a home says of its equipment in public, on the roster, as its terminal's weight: what can move when a
/// price does. Says nothing of sizes.
#pragma once

#include <cstdint>

namespace kilter::model {

enum class Flexibility : std::uint8_t {
    none,      ///< fixed load
    curtails,  ///< panels and no battery: moves only where selling is worth nothing
    stores,    ///< a battery: moves at every price
};

}  // namespace kilter::model
