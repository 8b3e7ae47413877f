// Any text as a feeder: an error with a place, or a network that survives being written and read again.

#include "common/topology/native.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto network = kilter::topology::parse_network(text, "fuzz");
    if (!network) {
        KILTER_CHECK(network.error().message.starts_with("fuzz"), "an error names its source");
        return 0;
    }
    KILTER_CHECK(network->validate().ok(), "an accepted network is valid");
    const std::string written = kilter::topology::write_network(*network);
    const auto again = kilter::topology::parse_network(written, "written");
    KILTER_CHECK(again.ok(), "what is written can be read");
    KILTER_CHECK(kilter::topology::write_network(*again) == written,
                 "writing what was read changes nothing");
    return 0;
}
