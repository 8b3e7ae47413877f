#include "coordinator/cli/log_connection.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "common/consensus/light_client.hpp"
#include "common/consensus/message.hpp"
#include "common/runtime/loop.hpp"

namespace kilter::cli {

namespace {

constexpr UnixMs others_ms = 1'500;  // to hear whether another coordinator knows something newer
constexpr std::chrono::milliseconds tick{50};

}  // namespace

Error LogConnection::silence(const std::string& what) const {
    return {
        what + " within " + std::to_string(seconds_max_) +
        " s: see whether the coordinators run and can be reached, or wait longer with "
        "--seconds-max. Where none is left of those that genesis names, take log.epochs from the "
        "state directory of one that runs, with --epochs. Without any connection: --store and "
        "--entry"};
}

Result<void> LogConnection::connect() {
    if (!hub_) {
        auto hub = transport::Hub::open(identity_, {});
        if (!hub) return hub.error();
        hub_ = std::move(*hub);
    }
    for (const auto& validator : epochs_.members().validators)
        if (auto linked = hub_->connect(validator.key, validator.endpoint); !linked) return linked;
    return {};
}

void LogConnection::take_epoch(const wire::ConsensusMessage& message) {
    const auto decoded = consensus::decode(message.payload);
    const auto* proof = decoded ? std::get_if<consensus::EpochProof>(&*decoded) : nullptr;
    // A coordinator that cannot be reached is not waited for; the others answer.
    if (proof != nullptr && epochs_.extend(*proof)) (void)connect();
}

Result<void> LogConnection::ask(const Answer& answer,
                                const Enough& enough,
                                const std::string& what) {
    if (auto connected = connect(); !connected) return connected;
    const crypto::Digest chain = crypto::Digest::from(genesis_.chain_id().view());
    std::set<crypto::PublicKey> asked;
    std::map<crypto::PublicKey, wire::Hello> claims;
    const UnixMs give_up = runtime::now_ms() + 1'000 * UnixMs{seconds_max_};
    UnixMs others = give_up;
    for (UnixMs now = runtime::now_ms(); now < give_up; now = runtime::now_ms()) {
        for (const auto& validator : epochs_.members().validators)
            if (!asked.contains(validator.key) && hub_->connected(validator.key) &&
                hub_->send(validator.key, wire::Hello{chain, 0, 0}))
                asked.insert(validator.key);
        while (const auto received = hub_->receive()) {
            if (const auto* hello = std::get_if<wire::Hello>(&received->message)) {
                claims[received->from] = *hello;
                others = std::min(others, runtime::now_ms() + others_ms);
            } else if (const auto* log = std::get_if<wire::ConsensusMessage>(&received->message)) {
                take_epoch(*log);
            } else if (const auto* refusal = std::get_if<wire::Refusal>(&received->message)) {
                return Error{"coordinator " + short_hex(received->from.view()) +
                             " refused: " + refusal->reason};
            } else {
                answer(received->message);
            }
        }
        if (!claims.empty() && enough(claims) &&
            (claims.size() == epochs_.members().size() || now >= others))
            return {};
        hub_->wait(tick);
    }
    return silence(what);
}

Result<Bytes> LogConnection::submit(const consensus::SealedEntry& entry) {
    if (auto connected = connect(); !connected) return connected.error();
    // Who greets is shown the log's epochs, which a receipt may leave out; nothing else is wanted.
    const wire::Hello greeting{crypto::Digest::from(genesis_.chain_id().view()), UINT64_MAX,
                               UINT64_MAX};
    std::set<crypto::PublicKey> told;
    const UnixMs give_up = runtime::now_ms() + 1'000 * UnixMs{seconds_max_};
    while (runtime::now_ms() < give_up) {
        for (const auto& validator : epochs_.members().validators)
            if (!told.contains(validator.key) && hub_->connected(validator.key) &&
                hub_->send(validator.key, greeting) &&
                hub_->send(validator.key, wire::Submit{entry.encoded}))
                told.insert(validator.key);
        while (const auto received = hub_->receive()) {
            if (const auto* refusal = std::get_if<wire::Refusal>(&received->message))
                return Error{"the log refuses it: " + refusal->reason};
            if (const auto* log = std::get_if<wire::ConsensusMessage>(&received->message))
                take_epoch(*log);
            const auto* certified = std::get_if<wire::CertifiedEntry>(&received->message);
            if (certified == nullptr) continue;
            const auto receipt = consensus::decode_receipt(certified->receipt);
            if (!receipt || consensus::encode(receipt->entry) != entry.encoded) continue;
            if (consensus::verify(*receipt, epochs_) == consensus::ReceiptVerdict::valid)
                return consensus::encode(consensus::whole(*receipt, epochs_));
        }
        hub_->wait(tick);
    }
    return silence("the entry did not come on the log");
}

}  // namespace kilter::cli
