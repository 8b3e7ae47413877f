// A peer that is stopped: its kernel still takes what comes, and only probes tell.
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/common/transport/party.hpp"

namespace kilter::transport::stopped_peer_test {
namespace {

using test::next;
using test::numbered;
using test::Party;
using test::until;

Options impatient() {
    Options options = test::quick();
    options.heartbeat_ms = 100;
    options.heartbeat_timeout_ms = 100;
    return options;
}

/// A peer in another process.
class PeerProcess {
  public:
    /// REQUIRES: no hub in this process yet.
    PeerProcess() {
        EXPECT_EQ(::pipe(to_), 0);
        EXPECT_EQ(::pipe(from_), 0);
        child_ = ::fork();
        if (child_ == 0) run();
    }

    ~PeerProcess() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        for (const int end : {to_[0], to_[1], from_[0], from_[1]})
            ::close(end);
    }

    PeerProcess(const PeerProcess&) = delete;
    PeerProcess& operator=(const PeerProcess&) = delete;

    [[nodiscard]] const crypto::PublicKey& key() const { return identity_.public_key(); }

    /// It connects to the server and says so; where it listens itself.
    std::string meet(Party& server) {
        server.admit({key()});
        tell(to_[1], to_hex(server.key().view()) + server.hub->endpoint());
        EXPECT_TRUE(next(server).has_value());
        return hear(from_[0]);
    }

    void stop() { ::kill(child_, SIGSTOP); }

  private:
    static void tell(int pipe, const std::string& text) {
        EXPECT_EQ(::write(pipe, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }

    static std::string hear(int pipe) {
        std::array<char, 200> text{};
        const ssize_t size = ::read(pipe, text.data(), text.size());
        return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }

    [[noreturn]] void run() {
        const std::string server = hear(to_[0]);
        const std::size_t digits = 2 * crypto::PublicKey::size;
        const auto key = *fixed_from_hex<crypto::PublicKey>(server.substr(0, digits));
        Party self(crypto::Identity::from_seed(identity_.seed()), impatient());
        self.admit({key});
        (void)self.hub->connect(key, server.substr(digits));
        until(self, [&] { return self.hub->connected(key); });
        self.hub->send(key, numbered(1));
        // The other end knows how long to wait from the first probe on, which nobody can see.
        std::this_thread::sleep_for(std::chrono::milliseconds(10 * impatient().heartbeat_ms));
        tell(from_[1], self.hub->endpoint());
        for (;;)
            ::pause();
    }

    crypto::Identity identity_ = Party::fresh();
    int to_[2]{};
    int from_[2]{};
    pid_t child_ = 0;
};

TEST(Hub, gives_up_a_connection_over_which_no_probe_comes) {
    PeerProcess peer;
    Party server(Party::fresh(), impatient());
    peer.meet(server);
    EXPECT_TRUE(server.hub->connected(peer.key()));
    peer.stop();
    // Seldom: what is full is given up for another reason.
    int looks = 0;
    EXPECT_TRUE(until(server, [&] {
        if (++looks % 20 == 0) server.hub->send(peer.key(), numbered(2));
        return !server.hub->connected(peer.key());
    }));
}

TEST(Hub, gives_up_a_connection_over_which_no_probe_is_answered) {
    PeerProcess peer;
    Party client(Party::fresh(), impatient());
    const std::string endpoint = peer.meet(client);
    ASSERT_TRUE(client.hub->connect(peer.key(), endpoint));
    EXPECT_TRUE(until(client, [&] { return client.hub->connected(peer.key()); }));
    peer.stop();
    EXPECT_TRUE(until(client, [&] { return !client.hub->connected(peer.key()); }));
}

}  // namespace
}  // namespace kilter::transport::stopped_peer_test
