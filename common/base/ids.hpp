/// Distinct integer types for things that are counted, so that a net is never taken for a member.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace kilter {

template <class Tag, class Value>
struct Id {
    Value value{};
    auto operator<=>(const Id&) const = default;
};

/// A net (connection point). While one feeder is computed, its position in Network::nets; on a log, which feeders may share,
/// also the feeder's number (settlement/feeder_number.hpp): the same for the feeder with number 0.
using NetId = Id<struct NetTag, std::uint32_t>;
/// A party's position in the current roster (coordinators and homes alike). Names a party within one epoch only;
/// across epochs the public key does.
using PartyId = Id<struct PartyTag, std::uint32_t>;

}  // namespace kilter

template <class Tag, class Value>
struct std::hash<kilter::Id<Tag, Value>> {
    std::size_t operator()(const kilter::Id<Tag, Value>& id) const noexcept {
        return std::hash<Value>{}(id.value);
    }
};
