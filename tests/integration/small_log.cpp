#include "tests/integration/small_log.hpp"

#include <algorithm>
#include <utility>

#include "common/market/parameters.hpp"
#include "common/runtime/loop.hpp"
#include "tests/integration/program.hpp"

namespace kilter::tests {
namespace {

constexpr UnixMs fixed_start_ms = 1'780'272'000'000;  // 2026-06-01 00:00 UTC
constexpr UnixMs hour_ms = 3'600'000;

crypto::Identity identity(std::uint8_t seed, std::uint8_t role, std::size_t index) {
    crypto::Seed bytes;
    bytes.bytes = {seed, role, static_cast<std::uint8_t>(index)};
    return crypto::Identity::from_seed(bytes);
}

}  // namespace

SmallLog::SmallLog(const std::filesystem::path& folder, std::uint8_t seed, Clock clock)
    : folder_(folder),
      start_ms_(clock == Clock::now ? runtime::now_ms() : fixed_start_ms),
      now_(start_ms_),
      operator_(identity(seed, 0, 0)) {
    for (std::size_t i = 0; i < replicas; ++i)
        coordinators_.push_back(identity(seed, 1, i));
    for (std::size_t i = 0; i < homes; ++i)
        homes_.push_back(identity(seed, 2, i));
    genesis_.time_ms = start_ms_ - 1;
    genesis_.operator_key = operator_.public_key();
    for (const auto& coordinator : coordinators_) {
        genesis_.validators.validators.push_back(
            {coordinator.public_key(), "tcp://127.0.0.1:7100"});
    }
    genesis_.market_parameters = market::Parameters{}.encode();
    ledger_ = std::make_unique<settlement::Ledger>(genesis_);
    const Bytes document = genesis_.encode();
    write_file(folder / "genesis.bin", std::string(document.begin(), document.end()));

    for (std::size_t i = 0; i < replicas; ++i) {
        std::filesystem::create_directories(state_dir(i));
        auto store = storage::LogStore::open(state_dir(i) / "log.db", genesis_);
        KILTER_CHECK(store.ok(), "a new store opens");
        auto image = store->load(*ledger_);
        KILTER_CHECK(image.ok(), "a new store loads");
        consensus::Replica core(settlement::config_of(genesis_), identity(seed, 1, i), *ledger_,
                                std::move(*image));
        replicas_.push_back({std::move(*store), std::move(core), {}});
    }
    for (std::size_t i = 0; i < replicas; ++i)
        step(i, consensus::Started{});
}

std::filesystem::path SmallLog::state_dir(std::size_t replica) const {
    return folder_ / ("coordinator-" + std::to_string(replica));
}

void SmallLog::step(std::size_t replica, const consensus::Input& input) {
    Replica& here = replicas_[replica];
    consensus::Outputs out = here.core.step(input, now_);
    KILTER_CHECK(!out.halt, "no replica halts");
    here.store.apply(out.persist);
    for (consensus::Send& send : out.send)
        for (std::size_t to = 0; to < replicas; ++to)
            if (to != replica && (!send.to || *send.to == to))
                post_.push_back({replica, to, send.message});
    for (const consensus::Arm& arm : out.arm) {
        std::erase_if(here.timers,
                      [&](const auto& old) { return old.timer.kind == arm.timer.kind; });
        here.timers.push_back(arm);
    }
}

void SmallLog::fire_timers() {
    // All at once: order does not matter here, only that time goes on when nobody has anything to say.
    now_ += 1'000;
    for (std::size_t i = 0; i < replicas; ++i)
        for (const consensus::Arm& arm : std::exchange(replicas_[i].timers, {}))
            step(i, consensus::TimerElapsed{arm.timer});
}

void SmallLog::append(const consensus::EntryPtr& entry) {
    const auto wanted = replicas_.front().core.status().entries + 1;
    const auto done = [&] {
        return std::all_of(replicas_.begin(), replicas_.end(), [&](const Replica& replica) {
            return replica.core.status().entries >= wanted;
        });
    };
    for (std::size_t i = 0; i < replicas; ++i)
        step(i, consensus::Submitted{{entry}, {}});
    for (int turns = 0; !done(); ++turns) {
        KILTER_CHECK(turns < 100'000, "the log stands still");
        if (post_.empty()) {
            fire_timers();
            continue;
        }
        const Letter letter = std::move(post_.front());
        post_.pop_front();
        step(letter.to, consensus::MessageReceived{
                            static_cast<consensus::ReplicaIndex>(letter.from), letter.message, {}});
    }
}

consensus::EntryPtr SmallLog::roster() const {
    std::vector<settlement::RosterMember> members;
    for (const auto& coordinator : coordinators_)
        members.push_back(
            {coordinator.public_key(), settlement::Role::coordinator, NetId{0}, 333, ""});
    for (std::uint8_t i = 0; i < homes_.size(); ++i) {
        members.push_back({homes_[i].public_key(), settlement::Role::home, NetId{0}, 1000, ""});
        members.back().service_point.bytes[0] = static_cast<std::uint8_t>(i + 1);
    }
    return settlement::make_entry(settlement::first_changes(members).front(), genesis_.chain_id(),
                                  1, start_ms_ + hour_ms, operator_);
}

consensus::EntryPtr SmallLog::cleared(IntervalIndex interval, std::int64_t price_micro) const {
    settlement::ClearedNet net;
    net.interval = interval;
    net.net = NetId{0};
    net.roster_epoch = 1;
    net.outcome = settlement::Outcome::converged;
    net.iteration = 42;
    net.residual_milliwatt = 500;
    net.prices_micro_eur_per_kwh.assign(96, price_micro);
    for (const auto& home : homes_) {
        settlement::ClearedMember member{
            home.public_key(), crypto::digest("test", home.public_key().view()), {}};
        member.signature = home.sign(settlement::clearing_statement(
            genesis_.chain_id(), interval, net.opening, net.net, net.iteration,
            net.prices_micro_eur_per_kwh, member.commitment));
        net.members.push_back(member);
    }
    std::sort(net.members.begin(), net.members.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return settlement::make_entry(net, genesis_.chain_id(), static_cast<std::uint64_t>(interval),
                                  start_ms_ + hour_ms, coordinators_.front());
}

void SmallLog::checkpoint() {
    for (Replica& replica : replicas_)
        replica.store.checkpoint();
}

}  // namespace kilter::tests
