/// Rules of the protocol that can be broken on purpose, to prove that the simulator would notice. Only its own build of
/// this folder defines KILTER_MUTANTS and can choose one at run time; in every program `mutant` is a constant and the
/// branches are gone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace kilter::consensus {

enum class Mutant : std::uint8_t {
    none,
    smaller_quorum,    ///< q - 1 votes decide
    unjustified_gap,   ///< a proposal may leave views out without skip certificates
    final_after_skip,  ///< the signer forgets that skip and final exclude each other
    lost_journal,      ///< a restart forgets the own votes
    unwritten_notar,   ///< notar votes are sent without having been written
    unwritten_skip,    ///< likewise skip votes
    unwritten_final,   ///< likewise final votes
    one_certificate,   ///< of a notar and a skip certificate of one view only the first is kept
    no_standstill,     ///< nothing is repeated when nothing happens
    no_vote_resend,    ///< own votes are not repeated
    no_certificate_forward,  ///< the certificate that lets a replica into a view is not passed on
    no_join,                 ///< f+1 skip votes of others do not make a replica skip
    no_backoff,              ///< view timeouts do not grow
    unwritten_certificate,   ///< notar and skip certificates are lost in a restart
    unwritten_block,         ///< a block is notarised without its body on disk
    unchecked_certificate,   ///< certificates are believed without looking at their signatures
    unchecked_state,         ///< a block's state root is believed
    unchecked_log,           ///< a block's log root is believed
    unchecked_time,          ///< a block may be from the future
    unchecked_entries,       ///< entries are believed to be their authors'
    no_fetch,                ///< missing blocks are not asked for
    unverified_evidence,     ///< contradictory votes accuse before their signatures are checked
    unchecked_change,        ///< an epoch change is believed to be signed by a quorum
    returning_key,           ///< a key that left may become a member again
    early_epoch,             ///< an epoch ends with a block that is notarised, not final
    closing_entries,         ///< blocks above the one that ends an epoch are not empty
    unwritten_epoch,         ///< the proof that an epoch ended is not written
    old_epoch_votes,         ///< votes of an epoch that has ended are counted
    kept_certificates,       ///< certificates of an epoch that has ended serve in the next
    closing_snapshot,        ///< a snapshot may be of a block beyond an epoch's end
    unchecked_manifest,      ///< a snapshot's certificate is believed
    unchecked_piece,         ///< a snapshot's pieces are believed
    unchecked_tail,  ///< that certified descendants make a stretch's last block final is believed
    patient_with_liars,  ///< who claims heights and never sends them is asked again and again
};

inline constexpr std::array<std::pair<std::string_view, Mutant>, 34> mutants{{
    {"smaller_quorum", Mutant::smaller_quorum},
    {"unjustified_gap", Mutant::unjustified_gap},
    {"final_after_skip", Mutant::final_after_skip},
    {"lost_journal", Mutant::lost_journal},
    {"unwritten_notar", Mutant::unwritten_notar},
    {"unwritten_skip", Mutant::unwritten_skip},
    {"unwritten_final", Mutant::unwritten_final},
    {"one_certificate", Mutant::one_certificate},
    {"no_standstill", Mutant::no_standstill},
    {"no_vote_resend", Mutant::no_vote_resend},
    {"no_certificate_forward", Mutant::no_certificate_forward},
    {"no_join", Mutant::no_join},
    {"no_backoff", Mutant::no_backoff},
    {"unwritten_certificate", Mutant::unwritten_certificate},
    {"unwritten_block", Mutant::unwritten_block},
    {"unchecked_certificate", Mutant::unchecked_certificate},
    {"unchecked_state", Mutant::unchecked_state},
    {"unchecked_log", Mutant::unchecked_log},
    {"unchecked_time", Mutant::unchecked_time},
    {"unchecked_entries", Mutant::unchecked_entries},
    {"no_fetch", Mutant::no_fetch},
    {"unverified_evidence", Mutant::unverified_evidence},
    {"unchecked_change", Mutant::unchecked_change},
    {"returning_key", Mutant::returning_key},
    {"early_epoch", Mutant::early_epoch},
    {"closing_entries", Mutant::closing_entries},
    {"unwritten_epoch", Mutant::unwritten_epoch},
    {"old_epoch_votes", Mutant::old_epoch_votes},
    {"kept_certificates", Mutant::kept_certificates},
    {"closing_snapshot", Mutant::closing_snapshot},
    {"unchecked_manifest", Mutant::unchecked_manifest},
    {"unchecked_piece", Mutant::unchecked_piece},
    {"unchecked_tail", Mutant::unchecked_tail},
    {"patient_with_liars", Mutant::patient_with_liars},
}};

constexpr std::optional<Mutant> mutant_named(std::string_view name) {
    for (const auto& [known, rule] : mutants)
        if (known == name) return rule;
    return std::nullopt;
}

#ifdef KILTER_MUTANTS
inline Mutant mutant = Mutant::none;
#else
inline constexpr Mutant mutant = Mutant::none;
#endif

}  // namespace kilter::consensus
