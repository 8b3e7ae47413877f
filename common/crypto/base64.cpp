#include "common/crypto/base64.hpp"

#include <sodium.h>

namespace kilter::crypto {

namespace {
constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}  // namespace

std::string to_base64url(ByteView bytes) {
    std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), variant);
    out.pop_back();  // the terminating zero
    return out;
}

Result<Bytes> from_base64url(std::string_view text) {
    if (text.empty()) return Bytes{};
    Bytes out(text.size());
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), " \t\r\n", &size, &end,
                          variant) != 0 ||
        end != text.data() + text.size())
        return Error{"this is not base64: something was changed or cut on the way"};
    out.resize(size);
    return out;
}

}  // namespace kilter::crypto
