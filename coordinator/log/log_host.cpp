#include "coordinator/log/log_host.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/base/limits.hpp"
#include "coordinator/log/held_certificates.hpp"
#include "coordinator/log/outgoing_mail.hpp"

namespace kilter::coordinator {

using consensus::EntryPtr;
using consensus::Outputs;
using consensus::Verified;

namespace {
/// Entries per batch for the workers: several of them can share a burst.
constexpr std::size_t batch_max = 64;
constexpr std::size_t cached_entries = 8'192;
constexpr std::int64_t settle_after_ms = 50;
constexpr std::int64_t certificates_held_ms = 30;
constexpr std::int64_t housekeeping_ms = 500;
constexpr std::int64_t checkpoint_every_ms = 60'000;
constexpr consensus::Height blocks_kept = 1'024;  // below the older snapshot, then archived
constexpr std::int64_t outsider_period_ms = 1'000;
constexpr std::size_t outsider_submits_max = 64;

bool is_empty(const Outputs& out) {
    return out.persist.empty() && out.send.empty() && out.letters.empty() && out.serve.empty() &&
           out.arm.empty() && out.finalised.empty() && out.answers.empty() &&
           out.evidence.empty() && out.faults.empty() && !out.jumped && !out.halt;
}
}  // namespace

struct LogHost::State {
    State(runtime::Loop& on_loop,
          transport::Hub& on_hub,
          storage::LogStore disk,
          consensus::Replica core,
          const consensus::Application& application,
          LogEvents& listener,
          EntryWorkers::Options options)
        : loop(on_loop),
          hub(on_hub),
          store(std::move(disk)),
          replica(std::move(core)),
          events(listener),
          workers(store.genesis().chain_id(), application, options) {}

    void step(const consensus::Input& input) {
        const consensus::Epoch proved = replica.epochs().newest();
        out.append(replica.step(input, runtime::now_ms()));
        if (replica.epochs().newest() > proved) events.on_epochs_proved();
    }

    // ---- in ------------------------------------------------------------------------------------------------------

    void arrive(EntryPtr entry) {
        if (workers.backlog() + arrivals.size() < entries_waiting_max) {
            cache.insert(entry);
            arrivals.push_back(std::move(entry));
            return;
        }
        out.answers.push_back({entry->id, consensus::SubmissionStatus::try_later,
                               "too many entries wait to be checked; try again in a second"});
    }

    void dispatch_arrivals() {
        std::vector<EntryPtr> entries = std::exchange(arrivals, {});
        for (std::size_t at = 0; at < entries.size(); at += batch_max) {
            const auto first = entries.begin() + static_cast<std::ptrdiff_t>(at);
            const std::size_t count = std::min(batch_max, entries.size() - at);
            check({first, first + static_cast<std::ptrdiff_t>(count)});
        }
    }

    void check(const std::vector<EntryPtr>& batch) {
        workers.check(batch, [this, batch](Verified verified) {
            // A batch that does not pass is looked at one by one; what alone does not pass, the core refuses with a reason.
            if (verified || batch.size() == 1)
                step(consensus::Submitted{batch, verified});
            else
                for (const EntryPtr& entry : batch)
                    check({entry});
        });
    }

    void take_message(const crypto::PublicKey& from,
                      consensus::Message message,
                      Verified verified = {}) {
        // The sender's place in the set may have changed while its entries were checked.
        if (const auto index = replica.validators().index_of(from)) {
            held.heard(from, message);
            step(consensus::MessageReceived{*index, std::move(message), verified});
        } else {
            hear_outsider(from, std::move(message));
        }
    }

    void receive(const crypto::PublicKey& from, ByteView payload) {
        auto decoded = consensus::decode(payload, &cache);
        if (!decoded) {
            spdlog::warn("{} sent a malformed message of the log: {}", short_hex(from.view()),
                         decoded.error().message);
            return;
        }
        const std::vector<EntryPtr>* entries = nullptr;
        if (const auto* proposal = std::get_if<consensus::Proposal>(&*decoded)) {
            entries = &proposal->block->entries;
        } else if (const auto* submit = std::get_if<consensus::Submit>(&*decoded)) {
            entries = &submit->entries;
            if (workers.backlog() >= entries_waiting_max) return;
        }
        if (entries == nullptr || entries->empty() || !replica.validators().index_of(from))
            return take_message(from, std::move(*decoded));
        auto message = std::make_shared<consensus::Message>(std::move(*decoded));
        workers.check(*entries, [this, from, message](Verified verified) {
            take_message(from, std::move(*message), verified);
        });
    }

