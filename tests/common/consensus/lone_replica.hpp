// One real replica; the test plays all the others, whose keys it has.
#pragma once

#include "common/consensus/replica.hpp"
#include "tests/common/consensus/toy_ledger.hpp"

namespace kilter::consensus {

class LoneReplica {
  public:
    static constexpr UnixMs start_ms = 1'700'000'000'000;

    explicit LoneReplica(std::size_t replicas = 4,
                         ReplicaIndex index = 0,
                         Parameters parameters = {})
        : index_(index) {
        crypto::initialise();
        config.parameters = parameters;
        config.chain.bytes[0] = 7;
        config.genesis_ms = start_ms - 1;
        for (std::size_t i = 0; i < replicas; ++i)
            config.validators.validators.push_back(
                {key(static_cast<ReplicaIndex>(i)).public_key(), ""});
        replica.emplace(config, key(index), ledger, DurableImage{});
        step(Started{});
    }

    static crypto::Identity key(ReplicaIndex number) {
        crypto::Seed seed;
        seed.bytes[0] = static_cast<std::uint8_t>(number + 1);
        return crypto::Identity::from_seed(seed);
    }

    /// The outputs of the last step stay in `out`.
    Outputs& step(const Input& input) { return out = replica->step(input, now); }

    Outputs& receive(ReplicaIndex from, Message message) {
        return step(MessageReceived{from, std::move(message)});
    }

    /// From the holder of this key, whoever that is.
    Outputs& hear(ReplicaIndex number, Message message) {
        return step(OutsiderSaid{key(number).public_key(), std::move(message)});
    }

    [[nodiscard]] Vote vote(VoteKind kind,
                            View view,
                            ReplicaIndex signer,
                            const BlockHash& hash = {}) const {
        return {kind, 0,      view,
                hash, signer, key(signer).sign(vote_bytes(config.chain, kind, 0, view, hash))};
    }

    /// By all but one.
    [[nodiscard]] Cert cert(VoteKind kind,
                            View view,
                            const BlockHash& hash = {},
                            std::optional<ReplicaIndex> but = {}) const {
        Cert out_{kind, 0, view, hash, 0, {}};
        for (ReplicaIndex i = 0; i < config.validators.size(); ++i) {
            if (i == but.value_or(index_)) continue;
            out_.signers |= std::uint64_t{1} << i;
            out_.signatures.push_back(vote(kind, view, i, hash).signature);
        }
        return out_;
    }

    [[nodiscard]] EntryPtr entry(std::uint64_t seq,
                                 Bytes semantic_key = {},
                                 EntryType type = 1) const {
        Entry made;
        made.type = type;
        made.seq = seq;
        made.key = std::move(semantic_key);
        made.expires_ms = now + 3'600'000;
        sign(made, config.chain, key(100));
        return seal(std::move(made));
    }

    /// Messages of one kind among the last step's.
    template <class Kind>
    [[nodiscard]] std::vector<std::pair<std::optional<ReplicaIndex>, Kind>> sent() const {
        std::vector<std::pair<std::optional<ReplicaIndex>, Kind>> found;
        for (const Send& send : out.send)
            if (const auto* message = std::get_if<Kind>(&send.message))
                found.emplace_back(send.to, *message);
        return found;
    }

    /// The same of those to outsiders, with whose key each was for.
    template <class Kind>
    [[nodiscard]] std::vector<std::pair<PublicKey, Kind>> written() const {
        std::vector<std::pair<PublicKey, Kind>> found;
        for (const Letter& letter : out.letters)
            if (const auto* message = std::get_if<Kind>(&letter.message))
                found.emplace_back(letter.to, *message);
        return found;
    }

    /// The delay of a timer armed in the last step.
    [[nodiscard]] std::optional<std::int64_t> armed(TimerKind kind) const {
        std::optional<std::int64_t> delay;
        for (const Arm& arm : out.arm)
            if (arm.timer.kind == kind) delay = arm.delay_ms;
        return delay;
    }

    /// REQUIRES: it was armed in the last step.
    [[nodiscard]] Timer timer(TimerKind kind) const {
        for (auto arm = out.arm.rbegin(); arm != out.arm.rend(); ++arm)
            if (arm->timer.kind == kind) return arm->timer;
        KILTER_CHECK(false, "that timer is not armed");
    }

    Config config;
    ToyLedger ledger;
    std::optional<Replica> replica;
    UnixMs now = start_ms;
    Outputs out;

  private:
    ReplicaIndex index_;
};

}  // namespace kilter::consensus
