// Whatever another replica, a client or a store may hand to the log: refused, or canonical.

#include "common/consensus/light_client.hpp"
#include "common/consensus/message.hpp"

namespace {

template <class Value>
void check_round_trip(const kilter::Result<Value>& decoded, kilter::ByteView bytes) {
    if (decoded)
        KILTER_CHECK(encode(*decoded) == kilter::to_bytes(bytes),
                     "what was accepted re-encodes to itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kilter::ByteView bytes(data, size);
    check_round_trip(kilter::consensus::decode(bytes), bytes);
    check_round_trip(kilter::consensus::decode_entry(bytes), bytes);
    check_round_trip(kilter::consensus::decode_receipt(bytes), bytes);
    return 0;
}
