#include "common/wire/messages.hpp"

#include <cmath>

#include "common/base/limits.hpp"
#include "common/wire/codec.hpp"

namespace kilter::wire {

namespace {

Result<void> require(bool condition, const char* otherwise) {
    if (condition) return {};
    return Error{otherwise};
}

bool positive(double value) {
    return std::isfinite(value) && value > 0;
}

bool known(const market::SessionId& id) {
    return id.interval >= 0;
}

bool known(NetId net) {
    return net.value < limits::nets_max;
}

bool ascending(const auto& values, auto party_of) {
    for (std::size_t i = 1; i < values.size(); ++i)
        if (party_of(values[i - 1]) >= party_of(values[i])) return false;
    return !values.empty() && values.size() <= limits::members_per_net_max;
}

Result<void> check_opaque(const Bytes& bytes, std::size_t bytes_max, const char* otherwise) {
    return require(!bytes.empty() && bytes.size() <= bytes_max, otherwise);
}

Result<void> check_place(const market::SessionId& session, NetId net) {
    if (!known(session)) return Error{"session: the interval is before 1970"};
    return require(known(net), "net: beyond the largest feeder");
}

Result<void> check_notice(const market::Notice& notice) {
    if (notice.about_iteration > limits::iterations_max ||
        notice.stop_iteration > limits::iterations_max)
        return Error{"share.notice: iteration beyond the limit"};
    return require(
        notice.outcome == market::Outcome::converged || notice.outcome == market::Outcome::partial,
        "share.notice: only converged and partial can be announced");
}

Result<void> check_body(const Hello&) {
    return {};
}

Result<void> check_body(const Refusal& m) {
    if (m.reason.size() > limits::refusal_bytes_max) return Error{"refusal.reason: too long"};
    return require(
        std::all_of(m.reason.begin(), m.reason.end(), [](char c) { return c >= ' ' && c <= '~'; }),
        "refusal.reason: only printable ASCII is allowed");
}

Result<void> check_body(const CertifiedEntry& m) {
    return check_opaque(m.receipt, limits::receipt_bytes_max,
                        "certified_entry.receipt: empty or too long");
}

Result<void> check_body(const SessionOpen& m) {
    if (auto place = check_place(m.session, m.net); !place) return place;
    if (!ascending(m.members, [](const market::Member& member) { return member.party; }))
        return Error{"session_open.members: none, too many, or not ascending by party"};
    for (const market::Member& member : m.members)
        if (!positive(member.weight))
            return Error{"session_open.members: a weight is not positive and finite"};
    if (!positive(m.rho_eur_per_kw2))
        return Error{"session_open.rho_eur_per_kw2: not positive and finite"};
    if (m.terminals == 0) return Error{"session_open.terminals: none"};
    if (m.start_dual_eur_per_kw.empty() || m.start_dual_eur_per_kw.size() > limits::horizon_max)
        return Error{
            "session_open.start_dual_eur_per_kw: no intervals, or more than the longest horizon"};
    for (const double dual : m.start_dual_eur_per_kw)
        if (!std::isfinite(dual)) return Error{"session_open.start_dual_eur_per_kw: not finite"};
    return require(m.opened_ms >= 0, "session_open.opened_ms: before 1970");
}

Result<void> check_body(const Share& m) {
    if (auto place = check_place(m.session, m.share.net); !place) return place;
    if (m.share.iteration > limits::iterations_max)
        return Error{"share.iteration: beyond the limit"};
    if (!ascending(m.share.members, [](PartyId party) { return party; }))
        return Error{"share.members: none, too many, or not ascending"};
    if (m.share.words.empty() || m.share.words.size() > limits::share_words_max)
        return Error{"share.words: none, or more than the longest horizon needs"};
    return m.share.notice ? check_notice(*m.share.notice) : Result<void>{};
}

Result<void> check_body(const SessionExcluded& m) {
    return check_place(m.session, m.net);
}

Result<void> check_body(const ClearingShare& m) {
    if (auto place = check_place(m.session, m.net); !place) return place;
    return require(m.iteration <= limits::iterations_max,
                   "clearing_share.iteration: beyond the limit");
}

Result<void> check_body(const Submit& m) {
    return check_opaque(m.entry, limits::submit_bytes_max, "submit.entry: empty or too long");
}

Result<void> check_body(const ConsensusMessage& m) {
    return check_opaque(m.payload, limits::consensus_payload_bytes_max,
                        "consensus.payload: empty or too long");
}

Result<void> check_body(const RosterUpdate& m) {
    if (auto receipt =
            check_opaque(m.receipt, limits::receipt_bytes_max, "roster.receipt: empty or too long");
        !receipt)
        return receipt;
    return check_opaque(m.roster, limits::roster_bytes_max, "roster.roster: empty or too long");
}

Result<void> check_body(const RulesUpdate& m) {
    return check_opaque(m.proof, limits::state_proof_bytes_max, "rules.proof: empty or too long");
}

Result<void> check_body(const SessionJournal& m) {
    return check_opaque(m.payload, limits::journal_bytes_max,
                        "session_journal.payload: empty or too long");
}

Result<void> check_body(const InterimOpen& m) {
    if (auto place = check_place(m.session, m.net); !place) return place;
    if (auto base = check_place(m.base, m.net); !base) return base;
    if (!ascending(m.members, [](PartyId party) { return party; }))
        return Error{"interim_open.members: none, too many, or not ascending"};
    return require(m.base.interval < m.session.interval && m.opened_ms >= 0,
                   "interim_open: it does not follow its base, or was opened before 1970");
}

Result<void> check_body(const InterimRecord& m) {
    return check_opaque(m.record, limits::submit_bytes_max,
                        "interim_record.record: empty or too long");
}

Result<void> check_body(const Relayed& m) {
    return check_opaque(m.sealed, limits::relayed_bytes_max, "relayed.sealed: empty or too long");
}

Result<void> check_body(const Presence&) {
    return {};
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::hello:
            return "hello";
        case Kind::refusal:
            return "refusal";
        case Kind::certified_entry:
            return "certified_entry";
        case Kind::session_open:
            return "session_open";
        case Kind::share:
            return "share";
        case Kind::session_excluded:
            return "session_excluded";
        case Kind::clearing_share:
            return "clearing_share";
        case Kind::submit:
            return "submit";
        case Kind::consensus:
            return "consensus";
        case Kind::roster:
            return "roster";
        case Kind::rules:
            return "rules";
        case Kind::session_journal:
            return "session_journal";
        case Kind::interim_open:
            return "interim_open";
        case Kind::interim_record:
            return "interim_record";
        case Kind::relayed:
            return "relayed";
        case Kind::presence:
            return "presence";
    }
    return "unknown";
}

Refusal refusal(std::string_view reason) {
    Refusal out{std::string(reason.substr(0, limits::refusal_bytes_max))};
    for (char& c : out.reason)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

Context context_of(const Message& message) {
    struct Visitor {
        Context operator()(const Hello& m) const { return {.epoch = m.roster_epoch}; }

        Context operator()(const SessionOpen& m) const {
            return {.session = m.session, .epoch = m.roster_epoch};
        }

        Context operator()(const Share& m) const {
            return {
                .session = m.session, .iteration = m.share.iteration, .attempt = m.share.attempt};
        }

        Context operator()(const SessionExcluded& m) const { return {.session = m.session}; }

        Context operator()(const ClearingShare& m) const {
            return {.session = m.session, .iteration = m.iteration};
        }

        Context operator()(const Refusal&) const { return {}; }

        Context operator()(const CertifiedEntry&) const { return {}; }

        Context operator()(const Submit&) const { return {}; }

        Context operator()(const ConsensusMessage&) const { return {}; }

        Context operator()(const RulesUpdate&) const { return {}; }

        Context operator()(const RosterUpdate&) const { return {}; }

        Context operator()(const SessionJournal&) const { return {}; }

        Context operator()(const InterimOpen& m) const {
            return {.session = m.session, .epoch = m.roster_epoch};
        }

        Context operator()(const InterimRecord&) const { return {}; }

        Context operator()(const Relayed&) const { return {}; }

        Context operator()(const Presence&) const { return {}; }
    };

    return std::visit(Visitor{}, message);
}

Result<void> check(const Message& message) {
    return std::visit([](const auto& body) { return check_body(body); }, message);
}

Bytes encode(const Message& message) {
    const auto within = check(message);
    KILTER_CHECK(within.ok(),
                 ("encoding a message of kind " + std::string(name_of(kind_of(message))) +
                  " that is outside the limits: " + within.error().message)
                     .c_str());
    Writer writer;
    writer.put(message);
    return std::move(writer).take();
}

Result<Message> decode(ByteView bytes) {
    const auto tree = parse(bytes);
    if (!tree) return tree.error();
    auto message = message_of(tree->get());
    if (message && !std::ranges::equal(encode(*message), bytes))
        return Error{"message is not in canonical form"};
    return message;
}

Bytes signing_bytes(const SessionOpen& open, const crypto::Digest& chain) {
    Writer writer;
    const auto list = signed_fields(open);
    writer.array(2 + std::tuple_size_v<decltype(list)>);
    writer.put(std::string("kilter session open"));
    writer.put(chain);
    writer.put_each(list);
    return std::move(writer).take();
}

}  // namespace kilter::wire
