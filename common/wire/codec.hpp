/// The canonical msgpack profile (docs/protocol/wire.md), for the types of fields.hpp. (Internal to
/// this folder.)
///
///     integer, enum, Id     integer in its shortest form          double          float64
///     string                str                                   optional        nil or the value
///     Bytes, FixedBytes     bin                                   other vectors   array of the
///     elements vector of double or u64   bin, 8 little-endian bytes each   struct          array
///     of its fields
///
/// msgpack-c reads and writes the format. The doubles are written here, because its packer turns
/// whole ones into integers.
#pragma once

#include <bit>
#include <cmath>
#include <limits>

#include <msgpack.hpp>

#include "common/base/limits.hpp"
#include "common/wire/fields.hpp"

namespace kilter::wire {

template <class T>
concept Struct = requires(T& value) {
    fields(value);
};

/// Vectors that travel as raw words.
template <class T>
concept Word = std::same_as<T, std::uint64_t> || std::same_as<T, double>;

class Writer {
  public:
    Writer() : packer_(sink_) {}

    void array(std::size_t size) { packer_.pack_array(static_cast<std::uint32_t>(size)); }

    void put(std::unsigned_integral auto value) { packer_.pack_uint64(value); }

    void put(std::signed_integral auto value) { packer_.pack_int64(value); }
    template <class T>
    requires std::is_enum_v<T>

    void put(T value) { put(static_cast<std::underlying_type_t<T>>(value)); }

    void put(double value) {
        const auto bits = std::bit_cast<std::uint64_t>(value);
        sink_.bytes.push_back(0xcb);
        for (int shift = 56; shift >= 0; shift -= 8)
            sink_.bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
    }

    void put(const std::string& text) {
        packer_.pack_str(static_cast<std::uint32_t>(text.size()));
        packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    }

    void put(const Bytes& bytes) { bin(bytes); }

    template <std::size_t N, class Tag>
    void put(const FixedBytes<N, Tag>& bytes) {
        bin(bytes.view());
    }

    template <class Tag, class Value>
    void put(Id<Tag, Value> id) {
        put(id.value);
    }

    template <Word T>
    void put(const std::vector<T>& words) {
        packer_.pack_bin(static_cast<std::uint32_t>(word_bytes * words.size()));
        const std::size_t at = sink_.bytes.size();
        sink_.bytes.resize(at + word_bytes * words.size());
        store_words(std::span(words), std::span(sink_.bytes).subspan(at));
    }

    template <class T>
    void put(const std::vector<T>& values) {
        array(values.size());
        for (const T& value : values)
            put(value);
    }

    template <class T>
    void put(const std::optional<T>& value) {
        if (value)
            put(*value);
        else
            packer_.pack_nil();
    }

    void put(const Struct auto& value) {
        const auto list = fields(value);
        array(std::tuple_size_v<decltype(list)>);
        put_each(list);
    }

    void put(const Message& message) {
        std::visit(
            [&](const auto& body) {
                const auto list = fields(body);
                array(1 + std::tuple_size_v<decltype(list)>);
                put(kind_of(message));
                put_each(list);
            },
            message);
    }

    template <class... Fields>
    void put_each(const std::tuple<Fields...>& list) {
        std::apply([&](const auto&... field) { (put(field), ...); }, list);
    }

    [[nodiscard]] Bytes take() && { return std::move(sink_.bytes); }

  private:
    struct Sink {
        Bytes bytes;

        void write(const char* data, std::size_t size) {
            const ByteView view = as_bytes({data, size});
            bytes.insert(bytes.end(), view.begin(), view.end());
        }
    };

    void bin(ByteView view) {
        packer_.pack_bin(static_cast<std::uint32_t>(view.size()));
        packer_.pack_bin_body(reinterpret_cast<const char*>(view.data()),
                              static_cast<std::uint32_t>(view.size()));
    }

