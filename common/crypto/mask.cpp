#include "common/crypto/mask.hpp"

#include <algorithm>
#include <array>

#include <sodium.h>

namespace kilter::crypto {

namespace {

constexpr std::size_t nonce_size = crypto_stream_chacha20_NONCEBYTES;
static_assert(nonce_size == 8 && crypto_stream_chacha20_KEYBYTES == Digest::size);

Bytes context_of(ByteView session, NetId net, std::span<const PartyId> members) {
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(session.size())).raw(session).u32(net.value);
    out.u32(static_cast<std::uint32_t>(members.size()));
    for (const PartyId member : members)
        out.u32(member.value);
    return std::move(out).bytes();
}

}  // namespace

PairwiseMasks::PairwiseMasks(PartyId self, Bytes session, std::map<PartyId, SharedSecret> secrets)
    : self_(self), session_(std::move(session)), secrets_(std::move(secrets)) {}

PairwiseMasks::~PairwiseMasks() {
    for (auto& [party, secret] : secrets_)
        sodium_memzero(secret.bytes.data(), secret.bytes.size());
}

void PairwiseMasks::add(NetId net,
                        std::uint32_t iteration,
                        std::uint16_t attempt,
                        std::span<const PartyId> members,
                        std::span<std::uint64_t> words) const {
    KILTER_CHECK(std::is_sorted(members.begin(), members.end()), "members must ascend");
    KILTER_CHECK(std::binary_search(members.begin(), members.end(), self_),
                 "the set must contain this member");
    const Bytes context = context_of(session_, net, members);
    const Bytes nonce = ByteWriter().u32(iteration).u16(attempt).u16(0).bytes();
    Bytes stream(word_bytes * words.size());
    std::vector<std::uint64_t> mask(words.size());
    for (const PartyId member : members) {
        if (member == self_) continue;
        const auto secret = secrets_.find(member);
        KILTER_CHECK(secret != secrets_.end(), "no secret shared with a member of the set");
        Digest key = keyed_digest("kilter mask", secret->second.view(), context);
        crypto_stream_chacha20(stream.data(), stream.size(), nonce.data(), key.bytes.data());
        load_words(stream, std::span(mask));
        for (std::size_t k = 0; k < words.size(); ++k)
            words[k] += member > self_ ? mask[k] : -mask[k];
        sodium_memzero(key.bytes.data(), key.bytes.size());
    }
    sodium_memzero(stream.data(), stream.size());
    sodium_memzero(mask.data(), word_bytes * mask.size());
}

}  // namespace kilter::crypto
