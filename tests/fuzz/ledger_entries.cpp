// Bodies of entries and the genesis document: refused, or canonical.

#include "common/settlement/bill.hpp"
#include "common/settlement/disclosure.hpp"
#include "common/settlement/enrolment.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/settlement/position.hpp"
#include "common/settlement/tie_prices.hpp"

namespace {
template <class T>
void expect_canonical(const kilter::Result<T>& value, const kilter::Bytes& original) {
    if (value)
        KILTER_CHECK(kilter::settlement::encode(*value) == original,
                     "what is accepted re-encodes to itself");
}
}  // namespace

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
    expect_canonical(kilter::settlement::decode_meter_reads(bytes), original);
    expect_canonical(kilter::settlement::decode_position(bytes), original);
    expect_canonical(kilter::settlement::decode_tie_prices(bytes), original);
    expect_canonical(kilter::settlement::decode_bill(bytes), original);
    expect_canonical(kilter::settlement::decode_disclosure(bytes), original);
    if (const auto document = kilter::settlement::OpeningDocument::decode(bytes))
        KILTER_CHECK(document->encode() == original, "accepted openings re-encode to themselves");
    if (const auto genesis = kilter::settlement::Genesis::decode(bytes)) {
        KILTER_CHECK(genesis->validate().ok(), "an accepted genesis is valid");
        KILTER_CHECK(genesis->encode() == original, "an accepted genesis re-encodes to itself");
    }
    return 0;
}
