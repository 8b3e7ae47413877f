#include "common/topology/toml_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <sstream>
#include <toml++/toml.h>

#include "common/base/limits.hpp"
#include "common/topology/toml_text.hpp"

namespace kilter::topology {
namespace {

struct Note {
    toml::source_position at;
    std::string message;
};

std::string type_words(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "a whole number";
        case toml::node_type::floating_point:
            return "a number";
        case toml::node_type::boolean:
            return "true or false";
        case toml::node_type::date:
            return "a date";
        case toml::node_type::time:
            return "a time";
        case toml::node_type::date_time:
            return "a date and time";
        case toml::node_type::none:
            break;
    }
    return "nothing";
}

/// "a number above 0": `kind` is what it is, the range what it may be.
std::string wanted_words(const std::string& kind, const Range& range) {
    const std::string words = range.words();
    return words == "finite" ? kind : kind + " " + words;
}

std::string number_words(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

/// How one type is read: its name in messages, and the value of a node (false and a complaint when
/// it is another type).
template <class T>
struct Reading;

template <>
struct Reading<bool> {
    static std::string words(const Range&) { return "true or false"; }

    static bool read(const toml::node& node, const Range&, bool& out, std::string& complaint) {
        if (!node.is_boolean()) return complaint = "is " + type_words(node), false;
        out = **node.as_boolean();
        return true;
    }
};

template <>
struct Reading<std::int64_t> {
    static std::string words(const Range& range) { return wanted_words("a whole number", range); }

    static bool read(const toml::node& node,
                     const Range& range,
                     std::int64_t& out,
                     std::string& complaint) {
        if (!node.is_integer()) return complaint = "is " + type_words(node), false;
        const std::int64_t value = **node.as_integer();
        if (!range.holds(static_cast<double>(value)))
            return complaint = "is " + std::to_string(value), false;
        out = value;
        return true;
    }
};

template <>
struct Reading<double> {
    static std::string words(const Range& range) { return wanted_words("a number", range); }

    static bool read(const toml::node& node,
                     const Range& range,
                     double& out,
                     std::string& complaint) {
        if (!node.is_number()) return complaint = "is " + type_words(node), false;
        const double value = *node.value<double>();
        if (!range.holds(value)) return complaint = "is " + number_words(value), false;
        out = value;
        return true;
    }
};

template <>
struct Reading<std::string> {
    static std::string words(const Range&) { return "a string that is not empty"; }

    static bool read(const toml::node& node,
                     const Range&,
                     std::string& out,
                     std::string& complaint) {
        if (!node.is_string()) return complaint = "is " + type_words(node), false;
        if (node.as_string()->get().empty()) return complaint = "is empty", false;
        out = node.as_string()->get();
        return true;
    }
};

template <class T>
struct Reading<std::vector<T>> {
    static std::string words(const Range& range) {
        return "a list, each " + Reading<T>::words(range);
    }

    static bool read(const toml::node& node,
                     const Range& range,
                     std::vector<T>& out,
                     std::string& complaint) {
        if (!node.is_array()) return complaint = "is " + type_words(node), false;
        std::vector<T> values;
        for (const toml::node& element : *node.as_array()) {
            if (!Reading<T>::read(element, range, values.emplace_back(), complaint)) {
                complaint = "has an element (number " + std::to_string(values.size()) + ") that " +
                            complaint;
                return false;
            }
        }
        out = std::move(values);
        return true;
    }
};

bool non_finite(const toml::node& node) {
    if (node.is_array())
        return std::any_of(node.as_array()->begin(), node.as_array()->end(), non_finite);
    return node.is_floating_point() && !std::isfinite(**node.as_floating_point());
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j)
        d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.size()][b.size()];
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string Range::words() const {
    const bool no_high = high == std::numeric_limits<double>::max();
    if (no_high && low == std::numeric_limits<double>::lowest()) return "finite";
    if (no_high) return (above_low ? "above " : "at least ") + number_words(low);
    if (above_low) return "above " + number_words(low) + " and at most " + number_words(high);
    return "between " + number_words(low) + " and " + number_words(high);
}

std::string_view nearest_word(std::string_view word, const std::vector<std::string>& known) {
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string& candidate : known) {
        // A length this different is out of reach anyway; it also bounds the work on hostile keys.
        if (std::max(candidate.size(), word.size()) - std::min(candidate.size(), word.size()) >=
            best_distance)
            continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance >= best_distance) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

struct TomlTable::Content {
    struct Missing {
        std::string key;
        std::string what;
    };

