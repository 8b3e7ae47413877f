#include "coordinator/log/outgoing_mail.hpp"

#include <spdlog/spdlog.h>

#include "common/base/limits.hpp"

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

Bytes fitting(consensus::Receipt receipt) {
    Bytes bytes = consensus::encode(receipt);
    if (bytes.size() <= limits::receipt_bytes_max) return bytes;
    return consensus::encode(consensus::shortened(std::move(receipt)));
}

Bytes for_home(consensus::Receipt receipt, std::uint32_t ledger_version) {
    return fitting(ledger_version >= 3 ? consensus::shortened(std::move(receipt))
                                       : std::move(receipt));
}

}  // namespace kilter::coordinator
