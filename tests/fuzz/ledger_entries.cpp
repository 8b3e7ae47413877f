// Bodies of entries and the genesis document: refused, or canonical.

#include "common/settlement/enrolment.hpp"
#include "common/settlement/entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kilter::ByteView bytes(data, size);
    const kilter::Bytes original = kilter::to_bytes(bytes);
    if (const auto roster = kilter::settlement::decode_roster(bytes))
        KILTER_CHECK(kilter::settlement::encode(*roster) == original,
                     "an accepted roster re-encodes to itself");
    if (const auto change = kilter::settlement::decode_roster_change(bytes))
        KILTER_CHECK(kilter::settlement::encode(*change) == original,
                     "an accepted roster change re-encodes to itself");
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto request = kilter::settlement::EnrolmentRequest::parse(text))
        KILTER_CHECK(*kilter::settlement::EnrolmentRequest::parse(request->text()) == *request,
                     "an accepted request is written as it was read");
    if (const auto bundle = kilter::settlement::EnrolmentBundle::parse(text))
        KILTER_CHECK(*kilter::settlement::EnrolmentBundle::parse(bundle->text()) == *bundle,
                     "an accepted bundle is written as it was read");
    if (const auto net = kilter::settlement::decode_cleared_net(bytes))
        KILTER_CHECK(kilter::settlement::encode(*net) == original,
                     "an accepted cleared net re-encodes to itself");
    if (const auto genesis = kilter::settlement::Genesis::decode(bytes)) {
        KILTER_CHECK(genesis->validate().ok(), "an accepted genesis is valid");
        KILTER_CHECK(genesis->encode() == original, "an accepted genesis re-encodes to itself");
    }
    return 0;
}
