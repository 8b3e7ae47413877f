/// A message and whom it is for: what the cores give their hosts to send.
#pragma once

#include "common/crypto/identity.hpp"
#include "common/wire/messages.hpp"

namespace kilter::wire {

struct Outgoing {
    crypto::PublicKey to;
    Message message;
};

}  // namespace kilter::wire