    const toml::table* table;  ///< nullptr: the table is not in the file
    std::string place;         ///< "[shape]", "[[bus]] \"18\"", "the top of the file"
    TomlDocument::State* document;
    std::vector<std::string> asked;
    std::vector<Missing> missing;

    const toml::node* find(std::string_view key) {
        if (!contains(asked, key)) asked.emplace_back(key);
        return table ? table->get(key) : nullptr;
    }

    [[nodiscard]] std::string where(std::string_view key) const {
        return std::string(key) + (place.front() == '[' ? " in " : " at ") + place;
    }

    void note(toml::source_position at, std::string message) const;
    TomlTable open(const toml::table* nested, std::string_view key, bool one_of_many);
};

struct TomlDocument::State {
    toml::table table;
    std::string source_name;
    std::deque<TomlTable::Content> contents;
    std::vector<Note> notes;
};

void TomlTable::Content::note(toml::source_position at, std::string message) const {
    document->notes.push_back({at, std::move(message)});
}

TomlTable TomlTable::Content::open(const toml::table* nested,
                                   std::string_view key,
                                   bool one_of_many) {
    std::string opened = (one_of_many ? "[[" : "[") + std::string(key) + (one_of_many ? "]]" : "]");
    if (nested && nested->get("name") && nested->get("name")->is_string())
        opened += " " + toml_string(nested->get("name")->as_string()->get());
    return TomlTable(
        document->contents.emplace_back(Content{nested, std::move(opened), document, {}, {}}));
}

template <class T>
T TomlTable::required(std::string_view key, Range range) {
    if (!content_->find(key) && content_->table)
        content_->missing.push_back({std::string(key), Reading<T>::words(range)});
    return optional<T>(key, T{}, range);
}

template <class T>
T TomlTable::optional(std::string_view key, T fallback, Range range) {
    const toml::node* node = content_->find(key);
    if (!node) return fallback;
    T value{};
    std::string complaint;
    if (Reading<T>::read(*node, range, value, complaint)) return value;
    const std::string wanted = Reading<T>::words(range);
    content_->note(node->source().begin, content_->where(key) + " " + complaint + "; it must be " +
                                             wanted + (non_finite(*node) ? ", and finite" : ""));
    return fallback;
}

template bool TomlTable::required(std::string_view, Range);
template std::int64_t TomlTable::required(std::string_view, Range);
template double TomlTable::required(std::string_view, Range);
template std::string TomlTable::required(std::string_view, Range);
template std::vector<double> TomlTable::required(std::string_view, Range);
template std::vector<std::string> TomlTable::required(std::string_view, Range);
template bool TomlTable::optional(std::string_view, bool, Range);
template std::int64_t TomlTable::optional(std::string_view, std::int64_t, Range);
template double TomlTable::optional(std::string_view, double, Range);
template std::string TomlTable::optional(std::string_view, std::string, Range);
template std::vector<double> TomlTable::optional(std::string_view, std::vector<double>, Range);
template std::vector<std::string> TomlTable::optional(std::string_view,
                                                      std::vector<std::string>,
                                                      Range);

bool TomlTable::has(std::string_view key) const {
    return content_->find(key) != nullptr;
}

TomlTable TomlTable::table(std::string_view key) {
    if (!content_->find(key) && content_->table)
        content_->missing.push_back(
            {std::string(key), "a table headed [" + std::string(key) + "]"});
    return optional_table(key);
}

TomlTable TomlTable::optional_table(std::string_view key) {
    const toml::node* node = content_->find(key);
    if (node && !node->is_table())
        content_->note(node->source().begin, content_->where(key) + " is " + type_words(*node) +
                                                 "; it must be a table headed [" +
                                                 std::string(key) + "]");
    return content_->open(node ? node->as_table() : nullptr, key, false);
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
    const toml::node* node = content_->find(key);
    if (!node) return {};
    const std::string wanted = "; it must be tables, each headed [[" + std::string(key) + "]]";
    if (!node->is_array()) {
        content_->note(node->source().begin,
                       content_->where(key) + " is " + type_words(*node) + wanted);
        return {};
    }
    std::vector<TomlTable> out;
    for (const toml::node& element : *node->as_array()) {
        if (element.is_table())
            out.push_back(content_->open(element.as_table(), key, true));
        else
            content_->note(
                element.source().begin,
                content_->where(key) + " has an element that is " + type_words(element) + wanted);
    }
    return out;
}

void TomlTable::fail(std::string_view key, std::string message) {
    if (!content_->table) return;
    const toml::node* node = key.empty() ? nullptr : content_->table->get(key);
    content_->note((node ? node : content_->table)->source().begin, std::move(message));
}

Result<TomlDocument> TomlDocument::parse(std::string_view text, std::string source_name) {
    if (text.size() > limits::config_file_bytes_max)
        return Error{source_name + ": larger than " +
                     std::to_string(limits::config_file_bytes_max >> 20) +
                     " MiB, which no configuration file needs; is this the right file?"};
    if (auto checked = check_toml_text(text, source_name); !checked) return checked.error();
    auto state = std::make_unique<State>();
    state->source_name = std::move(source_name);
    try {
        state->table = toml::parse(text, state->source_name);
    } catch (const toml::parse_error& error) {
        const auto at = error.source().begin;
        return Error{state->source_name + ":" + std::to_string(at.line) + ":" +
                     std::to_string(at.column) +
                     ": not valid TOML: " + std::string(error.description())};
    }
    State* raw = state.get();
    state->contents.push_back({&raw->table, "the top of the file", raw, {}, {}});
    return TomlDocument(std::move(state));
}

TomlDocument::TomlDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}

