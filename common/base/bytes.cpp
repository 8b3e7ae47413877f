#include "common/base/bytes.hpp"

namespace kilter {

std::string to_hex(ByteView bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
    }
    return out;
}

std::string short_hex(ByteView bytes) {
    return to_hex(bytes.first(std::min<std::size_t>(4, bytes.size())));
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return Error{"hexadecimal text has an odd number of digits"};
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]);
        const int low = digit(text[i + 1]);
        if (high < 0 || low < 0)
            return Error{"'" + std::string(text.substr(i, 2)) + "' at position " +
                         std::to_string(i) + " is not hexadecimal"};
        out.push_back(static_cast<std::uint8_t>(16 * high + low));
    }
    return out;
}

}  // namespace kilter
