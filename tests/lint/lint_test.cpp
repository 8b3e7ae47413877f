// The tree polices its architecture. Each rule is shown to object to what it forbids, then held
// against every file.

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/lint/hygiene.hpp"
#include "tests/lint/layering.hpp"
#include "tests/lint/purity.hpp"
#include "tests/lint/source_file.hpp"

namespace kilter::lint {
namespace {

const std::vector<SourceFile>& tree() {
    static const std::vector<SourceFile> files = read_source_tree();
    return files;
}

const LinkTable& link_table() {
    static const LinkTable table = [] {
        const auto file = std::find_if(tree().begin(), tree().end(), [](const SourceFile& f) {
            return f.path == "CMakeLists.txt";
        });
        std::string text;
        for (const std::string& line : file->lines)
            text += line + "\n";
        return read_link_table(text);
    }();
    return table;
}

/// The findings of `rule` over the product's sources that lie in a library folder accepted by
/// `wanted`.
template <class Wanted, class Rule>
std::vector<Finding> over_folders(Wanted wanted, Rule rule) {
    std::vector<Finding> out;
    for (const SourceFile& file : tree()) {
        const std::string folder = file.is_cpp() ? folder_of(file, link_table()) : "";
        if (folder.empty() || !wanted(folder)) continue;
        const std::vector<Finding> found = rule(file, folder);
        out.insert(out.end(), found.begin(), found.end());
    }
    return out;
}

template <class Rule>
std::vector<Finding> over_files(Rule rule) {
    std::vector<Finding> out;
    for (const SourceFile& file : tree()) {
        const std::vector<Finding> found = rule(file);
        out.insert(out.end(), found.begin(), found.end());
    }
    return out;
}

std::vector<std::size_t> lines_of(const std::vector<Finding>& findings) {
    std::vector<std::size_t> out;
    std::transform(findings.begin(), findings.end(), std::back_inserter(out),
                   [](const auto& f) { return f.line; });
    return out;
}

using Lines = std::vector<std::size_t>;

TEST(SourceFile, forgets_comments_and_literals_but_keeps_lines) {
    const auto file =
        SourceFile::from_text("a.cpp",
                              "int a; // double\n/* double\n double */ int b = 1'000;\n"
                              "auto c = \"double \\\" double\"; char d = '\"'; int e;\n"
                              "auto f = R\"x(double)\" double)x\"; int g;\n");
    ASSERT_EQ(file.code.size(), 5u);
    for (const std::string& line : file.code)
        EXPECT_EQ(line.find("double"), std::string::npos) << line;
    EXPECT_NE(file.code[2].find("int b = 1'000;"), std::string::npos);
    EXPECT_NE(file.code[3].find("int e;"), std::string::npos);
    EXPECT_NE(file.code[4].find("int g;"), std::string::npos);
}

TEST(SourceFile, finds_includes_outside_comments) {
    const auto file =
        SourceFile::from_text("a.cpp", "#include <a>\n  # include \"b/c.hpp\"\n// #include <d>\n");
    const auto includes = includes_of(file);
    ASSERT_EQ(includes.size(), 2u);
    EXPECT_EQ(includes[0].target, "a");
    EXPECT_FALSE(includes[0].quoted);
    EXPECT_EQ(includes[1].target, "b/c.hpp");
    EXPECT_EQ(includes[1].line, 2u);
}

constexpr std::string_view small_house =
    "function(kilter_library folder)\nendfunction()\n"
    "kilter_library(common/base)  # kilter_library(common/no)\n"
    "kilter_library(common/market common/base eigen)\n"
    "kilter_library(agent/core common/market)\nkilter_library(agent/host agent/core)\n"
    "kilter_library(coordinator/planner agent/core\n  common/base)\n";

TEST(Layering, closes_the_table_over_dependencies) {
    const LinkTable table = read_link_table(small_house);
    EXPECT_EQ(table.size(), 5u);
    EXPECT_EQ(table.at("agent/host"),
              (std::set<std::string>{"agent/core", "common/market", "common/base", "eigen"}));
    EXPECT_TRUE(table.at("common/base").empty());
    EXPECT_TRUE(check_sides(table).empty());
}

TEST(Layering, objects_to_includes_that_are_not_linked) {
    const LinkTable table = read_link_table(small_house);
    const auto file =
        SourceFile::from_text("common/market/a.cpp",
                              "#include \"common/market/a.hpp\"\n#include \"common/base/b.hpp\"\n"
                              "#include \"agent/core/c.hpp\"\n#include <Eigen/Core>\n"
                              "#include <sodium.h>\n#include \"a.hpp\"\n#include <vector>\n");
    EXPECT_EQ(lines_of(check_includes(file, table)), (Lines{3, 5, 6}))
        << describe(check_includes(file, table));
    EXPECT_EQ(check_includes(SourceFile::from_text("common/new/a.cpp", ""), table).size(), 1u);
    EXPECT_EQ(folder_of(SourceFile::from_text("agent/main.cpp", ""), table), "agent/host");
}

TEST(Layering, objects_to_sides_that_meet_and_to_circles) {
    EXPECT_EQ(check_sides(read_link_table("kilter_library(agent/core coordinator/core)")).size(),
              1u);
    EXPECT_EQ(check_sides(read_link_table("kilter_library(coordinator/host agent/core)")).size(),
              1u);
    EXPECT_EQ(check_sides(read_link_table("kilter_library(common/base agent/core)")).size(), 1u);
    EXPECT_EQ(
        check_sides(
            read_link_table("kilter_library(common/a common/b)\nkilter_library(common/b common/a)"))
            .size(),
        2u);
}

TEST(Layering, holds_for_the_tree) {
    ASSERT_TRUE(link_table().contains("common/base"));
    ASSERT_TRUE(link_table().contains("coordinator/cli"));
    const auto sides = check_sides(link_table());
    EXPECT_TRUE(sides.empty()) << describe(sides);
    const auto includes =
        over_files([](const SourceFile& file) { return check_includes(file, link_table()); });
    EXPECT_TRUE(includes.empty()) << describe(includes);
}

TEST(Purity, objects_to_the_outside_world) {
    const auto file = SourceFile::from_text("common/market/a.cpp",
                                            "#include <vector>\n#include <chrono>\n#include "
                                            "<sys/socket.h>\n#include <spdlog/spdlog.h>\n"
                                            "auto a = std::time(nullptr);\nint b = rand();\nauto c "
                                            "= std::chrono::steady_clock::now();\n"
                                            "x.time(3); y->clock(); Prng random(4); my_time(5); "
                                            "// time(0)\nint d = ::socket(1, 2, 3);\n");
    const auto findings = check_purity(file, "common/market");
    EXPECT_EQ(lines_of(findings), (Lines{2, 3, 4, 5, 6, 7, 9})) << describe(findings);
    EXPECT_TRUE(is_pure("common/market"));
    EXPECT_FALSE(is_pure("common/storage"));
}

TEST(Purity, excepts_a_file_only_for_what_it_is_excepted) {
    const std::string_view text = "#include <fstream>\n#include <thread>\n";
    EXPECT_EQ(lines_of(check_purity(SourceFile::from_text("common/topology/a.cpp", text),
                                    "common/topology")),
              (Lines{2}));
    EXPECT_EQ(
        lines_of(check_purity(SourceFile::from_text("common/model/a.cpp", text), "common/model")),
        (Lines{1, 2}));
}

TEST(Purity, holds_for_the_tree) {
    const auto findings = over_folders(is_pure, check_purity);
    EXPECT_TRUE(findings.empty()) << describe(findings);
}

TEST(IntegersOnly, objects_to_floating_point) {
    const auto file =
        SourceFile::from_text("a.cpp", "double a;\nint double_spend; // a double\nfloat b();\n");
    EXPECT_EQ(lines_of(check_integers_only(file)), (Lines{1, 3}));
}

TEST(IntegersOnly, holds_for_the_ledger) {
    const auto findings = over_folders(
        [](const std::string& folder) {
            return folder == "common/consensus" || folder == "common/governance" ||
                   folder == "common/products" || folder == "common/settlement";
        },
        [](const SourceFile& file, const std::string&) { return check_integers_only(file); });
    EXPECT_TRUE(findings.empty()) << describe(findings);
}

TEST(Hygiene, objects_to_untidy_text) {
    const auto file = SourceFile::from_text("common/base/a.hpp",
                                            "int a;\t\nint b; \n<<<<<<< x\n// TO"
                                            "DO: later\nstd::cout << a;\n"
                                            "using namespace std;\n");
    EXPECT_EQ(lines_of(check_text(file)), (Lines{1, 2, 3, 4, 5, 6, 1, 1}))
        << describe(check_text(file));
    EXPECT_TRUE(
        check_text(SourceFile::from_text("common/base/a.hpp", "/// A.\n#pragma once\n")).empty());
    EXPECT_TRUE(check_text(SourceFile::from_text("agent/main.cpp", "std::cout << 1;\n")).empty());
}

TEST(Hygiene, holds_for_the_tree) {
    const auto findings = over_files(check_text);
    EXPECT_TRUE(findings.empty()) << describe(findings);
}

TEST(Links, objects_to_pages_that_are_not_there) {
    const auto file = SourceFile::from_text(
        "docs/"
        "a.md",
        "[good](architecture.md) [bad](nowhere"
        ".md) [web](https://example.org)\n"
        "[part](architecture.md#words) see docs/nothing"
        ".md\n");
    EXPECT_EQ(lines_of(check_links(file)), (Lines{1, 2})) << describe(check_links(file));
}

TEST(Links, hold_for_the_tree) {
    const auto findings = over_files(check_links);
    EXPECT_TRUE(findings.empty()) << describe(findings);
}

TEST(TopLevel, holds_for_the_tree) {
    EXPECT_EQ(check_top_level({"common", "notes.txt"}).size(), 1u);
    std::vector<std::string> entries;
    for (const auto& entry : std::filesystem::directory_iterator(KILTER_SOURCE_DIR))
        entries.push_back(entry.path().filename().string());
    const auto findings = check_top_level(entries);
    EXPECT_TRUE(findings.empty()) << describe(findings);
}

}  // namespace
}  // namespace kilter::lint
