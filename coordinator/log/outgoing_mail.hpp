/// What goes out to others and follows from the log. A roster outgrows a message, a state its outline: nobody's mistake, so
/// such a message is left out and named, where a program's own that is outside the limits ends the process.
///
/// Proofs of epochs make receipts longer with every change of members: 1 kB each at 4 members, 10 kB at 64. Homes keep them and
/// are shown them apart, so they are given short receipts, from version 3 of the rule "ledger" on, which no program follows
/// that does not read such ones. Where a whole receipt is over the limit of a message, everybody gets the short one.
#pragma once

#include "common/consensus/light_client.hpp"
#include "common/transport/hub.hpp"

namespace kilter::coordinator {

void send_within_limits(transport::Hub& hub,
                        const crypto::PublicKey& to,
                        const wire::Message& message);

/// Encoded: whole, or short where that does not fit into a message.
Bytes fitting(consensus::Receipt receipt);
/// Encoded for a home, under this version of the rule "ledger".
Bytes for_home(consensus::Receipt receipt, std::uint32_t ledger_version);

}  // namespace kilter::coordinator
