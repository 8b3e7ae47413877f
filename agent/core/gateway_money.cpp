#include "agent/core/gateway_state.hpp"

namespace kilter::agent {

namespace {
constexpr UnixMs own_entry_life_ms = UnixMs{20} * 3'600'000;
}  // namespace

void Gateway::State::on(const RegistersRead& input, Outputs& out) {
    if (!desk) return;
    if (std::string word = desk->take(input.read, out); !word.empty())
        out.events.push_back({Severity::notable, std::move(word)});
    publish_reads(out);
}

void Gateway::State::publish_reads(Outputs& out) {
    if (!desk || !known.place) return;
    if (reads_held && (!first_heard || now - *first_heard < reads_held_ms))
        return out.timers.push_back({Timer::append, append_again_ms});
    reads_held = false;
    while (const auto reads = desk->next(*known.place->directory, out))
        append(settlement::make_entry(*reads, charter.genesis.chain_id(),
                                      static_cast<std::uint64_t>(now), now + own_entry_life_ms,
                                      desk->meter()),
               out);
}

void Gateway::State::publish(const Agreement& agreement,
                             const settlement::ClearedNet& record,
                             Outputs& out) {
    std::vector<crypto::PublicKey> members;
    for (const auto& member : record.members)
        members.push_back(member.key);
    settlement::Position position = positions_of(charter, agreement);
    position.series.roster_epoch = record.roster_epoch;
    const settlement::ChainId chain = charter.genesis.chain_id();
    crypto::SumMasks masks(charter.identity);
    const crypto::Vault vault(charter.identity);
    for (std::size_t k = 0; k < position.series.intervals.size(); ++k) {
        const IntervalIndex interval = position.series.first + static_cast<IntervalIndex>(k);
        const crypto::Scalar blinding = position_blinding(charter, agreement.session, k);
        out.persist[position_key(interval)] =
            seal_position(vault, interval, agreement.positions_wh[k], blinding);
        if (members.size() < settlement::sum_members_min) continue;
        const auto opening =
            masks.mask(agreement.positions_wh[k], blinding, members,
                       settlement::mask_context(chain, settlement::MaskedFor::positions,
                                                agreement.net, interval));
        if (opening) position.series.intervals[k].opening = *opening;
    }
    append(settlement::make_entry(position, chain, static_cast<std::uint64_t>(now),
                                  now + own_entry_life_ms, charter.identity),
           out);
}

void Gateway::State::append(const consensus::EntryPtr& entry, Outputs& out) {
    outbox.add(entry, out);
    repeated = 0;
    const auto& validators = charter.validators().validators;
    const std::size_t first = charter.identity.public_key().bytes[0] % validators.size();
    out.send.push_back({validators[first].key, wire::Submit{entry->encoded}});
    out.timers.push_back({Timer::append, append_again_ms});
}

void Gateway::State::on_append(Outputs& out) {
    if (const std::size_t lost = outbox.expire(now, out); lost > 0)
        tell(out, Severity::wrong,
             std::to_string(lost) +
                 " entries of this home did not get on the log in time: its reads or its position "
                 "are missing there, and it cannot be billed without a correction");
    if (reads_held) publish_reads(out);
    if (outbox.empty() && backlog.empty()) return;
    const auto& validators = charter.validators().validators;
    const crypto::PublicKey& next = validators[appended_to++ % validators.size()].key;
    submit_backlog(next, out);
    for (Bytes& encoded : outbox.encoded())
        out.send.push_back({next, wire::Submit{std::move(encoded)}});
    repeated = backlog.empty() ? std::min(repeated + 1, append_doublings_max) : 0;
    out.timers.push_back({Timer::append, append_again_ms << repeated});
}

}  // namespace kilter::agent
