#include "agent/host/self_test.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <unistd.h>

#include "common/crypto/digest.hpp"
#include "common/crypto/identity.hpp"
#include "common/market/step.hpp"
#include "common/prox/home.hpp"
#include "common/runtime/loop.hpp"
#include "common/storage/key_value.hpp"
#include "common/transport/hub.hpp"

namespace kilter::agent {

namespace {

constexpr std::int64_t links_ms_max = 10'000;
constexpr UnixMs year_2026_ms = 1'767'225'600'000;
constexpr double answers_per_kw = 1024;  // to which a home's answer is the same whatever solves it

// RFC 8032, section 7.1, test 1.
Result<std::string> check_signatures() {
    const auto seed = fixed_from_hex<crypto::Seed>(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const auto key = fixed_from_hex<crypto::PublicKey>(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    const auto signature = fixed_from_hex<crypto::Signature>(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b4"
        "6bd25bf5f0595bbe24655141438e7a100b");
    const auto identity = crypto::Identity::from_seed(*seed);
    if (identity.public_key() != *key || identity.sign({}) != *signature ||
        !crypto::verify(*key, {}, *signature))
        return Error{"Ed25519 is not as RFC 8032 says: reinstall libsodium23"};
    return std::string("as RFC 8032");
}

// A battery, panels and a load over a day, made of the four operations alone.
model::Home test_home() {
    constexpr Eigen::Index intervals = 96;
    model::Home home;
    home.interval_h = 0.25;
    home.load_kw = model::Series(intervals);
    home.pv_available_kw = model::Series(intervals);
    for (Eigen::Index t = 0; t < intervals; ++t) {
        const auto noon = static_cast<double>(t < 48 ? t : 96 - t) / 48;
        home.load_kw[t] = 0.3 + static_cast<double>((t * 37) % 11) / 10;
        home.pv_available_kw[t] = noon > 0.5 ? 8 * (noon - 0.5) : 0;
    }
    home.battery.power_max_kw = 4;
    home.battery.energy_max_kwh = 10;
    home.battery.energy_start_kwh = 5;
    home.battery.energy_end_min_kwh = 5;
    return home;
}

Result<std::string> check_arithmetic() {
    constexpr std::string_view expected = "0413094c";
    const std::string found = arithmetic_digest();
    if (found != expected)
        return Error{"this machine computes other numbers than its neighbours would (" + found +
                     " instead of " + std::string(expected) + "): report it with its processor"};
    return "digest " + found;
}

Result<std::string> check_store() {
    std::string name = (std::filesystem::temp_directory_path() / "kilter-selftest-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        return Error{"no temporary directory can be made: is " +
                     std::filesystem::temp_directory_path().string() + " full or read-only?"};
    auto kept = [&]() -> Result<std::string> {
        const Bytes value{1, 2, 3};
        {
            auto store = storage::KeyValue::open(std::filesystem::path(name) / "test.db");
            if (!store) return store.error();
            store->put({{"key", value}});
        }
        auto store = storage::KeyValue::open(std::filesystem::path(name) / "test.db");
        if (!store) return store.error();
        const auto read = store->get("key");
        if (!read) return read.error();
        if (*read != value) return Error{"a store lost what was written to it"};
        return std::string("keeps what it was given");
    }();
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
    return kept;
}

Result<std::string> check_links() {
    runtime::Loop loop;  // first: the hubs' threads inherit its signal mask
    const auto here = crypto::Identity::generate();
    const auto there = crypto::Identity::generate();
    transport::Options options;
    options.bind = "tcp://127.0.0.1:*";
    auto sender = transport::Hub::open(here, options);
    if (!sender) return sender.error();
    auto receiver = transport::Hub::open(there, options);
    if (!receiver) return receiver.error();
    receiver->admit(std::vector{here.public_key()});
    if (auto linked = sender->connect(there.public_key(), receiver->endpoint()); !linked)
        return linked.error();
    bool arrived = false;
    std::function<void()> greet = [&] {
        sender->send(there.public_key(), wire::Hello{});
        loop.arm(20, greet);
    };
    loop.watch(receiver->inbound(), [&] {
        if (receiver->receive()) arrived = true, loop.stop();
    });
    loop.arm(0, greet);
    loop.arm(links_ms_max, [&] { loop.stop(); });
    loop.run();
    if (!arrived)
        return Error{
            "no encrypted message came through on the loopback within 10 s: is the interface "
            "lo up?"};
    return std::string("encrypted, on the loopback");
}

Result<std::string> check_clock() {
    if (runtime::now_ms() < year_2026_ms)
        return Error{"the clock has not been set: install systemd-timesyncd and wait for it"};
    return std::string("set");
}

}  // namespace

std::string arithmetic_digest() {
    prox::Home home(test_home());
    const Eigen::Index intervals = home.intervals();
    constexpr double rho = 0.05, weight = 1.5, inverse_weights = 1 / weight + 0.7;
    model::Schedules target(1, intervals);
    market::Iterate last = market::start_from(market::WarmState::cold(1, intervals, rho), 1);
    ByteWriter out;
    for (int round = 0; round < 3; ++round) {
        market::Iterate next = last;
        for (Eigen::Index t = 0; t < intervals; ++t)
            target(0, t) = static_cast<double>((t * (round + 3)) % 17) / 4 - 2;
        home.prox(target, Eigen::VectorXd::Constant(1, rho), next.x_kw);
        next.x_kw = (next.x_kw * answers_per_kw).array().round() / answers_per_kw + 0.0;  // no -0
        next.a_units = market::rounded_units(next.x_kw);
        auto sums = market::plain_words(last, next, 0);
        for (std::size_t t = 0; t < static_cast<std::size_t>(intervals); ++t)
            sums[t] += (t * 7'919'111) % 1'048'573;  // what the others sent
        market::net_step(last, next, 0, weight, inverse_weights, sums);
        for (Eigen::Index t = 0; t < intervals; ++t)
            out.f64(next.x_kw(0, t)).f64(next.z_kw(0, t)).f64(next.y_eur_per_kw(0, t));
        out.u64(next.moved.front()).u64(next.primal_square);
        last = std::move(next);
    }
    return short_hex(crypto::digest("self-test", out.bytes()).view());
}

std::vector<Check> self_test() {
    return {{"signatures", check_signatures()},
            {"arithmetic", check_arithmetic()},
            {"store", check_store()},
            {"links", check_links()},
            {"clock", check_clock()}};
}

}  // namespace kilter::agent