    Sink sink_;
    msgpack::packer<Sink> packer_;
};

// ---- reading: false when the object is not of the type; ranges are check()'s business
// -------------------------------

template <std::integral T>
bool get(const msgpack::object& source, T& out) {
    if (source.type == msgpack::type::POSITIVE_INTEGER) {
        if (source.via.u64 > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
            return false;
        out = static_cast<T>(source.via.u64);
        return true;
    }
    if constexpr (std::signed_integral<T>) {
        if (source.type != msgpack::type::NEGATIVE_INTEGER ||
            source.via.i64 < std::numeric_limits<T>::min())
            return false;
        out = static_cast<T>(source.via.i64);
        return true;
    }
    return false;
}

/// The only enum inside a message.
inline bool get(const msgpack::object& source, market::Outcome& out) {
    std::uint8_t value = 0;
    if (!get(source, value) || value > static_cast<std::uint8_t>(market::Outcome::abandoned))
        return false;
    out = static_cast<market::Outcome>(value);
    return true;
}

inline bool get(const msgpack::object& source, double& out) {
    if (source.type != msgpack::type::FLOAT64) return false;
    out = source.via.f64;
    return true;
}

inline bool get(const msgpack::object& source, std::string& out) {
    if (source.type != msgpack::type::STR) return false;
    out.assign(source.via.str.ptr, source.via.str.size);
    return true;
}

inline bool get_bin(const msgpack::object& source, ByteView& out) {
    if (source.type != msgpack::type::BIN) return false;
    out = as_bytes({source.via.bin.ptr, source.via.bin.size});
    return true;
}

inline bool get(const msgpack::object& source, Bytes& out) {
    ByteView view;
    if (!get_bin(source, view)) return false;
    out = to_bytes(view);
    return true;
}

template <std::size_t N, class Tag>
bool get(const msgpack::object& source, FixedBytes<N, Tag>& out) {
    ByteView view;
    if (!get_bin(source, view) || view.size() != N) return false;
    out = FixedBytes<N, Tag>::from(view);
    return true;
}

template <class Tag, class Value>
bool get(const msgpack::object& source, Id<Tag, Value>& out) {
    return get(source, out.value);
}

template <Word T>
bool get(const msgpack::object& source, std::vector<T>& out) {
    ByteView view;
    if (!get_bin(source, view) || view.size() % sizeof(T) != 0) return false;
    out.resize(view.size() / sizeof(T));
    load_words(view, std::span(out));
    return true;
}

template <class T>
bool get(const msgpack::object& source, std::vector<T>& out);
template <class T>
bool get(const msgpack::object& source, std::optional<T>& out);
template <Struct T>
bool get(const msgpack::object& source, T& out);

/// The elements of `source` from `first` on are exactly these fields.
template <class... Fields>
bool get_each(const msgpack::object_array& source,
              std::size_t first,
              const std::tuple<Fields&...>& list) {
    if (source.size != first + sizeof...(Fields)) return false;
    const msgpack::object* element = source.ptr + first;
    return std::apply([&](auto&... field) { return (get(*element++, field) && ...); }, list);
}

template <class T>
bool get(const msgpack::object& source, std::vector<T>& out) {
    if (source.type != msgpack::type::ARRAY) return false;
    out.resize(source.via.array.size);
    for (std::size_t i = 0; i < out.size(); ++i)
        if (!get(source.via.array.ptr[i], out[i])) return false;
    return true;
}

template <class T>
bool get(const msgpack::object& source, std::optional<T>& out) {
    if (source.type == msgpack::type::NIL) {
        out.reset();
        return true;
    }
    return get(source, out.emplace());
}

template <Struct T>
bool get(const msgpack::object& source, T& out) {
    return source.type == msgpack::type::ARRAY && get_each(source.via.array, 0, fields(out));
}

/// The object tree of exactly these bytes, its strings referring into them, nothing larger than any
/// message needs. Error: not msgpack, outside the limits, or bytes left over.
Result<msgpack::object_handle> parse(ByteView bytes);

/// Error: not an array [kind, field...] of a known kind with its fields, or outside check()'s
/// limits.
Result<Message> message_of(const msgpack::object& source);

}  // namespace kilter::wire
