#include "common/transport/sealed_link.hpp"

#include "common/crypto/digest.hpp"

namespace kilter::transport {

namespace {

constexpr std::uint8_t introduction_mark = 0;
constexpr std::uint8_t envelope_mark = 1;

Bytes seal_marked(std::uint8_t mark, const crypto::SealingKey& key, ByteView plain) {
    crypto::SealingNonce nonce;
    crypto::draw(nonce.bytes);
    const Bytes sealed = crypto::seal(key, nonce, ByteView(&mark, 1), plain);
    return ByteWriter{}.u8(mark).raw(sealed).bytes();
}

// In a relayed message there is none for the relay, nor one that is relayed again.
bool may_be_relayed(const wire::Message& message) {
    return !std::holds_alternative<wire::Relayed>(message) &&
           !std::holds_alternative<wire::Presence>(message);
}

}  // namespace

SealedLink::SealedLink(const crypto::PublicKey& peer,
                       const crypto::Identity& self,
                       const Run& run,
                       const crypto::SharedSecret& secret)
    : peer_(peer), self_(&self), run_(&run), secret_(secret) {}

Result<SealedLink> SealedLink::to(const crypto::PublicKey& peer,
                                  const crypto::Identity& self,
                                  const Run& run) {
    const auto secret = self.shared_secret(peer);
    if (!secret) return secret.error();
    return SealedLink(peer, self, run, *secret);
}

crypto::SealingKey SealedLink::introduction_key(const crypto::PublicKey& from,
                                                const crypto::PublicKey& to) const {
    const Bytes ends = ByteWriter{}.raw(from.view()).raw(to.view()).bytes();
    return crypto::SealingKey::from(
        crypto::keyed_digest("kilter intro", secret_.view(), ends).view());
}

Bytes SealedLink::introduction() const {
    const Bytes plain = ByteWriter{}
                            .raw(run_->identity.public_key().view())
                            .i64(run_->began_ms)
                            .raw((theirs_ ? theirs_->key : crypto::PublicKey{}).view())
                            .u8(knows_us_ ? 1 : 0)
                            .bytes();
    return seal_marked(introduction_mark, introduction_key(self_->public_key(), peer_), plain);
}

Bytes SealedLink::seal(const wire::Message& message) {
    KILTER_CHECK(up(), "sealing for a peer that is not there");
    return seal_marked(envelope_mark, theirs_->from_us, wire::seal(++counter_, message));
}

SealedLink::Opened SealedLink::open(ByteView sealed) {
    if (sealed.empty()) return {};
    if (sealed[0] == introduction_mark) return open_introduction(sealed.subspan(1));
    if (sealed[0] == envelope_mark) return open_envelope(sealed.subspan(1));
    return {};
}

SealedLink::Opened SealedLink::open_introduction(ByteView sealed) {
    const auto plain = crypto::unseal(introduction_key(peer_, self_->public_key()),
                                      ByteView(&introduction_mark, 1), sealed);
    if (!plain) return {};
    ByteReader in(*plain);
    const auto key = in.fixed<crypto::PublicKey>();
    const UnixMs began_ms = in.i64();
    const bool knows_us = in.fixed<crypto::PublicKey>() == run_->identity.public_key();
    const bool knows_that_we_know = in.u8() == 1;
    if (!in.complete()) return {};
    const bool news = !theirs_ || (key != theirs_->key && began_ms > theirs_->began_ms);
    if (news) {
        auto followed = follow(key, began_ms);
        if (!followed) return {};
        theirs_ = *std::move(followed);
        knows_us_ = false;
    } else if (key != theirs_->key) {
        return {Verdict::replayed};
    }
    knows_us_ = knows_us_ || knows_us;
    return {Verdict::introduced, std::nullopt, news || !knows_us || !knows_that_we_know};
}

SealedLink::Opened SealedLink::open_envelope(ByteView sealed) {
    const auto plain = theirs_ ? crypto::unseal(theirs_->to_us, ByteView(&envelope_mark, 1), sealed)
                               : std::nullopt;
    // Perhaps it was for an earlier run of ours.
    if (!plain) return {.introduce = true};
    auto envelope = wire::open(*plain);
    if (!envelope || !may_be_relayed(envelope->message)) return {};
    knows_us_ = true;
    if (theirs_->window.accept(envelope->counter) != wire::Freshness::fresh)
        return {Verdict::replayed};
    return {Verdict::message, std::move(envelope->message)};
}

Result<SealedLink::TheirRun> SealedLink::follow(const crypto::PublicKey& key,
                                                UnixMs began_ms) const {
    const auto fresh = run_->identity.shared_secret(key);
    if (!fresh) return fresh.error();
    const Bytes secrets = ByteWriter{}.raw(secret_.view()).raw(fresh->view()).bytes();
    const auto derive = [&](const crypto::PublicKey& from, const crypto::PublicKey& to,
                            const crypto::PublicKey& run_from, const crypto::PublicKey& run_to) {
        const Bytes ends = ByteWriter{}
                               .raw(from.view())
                               .raw(to.view())
                               .raw(run_from.view())
                               .raw(run_to.view())
                               .bytes();
        return crypto::SealingKey::from(
            crypto::keyed_digest("kilter relayed", secrets, ends).view());
    };
    const crypto::PublicKey& own = run_->identity.public_key();
    return TheirRun{key,
                    began_ms,
                    derive(self_->public_key(), peer_, own, key),
                    derive(peer_, self_->public_key(), key, own),
                    {}};
}

}  // namespace kilter::transport
