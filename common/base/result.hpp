/// Result<T>: a value, or an Error whose message a person can act on. For operating errors (files, configuration,
/// input); never for programmer errors (KILTER_CHECK) nor for verdicts on a peer's data (closed enums).
///
///     Result<Network> network = load(path);
///     if (!network) return network.error();          // converts to any Result<U>
///     use(*network);
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/base/check.hpp"

namespace kilter {

/// What went wrong and what to do about it, one sentence, no trailing newline. Names the file, key or item at fault.
struct Error {
    std::string message;
};

template <class T>
class [[nodiscard]] Result {
  public:
    // Implicit, so that a function returns a value or an error as it is.
    Result(T value) : content_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

    Result(Error error) : content_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool ok() const { return std::holds_alternative<T>(content_); }

    explicit operator bool() const { return ok(); }

    /// REQUIRES: ok().
    T& operator*() & { return value(); }

    const T& operator*() const& { return value(); }

    T&& operator*() && { return std::move(value()); }

    T* operator->() { return &value(); }

    const T* operator->() const { return &value(); }

    /// REQUIRES: !ok().
    [[nodiscard]] const Error& error() const {
        KILTER_CHECK(!ok(), "error() of a Result that holds a value");
        return std::get<Error>(content_);
    }

  private:
    [[nodiscard]] T& value() {
        KILTER_CHECK(ok(), "value of a Result that holds an error");
        return std::get<T>(content_);
    }

    [[nodiscard]] const T& value() const {
        KILTER_CHECK(ok(), "value of a Result that holds an error");
        return std::get<T>(content_);
    }

    std::variant<T, Error> content_;
};

/// Success without a value.
template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;

    Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool ok() const { return !error_; }

    explicit operator bool() const { return ok(); }

    /// REQUIRES: !ok().
    [[nodiscard]] const Error& error() const {
        KILTER_CHECK(error_.has_value(), "error() of a Result that is a success");
        return *error_;
    }

  private:
    std::optional<Error> error_;
};

}  // namespace kilter
