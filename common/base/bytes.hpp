/// Byte strings: owned (Bytes), borrowed (ByteView), of fixed size and a type of their own (FixedBytes), and as hex.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace kilter {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// N bytes with a meaning: digests, keys and signatures are distinct types through Tag and never mix by accident.
template <std::size_t N, class Tag>
struct FixedBytes {
    static constexpr std::size_t size = N;
    std::array<std::uint8_t, N> bytes{};

    auto operator<=>(const FixedBytes&) const = default;

    [[nodiscard]] ByteView view() const { return bytes; }

    [[nodiscard]] bool is_zero() const { return *this == FixedBytes{}; }

    /// The first N bytes of `source`; REQUIRES: source.size() == N.
    static FixedBytes from(ByteView source) {
        KILTER_CHECK(source.size() == N, "wrong size for a fixed-size byte string");
        FixedBytes out;
        std::copy(source.begin(), source.end(), out.bytes.begin());
        return out;
    }
};

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline Bytes to_bytes(ByteView view) {
    return {view.begin(), view.end()};
}

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

/// The first eight hex digits: how keys and digests are named in logs and on screens.
std::string short_hex(ByteView bytes);

/// Error: odd length or a character that is not a hexadecimal digit (either case is accepted).
Result<Bytes> from_hex(std::string_view text);

/// A FixedBytes from hex; the error says what length was expected.
template <class Fixed>
Result<Fixed> fixed_from_hex(std::string_view text) {
    auto bytes = from_hex(text);
    if (!bytes) return bytes.error();
    if (bytes->size() != Fixed::size)
        return Error{"expected " + std::to_string(2 * Fixed::size) + " hexadecimal digits, found " +
                     std::to_string(text.size())};
    return Fixed::from(*bytes);
}

inline constexpr std::size_t word_bytes = 8;

/// Words of eight bytes (integers or doubles), little-endian. REQUIRES: as many bytes.
template <class Word>
void store_words(std::span<const Word> words, std::span<std::uint8_t> to) {
    static_assert(sizeof(Word) == word_bytes);
    KILTER_CHECK(to.size() == word_bytes * words.size(), "a word has eight bytes");
    if constexpr (std::endian::native == std::endian::little) {
        if (!words.empty()) std::memcpy(to.data(), words.data(), to.size());
    } else {
        for (std::size_t i = 0; i < to.size(); ++i)
            to[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint64_t>(words[i / word_bytes]) >>
                                              (8 * (i % word_bytes)));
    }
}

template <class Word>
void load_words(ByteView from, std::span<Word> words) {
    static_assert(sizeof(Word) == word_bytes);
    KILTER_CHECK(from.size() == word_bytes * words.size(), "a word has eight bytes");
    if constexpr (std::endian::native == std::endian::little) {
        if (!words.empty()) std::memcpy(words.data(), from.data(), from.size());
    } else {
        for (std::size_t k = 0; k < words.size(); ++k) {
            std::uint64_t word = 0;
            for (std::size_t i = 0; i < word_bytes; ++i)
                word |= std::uint64_t{from[word_bytes * k + i]} << (8 * i);
            words[k] = std::bit_cast<Word>(word);
        }
    }
}

/// Fixed-width little-endian writing, for everything that is hashed or signed.
class ByteWriter {
  public:
    ByteWriter& u8(std::uint8_t value) { return little_endian(value, 1); }

    ByteWriter& u16(std::uint16_t value) { return little_endian(value, 2); }

    ByteWriter& u32(std::uint32_t value) { return little_endian(value, 4); }

    ByteWriter& u64(std::uint64_t value) { return little_endian(value, 8); }

    ByteWriter& i64(std::int64_t value) {
        return little_endian(static_cast<std::uint64_t>(value), 8);
    }

    ByteWriter& f64(double value) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        return u64(bits);
    }

    ByteWriter& raw(ByteView view) {
        bytes_.insert(bytes_.end(), view.begin(), view.end());
        return *this;
    }

    /// u64() or f64() of each, all at once.
    template <class Word>
    ByteWriter& words(std::span<const Word> values) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + word_bytes * values.size());
        store_words(values, std::span(bytes_).subspan(at));
        return *this;
    }

    ByteWriter& text(std::string_view value) { return raw(as_bytes(value)); }

    [[nodiscard]] const Bytes& bytes() const& { return bytes_; }

    [[nodiscard]] Bytes bytes() && { return std::move(bytes_); }

  private:
    ByteWriter& little_endian(std::uint64_t value, int width) {
        for (int i = 0; i < width; ++i)
            bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
        return *this;
    }

    Bytes bytes_;
};

/// The reverse of ByteWriter. Total: reading past the end returns zeros and makes failed() true.
class ByteReader {
  public:
    explicit ByteReader(ByteView source) : rest_(source) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }

    std::uint16_t u16() { return static_cast<std::uint16_t>(little_endian(2)); }

    std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }

    std::uint64_t u64() { return little_endian(8); }

    std::int64_t i64() { return static_cast<std::int64_t>(little_endian(8)); }

    double f64() {
        const std::uint64_t bits = u64();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }

    /// A view into the source; empty (and failed) when fewer than `count` bytes are left.
    ByteView raw(std::size_t count) {
        if (count > rest_.size()) {
            failed_ = true;
            return {};
        }
        const ByteView out = rest_.first(count);
        rest_ = rest_.subspan(count);
        return out;
    }

    /// u64() or f64() of each, all at once; zeros (and failed) when fewer are left.
    template <class Word>
    void words(std::span<Word> out) {
        const ByteView view = raw(word_bytes * out.size());
        if (failed_)
            std::fill(out.begin(), out.end(), Word{});
        else
            load_words(view, out);
    }

    template <class Fixed>
    Fixed fixed() {
        const ByteView view = raw(Fixed::size);
        return failed_ ? Fixed{} : Fixed::from(view);
    }

    [[nodiscard]] bool failed() const { return failed_; }

    [[nodiscard]] std::size_t left() const { return rest_.size(); }

    /// Everything was there and nothing is left over.
    [[nodiscard]] bool complete() const { return !failed_ && rest_.empty(); }

  private:
    std::uint64_t little_endian(std::size_t width) {
        const ByteView view = raw(width);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < view.size(); ++i)
            value |= static_cast<std::uint64_t>(view[i]) << (8 * i);
        return value;
    }

    ByteView rest_;
    bool failed_ = false;
};

}  // namespace kilter

template <std::size_t N, class Tag>
struct std::hash<kilter::FixedBytes<N, Tag>> {
    std::size_t operator()(const kilter::FixedBytes<N, Tag>& value) const noexcept {
        static_assert(N >= sizeof(std::size_t));
        std::size_t out = 0;
        std::memcpy(&out, value.bytes.data(), sizeof out);
        return out;
    }
};
