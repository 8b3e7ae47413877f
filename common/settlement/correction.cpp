#include "common/settlement/correction.hpp"

namespace kilter::settlement {

Bytes encode(const Correction& correction) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(correction.subject)).raw(correction.replaces.view());
    out.u32(static_cast<std::uint32_t>(correction.facts.size()));
    for (const products::Fact& fact : correction.facts)
        out.u8(static_cast<std::uint8_t>(fact.kind))
            .u32(static_cast<std::uint32_t>(fact.name.size()))
            .text(fact.name)
            .i64(fact.interval)
            .i64(fact.value);
    return std::move(out).bytes();
}

crypto::Digest digest_of(const Correction& correction) {
    return crypto::digest("correction", encode(correction));
}

governance::Correct action_of(const Correction& correction) {
    return {correction.subject, correction.replaces, to_bytes(digest_of(correction).view())};
}

Result<governance::Subject> correction_kind_named(const std::string& name) {
    for (const governance::Subject subject : governance::subjects)
        if (subject >= governance::Subject::wrong_read && name == governance::name_of(subject))
            return subject;
    return Error{"there is no correction of a \"" + name +
                 "\": use wrong read, faulty meter, false schedule, wrong tariff or wrong rule"};
}

std::optional<std::uint32_t> decided_by(const Correction& correction,
                                        const std::vector<governance::Case>& cases,
                                        consensus::Height height) {
    const governance::Action wanted(action_of(correction));
    for (const governance::Case& one : cases) {
        const bool decided =
            one.state == governance::CaseState::in_force ||
            (one.state == governance::CaseState::adopted && one.effective <= height);
        if (decided && one.proposal.action == wanted) return one.number;
    }
    return std::nullopt;
}

}  // namespace kilter::settlement
