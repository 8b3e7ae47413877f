/// The next set of coordinators on paper, while it goes round for signatures: the docket decides on it, each coordinator of
/// the present set signs it on its own machine, and with a quorum's signatures it is the body of an epoch change.
///
///     kilter members 1
///     log 64 hexadecimal digits
///     ends-epoch 0
///     member KEY tcp://HOST:PORT         in the order of the set
///     signed KEY SIGNATURE               any number, one per key
#pragma once

#include <map>
#include <string>

#include "common/consensus/epoch.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

struct MembersDocument {
    ChainId chain;
    consensus::Epoch epoch = 0;  ///< the one it ends
    consensus::ValidatorSet next;
    std::map<PublicKey, consensus::Signature> signatures;

    [[nodiscard]] std::string text() const;
    /// Total. The set is valid; signatures are not checked. The error names the line.
    static Result<MembersDocument> parse(std::string_view text);

    bool operator==(const MembersDocument&) const = default;
};

/// Where the log stands that a document is for.
struct MembersContext {
    const Genesis& genesis;
    consensus::Epoch epoch;
    const consensus::ValidatorSet& present;
    const consensus::LedgerState& state;  ///< the newest final one
    consensus::Height next_height;        ///< of the block that could hold the change
};

/// Why the log would not take this change, whoever signs it: another log or epoch, nothing changes, a key that left before,
/// a coordinator that the roster does not name yet, a set that the docket has not decided on. The error says what to do.
Result<void> check_members(const MembersDocument& document, const MembersContext& context);

/// Error: a signature that is not a present member's, or does not hold.
Result<void> check_signatures(const MembersDocument& document,
                              const ChainId& chain,
                              const consensus::ValidatorSet& present);

/// The document's line of a signature, with its end.
std::string signature_line(const PublicKey& key, const consensus::Signature& signature);

/// Adds the signature of this member. Error: it is no member of the present set, or has signed already.
Result<void> sign_members(MembersDocument& document,
                          const consensus::ValidatorSet& present,
                          const crypto::Identity& identity);

/// REQUIRES: check_signatures().
consensus::EpochChange epoch_change(const MembersDocument& document,
                                    const consensus::ValidatorSet& present);

/// The entry that ends the epoch. Only a present member's counts.
consensus::EntryPtr make_entry(const consensus::EpochChange& change,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& member);

/// Who joins, who leaves and who moves, a line each.
std::string describe_members(const consensus::ValidatorSet& present,
                             const consensus::ValidatorSet& next);

}  // namespace kilter::settlement
