// tests/vectors/admission, which a second implementation has written: byte for byte what this one writes, and back.
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "common/settlement/enrolment.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::vectors_test {
namespace {

std::string vector_text(const std::string& name) {
    std::ifstream in(std::string(KILTER_SOURCE_DIR) + "/tests/vectors/admission/" + name);
    std::string out{std::istreambuf_iterator<char>(in), {}};
    std::erase(out, '\n');
    return out;
}

/// Home 0's key revoked and home 7's put in its place, home 1 renewed for another year.
RosterChange second_change() {
    RosterMember renewed = certificate(1, NetId{0});
    renewed.valid_until_ms += renewed.valid_until_ms - renewed.valid_from_ms;
    RosterMember successor = certificate(7, NetId{0});
    successor.service_point = certificate(0, NetId{0}).service_point;
    return *make_change(first_roster(), {{home(0).public_key(), true}}, {renewed, successor});
}

TEST(AdmissionVectors, AreWhatThisImplementationWrites) {
    const std::map<std::string, Bytes> written{
        {"genesis.hex", neighbourhood().encode()},
        {"certificate.hex", encode(certificate(1, NetId{0}))},
        {"roster-1.hex", encode(first_roster())},
        {"roster-2.hex", encode(*apply(first_roster(), second_change()))},
        {"roster-change-1.hex", encode(first_change())},
        {"roster-change-2.hex", encode(second_change())},
    };
    for (const auto& [name, bytes] : written)
        EXPECT_EQ(to_hex(bytes), vector_text(name)) << name;
    const EnrolmentRequest request{home(1).public_key(), Equipment::battery,
                                   "tcp://192.0.2.7:20001"};
    EXPECT_EQ(request.text(), vector_text("request.txt"));
    EnrolmentBundle bundle{neighbourhood(), certificate(1, NetId{0}), {}, {}, {}};
    bundle.sign(grid_operator());
    EXPECT_EQ(bundle.text(), vector_text("bundle.txt"));
}

TEST(AdmissionVectors, AreReadAsTheSameValues) {
    const auto bytes = [](const std::string& name) { return *from_hex(vector_text(name)); };
    EXPECT_EQ(*Genesis::decode(bytes("genesis.hex")), neighbourhood());
    EXPECT_EQ(*decode_member(bytes("certificate.hex")), certificate(1, NetId{0}));
    EXPECT_EQ(*decode_roster(bytes("roster-1.hex")), first_roster());
    EXPECT_EQ(*decode_roster_change(bytes("roster-change-1.hex")), first_change());
    EXPECT_EQ(*decode_roster_change(bytes("roster-change-2.hex")), second_change());
    EXPECT_TRUE(EnrolmentRequest::parse(vector_text("request.txt")).ok());
    EXPECT_TRUE(EnrolmentBundle::parse(vector_text("bundle.txt")).ok());
}

}  // namespace
}  // namespace kilter::settlement::vectors_test
