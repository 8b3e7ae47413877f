#include "tests/sim/virtual_neighbourhood.hpp"

#include <algorithm>

namespace kilter::sim {

namespace {

// The same keys in every run: with them, a seed replays a run to the last message.
crypto::Identity identity_of(std::string_view name, std::size_t number = 0) {
    const auto seed = crypto::digest("kilter sim", ByteWriter{}.text(name).u64(number).bytes());
    return crypto::Identity::from_seed(crypto::Seed::from(seed.view()));
}

}  // namespace

VirtualNeighbourhood::VirtualNeighbourhood(planner::Neighbourhood neighbourhood,
                                           market::Parameters parameters,
                                           coordinator::Pace pace)
    : coordinator(identity_of("coordinator")),
      grid_operator(identity_of("operator")),
      network_(neighbourhood.network),
      pace_(pace) {
    genesis.time_ms = now;
    genesis.operator_key = grid_operator.public_key();
    genesis.validators.validators = {{coordinator.public_key(), "tcp://127.0.0.1:1"}};
    genesis.market_parameters = parameters.encode();
    const std::string& feeder = network_.name;
    std::vector<settlement::RosterMember> members{
        {coordinator.public_key(), settlement::Role::coordinator, NetId{0}, 1000, "", feeder}};
    for (const auto& spec : neighbourhood.homes) {
        Home home{identity_of("home", homes.size()),
                  std::make_unique<drivers::SimulatedHome>(spec),
                  {},
                  {},
                  {},
                  {},
                  {},
                  {}};
        const double weight = parameters.home_weight(spec.flexibility());
        settlement::ServicePoint point;
        point.bytes[0] = static_cast<std::uint8_t>(homes.size() + 1);
        members.push_back({home.identity.public_key(), settlement::Role::home, spec.net,
                           static_cast<std::uint32_t>(weight * 1000), "", feeder, point});
        by_key_[home.identity.public_key()] = homes.size();
        homes.push_back(std::move(home));
    }
    ledger_.emplace(genesis);
    replica_.emplace(settlement::config_of(genesis),
                     crypto::Identity::from_seed(coordinator.seed()), *ledger_,
                     consensus::DurableImage{});
    start_coordinator();
    step_log(consensus::Started{});
    for (std::size_t i = 0; i < homes.size(); ++i)
        switch_on(i);
    for (const auto& change : settlement::first_changes(members))
        submit_change(change);
}

void VirtualNeighbourhood::start_coordinator() {
    auto host = coordinator::FeederHost::create(coordinator, genesis, network_, pace_, memory_);
    KILTER_CHECK(host.ok(), "the test's feeder host");
    host_ = std::move(*host);
    for (const auto& input : std::vector(final_))
        step_host(input);
    step_host(coordinator::Started{});
}

void VirtualNeighbourhood::restart_coordinator() {
    host_timers_.clear();
    start_coordinator();
}

void VirtualNeighbourhood::change_roster(std::vector<settlement::Removal> removals,
                                         std::vector<settlement::RosterMember> grants) {
    submit_change(*settlement::make_change(roster, std::move(removals), std::move(grants)));
}

void VirtualNeighbourhood::submit_change(const settlement::RosterChange& change) {
    step_log(consensus::Submitted{{settlement::make_entry(change, genesis.chain_id(), change.epoch,
                                                          now + 3'600'000, grid_operator)}});
}

wire::RosterUpdate VirtualNeighbourhood::newest_roster() const {
    return {receipts_.at(settlement::roster_key(roster.epoch)), settlement::encode(roster)};
}

void VirtualNeighbourhood::switch_off(std::size_t home) {
    homes[home].gateway.reset();
    homes[home].timers.clear();
}

void VirtualNeighbourhood::switch_on(std::size_t home) {
    Home& mine = homes[home];
    auto gateway = agent::Gateway::create(
        mine.identity, genesis,
        [&mine](IntervalIndex from, Eigen::Index count) {
            return mine.devices->horizon(from, count);
        },
        mine.memory);
    KILTER_CHECK(gateway.ok(), "the test's gateway");
    mine.gateway = std::move(*gateway);
    step_home(home, agent::Started{});
}

void VirtualNeighbourhood::step_home(std::size_t home, const agent::Input& input) {
    Home& mine = homes[home];
    agent::Outputs out = mine.gateway->step(input, now);
    for (auto& [key, value] : out.persist)
        mine.memory[key] = value;
    if (crashes(home, out)) return switch_off(home);
    for (auto& letter : out.send)
        send({mine.identity.public_key(), letter.to, std::move(letter.message)});
    for (const auto& arm : out.timers) {
        mine.timers.erase(arm.timer);
        if (arm.delay_ms > 0) mine.timers[arm.timer] = now + arm.delay_ms;
    }
    for (auto& event : out.events)
        mine.events.push_back(std::move(event));
    if (out.setpoint) {
        mine.devices->dispatch(out.setpoint->interval, out.setpoint->consumption_kw);
        mine.setpoints.push_back(*out.setpoint);
    }
    if (out.report) mine.reports.push_back(std::move(*out.report));
    if (out.peers) step_home(home, agent::PeersConnected{});
}

void VirtualNeighbourhood::step_host(const coordinator::Input& input) {
    coordinator::Outputs out = host_->step(input, now);
    if (out.persist) memory_ = *out.persist;
    for (auto& letter : out.send)
        send({coordinator.public_key(), letter.to, std::move(letter.message)});
    for (const auto& arm : out.timers) {
        host_timers_.erase(arm.timer);
        if (arm.delay_ms > 0) host_timers_[arm.timer] = now + arm.delay_ms;
    }
    for (auto& event : out.events)
        events.push_back(std::move(event));
    if (out.report) reports.push_back(std::move(*out.report));
    for (const auto& record : out.submit) {
        if (loses_record(record))
            ++records_lost;
        else
            submit(record);
    }
}

void VirtualNeighbourhood::submit(const settlement::ClearedNet& record) {
    step_log(consensus::Submitted{{settlement::make_entry(
        record, genesis.chain_id(), record.opening, now + 3'600'000, coordinator)}});
}

void VirtualNeighbourhood::step_log(consensus::Input input) {
    const consensus::Outputs out = replica_->step(input, now);
    KILTER_CHECK(!out.halt, "the test's log halted");
    for (const auto& answer : out.answers)
        if (answer.status == consensus::SubmissionStatus::refused)
            events.push_back({Severity::wrong, answer.reason});
    for (const auto& arm : out.arm)
        log_timers_[arm.timer.kind] = {now + arm.delay_ms, arm.timer};
    for (const auto& final : out.finalised)
        on_final(final);
}

void VirtualNeighbourhood::on_final(const consensus::Finalised& final) {
    for (std::size_t i = 0; i < final.block->entries.size(); ++i) {
        const auto& entry = final.block->entries[i]->entry;
        receipts_[entry.key] = consensus::encode(consensus::make_receipt(final, i));
        if (entry.type == settlement::roster_change_entry) {
            roster = *settlement::apply(roster, *settlement::decode_roster_change(entry.body));
            final_.emplace_back(coordinator::RosterFinal{roster});
            step_host(final_.back());
        } else {
            const auto record = *settlement::decode_cleared_net(entry.body);
            records.push_back(record);
            for (const auto& member : record.members)
                certify(member.key, entry.key);
            final_.emplace_back(coordinator::ClearedNetFinal{record, entry.author});
            step_host(final_.back());
        }
    }
}

void VirtualNeighbourhood::certify(const crypto::PublicKey& to, const Bytes& key) {
    const auto found = receipts_.find(key);
    if (found != receipts_.end())
        send({coordinator.public_key(), to, wire::CertifiedEntry{found->second}});
}

void VirtualNeighbourhood::deliver(const Letter& letter) {
    const auto decoded = wire::decode(wire::encode(letter.message));
    KILTER_CHECK(decoded.ok(), "a core sent what the codec refuses");
    if (letter.to == coordinator.public_key()) {
        const auto home = by_key_.find(letter.from);
        if (const auto* hello = std::get_if<wire::Hello>(&*decoded);
            hello != nullptr && home != by_key_.end()) {
            if (hello->roster_epoch < roster.epoch)
                send({coordinator.public_key(), letter.from, newest_roster()});
            const auto net = homes[home->second].devices->spec().net;
            if (!records.empty())
                certify(letter.from, settlement::cleared_key(records.back().interval, net));
        }
        step_host(coordinator::MessageReceived{letter.from, *decoded});
        return;
    }
    const auto home = by_key_.find(letter.to);
    if (home != by_key_.end() && homes[home->second].gateway)
        step_home(home->second, agent::MessageReceived{letter.from, *decoded});
}

bool VirtualNeighbourhood::all_certified(IntervalIndex interval) const {
    return std::all_of(homes.begin(), homes.end(), [&](const Home& home) {
        return !home.gateway || (!home.reports.empty() && home.reports.back().certified &&
                                 home.reports.back().session.interval == interval);
    });
}

bool VirtualNeighbourhood::run(const std::function<bool()>& done, UnixMs limit_ms) {
    const UnixMs end = now + limit_ms;
    for (;;) {
        while (!post_.empty()) {
            Letter letter = std::move(post_.front());
            post_.pop_front();
            if (!loses(letter)) deliver(letter);
            traffic.push_back(std::move(letter));
            if (done()) return true;
        }
        // Nothing under way: on to the next timer.
        UnixMs next = end + 1;
        for (const auto& [kind, timer] : log_timers_)
            next = std::min(next, timer.first);
        for (const auto& [timer, at] : host_timers_)
            next = std::min(next, at);
        for (const Home& home : homes)
            for (const auto& [timer, at] : home.timers)
                next = std::min(next, at);
        if (next > end) return done();
        now = std::max(now, next);
        for (auto it = log_timers_.begin(); it != log_timers_.end();) {
            if (it->second.first > now) {
                ++it;
                continue;
            }
            const consensus::Timer timer = it->second.second;
            log_timers_.erase(it);
            step_log(consensus::TimerElapsed{timer});
            it = log_timers_.begin();
        }
        const auto due = [&](auto& timers, const auto& step) {
            std::vector<std::decay_t<decltype(timers.begin()->first)>> elapsed;
            for (const auto& [timer, at] : timers)
                if (at <= now) elapsed.push_back(timer);
            for (const auto timer : elapsed)
                if (timers.erase(timer) > 0) step(timer);
        };
        due(host_timers_,
            [&](coordinator::Timer timer) { step_host(coordinator::TimerElapsed{timer}); });
        for (std::size_t i = 0; i < homes.size(); ++i)
            if (homes[i].gateway)
                due(homes[i].timers,
                    [&](agent::Timer timer) { step_home(i, agent::TimerElapsed{timer}); });
        if (done()) return true;
    }
}

}  // namespace kilter::sim
