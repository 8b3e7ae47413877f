#include "agent/core/meter_desk.hpp"

#include <algorithm>

#include "common/crypto/commitment.hpp"

namespace kilter::agent {

namespace {

constexpr const char* meter_key = "metering";

void write_read(ByteWriter& out, const settlement::RegisterRead& read) {
    out.i64(read.interval).i64(read.import_wh).i64(read.export_wh);
}

settlement::RegisterRead read_read(ByteReader& in) {
    const IntervalIndex interval = in.i64();
    const std::int64_t import_wh = in.i64();
    return {interval, import_wh, in.i64()};
}

void write_interval(ByteWriter& out, const settlement::MeteredInterval& one) {
    out.i64(one.interval).i64(one.import_wh).i64(one.export_wh);
    out.u8(static_cast<std::uint8_t>(one.quality));
}

settlement::MeteredInterval read_interval(ByteReader& in) {
    settlement::MeteredInterval out;
    out.interval = in.i64();
    out.import_wh = in.i64();
    out.export_wh = in.i64();
    out.quality = static_cast<settlement::Quality>(in.u8());
    return out;
}

}  // namespace

crypto::Scalar read_blinding(const crypto::Identity& meter,
                             const settlement::ChainId& chain,
                             IntervalIndex interval) {
    return crypto::blinding_for(meter, "kilter read",
                                ByteWriter{}.raw(chain.view()).i64(interval).bytes());
}

std::string read_key(IntervalIndex interval) {
    return read_prefix + std::to_string(interval);
}

std::string position_key(IntervalIndex interval) {
    return position_prefix + std::to_string(interval);
}

std::optional<settlement::MeteredInterval> open_read(const crypto::Vault& vault,
                                                     IntervalIndex interval,
                                                     ByteView sealed) {
    const auto plain = vault.open(as_bytes(read_key(interval)), sealed);
    if (!plain) return std::nullopt;
    ByteReader in(*plain);
    const auto out = read_interval(in);
    return in.complete() ? std::optional(out) : std::nullopt;
}

Bytes seal_position(const crypto::Vault& vault,
                    IntervalIndex interval,
                    std::int64_t energy_wh,
                    const crypto::Scalar& blinding) {
    return vault.seal(as_bytes(position_key(interval)),
                      ByteWriter{}.i64(energy_wh).raw(blinding.view()).bytes());
}

std::optional<std::pair<std::int64_t, crypto::Scalar>> open_position(const crypto::Vault& vault,
                                                                     IntervalIndex interval,
                                                                     ByteView sealed) {
    const auto plain = vault.open(as_bytes(position_key(interval)), sealed);
    if (!plain) return std::nullopt;
    ByteReader in(*plain);
    const std::int64_t energy_wh = in.i64();
    const auto blinding = in.fixed<crypto::Scalar>();
    return in.complete() ? std::optional(std::pair(energy_wh, blinding)) : std::nullopt;
}

MeterDesk::MeterDesk(const crypto::Identity& meter, const settlement::ChainId& chain)
    : meter_(meter),
      chain_(chain),
      vault_(meter),
      masks_(std::make_unique<crypto::SumMasks>(meter)) {}

Result<MeterDesk> MeterDesk::recall(const crypto::Identity& meter,
                                    const settlement::ChainId& chain,
                                    const Memory& memory) {
    MeterDesk desk(meter, chain);
    const auto found = memory.find(meter_key);
    if (found == memory.end() || found->second.empty()) return desk;
    const Error damaged{"the remembered '" + std::string(meter_key) +
                        "' is not this meter's, or damaged: put the meter's key back, or restore "
                        "the state directory"};
    const auto plain = desk.vault_.open(as_bytes(meter_key), found->second);
    if (!plain) return damaged;
    ByteReader in(*plain);
    if (in.u8() == 1) desk.newest_ = read_read(in);
    desk.begins_ = in.i64();
    const std::uint32_t waiting = in.u32();
    for (std::uint32_t i = 0; i < waiting && !in.failed(); ++i)
        desk.waiting_.push_back(read_interval(in));
    const std::uint32_t raw = in.u32();
    for (std::uint32_t i = 0; i < raw && !in.failed(); ++i)
        desk.raw_.push_back(read_read(in));
    if (!in.complete()) return damaged;
    return desk;
}

void MeterDesk::persist(Outputs& out) const {
    ByteWriter plain;
    plain.u8(newest_ ? 1 : 0);
    if (newest_) write_read(plain, *newest_);
    plain.i64(begins_);
    plain.u32(static_cast<std::uint32_t>(waiting_.size()));
    for (const auto& one : waiting_)
        write_interval(plain, one);
    plain.u32(static_cast<std::uint32_t>(raw_.size()));
    for (const auto& one : raw_)
        write_read(plain, one);
    out.persist[meter_key] = vault_.seal(as_bytes(meter_key), plain.bytes());
}

void MeterDesk::begin_anew(Outputs& out) {
    newest_.reset();
    waiting_.clear();
    raw_.clear();
    persist(out);
}

std::string MeterDesk::take(const settlement::RegisterRead& read, Outputs& out) {
    using settlement::ReadOutcome;
    const auto result = settlement::follow(newest_, read, settlement::MeterLimits{});
    const std::string name = "the meter's read of interval " + std::to_string(read.interval);
    if (!settlement::counts(result.outcome))
        return result.outcome == ReadOutcome::contradicts
                   ? name + " contradicts an earlier one; the earlier one counts"
                   : "";
    newest_ = read;
    if (result.intervals.empty()) begins_ = read.interval + 1;
    raw_.push_back(read);
    for (const auto& one : result.intervals) {
        ByteWriter plain;
        write_interval(plain, one);
        const std::string key = read_key(one.interval);
        out.persist[key] = vault_.seal(as_bytes(key), plain.bytes());
        waiting_.push_back(one);
    }
    persist(out);
    if (result.outcome == ReadOutcome::impossible)
        return name + " is impossible: counted as zero until it is corrected";
    if (result.outcome == ReadOutcome::filled_gap)
        return name + " comes after " + std::to_string(result.intervals.size() - 1) +
               " without one: what was counted is spread over them";
    return "";
}

std::optional<settlement::MeterReads> MeterDesk::next(const settlement::Directory& directory,
                                                      Outputs& out) {
    const auto self = directory.find(meter_.public_key());
    if (waiting_.empty() || !self) return std::nullopt;
    const NetId net = directory.at(*self).net;
    std::vector<crypto::PublicKey> meters;
    for (const auto& member : directory.roster().members)
        if (member.role == settlement::Role::meter && member.net == net)
            meters.push_back(member.key);
    std::sort(meters.begin(), meters.end());
    settlement::MeterReads reads;
    reads.series = {waiting_.front().interval, net, directory.epoch(), {}};
    reads.begins = reads.series.first == begins_;
    for (const auto& one : waiting_) {
        if (one.interval != reads.series.end() ||
            reads.series.intervals.size() == settlement::series_intervals_max)
            break;
        auto part = settlement::committed(
            one.energy_wh(), read_blinding(meter_, chain_, one.interval), *masks_, meters,
            settlement::mask_context(chain_, settlement::MaskedFor::reads, net, one.interval));
        // A key no secret can be shared with is on no roster: the log refuses such grants.
        if (!part) return std::nullopt;
        reads.series.intervals.push_back(*part);
        reads.qualities.push_back(one.quality);
    }
    const crypto::Scalar salt = crypto::blinding_for(
        meter_, "kilter raw", ByteWriter{}.raw(chain_.view()).i64(reads.series.first).bytes());
    reads.raw = settlement::raw_reads_digest(salt.view(), raw_);
    raw_.clear();
    waiting_.erase(waiting_.begin(),
                   waiting_.begin() + static_cast<std::ptrdiff_t>(reads.series.intervals.size()));
    persist(out);
    return reads;
}

}  // namespace kilter::agent
