#include "common/settlement/feeder_number.hpp"

namespace kilter::settlement {

std::string name_of(NetId net) {
    const std::string position = std::to_string(position_of(net));
    return feeder_of(net) == 0 ? position : std::to_string(feeder_of(net)) + ":" + position;
}

}  // namespace kilter::settlement
