/// Schedules side by side: one row of 96 doubles per terminal or net, every row on a cache line of its own, zero at
/// first. Allocates in the constructor only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "coordinator/ksuite/instance.hpp"

namespace kilter::ksuite {

class Rows {
  public:
    explicit Rows(std::size_t count = 0)
        : count_(count), values_(static_cast<double*>(::operator new(bytes(), alignment))) {
        std::fill_n(values_.get(), count * intervals, 0.0);
    }

    [[nodiscard]] std::size_t count() const { return count_; }

    [[nodiscard]] std::size_t bytes() const { return count_ * intervals * sizeof(double); }

    double* operator[](std::size_t row) { return values_.get() + row * intervals; }

    const double* operator[](std::size_t row) const { return values_.get() + row * intervals; }

  private:
    static constexpr std::align_val_t alignment{64};

    struct Free {
        void operator()(double* values) const { ::operator delete(values, alignment); }
    };

    std::size_t count_;
    std::unique_ptr<double, Free> values_;
};

}  // namespace kilter::ksuite
