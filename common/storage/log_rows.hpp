/// Values as the rows of a LogStore hold them. Internal to this folder.
#pragma once

#include <optional>

#include "common/consensus/block.hpp"
#include "common/consensus/epoch.hpp"

namespace kilter::storage {

inline std::int64_t as_integer(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

inline std::int64_t as_integer(consensus::VoteKind kind) {
    return static_cast<std::int64_t>(kind);
}

template <class Value>
Bytes bytes_of(const Value& value) {
    ByteWriter out;
    write(out, value);
    return std::move(out).bytes();
}

/// The whole of `bytes` as one value, through a reader function.
template <class Read>
auto decoded(const Bytes& bytes, Read read) -> decltype(read(std::declval<ByteReader&>())) {
    ByteReader in(bytes);
    auto value = read(in);
    if (!value || !in.complete()) return std::nullopt;
    return value;
}

inline std::optional<consensus::BlockPtr> decoded_block(const Bytes& bytes) {
    return decoded(bytes, [](ByteReader& in) { return consensus::read_block(in); });
}

inline std::optional<consensus::Cert> decoded_cert(const Bytes& bytes) {
    return decoded(bytes, [](ByteReader& in) { return consensus::read_cert(in); });
}

inline std::optional<consensus::Vote> decoded_vote(const Bytes& bytes) {
    return decoded(bytes, [](ByteReader& in) { return consensus::read_vote(in); });
}

}  // namespace kilter::storage
