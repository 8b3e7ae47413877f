/// Every limit in one place: nothing in kilter grows without a bound. Sizes in bytes, times in milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kilter::limits {

// market
inline constexpr std::size_t horizon_max = 672;  ///< intervals: a week of quarter hours
/// Of one share: schedule, movement, the answer to prices (schedule and response) and the chair's prices. As long as the
/// longest that any version has sent.
inline constexpr std::size_t share_words_max =
    3 * horizon_max + 1 + (horizon_max * (horizon_max + 1) / 2 + 1) / 2;
inline constexpr std::size_t nets_max = 100'000;         ///< of one feeder
inline constexpr std::size_t members_per_net_max = 256;  ///< homes and the feeder device on one net
inline constexpr std::uint32_t iterations_max = 5'000;   ///< of one session
inline constexpr double price_eur_per_kwh_max =
    1'000;  ///< either sign: beyond it, no session starts or ends
inline constexpr double rho_eur_per_kw2_min = 1e-9;  ///< of a session's first iteration
inline constexpr double rho_eur_per_kw2_max = 1e6;
inline constexpr std::int64_t interval_start_ms_max = 10'000'000'000'000;  ///< in the year 2286
inline constexpr std::size_t history_max = 8;  ///< iterates kept to stop at or to roll back to

// wire
inline constexpr std::size_t message_bytes_max = 2u << 20;  ///< a decoded transport message
inline constexpr std::size_t queue_messages_max = 1'000;    ///< per peer and direction
inline constexpr std::size_t replay_window = 1'024;    ///< counters a message may arrive late by
inline constexpr std::size_t refusal_bytes_max = 200;  ///< text of a refusal
inline constexpr std::size_t receipt_bytes_max =
    64u << 10;  ///< an entry with certificate and inclusion proof
inline constexpr std::size_t submit_bytes_max = 32u << 10;  ///< an entry on its way to the log
inline constexpr std::size_t consensus_payload_bytes_max = message_bytes_max - 64;
inline constexpr std::size_t journal_bytes_max = 1u << 20;  ///< of one piece of a session's journal
inline constexpr std::size_t journal_memory_max = 8'192;    ///< words: what a device remembers
inline constexpr std::size_t refusals_kept_max =
    64;  ///< refused keys remembered between two reports
inline constexpr std::size_t relayed_bytes_max = message_bytes_max - 256;  ///< sealed, for another
inline constexpr std::size_t relay_bytes_per_s = 4u << 20;  ///< of one sender, through one relay
inline constexpr std::size_t relay_burst_bytes = 16u << 20;
inline constexpr std::size_t relay_letter_bytes =
    512;  ///< what any letter costs its sender beside its bytes

// log
inline constexpr std::size_t replicas_max = 64;
inline constexpr std::size_t entry_body_bytes_max = 16u << 10;
inline constexpr std::size_t entry_key_bytes_max = 64;
inline constexpr std::size_t block_entries_max = 2'000;
inline constexpr std::size_t block_bytes_max = 1u << 20;
inline constexpr std::uint64_t view_window =
    64;  ///< how far ahead of the current view a vote is kept
inline constexpr std::size_t mempool_entries_max = 50'000;
inline constexpr std::size_t mempool_bytes_max = 64u << 20;
inline constexpr std::size_t mempool_share = 16;  ///< one author holds at most 1/16 of the mempool
inline constexpr std::int64_t entry_life_ms_max =
    std::int64_t{24} * 3'600'000;  ///< from the block's time to the entry's expiry
inline constexpr std::size_t endpoint_bytes_max = 256;
inline constexpr std::size_t feeder_name_bytes_max = 64;
inline constexpr std::size_t roster_members_max = 8'192;
inline constexpr std::size_t roster_bytes_max = 1u << 20;
inline constexpr std::size_t skips_attached_max =
    128;  ///< skip certificates that travel with one proposal
inline constexpr std::size_t range_blocks_max =
    256;  ///< of one answer to a replica that catches up
inline constexpr std::size_t range_bytes_max = 1u << 20;
inline constexpr std::size_t descendants_max =
    64;  ///< headers between an entry's block and its certificate
inline constexpr std::size_t genesis_bytes_max = 1u << 20;

// governance
inline constexpr std::size_t seats_max = 256;
inline constexpr std::size_t live_cases_max = 32;  ///< open or adopted, at one time
inline constexpr std::size_t action_bytes_max = 8u << 10;
inline constexpr std::size_t reason_bytes_max = 400;
inline constexpr std::size_t rule_name_bytes_max = 48;
inline constexpr std::size_t state_proof_bytes_max = 1u << 20;

inline constexpr std::size_t piece_bytes = 256u << 10;      ///< of a state that travels in pieces
inline constexpr std::size_t outline_bytes_max = 1u << 20;  ///< of such a state

// files
inline constexpr std::size_t config_file_bytes_max = 16u << 20;

}  // namespace kilter::limits
