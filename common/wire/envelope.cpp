#include "common/wire/envelope.hpp"

#include "common/wire/codec.hpp"

namespace kilter::wire {

namespace {

/// In every version the first two bytes are a short array's header and the version: readable
/// whatever follows.
std::optional<std::uint8_t> version_of(ByteView bytes) {
    const bool short_array_then_small_integer =
        bytes.size() >= 2 && (bytes[0] & 0xf0) == 0x90 && bytes[1] < 0x80;
    if (!short_array_then_small_integer) return std::nullopt;
    return bytes[1];
}

}  // namespace

Bytes seal(std::uint64_t counter, const Message& message) {
    const auto within = check(message);
    KILTER_CHECK(within.ok(),
                 ("sealing a message of kind " + std::string(name_of(kind_of(message))) +
                  " that is outside the limits: " + within.error().message)
                     .c_str());
    Writer writer;
    writer.array(3);
    writer.put(version);
    writer.put(counter);
    writer.put(message);
    return std::move(writer).take();
}

Result<Opened> open(ByteView bytes) {
    const auto theirs = version_of(bytes);
    if (!theirs)
        return Error{"envelope does not begin with a version: this is not a kilter message"};
    if (*theirs != version)
        return Error{"peer speaks protocol version " + std::to_string(*theirs) +
                     ", this program version " + std::to_string(version) + ": update " +
                     (*theirs > version ? "this program" : "the peer")};
    const auto tree = parse(bytes);
    if (!tree) return tree.error();
    const msgpack::object_array& parts =
        tree->get().via.array;  // version_of has seen the array's header
    if (parts.size != 3)
        return Error{"envelope has " + std::to_string(parts.size) + " parts, expected 3"};
    Opened opened;
    if (!get(parts.ptr[1], opened.counter))
        return Error{"envelope's counter is not an unsigned integer"};
    auto message = message_of(parts.ptr[2]);
    if (!message) return message.error();
    opened.message = std::move(*message);
    if (!std::ranges::equal(seal(opened.counter, opened.message), bytes))
        return Error{"envelope is not in canonical form"};
    return opened;
}

}  // namespace kilter::wire
