// One of two ends that say something to each other every 20 ms, through real Hubs; tells when it hears the other again
// after a silence, in milliseconds since 1970. reconnect.sh takes the network between them away.
//     reconnect 0|1 OWN-ENDPOINT OTHERS-ENDPOINT
#include <array>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "common/transport/hub.hpp"

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds say_every{20};
constexpr std::chrono::milliseconds silence{300};

kilter::crypto::Identity end(std::uint8_t number) {
    kilter::crypto::Seed seed{};
    seed.bytes.fill(number);
    return kilter::crypto::Identity::from_seed(seed);
}

std::int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "reconnect 0|1 OWN-ENDPOINT OTHERS-ENDPOINT\n";
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each line is waited for
    kilter::crypto::initialise();
    const bool second = std::string(argv[1]) == "1";
    const kilter::crypto::Identity self = end(second ? 2 : 1);
    const kilter::crypto::PublicKey other = end(second ? 1 : 2).public_key();
    auto hub = kilter::transport::Hub::open(self, {.bind = argv[2]});
    if (!hub) {
        std::cerr << hub.error().message << '\n';
        return 1;
    }
    hub->admit(std::array{other});
    if (auto linked = hub->connect(other, argv[3]); !linked) {
        std::cerr << linked.error().message << '\n';
        return 1;
    }
    auto heard = Steady::now() - silence;
    auto said = heard;
    for (std::uint64_t number = 0;;) {
        zmq::pollitem_t item{hub->inbound().handle(), 0, ZMQ_POLLIN, 0};
        zmq::poll(&item, 1, say_every);
        while (hub->receive()) {
            const auto now = Steady::now();
            if (now - heard >= silence) std::printf("%lld\n", static_cast<long long>(unix_ms()));
            heard = now;
        }
        if (Steady::now() - said < say_every) continue;
        said = Steady::now();
        (void)hub->send(other, kilter::wire::Hello{{}, ++number});
    }
}
