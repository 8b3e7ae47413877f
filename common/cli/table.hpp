/// A plain text table for people: columns as wide as their widest cell, numbers to the right, two
/// blanks between.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kilter::cli {

struct Column {
    std::string title;
    bool right = true;  ///< numbers; false for text
};

class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// REQUIRES: as many cells as columns.
    void add(std::vector<std::string> cells);

    [[nodiscard]] std::size_t rows() const { return rows_.size(); }

    /// Title line and rows, each ended by a newline, none with blanks at its end. Widths count code
    /// points, so UTF-8 signs and names line up.
    [[nodiscard]] std::string text() const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// With so many digits after the point; "-" for what is not finite.
std::string fixed(double value, int digits);

}  // namespace kilter::cli