TomlDocument::TomlDocument(TomlDocument&&) noexcept = default;
TomlDocument& TomlDocument::operator=(TomlDocument&&) noexcept = default;
TomlDocument::~TomlDocument() = default;

TomlTable TomlDocument::root() {
    return TomlTable(state_->contents.front());
}

Result<void> TomlDocument::finish() {
    for (TomlTable::Content& content : state_->contents) {
        if (!content.table) continue;
        // A key that is both missing and misspelt is one mistake: report the misspelling.
        std::vector<std::string> free;
        for (const std::string& key : content.asked)
            if (!content.table->get(key)) free.push_back(key);
        std::vector<std::string> explained;
        for (const auto& [key, node] : *content.table) {
            if (contains(content.asked, key.str())) continue;
            const std::string_view meant = nearest_word(key.str(), free);
            explained.emplace_back(meant);
            content.note(key.source().begin,
                         "unknown key " + content.where(key.str()) +
                             (meant.empty() ? "; known here: " + joined(content.asked)
                                            : "; did you mean " + std::string(meant) + "?"));
        }
        for (const auto& missing : content.missing)
            if (!contains(explained, missing.key))
                content.note(content.table->source().begin,
                             "no " + content.where(missing.key) + "; add it: " + missing.what);
    }
    std::vector<Note>& notes = state_->notes;
    if (notes.empty()) return {};
    std::stable_sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) {
        return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
    });
    const Note& first = notes.front();
    const std::size_t more = notes.size() - 1;
    return Error{state_->source_name + ":" + std::to_string(first.at.line) + ":" +
                 std::to_string(first.at.column) + ": " + first.message +
                 (more == 0 ? ""
                            : " (and " + std::to_string(more) +
                                  (more == 1 ? " more error)" : " more errors)"))};
}

std::string toml_float(double value) {
    KILTER_CHECK(std::isfinite(value), "a TOML file of ours holds no infinities");
    char buffer[40];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, value);
    std::string out(buffer, written.ptr);
    if (out.find_first_of(".e") == std::string::npos) out += ".0";
    return out;
}

std::string toml_string(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (byte < 0x20 || byte == 0x7f)
            ((out += "\\u00") += digits[byte >> 4]) += digits[byte & 15];
        else
            out += c;
    }
    return out + "\"";
}

std::string toml_floats(const std::vector<double>& values, std::size_t per_line) {
    const bool long_list = values.size() > per_line;
    std::string out = "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (long_list && i % per_line == 0) out += "\n   ";
        if (long_list || i > 0) out += " ";
        out += toml_float(values[i]);
        if (i + 1 < values.size() || long_list) out += ",";
    }
    return out + (long_list ? "\n]" : "]");
}

}  // namespace kilter::topology
