// What another coordinator says a session is: pieces in any order, and what they make. Refused, or canonical.

#include "coordinator/core/journal.hpp"

namespace {
using namespace kilter;
using namespace kilter::coordinator;

market::Parameters parameters() {
    market::Parameters out;
    out.horizon = 2;
    out.channels = 2;
    return out;
}

void read_whole(ByteView bytes) {
    const Bytes original = to_bytes(bytes);
    const market::Parameters shapes = parameters();
    if (const auto start = decode_start(bytes, shapes))
        KILTER_CHECK(encode(*start, shapes) == original, "an accepted start re-encodes to itself");
    if (const auto iteration = decode_journal(bytes, 7))
        KILTER_CHECK(encode(*iteration) == original, "an accepted iteration re-encodes to itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    read_whole(bytes);
    // The same bytes as pieces, each after its length.
    ByteReader in(bytes);
    PieceStack stack;
    while (in.left() > 1) {
        const std::size_t length = std::min<std::size_t>(in.u16(), in.left());
        const auto piece = decode_piece({to_bytes(in.raw(length))});
        if (!piece) continue;
        KILTER_CHECK(piece->index < piece->count && piece->count <= journal_pieces_max,
                     "an accepted piece is one of few");
        if (const auto whole = stack.add(*piece)) read_whole(*whole);
    }
    return 0;
}
