/// What goes out to others and follows from the log. Proofs of epochs make receipts longer with every change of members, and a
/// state outgrows its outline: nobody's mistake, so such a message is left out and named, where a program's own that is
/// outside the limits ends the process.
#pragma once

#include "common/transport/hub.hpp"

namespace kilter::coordinator {

void send_within_limits(transport::Hub& hub,
                        const crypto::PublicKey& to,
                        const wire::Message& message);

}  // namespace kilter::coordinator
