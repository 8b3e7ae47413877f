#include "common/consensus/types.hpp"

namespace kilter::consensus {

Bytes signed_bytes(
    SignedKind kind, const ChainId& chain, Epoch epoch, View view, ByteView payload) {
    return ByteWriter{}
        .text("TELOG1")
        .u8(static_cast<std::uint8_t>(kind))
        .raw(chain.view())
        .u64(epoch)
        .u64(view)
        .raw(payload)
        .bytes();
}

}  // namespace kilter::consensus
