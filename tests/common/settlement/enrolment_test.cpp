#include "common/settlement/enrolment.hpp"

#include <gtest/gtest.h>

#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::enrolment_test {
namespace {

EnrolmentRequest request() {
    return {home(1).public_key(), Equipment::battery, "tcp://192.0.2.7:20001"};
}

EnrolmentBundle bundle() {
    EnrolmentBundle out;
    out.genesis = neighbourhood();
    out.certificate = certificate(1, NetId{0});
    out.sign(grid_operator());
    return out;
}

std::string why_not(const EnrolmentBundle& offered, UnixMs now = start_ms + 1) {
    return objection(offered, home(1).public_key(), std::nullopt, 0, now).value_or("");
}

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

TEST(EnrolmentRequest, ComesBackFromItsText) {
    const std::string text = request().text();
    const auto back = EnrolmentRequest::parse("  " + text + "\r\n");
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*back, request());
}

TEST(EnrolmentRequest, OfAHomeThatListensNowhereHasNoEndpoint) {
    EnrolmentRequest silent = request();
    silent.endpoint.clear();
    const auto back = EnrolmentRequest::parse(silent.text());
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*back, silent);
}

TEST(EnrolmentRequest, AnyChangedCharacterIsNoticed) {
    const std::string text = request().text();
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = changed[i] == '7' ? '8' : '7';
        const auto parsed = EnrolmentRequest::parse(changed);
        ASSERT_FALSE(parsed.ok()) << changed;
        EXPECT_TRUE(says(parsed.error().message, "garbled")) << parsed.error().message;
        EXPECT_FALSE(EnrolmentRequest::parse(std::string_view(text).substr(0, i)).ok());
    }
}

TEST(EnrolmentBundle, ComesBackFromItsTextEvenWrappedByAMailProgram) {
    std::string text = bundle().text();
    EXPECT_TRUE(text.starts_with("kilter:"));
    for (std::size_t at = 60; at < text.size(); at += 61)
        text.insert(at, "\n");
    const auto back = EnrolmentBundle::parse(text);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*back, bundle());
    EXPECT_EQ(why_not(*back), "");
}

TEST(EnrolmentBundle, AnyChangedCharacterIsNoticed) {
    const std::string text = bundle().text();
    for (std::size_t i = 0; i < text.size(); i += 7) {
        std::string changed = text;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(EnrolmentBundle::parse(changed).ok()) << i;
        EXPECT_FALSE(EnrolmentBundle::parse(std::string_view(text).substr(0, i)).ok()) << i;
    }
    EnrolmentBundle forged = bundle();
    forged.certificate.net = NetId{1};
    EXPECT_TRUE(says(EnrolmentBundle::parse(forged.text()).error().message, "not signed"));
    forged.sign(coordinator(0));
    EXPECT_TRUE(says(EnrolmentBundle::parse(forged.text()).error().message, "not signed"));
}

TEST(EnrolmentBundle, IsInstalledOnlyForItsKeyItsLogAndItsTime) {
    EnrolmentBundle other = bundle();
    other.certificate.key = home(2).public_key();
    EXPECT_TRUE(says(why_not(other), "this bundle is for the key"));
    EXPECT_TRUE(says(why_not(bundle(), bundle().certificate.valid_until_ms), "has expired"));
    other = bundle();
    other.certificate.role = Role::coordinator;
    EXPECT_TRUE(says(why_not(other), "not for a home"));
    Genesis pinned = neighbourhood();
    EXPECT_FALSE(objection(bundle(), home(1).public_key(), pinned, 0, start_ms + 1));
    pinned.validators.validators.pop_back();
    EXPECT_TRUE(says(*objection(bundle(), home(1).public_key(), pinned, 0, start_ms + 1),
                     "other validators"));
    other = bundle();
    other.roster = encode(first_roster());
    other.roster_receipt = {1, 2, 3};
    EXPECT_TRUE(says(why_not(other), "its roster is not the log's"));
}

}  // namespace
}  // namespace kilter::settlement::enrolment_test
