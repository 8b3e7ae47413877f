#include "common/cli/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/base/check.hpp"

namespace kilter::cli {
namespace {

std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    KILTER_CHECK(cells.size() == columns_.size(), "a table's row has one cell per column");
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::vector<std::string>> lines(1);
    for (const Column& column : columns_)
        lines.front().push_back(column.title);
    lines.insert(lines.end(), rows_.begin(), rows_.end());

    std::vector<std::size_t> widths(columns_.size());
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], width(line[i]));

    std::string out;
    for (const auto& line : lines) {
        std::string row;
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::string blanks(widths[i] - width(line[i]), ' ');
            row += (i ? "  " : "") + (columns_[i].right ? blanks + line[i] : line[i] + blanks);
        }
        row.erase(row.find_last_not_of(' ') + 1);
        out += row + '\n';
    }
    return out;
}

std::string fixed(double value, int digits) {
    if (!std::isfinite(value)) return "-";
    char buffer[64];
    const int length = std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
    return {buffer, std::min<std::size_t>(static_cast<std::size_t>(length), sizeof buffer - 1)};
}

}  // namespace kilter::cli
