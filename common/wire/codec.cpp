#include "common/wire/codec.hpp"

#include <array>

namespace kilter::wire {

namespace {

/// envelope > message > share > members
constexpr std::size_t depth_max = 4;

template <class Body>
Result<Message> body_of(const msgpack::object_array& source) {
    Body body;
    constexpr auto arity = std::tuple_size_v<decltype(fields(body))>;
    const std::string name(name_of(kind_of(Message(body))));
    if (source.size != 1 + arity)
        return Error{name + " has " + std::to_string(source.size - 1) + " fields, expected " +
                     std::to_string(arity)};
    if (!get_each(source, 1, fields(body)))
        return Error{name + " has a field of the wrong type or size"};
    Message message(std::move(body));
    if (const auto checked = check(message); !checked) return checked.error();
    return message;
}

using Reader = Result<Message> (*)(const msgpack::object_array&);

template <class... Bodies>
constexpr std::array<Reader, sizeof...(Bodies)> readers_of(
    std::type_identity<std::variant<Bodies...>>) {
    return {&body_of<Bodies>...};
}

constexpr auto readers = readers_of(std::type_identity<Message>{});

}  // namespace

Result<msgpack::object_handle> parse(ByteView bytes) {
    if (bytes.size() > limits::message_bytes_max)
        return Error{"message of " + std::to_string(bytes.size()) + " bytes, at most " +
                     std::to_string(limits::message_bytes_max) + " are accepted"};
    const msgpack::unpack_limit limit(limits::members_per_net_max, 0, limits::refusal_bytes_max,
                                      limits::message_bytes_max, 0, depth_max);
    const auto refer_into_source = [](msgpack::type::object_type, std::size_t, void*) {
        return true;
    };
    try {
        std::size_t offset = 0;
        auto handle = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(),
                                      offset, refer_into_source, nullptr, limit);
        if (offset != bytes.size())
            return Error{"message is followed by " + std::to_string(bytes.size() - offset) +
                         " more bytes"};
        return handle;
    } catch (const msgpack::unpack_error& error) {
        return Error{std::string("message is not msgpack within the limits: ") + error.what()};
    }
}

Result<Message> message_of(const msgpack::object& source) {
    if (source.type != msgpack::type::ARRAY || source.via.array.size == 0)
        return Error{"message is not an array"};
    std::uint8_t kind = 0;
    if (!get(source.via.array.ptr[0], kind) || kind >= readers.size())
        return Error{"message is of a kind this version does not know"};
    return readers[kind](source.via.array);
}

}  // namespace kilter::wire
