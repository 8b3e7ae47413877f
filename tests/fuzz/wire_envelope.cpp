// Whatever comes off a socket: refused, or exactly what we would have sent.

#include "common/wire/envelope.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kilter::ByteView bytes(data, size);
    if (const auto opened = kilter::wire::open(bytes)) {
        const kilter::Bytes again = kilter::wire::seal(opened->counter, opened->message);
        KILTER_CHECK(again == kilter::to_bytes(bytes), "an accepted envelope re-encodes to itself");
    }
    if (const auto message = kilter::wire::decode(bytes)) {
        KILTER_CHECK(kilter::wire::check(*message).ok(),
                     "an accepted message is within its limits");
        KILTER_CHECK(kilter::wire::encode(*message) == kilter::to_bytes(bytes),
                     "an accepted message re-encodes to itself");
    }
    return 0;
}
