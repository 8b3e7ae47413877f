/// The fields of every struct on the wire, listed once and in their order there: the same list
/// encodes, decodes and counts. (Internal to this folder.)
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>

#include "common/wire/messages.hpp"

namespace kilter::wire {

/// T is Struct or const Struct, so that one list serves reading and writing.
template <class T, class Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

auto fields(Is<market::SessionId> auto& id) {
    return std::tie(id.interval, id.opening);
}

auto fields(Is<market::Member> auto& member) {
    return std::tie(member.party, member.weight);
}

auto fields(Is<market::Notice> auto& notice) {
    return std::tie(notice.about_iteration, notice.primal_square, notice.dual_square,
                    notice.stop_iteration, notice.outcome);
}

auto fields(Is<market::MaskedShare> auto& share) {
    return std::tie(share.net, share.from, share.iteration, share.attempt, share.members,
                    share.words, share.notice);
}

auto fields(Is<Hello> auto& m) {
    return std::tie(m.chain, m.roster_epoch, m.rules);
}

auto fields(Is<Refusal> auto& m) {
    return std::tie(m.reason);
}

auto fields(Is<CertifiedEntry> auto& m) {
    return std::tie(m.receipt);
}

/// All but the signature: what is signed.
auto signed_fields(Is<SessionOpen> auto& m) {
    return std::tie(m.session, m.chair, m.net, m.members, m.roster_epoch, m.parameters,
                    m.rho_eur_per_kw2, m.terminals, m.start_dual_eur_per_kw, m.opened_ms);
}

auto fields(Is<SessionOpen> auto& m) {
    return std::tuple_cat(signed_fields(m), std::tie(m.signature));
}

auto fields(Is<Share> auto& m) {
    return std::tie(m.session, m.share);
}

auto fields(Is<SessionExcluded> auto& m) {
    return std::tie(m.session, m.net);
}

auto fields(Is<ClearingShare> auto& m) {
    return std::tie(m.session, m.net, m.iteration, m.commitment, m.signature);
}

auto fields(Is<Submit> auto& m) {
    return std::tie(m.entry);
}

auto fields(Is<ConsensusMessage> auto& m) {
    return std::tie(m.payload);
}

auto fields(Is<RosterUpdate> auto& m) {
    return std::tie(m.receipt, m.roster);
}

auto fields(Is<RulesUpdate> auto& m) {
    return std::tie(m.proof);
}

auto fields(Is<SessionJournal> auto& m) {
    return std::tie(m.payload);
}

auto fields(Is<InterimOpen> auto& m) {
    return std::tie(m.session, m.net, m.members, m.base, m.roster_epoch, m.parameters, m.opened_ms);
}

auto fields(Is<InterimRecord> auto& m) {
    return std::tie(m.record);
}

auto fields(Is<Relayed> auto& m) {
    return std::tie(m.from, m.to, m.sealed);
}

auto fields(Is<Presence> auto& m) {
    return std::tie(m.run);
}

}  // namespace kilter::wire
