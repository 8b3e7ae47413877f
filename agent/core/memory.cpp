#include "agent/core/memory.hpp"

#include <algorithm>

#include "agent/core/damaged_memory.hpp"
#include "common/base/limits.hpp"
#include "common/settlement/certified_roster.hpp"

namespace kilter::agent {

namespace {

void write(ByteWriter& out, const model::Schedules& rows) {
    out.u32(static_cast<std::uint32_t>(rows.size()));
    for (const double value : rows.reshaped<Eigen::RowMajor>())
        out.f64(value);
}

/// A home's rows: one per channel.
std::optional<model::Schedules> read(ByteReader& in, const market::Parameters& parameters) {
    if (in.u32() != parameters.quantities()) return std::nullopt;
    model::Schedules rows(parameters.channels, parameters.horizon);
    for (double& value : rows.reshaped<Eigen::RowMajor>())
        value = in.f64();
    return rows;
}

std::optional<IntervalIndex> decode_interval(ByteView bytes) {
    ByteReader in(bytes);
    const IntervalIndex interval = in.i64();
    return in.complete() ? std::optional(interval) : std::nullopt;
}

std::optional<Joined> decode_joined(ByteView bytes) {
    ByteReader in(bytes);
    Joined out;
    while (in.left() > 0 && !in.failed()) {
        const auto chair = in.fixed<crypto::PublicKey>();
        const IntervalIndex interval = in.i64();
        out[chair] = {interval, in.u32()};
    }
    return in.failed() ? std::nullopt : std::optional(std::move(out));
}

std::optional<Warm> decode_warm(ByteView bytes, const market::Parameters& parameters) {
    ByteReader in(bytes);
    Warm out;
    out.interval = in.i64();
    out.state.rho_eur_per_kw2 = in.f64();
    auto z = read(in, parameters);
    auto y = read(in, parameters);
    if (!z || !y || !in.complete()) return std::nullopt;
    out.state.z_kw = std::move(*z);
    out.state.y_eur_per_kw = std::move(*y);
    return out;
}

Result<void> recall_chain(const Charter& charter, ByteView bytes) {
    ByteReader in(bytes);
    const auto chain = in.fixed<crypto::Digest>();
    if (!in.complete()) return damaged_memory(chain_key);
    if (chain == charter.chain) return {};
    return Error{
        "what agent.db remembers is of log " + short_hex(chain.view()) +
        ", the genesis file is of log " + short_hex(charter.chain.view()) +
        ": it was altered, or is another neighbourhood's. Put the right one back, or move it "
        "away and install the operator's bundle again ('kilter-agent enroll --bundle'); to "
        "change to another log, move agent.db and what begins with agent.db- away"};
}

// A roster from the operator's bundle may be the first that this home hears of the log's epochs.
Result<void> recall_roster(Charter& charter, ByteView bytes, Remembered& out) {
    const auto update = decode_update(bytes);
    if (!update) return damaged_memory(roster_key);
    auto certified = settlement::certified_roster(charter.epochs, update->receipt, update->roster);
    if (!certified) return damaged_memory(roster_key);
    (void)charter.epochs.learn(certified->epochs);
    out.epoch = certified->roster.epoch;
    out.revoked = revokes(certified->change, charter.identity.public_key());
    if (auto place = Place::on(std::move(certified->roster), charter.identity))
        out.place = std::move(*place);
    return {};
}

// The receipt in force and this home's schedule in that session.
Result<void> recall_base(const Charter& charter, ByteView bytes, Remembered& out) {
    const auto receipt = consensus::decode_receipt(bytes);
    if (!receipt || charter.fault(*receipt)) return damaged_memory(base_key);
    const auto record = settlement::decode_cleared_net(receipt->entry.body);
    if (!record) return damaged_memory(base_key);
    out.base = Base{*record, to_bytes(bytes), {}};
    if (const auto* schedule = out.plans.find(out.base->session()))
        out.base->schedule_kw = *schedule;
    return {};
}

}  // namespace

Bytes encode(const wire::RosterUpdate& update) {
    return ByteWriter{}
        .u32(static_cast<std::uint32_t>(update.receipt.size()))
        .raw(update.receipt)
        .raw(update.roster)
        .bytes();
}

bool revokes(const settlement::RosterChange& change, const crypto::PublicKey& key) {
    return std::any_of(change.removals.begin(), change.removals.end(),
                       [&](const auto& removal) { return removal.revoked && removal.key == key; });
}

std::optional<wire::RosterUpdate> decode_update(ByteView bytes) {
    ByteReader in(bytes);
    wire::RosterUpdate out;
    out.receipt = to_bytes(in.raw(in.u32()));
    out.roster = to_bytes(in.raw(in.left()));
    return in.failed() ? std::nullopt : std::optional(std::move(out));
}

Bytes encode_interval(IntervalIndex interval) {
    return ByteWriter{}.i64(interval).bytes();
}

Bytes encode(const std::vector<consensus::EpochProof>& proofs) {
    ByteWriter out;
    for (const consensus::EpochProof& proof : proofs)
        consensus::write(out, proof);
    return std::move(out).bytes();
}

std::optional<consensus::EpochTable> decode_epochs(const settlement::Genesis& genesis,
                                                   ByteView bytes) {
    consensus::EpochTable out(genesis.chain_id(), genesis.validators);
    for (ByteReader in(bytes); in.left() > 0;) {
        const auto proof = consensus::read_epoch_proof(in);
        if (!proof || in.failed() || !out.extend(*proof)) return std::nullopt;
    }
    return out;
}

Bytes encode(const Joined& joined) {
    ByteWriter out;
    for (const auto& [chair, session] : joined)
        out.raw(chair.view()).i64(session.interval).u32(session.opening);
    return std::move(out).bytes();
}

Bytes encode(const Warm& warm) {
    ByteWriter out;
    out.i64(warm.interval).f64(warm.state.rho_eur_per_kw2);
    write(out, warm.state.z_kw);
    write(out, warm.state.y_eur_per_kw);
    return std::move(out).bytes();
}

Result<Remembered> recall(Charter& charter, const Memory& memory) {
    Remembered out(charter.genesis);
    const auto find = [&](const char* key) -> const Bytes* {
        const auto found = memory.find(key);
        return found == memory.end() || found->second.empty() ? nullptr : &found->second;
    };
    if (const Bytes* bytes = find(chain_key)) {
        if (auto same = recall_chain(charter, *bytes); !same) return same.error();
    }
    if (const Bytes* bytes = find(epochs_key)) {
        auto epochs = decode_epochs(charter.genesis, *bytes);
        if (!epochs) return damaged_memory(epochs_key);
        charter.epochs = *std::move(epochs);
    }
    if (const Bytes* bytes = find(roster_key)) {
        if (auto recalled = recall_roster(charter, *bytes, out); !recalled) return recalled.error();
    }
    if (const Bytes* bytes = find(rules_key)) {
        auto certified = settlement::certified_docket(charter.genesis, *bytes);
        if (!certified) return damaged_memory(rules_key);
        out.rules.take(*std::move(certified));
    }
    if (const Bytes* bytes = find(certified_key)) {
        out.certified = decode_interval(*bytes);
        if (!out.certified) return damaged_memory(certified_key);
    }
    if (const Bytes* bytes = find(pending_key)) {
        auto agreed = Agreements::decode(*bytes);
        if (!agreed) return damaged_memory(pending_key);
        out.agreed = std::move(*agreed);
    }
    if (const Bytes* bytes = find(joined_key)) {
        auto joined = decode_joined(*bytes);
        if (!joined) return damaged_memory(joined_key);
        out.joined = std::move(*joined);
    }
    if (const Bytes* bytes = find(warm_key)) {
        out.warm = decode_warm(*bytes, charter.parameters);
        if (!out.warm) return damaged_memory(warm_key);
    }
    if (const Bytes* bytes = find(plans_key)) {
        auto plans = Plans::decode(*bytes);
        if (!plans) return damaged_memory(plans_key);
        out.plans = std::move(*plans);
    }
    if (const Bytes* bytes = find(base_key)) {
        if (auto recalled = recall_base(charter, *bytes, out); !recalled) return recalled.error();
    }
    if (const Bytes* bytes = find(accord_key)) {
        out.accord = Accord::decode(*bytes);
        if (!out.accord) return damaged_memory(accord_key);
    }
    if (const Bytes* bytes = find(driven_key)) {
        out.driven = decode_interval(*bytes);
        if (!out.driven) return damaged_memory(driven_key);
    }
    return out;
}

}  // namespace kilter::agent
