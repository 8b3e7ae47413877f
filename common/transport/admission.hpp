/// Who may connect: the table of admitted keys and the ZAP handler (ZeroMQ RFC 27) that answers
/// from it.
///
/// 200 for an admitted key, whose Ed25519 form in hex becomes the connection's User-Id; 300 for an
/// unknown one, after which libzmq's client keeps trying, so that a home admitted later needs no
/// restart; 400 for a revoked one, after which it stops. The handler is a thread that ends when the
/// context is shut down. (Internal to this folder.)
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include "common/crypto/identity.hpp"
#include "common/transport/hub.hpp"

namespace kilter::transport {

class Admission {
  public:
    static constexpr const char* domain = "kilter";

    /// Must exist before a socket of the context binds with the domain.
    explicit Admission(zmq::context_t& context);
    /// REQUIRES: the context is shut down.
    ~Admission();
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    void admit(std::span<const crypto::PublicKey> keys, std::span<const crypto::PublicKey> revoked);

    struct Refusals {
        std::uint64_t unknown = 0;
        std::uint64_t revoked = 0;
    };

    [[nodiscard]] Refusals refusals() const;
    std::vector<RefusedKey> take_refused();

  private:
    enum class Answer : std::uint8_t { admitted, not_yet, never };

    struct Verdict {
        Answer answer;
        std::string user_id;
    };

    void serve(zmq::socket_t requests);
    Verdict judge(ByteView raw_key, const std::string& from);

    mutable std::mutex mutex_;  // guards all below, up to the thread
    std::map<crypto::CurveKey, crypto::PublicKey> admitted_;
    std::set<crypto::CurveKey> revoked_;
    std::map<crypto::CurveKey, RefusedKey> refused_;
    Refusals refusals_;
    std::thread thread_;
};

}  // namespace kilter::transport
