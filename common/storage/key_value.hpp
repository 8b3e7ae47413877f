/// A small durable map from text to bytes, for an agent's state. One SQLite file (WAL,
/// synchronous=FULL), checksummed pages and rows. Not thread-safe; one process. A write that fails
/// aborts the process with the reason.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.hpp"

namespace kilter::storage {

class KeyValue {
  public:
    /// Opens or creates. Error: cannot be created, locked by another process, damaged.
    static Result<KeyValue> open(const std::filesystem::path& file);

    /// Also while another process writes. Only get() and keys(). Error: there is none, damaged.
    static Result<KeyValue> open_read_only(const std::filesystem::path& file);

    /// All of them in one transaction, durable on return; nullopt erases. Aborts the process on any
    /// error.
    void put(const std::vector<std::pair<std::string, std::optional<Bytes>>>& changes);
    /// None: never put or erased. Error: damaged.
    Result<std::optional<Bytes>> get(std::string_view key) const;
    /// Keys that start with `prefix`, ascending.
    [[nodiscard]] Result<std::vector<std::string>> keys(std::string_view prefix) const;

    KeyValue(KeyValue&&) noexcept;
    KeyValue& operator=(KeyValue&&) noexcept;
    KeyValue(const KeyValue&) = delete;
    KeyValue& operator=(const KeyValue&) = delete;
    ~KeyValue();

  private:
    struct Content;
    explicit KeyValue(std::unique_ptr<Content> content);
    std::unique_ptr<Content> content_;
};

}  // namespace kilter::storage
