#include "common/governance/action.hpp"

#include <algorithm>
#include <limits>

#include "common/base/limits.hpp"
#include "common/market/parameters.hpp"

namespace kilter::governance {

namespace {

template <class... Cases>
struct Match : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;

Error malformed(const std::string& what) {
    return Error{"action: " + what};
}

bool is_name(const std::string& text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= limits::rule_name_bytes_max &&
           std::all_of(text.begin(), text.end(), allowed);
}

void write_text(ByteWriter& out, const std::string& text) {
    out.u8(static_cast<std::uint8_t>(text.size())).text(text);
}

std::string read_text(ByteReader& in) {
    const ByteView text = in.raw(in.u8());
    return {text.begin(), text.end()};
}

Bytes rest(ByteReader& in) {
    return to_bytes(in.raw(in.left()));
}

bool is_correction(Subject subject) {
    return subject >= Subject::wrong_read && subject <= Subject::wrong_rule;
}

Result<Action> read(std::uint8_t kind, ByteReader& in) {
    switch (kind) {
        case 1: {
            SetMarketParameters out;
            out.replaces = in.fixed<Digest>();
            out.parameters = rest(in);
            return Action(std::move(out));
        }
        case 2: {
            SetTariff out;
            out.name = read_text(in);
            out.value = in.i64();
            return Action(std::move(out));
        }
        case 3: {
            SetRule out;
            out.rule = read_text(in);
            out.version = in.u32();
            return Action(std::move(out));
        }
        case 4: {
            const std::uint8_t office = in.u8();
            const auto key = in.fixed<PublicKey>();
            const std::uint8_t held = in.u8();
            if (office < 1 || office > offices_count || held > 1)
                return malformed("a seat of an unknown office");
            return Action(SetSeat{{static_cast<Office>(office), key}, held == 1});
        }
        case 5: {
            auto set = consensus::ValidatorSet::read(in);
            if (!set) return malformed(set.error().message);
            return Action(SetValidators{*std::move(set)});
        }
        case 6:
            return Action(Stop{});
        case 7:
            return Action(Resume{});
        case 8: {
            auto constitution = Constitution::decode(rest(in));
            if (!constitution) return constitution.error();
            return Action(SetConstitution{*std::move(constitution)});
        }
        case 9: {
            Correct out;
            out.subject = static_cast<Subject>(in.u8());
            out.replaces = in.fixed<Digest>();
            out.replacement = rest(in);
            return Action(std::move(out));
        }
        default:
            return malformed("of a kind this version does not know");
    }
}

}  // namespace

Subject subject_of(const Action& action) {
    return std::visit(Match{[](const SetMarketParameters&) { return Subject::market_parameters; },
                            [](const SetTariff&) { return Subject::tariff; },
                            [](const SetRule&) { return Subject::rule; },
                            [](const SetSeat&) { return Subject::offices; },
                            [](const SetValidators&) { return Subject::validators; },
                            [](const Stop&) { return Subject::stop; },
                            [](const Resume&) { return Subject::resume; },
                            [](const SetConstitution&) { return Subject::powers; },
                            [](const Correct& correct) { return correct.subject; }},
                      action);
}

Result<void> check(const Action& action) {
    return std::visit(
        Match{[](const SetMarketParameters& set) -> Result<void> {
                  const auto parameters = market::Parameters::decode(set.parameters);
                  return parameters ? Result<void>{} : parameters.error();
              },
              [](const SetTariff& set) -> Result<void> {
                  if (is_name(set.name)) return {};
                  return malformed("a tariff's name has small letters, digits, '.', '_' and '-'");
              },
              [](const SetRule& set) -> Result<void> {
                  if (is_name(set.rule) && set.version > 0) return {};
                  return malformed("a rule has a name and a version from 1 on");
              },
              [](const SetSeat& set) -> Result<void> {
                  if (set.seat.office == Office::home)
                      return malformed("a home holds its office by the roster: use 'kilter grant'");
                  if (!crypto::curve_key(set.seat.key))
                      return malformed("the key is not a valid Ed25519 key");
                  return {};
              },
              [](const SetValidators& set) -> Result<void> { return set.next.validate(); },
              [](const Stop&) -> Result<void> { return {}; },
              [](const Resume&) -> Result<void> { return {}; },
              [](const SetConstitution& set) -> Result<void> {
                  if (auto valid = set.constitution.validate(); !valid) return valid;
                  return set.constitution.check_keys();
              },
              [](const Correct& correct) -> Result<void> {
                  if (is_correction(correct.subject)) return {};
                  return malformed("a correction of an unknown kind");
              }},
        action);
}

Bytes encode(const Action& action) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(action.index() + 1));
    std::visit(Match{[&](const SetMarketParameters& set) {
                         out.raw(set.replaces.view()).raw(set.parameters);
                     },
                     [&](const SetTariff& set) {
                         write_text(out, set.name);
                         out.i64(set.value);
                     },
                     [&](const SetRule& set) {
                         write_text(out, set.rule);
                         out.u32(set.version);
                     },
                     [&](const SetSeat& set) {
                         out.u8(static_cast<std::uint8_t>(set.seat.office))
                             .raw(set.seat.key.view())
                             .u8(set.held ? 1 : 0);
                     },
                     [&](const SetValidators& set) { out.raw(set.next.encode()); },
                     [](const Stop&) {}, [](const Resume&) {},
                     [&](const SetConstitution& set) { out.raw(set.constitution.encode()); },
                     [&](const Correct& correct) {
                         out.u8(static_cast<std::uint8_t>(correct.subject))
                             .raw(correct.replaces.view())
                             .raw(correct.replacement);
                     }},
               action);
    return std::move(out).bytes();
}

