#include "common/governance/docket.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/limits.hpp"

namespace kilter::governance {

namespace {

Error refusal(const std::string& what) {
    return Error{"docket: " + what};
}

template <class... Effects>
struct Apply : Effects... {
    using Effects::operator()...;
};
template <class... Effects>
Apply(Effects...) -> Apply<Effects...>;

// A decision that another one has overtaken changes nothing.
void take_effect(Rules& rules, const Case& one) {
    std::visit(Apply{[&](const SetMarketParameters& set) {
                         if (set.replaces == market_digest(rules.market_parameters))
                             rules.market_parameters = set.parameters;
                     },
                     [&](const SetTariff& set) { rules.tariffs[set.name] = set.value; },
                     [&](const SetRule& set) { rules.versions[set.rule] = set.version; },
                     [&](const SetSeat& set) {
                         Constitution next = rules.constitution;
                         std::erase(next.seats, set.seat);
                         if (set.held) next.seats.push_back(set.seat);
                         if (next.validate()) rules.constitution = std::move(next);
                     },
                     [&](const SetValidators& set) { rules.validators = set.next.hash(); },
                     [&](const Stop&) { rules.stopped = one.number; },
                     [&](const Resume&) { rules.stopped.reset(); },
                     [&](const SetConstitution& set) { rules.constitution = set.constitution; },
                     [](const Correct&) {}},
               one.proposal.action);
}

// Adopted cases in the order in which they come into force.
std::vector<const Case*> adopted_in_order(const std::vector<Case>& live) {
    std::vector<const Case*> out;
    for (const Case& one : live)
        if (one.state == CaseState::adopted) out.push_back(&one);
    std::stable_sort(out.begin(), out.end(),
                     [](const Case* a, const Case* b) { return a->effective < b->effective; });
    return out;
}

void write(ByteWriter& out, const Rules& rules) {
    const Bytes constitution = rules.constitution.encode();
    out.u32(static_cast<std::uint32_t>(constitution.size())).raw(constitution);
    out.u32(static_cast<std::uint32_t>(rules.market_parameters.size()))
        .raw(rules.market_parameters);
    out.u16(static_cast<std::uint16_t>(rules.tariffs.size()));
    for (const auto& [name, value] : rules.tariffs)
        out.u8(static_cast<std::uint8_t>(name.size())).text(name).i64(value);
    out.u16(static_cast<std::uint16_t>(rules.versions.size()));
    for (const auto& [name, version] : rules.versions)
        out.u8(static_cast<std::uint8_t>(name.size())).text(name).u32(version);
    out.u32(rules.stopped.value_or(0));
    out.raw(rules.validators.value_or(Digest{}).view());
}

std::string read_name(ByteReader& in) {
    const ByteView name = in.raw(in.u8());
    return {name.begin(), name.end()};
}

Result<Rules> read_rules(ByteReader& in) {
    Rules out;
    auto constitution = Constitution::decode(in.raw(in.u32()));
    if (!constitution) return constitution.error();
    out.constitution = *std::move(constitution);
    out.market_parameters = to_bytes(in.raw(in.u32()));
    const std::size_t tariffs = in.u16();
    for (std::size_t i = 0; i < tariffs && !in.failed(); ++i) {
        std::string name = read_name(in);
        out.tariffs.emplace(std::move(name), in.i64());
    }
    const std::size_t versions = in.u16();
    for (std::size_t i = 0; i < versions && !in.failed(); ++i) {
        std::string name = read_name(in);
        out.versions.emplace(std::move(name), in.u32());
    }
    if (const std::uint32_t stopped = in.u32(); stopped != 0) out.stopped = stopped;
    if (const auto validators = in.fixed<Digest>(); !validators.is_zero())
        out.validators = validators;
    if (in.failed()) return refusal("cut short");
    return out;
}

Result<Proposal> read_proposal(ByteReader& in) {
    Proposal out;
    out.height = in.u64();
    const ByteView reason = in.raw(in.u16());
    out.reason = {reason.begin(), reason.end()};
    const ByteView action = in.raw(in.u32());
    if (in.failed()) return refusal("a proposal is cut short");
    if (out.reason.size() > limits::reason_bytes_max)
        return refusal("a reason has at most " + std::to_string(limits::reason_bytes_max) +
                       " characters");
    if (!std::all_of(out.reason.begin(), out.reason.end(),
                     [](char c) { return c >= ' ' && c <= '~'; }))
        return refusal("a reason is printable ASCII");
    auto decided = decode_action(action);
    if (!decided) return decided.error();
    out.action = *std::move(decided);
    return out;
}

std::optional<Opinion> opinion_of(std::uint8_t number) {
    if (number < 1 || number > 3) return std::nullopt;
    return static_cast<Opinion>(number);
}

void write(ByteWriter& out, const Case& one) {
    const Bytes proposal = encode(one.proposal);
    out.u32(one.number).raw(one.id.view()).raw(one.author.view());
    out.u32(static_cast<std::uint32_t>(proposal.size())).raw(proposal);
    out.u64(one.opened).i64(one.opened_ms);
    out.u16(static_cast<std::uint16_t>(one.said.size()));
    for (const Said& said : one.said)
        out.raw(said.key.view())
            .u8(said.offices.bits())
            .u8(static_cast<std::uint8_t>(said.opinion))
            .u64(said.height);
    out.u8(static_cast<std::uint8_t>(one.state)).u64(one.adopted).u64(one.effective);
}

Result<Case> read_case(ByteReader& in) {
    Case out;
    out.number = in.u32();
    out.id = in.fixed<EntryId>();
    out.author = in.fixed<PublicKey>();
    auto proposal = decode_proposal(in.raw(in.u32()));
    if (!proposal) return proposal.error();
    out.proposal = *std::move(proposal);
    out.opened = in.u64();
    out.opened_ms = in.i64();
    const std::size_t said = in.u16();
    for (std::size_t i = 0; i < said && !in.failed(); ++i) {
        Said one;
        one.key = in.fixed<PublicKey>();
        const auto offices = Offices::of_bits(in.u8());
        const auto opinion = opinion_of(in.u8());
        one.height = in.u64();
        if (!offices || !opinion) return refusal("an unknown office or opinion");
        one.offices = *offices;
        one.opinion = *opinion;
        out.said.push_back(one);
    }
    const std::uint8_t state = in.u8();
    if (state < 1 || state > 5) return refusal("a case in an unknown state");
    out.state = static_cast<CaseState>(state);
    out.adopted = in.u64();
    out.effective = in.u64();
    if (in.failed()) return refusal("a case is cut short");
    return out;
}

bool approved(const Case& one, const Power& power) {
    return std::all_of(power.approvals.begin(), power.approvals.end(), [&](const Quota& quota) {
        const auto count = std::count_if(one.said.begin(), one.said.end(), [&](const Said& said) {
            return said.opinion == Opinion::approve && said.offices.contains(quota.office);
        });
        return count >= quota.count;
    });
}

bool mandated(const Case& one, const Power& power) {
    return std::any_of(one.said.begin(), one.said.end(), [&](const Said& said) {
        return said.opinion == Opinion::mandate && said.offices.meets(power.mandate);
    });
}

// What an entry's author may not say, whatever the case.
Result<void> permitted(Opinion opinion, Offices offices, const Power& power) {
    Offices approving;
    for (const Quota& quota : power.approvals)
        approving.add(quota.office);
    const Offices may = opinion == Opinion::approve ? approving
                        : opinion == Opinion::veto  ? power.veto
                                                    : power.mandate;
    if (offices.meets(may)) return {};
    return refusal(std::string("to ") + name_of(opinion) + " a decision on the subject '" +
                   name_of(power.subject) + "' is for " + names_of(may) + ", and the author is " +
                   names_of(offices));
}

}  // namespace

const char* name_of(Opinion opinion) {
    switch (opinion) {
        case Opinion::approve:
            return "approve";
        case Opinion::veto:
            return "veto";
        case Opinion::mandate:
            return "mandate";
    }
    return "unknown";
}

const char* name_of(CaseState state) {
    switch (state) {
        case CaseState::open:
            return "open";
        case CaseState::adopted:
            return "adopted";
        case CaseState::in_force:
            return "in force";
        case CaseState::vetoed:
            return "vetoed";
        case CaseState::lapsed:
            return "lapsed";
    }
    return "unknown";
}

Bytes encode(const Proposal& proposal) {
    const Bytes action = encode(proposal.action);
    ByteWriter out;
    out.u64(proposal.height)
        .u16(static_cast<std::uint16_t>(proposal.reason.size()))
        .text(proposal.reason)
        .u32(static_cast<std::uint32_t>(action.size()))
        .raw(action);
    return std::move(out).bytes();
}

Bytes encode(const Statement& statement) {
    return ByteWriter{}
        .raw(statement.proposal.view())
        .u8(static_cast<std::uint8_t>(statement.opinion))
        .bytes();
}

Result<Proposal> decode_proposal(ByteView body) {
    ByteReader in(body);
    auto out = read_proposal(in);
    if (out && !in.complete()) return refusal("a proposal is followed by other bytes");
    return out;
}

Result<Statement> decode_statement(ByteView body) {
    ByteReader in(body);
    Statement out;
    out.proposal = in.fixed<EntryId>();
    const auto opinion = opinion_of(in.u8());
    if (!in.complete() || !opinion)
        return refusal("a statement is cut short, too long, or of an unknown kind");
    out.opinion = *opinion;
    return out;
}

Bytes encode(const Case& one) {
    ByteWriter out;
    write(out, one);
    return std::move(out).bytes();
}

Result<Case> decode_case(ByteView bytes) {
    ByteReader in(bytes);
    auto out = read_case(in);
    if (out && !in.complete()) return refusal("a case is followed by other bytes");
    return out;
}

Docket::Docket(Rules genesis) : base_(std::move(genesis)) {}

Rules Docket::rules_at(Height height) const {
    Rules out = base_;
    for (const Case* one : adopted_in_order(live_))
        if (one->effective <= height) take_effect(out, *one);
    return out;
}

Rules Docket::rules_to_come() const {
    return rules_at(std::numeric_limits<Height>::max());
}

std::uint64_t Docket::edition(Height height) const {
    return number_ + static_cast<std::uint64_t>(
                         std::count_if(live_.begin(), live_.end(), [&](const Case& one) {
                             return one.state == CaseState::adopted && one.effective <= height;
                         }));
}

const Case* Docket::find(const EntryId& proposal) const {
    const auto found = std::find_if(live_.begin(), live_.end(),
                                    [&](const Case& one) { return one.id == proposal; });
    return found == live_.end() ? nullptr : &*found;
}

Result<void> Docket::propose(const PublicKey& author,
                             Offices offices,
                             const EntryId& id,
                             const Proposal& proposal,
                             Place place) {
    const Rules rules = rules_at(place.height);
    const Subject subject = subject_of(proposal.action);
    const Power* power = rules.constitution.find(subject);
    if (power == nullptr || subject == Subject::roster)
        return refusal(std::string("nobody decides on the subject '") + name_of(subject) +
                       "' by proposals here");
    if (!offices.meets(power->propose))
        return refusal(std::string("proposals on the subject '") + name_of(subject) + "' are for " +
                       names_of(power->propose) + ", and the author is " + names_of(offices));
    if (live_.size() >= limits::live_cases_max)
        return refusal("too many cases are open: wait until some are decided or lapse");
    if (const auto* set = std::get_if<SetMarketParameters>(&proposal.action)) {
        const Bytes newest = rules_to_come().market_parameters;
        if (set->replaces != market_digest(newest))
            return refusal(
                "the market parameters have changed since this was written: propose it again from "
                "the newest ones");
        if (auto may = may_replace(newest, set->parameters); !may) return may;
    }
    Case one;
    one.number = ++cases_;
    one.id = id;
    one.author = author;
    one.proposal = proposal;
    one.opened = place.height;
    one.opened_ms = place.time_ms;
    if (permitted(Opinion::approve, offices, *power))
        one.said.push_back({author, offices, Opinion::approve, place.height});
    live_.push_back(std::move(one));
    ++number_;
    weigh(live_.back(), *power, place);
    return {};
}

Result<void> Docket::state(const PublicKey& author,
                           Offices offices,
                           const Statement& statement,
                           Place place) {
    const auto found = std::find_if(live_.begin(), live_.end(),
                                    [&](const Case& one) { return one.id == statement.proposal; });
    if (found == live_.end())
        return refusal("proposal " + short_hex(statement.proposal.view()) +
                       " is not open: see 'kilter docket'");
    Case& one = *found;
    const Rules rules = rules_at(place.height);
    const Power* power = rules.constitution.find(subject_of(one.proposal.action));
    if (power == nullptr) return refusal("nobody decides on this subject any more");
    if (auto may = permitted(statement.opinion, offices, *power); !may) return may;
    const bool repeated = std::any_of(one.said.begin(), one.said.end(), [&](const Said& said) {
        return said.key == author && said.opinion == statement.opinion;
    });
    if (repeated) return refusal("this key has said so already");
    if (one.state == CaseState::adopted && statement.opinion != Opinion::veto)
        return refusal("the case is adopted already");
    one.said.push_back({author, offices, statement.opinion, place.height});
    ++number_;
    if (statement.opinion == Opinion::veto) {
        one.state = CaseState::vetoed;
        return {};
    }
    weigh(one, *power, place);
    return {};
}

void Docket::weigh(Case& one, const Power& power, Place place) {
    if (!approved(one, power) && !mandated(one, power)) return;
    const Subject subject = subject_of(one.proposal.action);
    one.adopted = place.height;
    one.effective = std::max<Height>(one.proposal.height,
                                     place.height + std::max<Height>(1, power.notice_blocks));
    for (const Case& other : live_)
        if (other.state == CaseState::adopted && subject_of(other.proposal.action) == subject)
            one.effective = std::max(one.effective, other.effective);
    one.state = CaseState::adopted;
}

std::vector<Case> Docket::close(Place place) {
    for (const Case* one : adopted_in_order(live_))
        if (one->effective <= place.height) take_effect(base_, *one);
    std::vector<Case> closed;
    for (Case& one : live_) {
        if (one.state == CaseState::adopted && one.effective <= place.height) {
            one.state = CaseState::in_force;
            ++number_;
        } else if (one.state == CaseState::open &&
                   place.time_ms - one.opened_ms > base_.constitution.open_ms)
            one.state = CaseState::lapsed;
        if (one.state != CaseState::open && one.state != CaseState::adopted) closed.push_back(one);
    }
    std::erase_if(live_, [](const Case& one) {
        return one.state != CaseState::open && one.state != CaseState::adopted;
    });
    return closed;
}

Bytes Docket::encode() const {
    ByteWriter out;
    write(out, base_);
    out.u64(number_).u32(cases_).u16(static_cast<std::uint16_t>(live_.size()));
    for (const Case& one : live_)
        write(out, one);
    return std::move(out).bytes();
}

Result<Docket> Docket::decode(ByteView bytes) {
    ByteReader in(bytes);
    auto base = read_rules(in);
    if (!base) return base.error();
    Docket out(*std::move(base));
    out.number_ = in.u64();
    out.cases_ = in.u32();
    const std::size_t live = in.u16();
    for (std::size_t i = 0; i < live && !in.failed(); ++i) {
        auto one = read_case(in);
        if (!one) return one.error();
        out.live_.push_back(*std::move(one));
    }
    if (!in.complete()) return refusal("cut short or followed by other bytes");
    return out;
}

}  // namespace kilter::governance
