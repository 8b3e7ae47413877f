#include "common/topology/toml_reader.hpp"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "common/base/prng.hpp"

namespace kilter::topology::toml_reader_test {
namespace {

struct Options {
    std::string name;
    std::int64_t port = 0;
    double tolerance_kw = 0;
    std::vector<double> daily;
    std::vector<std::string> hosts;
    bool quiet = false;
    std::vector<std::string> peers;
};

Result<Options> read(std::string_view text) {
    auto document = TomlDocument::parse(text, "agent.toml");
    if (!document) return document.error();
    TomlTable root = document->root();
    Options options;
    options.name = root.required<std::string>("name");
    options.port = root.optional<std::int64_t>("port", 7001, Range::between(1, 65535));
    TomlTable market = root.table("market");
    options.tolerance_kw = market.required<double>("tolerance_kw", Range::positive());
    options.daily = market.optional<std::vector<double>>("daily", {}, Range::not_negative());
    options.hosts = market.optional<std::vector<std::string>>("hosts", {});
    options.quiet = root.optional_table("log").optional<bool>("quiet", false);
    for (TomlTable peer : root.tables("peer"))
        options.peers.push_back(peer.required<std::string>("key"));
    if (auto done = document->finish(); !done) return done.error();
    return options;
}

std::string error_of(std::string_view text) {
    const auto options = read(text);
    return options ? "no error" : options.error().message;
}

TEST(TomlReader, ReadsEveryType) {
    const auto options = read(
        "name = \"a\"\nport = 80\n[market]\ntolerance_kw = 1\ndaily = [0, 1.5]\nhosts = [\"x\"]\n"
        "[log]\nquiet = true\n[[peer]]\nkey = \"k1\"\n[[peer]]\nkey = \"k2\"\n");
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->name, "a");
    EXPECT_EQ(options->port, 80);
    EXPECT_EQ(options->tolerance_kw, 1.0);
    EXPECT_EQ(options->daily, (std::vector<double>{0, 1.5}));
    EXPECT_EQ(options->hosts, std::vector<std::string>{"x"});
    EXPECT_TRUE(options->quiet);
    EXPECT_EQ(options->peers, (std::vector<std::string>{"k1", "k2"}));
}

TEST(TomlReader, MissingKeysAreDefaultsOnlyWhereOptional) {
    const auto options = read("name = \"a\"\n[market]\ntolerance_kw = 0.5\n");
    ASSERT_TRUE(options);
    EXPECT_EQ(options->port, 7001);
    EXPECT_EQ(error_of("name = \"a\"\n[market]\n"),
              "agent.toml:2:1: no tolerance_kw in [market]; add it: a number above 0");
    EXPECT_EQ(error_of("name = \"a\"\n"),
              "agent.toml:1:1: no market at the top of the file; add it: a table headed [market]");
}

TEST(TomlReader, MisspeltKeysAreOneErrorWithASuggestion) {
    EXPECT_EQ(error_of("name = \"a\"\n[market]\ntolerence_kw = 1\n"),
              "agent.toml:3:1: unknown key tolerence_kw in [market]; did you mean tolerance_kw?");
    EXPECT_EQ(error_of("naem = \"a\"\n[market]\ntolerance_kw = 1\n"),
              "agent.toml:1:1: unknown key naem at the top of the file; did you mean name?");
    EXPECT_EQ(error_of("name = \"a\"\n[makret]\ntolerance_kw = 1\n"),
              "agent.toml:2:2: unknown key makret at the top of the file; did you mean market?");
    EXPECT_EQ(
        error_of("name = \"a\"\n[market]\ntolerance_kw = 1\ncolour = 3\n"),
        "agent.toml:4:1: unknown key colour in [market]; known here: tolerance_kw, daily, hosts");
}

TEST(TomlReader, WrongTypesAndRangesNameTheKeyAndTheCure) {
    const std::string head = "name = \"a\"\n";
    const std::string tail = "\n[market]\ntolerance_kw = 1\n";
    EXPECT_EQ(error_of(head + "port = \"80\"" + tail),
              "agent.toml:2:8: port at the top of the file is a string; it must be a whole number "
              "between 1 and 65535");
    EXPECT_EQ(
        error_of(head + "port = 0" + tail),
        "agent.toml:2:8: port at the top of the file is 0; it must be a whole number between 1 "
        "and 65535");
    EXPECT_EQ(error_of(head + "port = 80.5" + tail),
              "agent.toml:2:8: port at the top of the file is a number; it must be a whole number "
              "between 1 and 65535");
    EXPECT_EQ(error_of(head + "[market]\ntolerance_kw = nan"),
              "agent.toml:3:16: tolerance_kw in [market] is nan; it must be a number above 0, and "
              "finite");
    EXPECT_EQ(error_of(head + "[market]\ntolerance_kw = inf"),
              "agent.toml:3:16: tolerance_kw in [market] is inf; it must be a number above 0, and "
              "finite");
    EXPECT_EQ(error_of(head + "[market]\ntolerance_kw = 0"),
              "agent.toml:3:16: tolerance_kw in [market] is 0; it must be a number above 0");
    EXPECT_EQ(
        error_of(head + "[market]\ntolerance_kw = 1\ndaily = [1, -2]"),
        "agent.toml:4:9: daily in [market] has an element (number 2) that is -2; it must be a "
        "list, each a number at least 0");
    EXPECT_EQ(error_of("name = \"\"" + tail),
              "agent.toml:1:8: name at the top of the file is empty; it must be a string that is "
              "not empty");
    EXPECT_EQ(
        error_of("name = \"a\"\nmarket = 3"),
        "agent.toml:2:10: market at the top of the file is a whole number; it must be a table "
        "headed [market]");
    EXPECT_EQ(
        error_of("name = \"a\"" + tail + "[peer]\nkey = \"k\""),
        "agent.toml:4:1: peer at the top of the file is a table; it must be tables, each headed "
        "[[peer]]");
}

TEST(TomlReader, FirstErrorOfTheFileAndHowManyMore) {
    EXPECT_EQ(
        error_of("name = 3\nport = 0\n[market]\nbogus = 1\n"),
        "agent.toml:1:8: name at the top of the file is a whole number; it must be a string that "
        "is not empty (and 3 more errors)");
}

TEST(TomlReader, SyntaxErrorsHaveAPosition) {
    EXPECT_EQ(error_of("name = \"a\nport = 1").rfind("agent.toml:1:10: not valid TOML: ", 0), 0u)
        << error_of("name = \"a\nport = 1");
    EXPECT_EQ(error_of("name = \"a\"\nname = \"b\"").rfind("agent.toml:2:", 0), 0u);
    EXPECT_EQ(error_of(std::string((16u << 20) + 1, ' ')),
              "agent.toml: larger than 16 MiB, which no configuration file needs; is this the "
              "right file?");
}

TEST(TomlReader, NearestWord) {
    const std::vector<std::string> known{"load_p_kw", "load_q_kvar", "name"};
    EXPECT_EQ(nearest_word("laod_p_kw", known), "load_p_kw");
    EXPECT_EQ(nearest_word("load_pkw", known), "load_p_kw");
    EXPECT_EQ(nearest_word("nme", known), "name");
    EXPECT_EQ(nearest_word("voltage", known), "");
    EXPECT_EQ(nearest_word("", known), "");
}

TEST(TomlReader, FloatsReadBackToTheSameBits) {
    Prng random(3);
    std::vector<double> values{0.0,     -0.0, 1.0, 100.0, 0.1, 1e22, 5e-324, 1.7976931348623157e308,
                               -1.0 / 3};
    while (values.size() < 2000) {
        const std::uint64_t bits = random.next();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        if (std::isfinite(value)) values.push_back(value);
    }
    auto document = TomlDocument::parse("values = " + toml_floats(values), "x");
    ASSERT_TRUE(document) << document.error().message;
    const auto back = document->root().required<std::vector<double>>("values");
    ASSERT_TRUE(document->finish());
    ASSERT_EQ(back.size(), values.size());
    EXPECT_EQ(std::memcmp(back.data(), values.data(), values.size() * sizeof(double)), 0);
}

TEST(TomlReader, StringsReadBack) {
    const std::string odd = "a \"quoted\" \\ back\nslash\t\x01\x7f é";
    auto document = TomlDocument::parse("text = " + toml_string(odd), "x");
    ASSERT_TRUE(document) << document.error().message;
    EXPECT_EQ(document->root().required<std::string>("text"), odd);
}

}  // namespace
}  // namespace kilter::topology::toml_reader_test