    /// A coordinator that is no member: one that learns, one that missed the end of its epoch, or one of a later epoch.
    void hear_outsider(const crypto::PublicKey& from, consensus::Message message) {
        if (!replica.epochs().members().index_of(from) && !events.may_learn(from)) return;
        if (const auto* submit = std::get_if<consensus::Submit>(&message)) {
            // What it was given for the log is as good as from whoever gave it.
            if (!may_submit(from)) return;
            for (const EntryPtr& entry : submit->entries)
                arrive(entry);
            return;
        }
        step(consensus::OutsiderSaid{from, std::move(message)});
    }

    /// Entries cost a check of their signatures each: so many messages of them a second from one that is no member.
    bool may_submit(const crypto::PublicKey& from) {
        Outsider& outsider = outsiders[from];
        const UnixMs now = runtime::now_ms();
        if (now < outsider.since || now - outsider.since >= outsider_period_ms) outsider = {now, 0};
        return ++outsider.submitted <= outsider_submits_max;
    }

    // ---- housekeeping --------------------------------------------------------------------------------------------

    void keep_house() {
        (void)store.prune(blocks_kept, true);
        const UnixMs now = runtime::now_ms();
        if (now >= next_checkpoint) {
            next_checkpoint = now + checkpoint_every_ms;
            store.start_log_over();
        }
        loop.arm(housekeeping_ms, [this] { keep_house(); });
    }

    // ---- out -----------------------------------------------------------------------------------------------------

    // In the order that is contract: durable, sent, armed, delivered. Delivering may ask for more; so until nothing is left.
    void finish_turn() {
        dispatch_arrivals();
        while (!is_empty(out)) {
            const Outputs turn = std::exchange(out, {});
            persist(turn.persist);
            send_all(turn.send);
            for (const auto& letter : turn.letters)
                send_within_limits(hub, letter.to,
                                   wire::ConsensusMessage{consensus::encode(letter.message)});
            for (const auto& serve : turn.serve)
                if (const auto answer = store.answer(serve.ask))
                    send_within_limits(hub, serve.to,
                                       wire::ConsensusMessage{consensus::encode(*answer)});
            for (const auto& arm : turn.arm) {
                loop.cancel(timers[arm.timer.kind]);
                timers[arm.timer.kind] = loop.arm(arm.delay_ms, [this, timer = arm.timer] {
                    step(consensus::TimerElapsed{timer});
                });
            }
            for (const auto& final : turn.finalised)
                events.on_final(final);
            for (const auto& answer : turn.answers)
                events.on_answer(answer);
            for (const auto& evidence : turn.evidence)
                spdlog::error(
                    "replica {} signed two statements that contradict each other in view {}: tell "
                    "the operator",
                    evidence.first.signer, evidence.first.view);
            for (const auto& fault : turn.faults)
                spdlog::warn("coordinator {} sent what no honest one sends (kind {})",
                             short_hex(fault.from.view()), static_cast<int>(fault.misconduct));
            if (turn.jumped) events.on_jump();
            if (turn.halt) events.on_halt(*turn.halt);
            dispatch_arrivals();
        }
        store.make_room();
    }

    /// Only what the messages of this turn stand for has to be on the disk before they go out; certificates and final
    /// marks ride on the next transaction.
    void persist(const std::vector<consensus::Write>& writes) {
        const bool promises = std::any_of(writes.begin(), writes.end(), [](const auto& one) {
            return !std::holds_alternative<consensus::Cert>(one) &&
                   !std::holds_alternative<consensus::FinalMark>(one);
        });
        if (promises) return store.apply(writes);
        store.stage(writes);
        if (writes.empty() || std::exchange(settle_armed, true)) return;
        loop.arm(settle_after_ms, [this] {
            settle_armed = false;
            store.settle();
        });
    }

