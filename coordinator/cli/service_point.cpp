#include "coordinator/cli/service_point.hpp"

#include <array>

#include "common/crypto/identity.hpp"

namespace kilter::cli {

settlement::ServicePoint new_service_point() {
    settlement::ServicePoint out;
    crypto::draw(out.bytes);
    out.bytes[6] = static_cast<std::uint8_t>((out.bytes[6] & 0x0f) | 0x40);  // version 4
    out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3f) | 0x80);  // RFC 4122's variant
    return out;
}

std::string uuid_text(const settlement::ServicePoint& point) {
    constexpr std::array<std::size_t, 4> hyphens{8, 13, 18, 23};
    std::string out = to_hex(point.view());
    for (const std::size_t at : hyphens)
        out.insert(at, 1, '-');
    return out;
}

Result<settlement::ServicePoint> parse_uuid(std::string_view text) {
    std::string digits(text);
    std::erase(digits, '-');
    auto out = fixed_from_hex<settlement::ServicePoint>(digits);
    if (!out || out->is_zero())
        return Error{"\"" + std::string(text) +
                     "\" is no service point: write a UUID such as "
                     "8c1f0c52-9f0e-4d3a-8a7e-3b1f6c0d2e11, or leave it out to have one drawn"};
    return out;
}

}  // namespace kilter::cli
