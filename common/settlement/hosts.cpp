#include "common/settlement/hosts.hpp"

namespace kilter::settlement {

std::vector<PartyId> hosts_of(const Directory& directory,
                              const consensus::ValidatorSet& validators,
                              FeederNumber feeder,
                              std::uint32_t opening) {
    std::vector<PartyId> out;
    const std::size_t count = validators.size();
    for (std::size_t i = 0; i < count; ++i) {
        const auto& key = validators.validators[(opening + i) % count].key;
        const auto party = directory.find(key);
        if (party && directory.at(*party).role == Role::coordinator &&
            feeder_of(directory.at(*party).net) == feeder)
            out.push_back(*party);
    }
    return out;
}

}  // namespace kilter::settlement
