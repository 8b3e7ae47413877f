/// How a key gets on a roster, as two pieces of text that a person can mail, and the first also read out.
///
///     kilter-request:<key, 64 hex digits>:<flexibility>:<endpoint>:<checksum, 8 hex digits>
///     kilter:<bundle in base64url>
///
/// The agent makes the request; it is not secret and proves nothing: who grants it compares the fingerprint with the person
/// who sent it. The operator answers with the bundle: the certificate, and all an agent must know of the log, under the
/// operator's signature. Whoever installs a bundle compares the log's fingerprint: it is what the agent trusts from then on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/settlement/genesis.hpp"
#include "common/settlement/roster.hpp"

namespace kilter::settlement {

/// What the home says of its equipment in public: what can move when a price does.
enum class Equipment : std::uint8_t { none, panels, battery };

const char* name_of(Equipment equipment);
std::optional<Equipment> equipment_named(std::string_view name);

struct EnrolmentRequest {
    PublicKey key;
    Equipment equipment{};
    std::string endpoint;  ///< "tcp://HOST:PORT": where members of its net reach it; empty: nowhere
    bool operator==(const EnrolmentRequest&) const = default;

    /// One line, without an end of line.
    [[nodiscard]] std::string text() const;
    /// White space around it is ignored. Error: what is garbled, and to ask for it again.
    static Result<EnrolmentRequest> parse(std::string_view text);
};

/// What the operator hands back.
struct EnrolmentBundle {
    Genesis genesis;
    RosterMember certificate;
    Bytes
        roster_receipt;  ///< with `roster`: certified_roster(); both empty where the log was out of reach
    Bytes roster;
    crypto::Signature
        signature;  ///< the genesis operator's, or with a roster its author's: today's operator's
    bool operator==(const EnrolmentBundle&) const = default;

    void sign(const crypto::Identity& operator_identity);
    /// As a URL; without the roster about a thousand characters. REQUIRES: sign() since the last change.
    [[nodiscard]] std::string text() const;
    /// White space around it and in it is ignored. Total.
    /// Error: cut or garbled, another version's, or not signed by an operator.
    static Result<EnrolmentBundle> parse(std::string_view text);

  private:
    [[nodiscard]] Bytes signed_bytes() const;
};

/// Why an agent with this key must not install the bundle at this time; or nothing. `pinned`: the genesis it has already.
/// `known_epoch`: of the newest roster it has seen; a bundle with an older one is not taken.
std::optional<std::string> objection(const EnrolmentBundle& bundle,
                                     const PublicKey& key,
                                     const std::optional<Genesis>& pinned,
                                     std::uint64_t known_epoch,
                                     UnixMs now);

}  // namespace kilter::settlement
