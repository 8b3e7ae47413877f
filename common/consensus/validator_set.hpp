/// Who votes, and how many votes decide.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/consensus/mutation.hpp"
#include "common/consensus/types.hpp"

namespace kilter::consensus {

struct Validator {
    PublicKey key;
    std::string endpoint;  ///< where peers and agents reach it, e.g. "tcp://10.0.0.7:7100"; the log
                           ///< never reads it
    bool operator==(const Validator&) const = default;
};

/// n replicas, f = floor((n-1)/3) may be Byzantine, q = floor((n+f)/2)+1 votes make a certificate:
/// 2q-n >= f+1.
struct ValidatorSet {
    std::vector<Validator> validators;  ///< ReplicaIndex is the position here

    [[nodiscard]] std::size_t size() const { return validators.size(); }

    [[nodiscard]] std::size_t faults() const { return (size() - 1) / 3; }

    [[nodiscard]] std::size_t quorum() const {
        return (size() + faults()) / 2 + (mutant == Mutant::smaller_quorum ? 0 : 1);
    }

    /// Plain rotation. REQUIRES: not empty.
    [[nodiscard]] ReplicaIndex leader(View view) const {
        return static_cast<ReplicaIndex>(view % size());
    }

    [[nodiscard]] std::optional<ReplicaIndex> index_of(const PublicKey& key) const;

    /// 1 to limits::replicas_max members, keys distinct, endpoints within limits.
    [[nodiscard]] Result<void> validate() const;
    /// H("valset", encode()): in every header.
    [[nodiscard]] Digest hash() const;
    [[nodiscard]] Bytes encode() const;
    /// Reads one from the front of `reader`'s rest. Error: malformed or not valid().
    static Result<ValidatorSet> read(ByteReader& reader);

    bool operator==(const ValidatorSet&) const = default;
};

}  // namespace kilter::consensus