    /// What a turn's steps pass on goes out as one message; and to one member after the other, so that what it gets in one
    /// turn travels together.
    void send_all(const std::vector<consensus::Send>& sends) {
        std::vector<Parcel> parcels;
        const auto pack = [&](std::optional<consensus::ReplicaIndex> to,
                              const consensus::Message& message) {
            parcels.push_back({to, wire::ConsensusMessage{consensus::encode(message)}});
        };
        consensus::Submit forward;
        std::size_t bytes = 0;
        const auto flush = [&] {
            if (!forward.entries.empty()) pack(std::nullopt, std::exchange(forward, {}));
            bytes = 0;
        };
        for (const auto& one : sends) {
            const auto* cert = one.to ? nullptr : std::get_if<consensus::Cert>(&one.message);
            if (cert != nullptr && cert->kind == consensus::VoteKind::notar) {
                hold(*cert);
                continue;
            }
            const auto* submit = one.to ? nullptr : std::get_if<consensus::Submit>(&one.message);
            if (submit == nullptr) {
                pack(one.to, one.message);
                continue;
            }
            for (const EntryPtr& entry : submit->entries) {
                if (forward.entries.size() == limits::block_entries_max ||
                    bytes + entry->encoded.size() > limits::block_bytes_max)
                    flush();
                forward.entries.push_back(entry);
                bytes += entry->encoded.size();
            }
        }
        flush();
        hand_over(parcels);
    }

    void hold(const consensus::Cert& cert) {
        held.hold(cert);
        if (std::exchange(held_armed, true)) return;
        loop.arm(certificates_held_ms, [this] {
            held_armed = false;
            std::vector<Parcel> parcels;
            for (const auto& [to, late] : held.take(replica.validators(), replica.index()))
                parcels.push_back({to, wire::ConsensusMessage{consensus::encode(late)}});
            hand_over(parcels);
        });
    }

    struct Parcel {
        std::optional<consensus::ReplicaIndex> to;  // none: all others
        wire::Message message;
    };

    void hand_over(const std::vector<Parcel>& parcels) {
        const auto& members = replica.validators().validators;
        for (std::size_t i = 0; i < members.size(); ++i)
            for (const Parcel& parcel : parcels)
                if (i != replica.index() && (!parcel.to || *parcel.to == i))
                    send_within_limits(hub, members[i].key, parcel.message);
    }

    runtime::Loop& loop;
    transport::Hub& hub;
    storage::LogStore store;
    consensus::Replica replica;
    LogEvents& events;
    Outputs out;  // what the core wants done at the end of this turn
    consensus::EntryCache cache{cached_entries};
    std::vector<EntryPtr> arrivals;  // of this turn
    std::map<consensus::TimerKind, runtime::TimerId> timers;

    struct Outsider {
        UnixMs since = 0;
        std::size_t submitted = 0;
    };

    HeldCertificates held;
    bool held_armed = false;
    bool settle_armed = false;
    UnixMs next_checkpoint = 0;
    std::map<crypto::PublicKey, Outsider> outsiders;  // that handed in entries
    EntryWorkers workers;                             // last: its threads end first
};

LogHost::LogHost(runtime::Loop& loop,
                 transport::Hub& hub,
                 storage::LogStore store,
                 consensus::Replica replica,
                 const consensus::Application& application,
                 LogEvents& events,
                 EntryWorkers::Options workers)
    : state_(std::make_unique<State>(
          loop, hub, std::move(store), std::move(replica), application, events, workers)) {
    loop.watch(state_->workers.readable(), [s = state_.get()] { s->workers.deliver(); });
}

LogHost::~LogHost() {
    state_->loop.unwatch(state_->workers.readable());
}

void LogHost::start() {
    state_->step(consensus::Started{});
    state_->keep_house();
}

void LogHost::submit(EntryPtr entry) {
    state_->arrive(std::move(entry));
}

void LogHost::show(std::vector<consensus::EpochProof> proofs) {
    state_->step(consensus::EpochsShown{std::move(proofs)});
}

void LogHost::receive(const crypto::PublicKey& from, ByteView payload) {
    state_->receive(from, payload);
}

void LogHost::finish_turn() {
    state_->finish_turn();
}

const consensus::Replica& LogHost::replica() const {
    return state_->replica;
}

storage::LogStore& LogHost::store() {
    return state_->store;
}

}  // namespace kilter::coordinator
