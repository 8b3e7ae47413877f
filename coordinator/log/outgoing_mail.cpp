#include "coordinator/log/outgoing_mail.hpp"

#include <spdlog/spdlog.h>

namespace kilter::coordinator {

void send_within_limits(transport::Hub& hub,
                        const crypto::PublicKey& to,
                        const wire::Message& message) {
    const auto within = wire::check(message);
    if (!within) {
        spdlog::error("a message of kind {} to {} is outside the limits and is not sent: {}",
                      wire::name_of(wire::kind_of(message)), short_hex(to.view()),
                      within.error().message);
        return;
    }
    hub.send(to, message);
}

}  // namespace kilter::coordinator
