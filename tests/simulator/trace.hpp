/// A digest of everything that happened in a run, in order: two runs with the same digest were the same run.
#pragma once

#include <cstdint>
#include <cstring>

#include "common/base/bytes.hpp"

namespace kilter::consensus::simulation {

class Trace {
  public:
    void note(std::uint64_t value) {
        hash_ ^= value;
        hash_ *= 0x9E3779B97F4A7C15ULL;
        hash_ ^= hash_ >> 29;
    }

    void note(ByteView bytes) {
        note(bytes.size());
        while (!bytes.empty()) {
            std::uint64_t word = 0;
            const std::size_t take = bytes.size() < sizeof word ? bytes.size() : sizeof word;
            std::memcpy(&word, bytes.data(), take);
            note(word);
            bytes = bytes.subspan(take);
        }
    }

    [[nodiscard]] std::uint64_t hash() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

}  // namespace kilter::consensus::simulation
