/// Pairwise masks: every pair of members shares a stream; the lower member adds it, the higher one
/// subtracts it, so the streams cancel in the sum over the agreed set of members and in nothing
/// less (Bonawitz et al. 2017 without the secret sharing: a member that drops out is handled by a
/// new attempt with a new set, masks are never revealed).
///
/// Stream of a pair: ChaCha20 (libsodium crypto_stream_chacha20) under the key
///     BLAKE2b("kilter mask", key = X25519 shared secret, size u32 | session | net u32 | count u32
///     | members u32 each),
/// nonce = iteration u32 | attempt u16 | 0 u16, all little-endian; the stream is read as
/// little-endian 64-bit words.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "common/base/ids.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::crypto {

/// One member's pair secrets for one session. Secret; wiped on destruction.
class PairwiseMasks {
  public:
    /// `session` are the canonical bytes that name the session (chain and id). One shared secret
    /// per other member.
    PairwiseMasks(PartyId self, Bytes session, std::map<PartyId, SharedSecret> secrets);
    ~PairwiseMasks();
    PairwiseMasks(const PairwiseMasks&) = delete;
    PairwiseMasks& operator=(const PairwiseMasks&) = delete;

    /// Whether there is a secret with this party.
    [[nodiscard]] bool covers(PartyId party) const { return secrets_.contains(party); }

    /// words[k] += Σ_{j in members, j > self} stream_j[k] − Σ_{j < self} stream_j[k]  (mod 2^64).
    /// REQUIRES: `members` ascending, contains self, and each other member has a secret; no two
    /// plaintexts are ever masked for the same net, iteration, attempt and set.
    void add(NetId net,
             std::uint32_t iteration,
             std::uint16_t attempt,
             std::span<const PartyId> members,
             std::span<std::uint64_t> words) const;

  private:
    PartyId self_;
    Bytes session_;
    std::map<PartyId, SharedSecret> secrets_;
};

}  // namespace kilter::crypto
