#include "common/settlement/money_rules.hpp"

#include "common/settlement/bill.hpp"
#include "common/settlement/disclosure.hpp"
#include "common/settlement/entry_key.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/settlement/position.hpp"
#include "common/settlement/tie_prices.hpp"

namespace kilter::settlement {

namespace {

consensus::Verdict money_refused(std::string reason) {
    return {consensus::Admission::refused, std::move(reason)};
}

consensus::Verdict money_later(std::string reason) {
    return {consensus::Admission::later, std::move(reason)};
}

Bytes metered_key(const ServicePoint& point) {
    return ByteWriter{}.text("metered").raw(point.view()).bytes();
}

void set_metered(crypto::MerkleMap& map, const ServicePoint& point, const Metered& value) {
    map.set(metered_key(point),
            ByteWriter{}.i64(value.from).i64(value.until).i64(value.billed).bytes());
}

// The author as a member of this role now; or why not.
Result<const RosterMember*> author_as(Role role,
                                      const consensus::Entry& entry,
                                      const Roster& newest,
                                      UnixMs time_ms) {
    const RosterMember* member = newest.find(entry.author);
    if (member == nullptr || member->role != role)
        return Error{std::string("only a ") + name_of(role) + " of the newest roster may append " +
                     entry_type_name(entry.type)};
    if (!member->valid_at(time_ms))
        return Error{"the certificate of " + short_hex(entry.author.view()) +
                     " is not valid at the block's time"};
    return member;
}

consensus::Verdict apply_reads(const MeterReads& reads,
                               const RosterMember& meter,
                               const Roster& newest,
                               crypto::MerkleMap& map) {
    const CommittedSeries& series = reads.series;
    if (series.net != meter.net)
        return money_refused("the meter is on net " + name_of(meter.net) +
                             ", the reads are of net " + name_of(series.net));
    if (series.roster_epoch == 0) return money_refused("roster epoch 0 does not exist");
    if (series.roster_epoch > newest.epoch)
        return money_later("the log does not hold roster epoch " +
                           std::to_string(series.roster_epoch) + " yet");
    auto known = metered(map, meter.service_point);
    if (known && series.first < known->until)
        return money_refused("interval " + std::to_string(series.first) +
                             " of this meter is on the log already; the next one is " +
                             std::to_string(known->until) +
                             ". What is on the log changes by a correction");
    if (!known && !reads.begins) return money_later("this meter's first reads come first");
    if (known && series.first > known->until) {
        if (!reads.begins)
            return money_later("the reads from interval " + std::to_string(known->until) +
                               " on come first");
        if (known->billed < known->until)
            return money_later("the reads before the silence have to be billed first");
    }
    if (!known || series.first > known->until)
        known = Metered{series.first, series.first, series.first};
    known->until = series.end();
    set_metered(map, meter.service_point, *known);
    return {};
}

consensus::Verdict apply_bill(const Bill& bill, const RosterMember& home, crypto::MerkleMap& map) {
    auto known = metered(map, home.service_point);
    if (!known) return money_later("no read of this home's meter is on the log yet");
    if (bill.first != known->billed)
        return money_refused("this home's next bill begins with interval " +
                             std::to_string(known->billed) + ", not " + std::to_string(bill.first));
    if (bill.end() > known->until)
        return money_later("the log has this home's reads until interval " +
                           std::to_string(known->until) + " only");
    known->billed = bill.end();
    set_metered(map, home.service_point, *known);
    return {};
}

}  // namespace

std::optional<Metered> metered(const crypto::MerkleMap& map, const ServicePoint& point) {
    const Bytes* bytes = map.find(metered_key(point));
    if (bytes == nullptr) return std::nullopt;
    ByteReader in(*bytes);
    Metered out;
    out.from = in.i64();
    out.until = in.i64();
    out.billed = in.i64();
    return out;
}

std::optional<Result<void>> check_money(const consensus::Entry& entry) {
    const PublicKey& author = entry.author;
    if (entry.type == meter_reads_entry)
        return check_entry_key(entry, decode_meter_reads(entry.body), [&](const auto& reads) {
            return meter_reads_key(author, reads.series.first);
        });
    if (entry.type == position_entry)
        return check_entry_key(entry, decode_position(entry.body), [&](const auto& position) {
            return position_key(author, position.series.first, position.opening);
        });
    if (entry.type == tie_prices_entry)
        return check_entry_key(entry, decode_tie_prices(entry.body), [](const auto& tie) {
            return tie_prices_key(tie.feeder, tie.interval);
        });
    if (entry.type == bill_entry)
        return check_entry_key(entry, decode_bill(entry.body),
                               [&](const auto& bill) { return bill_key(author, bill.first); });
    if (entry.type == disclosure_entry)
        return check_entry_key(entry, decode_disclosure(entry.body),
                               [](const auto& one) { return disclosure_key(one.document); });
    return std::nullopt;
}

std::optional<consensus::Verdict> apply_money(const consensus::Entry& entry,
                                              const Roster& newest,
                                              UnixMs time_ms,
                                              crypto::MerkleMap& map) {
    const bool reads = entry.type == meter_reads_entry;
    if (!reads && entry.type != position_entry && entry.type != bill_entry &&
        entry.type != disclosure_entry)
        return std::nullopt;
    const auto author = author_as(reads ? Role::meter : Role::home, entry, newest, time_ms);
    if (!author) return money_refused(author.error().message);
    if (reads)
        return apply_reads(*decode_meter_reads(entry.body, Elements::verified), **author, newest,
                           map);
    if (entry.type == bill_entry) return apply_bill(*decode_bill(entry.body), **author, map);
    return consensus::Verdict{};
}

}  // namespace kilter::settlement
