/// One end of a conversation that passes through a relay: what it carries is sealed from end to end, so that the relay, which
/// may read, drop, repeat, reorder, alter and keep everything, learns who speaks with whom, when and how much, and can do no
/// more than not deliver.
///
/// Each process draws a key pair for its run. Two parties, X with run x and Y with run y, derive for what X says to Y
///
///     K_XY = BLAKE2b("kilter relayed", DH(X, Y) | DH(x, y),  X | Y | x | y)
///
/// from the keys of the roster, which say who it is, and those of the runs, which make it new: what was recorded in an earlier
/// run of either end opens in no later one, nor does it when the roster's keys are stolen. Under K_XY go envelopes
/// (common/wire) with a counter each; a window drops what was seen. How x and y get to know each other's run:
///
///     introduction X → Y = seal(BLAKE2b("kilter intro", DH(X, Y), X | Y),  x | when the run began | y, or 0 | Y knows x)
///
/// A run takes the place of an older one only; so a recorded introduction takes nobody back. A party whose clock was set back
/// between two runs is not heard by those who did not restart, as over any link (docs/protocol/wire.md).
///
/// Bytes: 1 byte (0: introduction, 1: envelope), then nonce, ciphertext and tag (common/crypto/sealing.hpp).
/// (Internal to this folder.)
#pragma once

#include <optional>

#include "common/base/time.hpp"
#include "common/crypto/sealing.hpp"
#include "common/wire/envelope.hpp"
#include "common/wire/replay.hpp"

namespace kilter::transport {

/// This process' own key pair, which it draws at its start and never stores.
struct Run {
    crypto::Identity identity = crypto::Identity::generate();
    UnixMs began_ms = 0;
};

class SealedLink {
  public:
    /// `self` and `run` must outlive it. Error: no secret can be shared with the peer's key.
    static Result<SealedLink> to(const crypto::PublicKey& peer,
                                 const crypto::Identity& self,
                                 const Run& run);

    /// Each end knows the other's run: what is sealed will open.
    [[nodiscard]] bool up() const { return theirs_ && knows_us_; }

    [[nodiscard]] Bytes introduction() const;
    /// REQUIRES: up(), wire::check(message).ok().
    Bytes seal(const wire::Message& message);

    enum class Verdict : std::uint8_t {
        message,
        introduced,
        unreadable,  ///< altered, not for this run, or no message that is relayed
        replayed,
    };

    struct Opened {
        Verdict verdict = Verdict::unreadable;
        std::optional<wire::Message> message = {};
        bool introduce =
            false;  ///< the peer does not know our run, or not that we know its: introduction() is due
    };

    /// Total.
    Opened open(ByteView sealed);

  private:
    struct TheirRun {
        crypto::PublicKey key;
        UnixMs began_ms = 0;
        crypto::SealingKey from_us;
        crypto::SealingKey to_us;
        wire::ReplayWindow window;
    };

    SealedLink(const crypto::PublicKey& peer,
               const crypto::Identity& self,
               const Run& run,
               const crypto::SharedSecret& secret);

    Opened open_introduction(ByteView sealed);
    Opened open_envelope(ByteView sealed);
    [[nodiscard]] crypto::SealingKey introduction_key(const crypto::PublicKey& from,
                                                      const crypto::PublicKey& to) const;
    [[nodiscard]] Result<TheirRun> follow(const crypto::PublicKey& key, UnixMs began_ms) const;

    crypto::PublicKey peer_;
    const crypto::Identity* self_;
    const Run* run_;
    crypto::SharedSecret secret_;
    std::optional<TheirRun> theirs_;
    bool knows_us_ = false;
    std::uint64_t counter_ = 0;  // of envelopes, over all their runs
};

}  // namespace kilter::transport
