/// Strict TOML: every key is asked for by name and range, and what nobody asked for is an error.
/// Errors carry file:line:column, name the key, say what to do, and guess what a misspelt key was
/// meant to be.
///
///     auto document = TomlDocument::parse(text, "agent.toml");
///     if (!document) return document.error();
///     TomlTable root = document->root();
///     Options options;
///     options.name = root.required<std::string>("name");
///     options.port = root.optional<std::int64_t>("port", 7001, Range::between(1, 65535));
///     for (TomlTable peer : root.tables("peer")) options.peers.push_back(read_peer(peer));
///     if (auto done = document->finish(); !done) return done.error();     // only now are the
///     values good
///
/// Reading never stops half way: a missing or wrong value is noted and T{} or the default returned,
/// and finish() reports the first error of the file. Pure; toml++ does the parsing and its
/// exceptions stop here.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace kilter::topology {

/// What a number (each number of a list) may be. Never NaN, never infinite: a limit that does not
/// exist is a key left out.
struct Range {
    double low = std::numeric_limits<double>::lowest();
    double high = std::numeric_limits<double>::max();
    bool above_low = false;  ///< low itself is refused

    static constexpr Range any() { return {}; }

    static constexpr Range positive() { return {.low = 0, .above_low = true}; }

    static constexpr Range not_negative() { return {.low = 0}; }

    static constexpr Range between(double low, double high) { return {.low = low, .high = high}; }

    /// False for NaN.
    [[nodiscard]] constexpr bool holds(double value) const {
        return value <= high && (above_low ? value > low : value >= low);
    }

    /// "above 0", "at least 0", "between 1 and 65535", "finite".
    [[nodiscard]] std::string words() const;
};

/// One table of a document: a cheap handle, valid as long as its TomlDocument.
/// T is bool, std::int64_t, double (whole numbers are accepted), std::string, std::vector<double>
/// or std::vector<std::string>; `range` applies to numbers.
class TomlTable {
  public:
    /// The key's value. Missing, of another type or out of range: noted, and T{} returned.
    template <class T>
    T required(std::string_view key, Range range = {});
    /// The same, but a missing key is `fallback`.
    template <class T>
    T optional(std::string_view key, T fallback, Range range = {});

    [[nodiscard]] bool has(std::string_view key) const;
    /// [key]: missing is noted, and an empty table returned whose own missing keys are not noted
    /// again.
    TomlTable table(std::string_view key);
    /// [key]: a missing one is an empty table (every required key in it is still noted only if the
    /// table is there).
    TomlTable optional_table(std::string_view key);
    /// [[key]], in file order; empty when there are none.
    std::vector<TomlTable> tables(std::string_view key);

    /// Notes an error at the key's value (at the table's start when the key is missing or empty).
    /// `message` is the sentence after "file:line:column: ".
    void fail(std::string_view key, std::string message);

  private:
    friend class TomlDocument;
    struct Content;

    explicit TomlTable(Content& content) : content_(&content) {}

    Content* content_;
};

class TomlDocument {
  public:
    /// `source_name` is the file's name as the user wrote it. Error: not TOML, or larger than
    /// limits::config_file_bytes_max.
    static Result<TomlDocument> parse(std::string_view text, std::string source_name);
    TomlDocument(const TomlDocument&) = delete;
    TomlDocument& operator=(const TomlDocument&) = delete;
    TomlDocument(TomlDocument&&) noexcept;
    TomlDocument& operator=(TomlDocument&&) noexcept;
    ~TomlDocument();

    TomlTable root();
    /// Notes every key that was never asked for, then: the first error of the file, and how many
    /// more there are.
    Result<void> finish();

    struct State;  ///< internal

  private:
    explicit TomlDocument(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// The word of `known` that `word` was probably meant to be: edit distance (with transpositions) at
/// most a third of its length; empty when none is near.
std::string_view nearest_word(std::string_view word, const std::vector<std::string>& known);

/// `value` as the shortest decimal that reads back to the same bits, always with a point or
/// exponent (a TOML float). REQUIRES: finite.
std::string toml_float(double value);
/// `text` as a TOML basic string with quotes and escapes.
std::string toml_string(std::string_view text);
/// A list of floats, `per_line` to a line when longer than one line.
std::string toml_floats(const std::vector<double>& values, std::size_t per_line = 12);

}  // namespace kilter::topology
