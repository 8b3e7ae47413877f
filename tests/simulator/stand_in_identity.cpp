// A stand-in for common/crypto/identity.cpp behind the same header, linked into kilter-sim instead of it: signatures that
// cost nanoseconds and that anyone could forge, in a simulator in which nobody does. Keys are the real ones. kilter-sim-real
// links the real file and is twenty times slower.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <sodium.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::crypto {

struct Identity::Secret {
    Seed seed;
};

namespace {
using Words = std::array<std::uint64_t, 2>;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a ^ 0xA0761D6478BD642FULL) * (b ^ 0xE7037ED1A0B428DBULL);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

void absorb(Words& state, ByteView bytes) {
    std::uint64_t length = bytes.size();
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::size_t take = std::min(bytes.size(), sizeof word);
        std::memcpy(&word, bytes.data(), take);
        state = {mix(state[0], word), mix(state[1] + 0x9E3779B97F4A7C15ULL, word ^ state[0])};
        bytes = bytes.subspan(take);
    }
    state = {mix(state[0], length), mix(state[1], length + 1)};
}

Signature stand_in(const PublicKey& key, ByteView message) {
    Words state{1, 2};
    absorb(state, key.view());
    absorb(state, message);
    Signature out;
    for (std::size_t i = 0; i < out.bytes.size(); i += sizeof(std::uint64_t)) {
        state = {mix(state[0], state[1]), mix(state[1], i + 3)};
        std::memcpy(out.bytes.data() + i, state.data(), sizeof(std::uint64_t));
    }
    return out;
}
}  // namespace

void initialise() {
    KILTER_CHECK(sodium_init() >= 0, "libsodium found no source of randomness");
}

Identity::Identity() : secret_(std::make_unique<Secret>()) {}

Identity::Identity(Identity&&) noexcept = default;
Identity& Identity::operator=(Identity&&) noexcept = default;
Identity::~Identity() = default;

Identity Identity::generate() {
    Seed seed;
    randombytes_buf(seed.bytes.data(), seed.bytes.size());
    return from_seed(seed);
}

Identity Identity::from_seed(const Seed& seed) {
    static std::map<Seed, PublicKey> known;
    const auto [at, fresh] = known.try_emplace(seed);
    if (fresh) {
        std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
        crypto_sign_seed_keypair(at->second.bytes.data(), secret.data(), seed.bytes.data());
    }
    Identity out;
    out.public_key_ = at->second;
    out.secret_->seed = seed;
    return out;
}

Seed Identity::seed() const {
    return secret_->seed;
}

Signature Identity::sign(ByteView message) const {
    return stand_in(public_key_, message);
}

ByteView Identity::curve_secret() const {
    return secret_->seed.view();
}

// The same for both ends, and another one for every other pair.
Result<SharedSecret> Identity::shared_secret(const PublicKey& peer) const {
    const auto [low, high] = std::minmax(public_key_, peer);
    const Signature pair = stand_in(low, high.view());
    SharedSecret out;
    std::copy_n(pair.bytes.begin(), out.bytes.size(), out.bytes.begin());
    return out;
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
    return stand_in(key, message) == signature;
}

// Good enough to show that a key has one.
Result<CurveKey> curve_key(const PublicKey& key) {
    return CurveKey::from(key.view());
}

}  // namespace kilter::crypto
