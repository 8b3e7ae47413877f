#include "common/transport/admission.hpp"

#include <csignal>

#include <zmq_addon.hpp>

namespace kilter::transport {

namespace {

/// Starts a thread that no signal is delivered to: those are the loop's.
template <class Function>
std::thread start_without_signals(Function function) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(function));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

// frames of a request: version, request id, domain, address, routing id, mechanism, key
constexpr std::size_t request_id_frame = 1;
constexpr std::size_t address_frame = 3;
constexpr std::size_t mechanism_frame = 5;
constexpr std::size_t key_frame = 6;
constexpr std::size_t request_frames = 7;

}  // namespace

Admission::Admission(zmq::context_t& context) {
    zmq::socket_t requests(context, zmq::socket_type::rep);
    requests.set(zmq::sockopt::linger, 0);
    requests.bind("inproc://zeromq.zap.01");
    thread_ = start_without_signals(
        [this, socket = std::move(requests)]() mutable { serve(std::move(socket)); });
}

Admission::~Admission() {
    thread_.join();
}

void Admission::admit(std::span<const crypto::PublicKey> keys,
                      std::span<const crypto::PublicKey> revoked) {
    std::map<crypto::CurveKey, crypto::PublicKey> admitted;
    std::set<crypto::CurveKey> barred;
    for (const auto& one : keys)
        if (const auto curve = crypto::curve_key(one)) admitted.emplace(*curve, one);
    for (const auto& one : revoked)
        if (const auto curve = crypto::curve_key(one)) barred.insert(*curve);
    const std::scoped_lock lock(mutex_);
    admitted_ = std::move(admitted);
    revoked_ = std::move(barred);
}

Admission::Refusals Admission::refusals() const {
    const std::scoped_lock lock(mutex_);
    return refusals_;
}

std::vector<RefusedKey> Admission::take_refused() {
    const std::scoped_lock lock(mutex_);
    std::vector<RefusedKey> out;
    for (auto& [_, refused] : refused_)
        out.push_back(std::move(refused));
    refused_.clear();
    return out;
}

Admission::Verdict Admission::judge(ByteView raw_key, const std::string& from) {
    if (raw_key.size() != crypto::CurveKey::size) return {Answer::never, {}};
    const auto curve = crypto::CurveKey::from(raw_key);
    const std::scoped_lock lock(mutex_);
    const bool revoked = revoked_.contains(curve);
    if (const auto found = admitted_.find(curve); found != admitted_.end() && !revoked)
        return {Answer::admitted, to_hex(found->second.view())};
    ++(revoked ? refusals_.revoked : refusals_.unknown);
    if (refused_.contains(curve) || refused_.size() < limits::refusals_kept_max) {
        RefusedKey& refused = refused_[curve];
        refused.key = curve;
        refused.address = from;
        refused.revoked = revoked;
        ++refused.handshakes;
    }
    return {revoked ? Answer::never : Answer::not_yet, {}};
}

void Admission::serve(zmq::socket_t requests) {
    try {
        for (;;) {
            std::vector<zmq::message_t> request;
            if (!zmq::recv_multipart(requests, std::back_inserter(request))) continue;
            const bool curve = request.size() == request_frames &&
                               request[mechanism_frame].to_string_view() == "CURVE";
            const Verdict verdict = curve ? judge(as_bytes(request[key_frame].to_string_view()),
                                                  request[address_frame].to_string())
                                          : Verdict{Answer::never, {}};
            std::string_view status;
            std::string_view text;
            switch (verdict.answer) {
                case Answer::admitted:
                    status = "200", text = "welcome";
                    break;
                case Answer::not_yet:
                    status = "300", text = "not enrolled yet";
                    break;
                case Answer::never:
                    status = "400", text = "revoked";
                    break;
            }
            const std::string id = request.size() > request_id_frame
                                       ? request[request_id_frame].to_string()
                                       : std::string();
            const std::array<zmq::const_buffer, 6> reply = {
                zmq::str_buffer("1.0"),       zmq::buffer(id),
                zmq::buffer(status),          zmq::buffer(text),
                zmq::buffer(verdict.user_id), zmq::const_buffer()};
            zmq::send_multipart(requests, reply);
        }
    } catch (const zmq::error_t& error) {
        KILTER_CHECK(error.num() == ETERM, "the ZAP handler's socket failed");
    }
}

}  // namespace kilter::transport
