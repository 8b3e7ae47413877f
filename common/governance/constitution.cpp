#include "common/governance/constitution.hpp"

#include <algorithm>
#include <utility>

#include "common/base/limits.hpp"
#include "common/crypto/identity.hpp"

namespace kilter::governance {

namespace {

constexpr std::pair<Office, const char*> office_names[] = {
    {Office::grid_operator, "operator"}, {Office::regulator, "regulator"},
    {Office::supplier, "supplier"},      {Office::meter_operator, "meter-operator"},
    {Office::auditor, "auditor"},        {Office::home, "home"}};

std::optional<Office> office_of(std::uint8_t number) {
    if (number < 1 || number > offices_count) return std::nullopt;
    return static_cast<Office>(number);
}

std::optional<Subject> subject_numbered(std::uint8_t number) {
    for (const Subject subject : subjects)
        if (static_cast<std::uint8_t>(subject) == number) return subject;
    return std::nullopt;
}

Error refused(const std::string& what) {
    return Error{"constitution: " + what};
}

Result<Power> read_power(ByteReader& in) {
    Power power;
    const auto subject = subject_numbered(in.u8());
    const auto propose = Offices::of_bits(in.u8());
    const std::size_t quotas = in.u8();
    for (std::size_t i = 0; i < quotas && !in.failed(); ++i) {
        const auto office = office_of(in.u8());
        const std::uint8_t count = in.u8();
        if (!office) return refused("a quota is of an unknown office");
        power.approvals.push_back({*office, count});
    }
    const auto veto = Offices::of_bits(in.u8());
    const auto mandate = Offices::of_bits(in.u8());
    power.notice_blocks = in.u32();
    if (in.failed()) return refused("cut short");
    if (!subject || !propose || !veto || !mandate)
        return refused("a power is over an unknown subject or of an unknown office");
    power.subject = *subject;
    power.propose = *propose;
    power.veto = *veto;
    power.mandate = *mandate;
    return power;
}

Result<void> check(const Power& power, const Constitution& whole) {
    const std::string name = std::string("the power over ") + name_of(power.subject);
    if (power.propose.empty()) return refused(name + " is nobody's");
    if (power.approvals.empty() && power.subject != Subject::roster)
        return refused(name + " needs no approval: name at least one");
    for (const Quota& quota : power.approvals) {
        if (quota.count == 0) return refused(name + " needs no holder of an office");
        const auto holders =
            std::count_if(whole.seats.begin(), whole.seats.end(),
                          [&](const Seat& seat) { return seat.office == quota.office; });
        if (quota.office != Office::home && holders < quota.count)
            return refused(name + " needs " + std::to_string(quota.count) + " of " +
                           name_of(quota.office) + ", and there are " + std::to_string(holders));
    }
    return {};
}

Power power_of(Subject subject, Offices propose, std::vector<Quota> approvals) {
    Power out;
    out.subject = subject;
    out.propose = propose;
    out.approvals = std::move(approvals);
    return out;
}

}  // namespace

const char* name_of(Office office) {
    for (const auto& [one, name] : office_names)
        if (one == office) return name;
    return "unknown";
}

std::optional<Office> office_named(std::string_view name) {
    for (const auto& [office, its] : office_names)
        if (name == its) return office;
    return std::nullopt;
}

std::optional<Offices> Offices::of_bits(std::uint8_t bits) {
    if (bits >> offices_count != 0) return std::nullopt;
    Offices out;
    out.bits_ = bits;
    return out;
}

std::string names_of(Offices offices) {
    std::string out;
    for (const auto& [office, name] : office_names)
        if (offices.contains(office)) out += (out.empty() ? "" : ", ") + std::string(name);
    return out.empty() ? "nobody" : out;
}

const char* name_of(Subject subject) {
    switch (subject) {
        case Subject::roster:
            return "roster";
        case Subject::market_parameters:
            return "market parameters";
        case Subject::tariff:
            return "tariff";
        case Subject::rule:
            return "rule";
        case Subject::offices:
            return "offices";
        case Subject::validators:
            return "validators";
        case Subject::stop:
            return "stop";
        case Subject::resume:
            return "resume";
        case Subject::powers:
            return "powers";
        case Subject::wrong_read:
            return "wrong read";
        case Subject::faulty_meter:
            return "faulty meter";
        case Subject::false_schedule:
            return "false schedule";
        case Subject::wrong_tariff:
            return "wrong tariff";
        case Subject::wrong_rule:
            return "wrong rule";
    }
    return "unknown";
}

const Power* Constitution::find(Subject subject) const {
    const auto found = std::find_if(powers.begin(), powers.end(),
                                    [&](const Power& power) { return power.subject == subject; });
    return found == powers.end() ? nullptr : &*found;
}

Offices Constitution::held_by(const PublicKey& key) const {
    Offices out;
    for (const Seat& seat : seats)
        if (seat.key == key) out.add(seat.office);
    return out;
}

Result<void> Constitution::validate() const {
    if (seats.size() > limits::seats_max) return refused("more seats than the limit");
    for (auto seat = seats.begin(); seat != seats.end(); ++seat) {
        if (seat->office == Office::home)
            return refused("a home holds its office by the roster, not by a seat");
        if (std::find(seats.begin(), seat, *seat) != seat)
            return refused("key " + short_hex(seat->key.view()) + " holds one office twice");
    }
    for (std::size_t i = 0; i < powers.size(); ++i) {
        if (i > 0 && !(powers[i - 1].subject < powers[i].subject))
            return refused("powers must be distinct and ascending by subject");
        if (auto checked = check(powers[i], *this); !checked) return checked;
    }
    if (open_ms <= 0) return refused("a case must be open for some time");
    return {};
}

Result<void> Constitution::check_keys() const {
    for (const Seat& seat : seats)
        if (!crypto::curve_key(seat.key))
            return refused("key " + short_hex(seat.key.view()) + " is not a valid Ed25519 key");
    return {};
}

Bytes Constitution::encode() const {
    ByteWriter out;
    out.u16(static_cast<std::uint16_t>(seats.size()));
    for (const Seat& seat : seats)
        out.u8(static_cast<std::uint8_t>(seat.office)).raw(seat.key.view());
    out.u8(static_cast<std::uint8_t>(powers.size()));
    for (const Power& power : powers) {
        out.u8(static_cast<std::uint8_t>(power.subject)).u8(power.propose.bits());
        out.u8(static_cast<std::uint8_t>(power.approvals.size()));
        for (const Quota& quota : power.approvals)
            out.u8(static_cast<std::uint8_t>(quota.office)).u8(quota.count);
        out.u8(power.veto.bits()).u8(power.mandate.bits()).u32(power.notice_blocks);
    }
    out.i64(open_ms);
    return std::move(out).bytes();
}

Result<Constitution> Constitution::decode(ByteView bytes) {
    ByteReader in(bytes);
    Constitution out;
    const std::size_t seats = in.u16();
    for (std::size_t i = 0; i < seats && !in.failed(); ++i) {
        const auto office = office_of(in.u8());
        const auto key = in.fixed<PublicKey>();
        if (!office) return refused("a seat is of an unknown office");
        out.seats.push_back({*office, key});
    }
    const std::size_t powers = in.u8();
    for (std::size_t i = 0; i < powers && !in.failed(); ++i) {
        auto power = read_power(in);
        if (!power) return power.error();
        out.powers.push_back(*std::move(power));
    }
    out.open_ms = in.i64();
    if (!in.complete()) return refused("cut short or followed by other bytes");
    if (auto valid = out.validate(); !valid) return valid.error();
    return out;
}

Constitution Constitution::of_operator(const PublicKey& grid_operator) {
    Constitution out;
    out.seats.push_back({Office::grid_operator, grid_operator});
    for (const Subject subject : subjects)
        if (subject != Subject::validators)
            out.powers.push_back(
                power_of(subject, {Office::grid_operator}, {{Office::grid_operator, 1}}));
    return out;
}

Constitution Constitution::of_operator_and_regulator(const PublicKey& grid_operator,
                                                     const PublicKey& regulator) {
    Constitution out;
    out.seats = {{Office::grid_operator, grid_operator}, {Office::regulator, regulator}};
    for (const Subject subject : subjects) {
        Power power = power_of(subject, {Office::grid_operator, Office::regulator},
                               {{Office::grid_operator, 1}, {Office::regulator, 1}});
        power.veto = power.mandate = {Office::regulator};
        power.notice_blocks = 4;
        if (subject == Subject::roster) {
            power.propose = {Office::grid_operator};
            power.approvals.clear();
        } else if (subject == Subject::stop) {
            power.approvals = {{Office::grid_operator, 1}};
            power.notice_blocks = 1;
        } else if (subject == Subject::resume) {
            power.notice_blocks = 1;
        }
        out.powers.push_back(std::move(power));
    }
    return out;
}

}  // namespace kilter::governance