Result<Action> decode_action(ByteView bytes) {
    if (bytes.size() > limits::action_bytes_max) return malformed("it is too long");
    ByteReader in(bytes);
    const std::uint8_t kind = in.u8();
    auto action = read(kind, in);
    if (!action) return action;
    if (!in.complete()) return malformed("cut short or followed by other bytes");
    return action;
}

std::string describe(const Action& action) {
    return std::visit(
        Match{[](const SetMarketParameters& set) {
                  return "market parameters " + short_hex(market_digest(set.parameters).view()) +
                         " instead of " + short_hex(set.replaces.view());
              },
              [](const SetTariff& set) {
                  return "tariff " + set.name + " = " + std::to_string(set.value);
              },
              [](const SetRule& set) {
                  return "rule " + set.rule + " version " + std::to_string(set.version);
              },
              [](const SetSeat& set) {
                  return std::string(name_of(set.seat.office)) + " " +
                         short_hex(set.seat.key.view()) +
                         (set.held ? " takes office" : " leaves office");
              },
              [](const SetValidators& set) {
                  return std::to_string(set.next.size()) + " validators, set " +
                         short_hex(set.next.hash().view());
              },
              [](const Stop&) { return std::string("stop: no session opens"); },
              [](const Resume&) { return std::string("resume: sessions open again"); },
              [](const SetConstitution& set) {
                  return "a constitution with " + std::to_string(set.constitution.seats.size()) +
                         " seats";
              },
              [](const Correct& correct) {
                  return std::string("correction of a ") + name_of(correct.subject) + ": entry " +
                         short_hex(correct.replaces.view());
              }},
        action);
}

Result<void> may_replace(ByteView before, ByteView after) {
    const auto old = market::Parameters::decode(before);
    if (!old)
        return malformed("this log's market parameters cannot be changed: " + old.error().message);
    const auto now = market::Parameters::decode(after);
    if (!now) return now.error();
    if (old->interval_s == now->interval_s && old->horizon == now->horizon &&
        old->channels == now->channels)
        return {};
    return malformed(
        "interval_s, horizon and channels stay as genesis has them: another market is another log");
}

Digest market_digest(ByteView parameters) {
    return crypto::digest("market", parameters);
}

}  // namespace kilter::governance
