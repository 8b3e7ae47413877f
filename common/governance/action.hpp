/// What a case on the docket decides, as canonical bytes.
#pragma once

#include <variant>

#include "common/consensus/validator_set.hpp"
#include "common/crypto/digest.hpp"
#include "common/governance/constitution.hpp"

namespace kilter::governance {

using consensus::Digest;

/// The market's parameters from then on. Interval length, horizon and channels stay: another market is another log.
struct SetMarketParameters {
    Bytes parameters;  ///< market::Parameters::encode()
    Digest
        replaces;  ///< digest of those it was made from: of two proposals made at once one has to be made again
    bool operator==(const SetMarketParameters&) const = default;
};

/// A named integer that rules use: micro-currency, Wh, parts per million, as its name says.
struct SetTariff {
    std::string name;
    std::int64_t value = 0;
    bool operator==(const SetTariff&) const = default;
};

/// A rule's version. Programs that do not know it stop (known_rules.hpp).
struct SetRule {
    std::string rule;
    std::uint32_t version = 0;
    bool operator==(const SetRule&) const = default;
};

struct SetSeat {
    Seat seat;
    bool held = true;  ///< false: it is given up
    bool operator==(const SetSeat&) const = default;
};

/// The one set that the validators' next change of epoch may lead to.
struct SetValidators {
    consensus::ValidatorSet next;
    bool operator==(const SetValidators&) const = default;
};

struct Stop {
    bool operator==(const Stop&) const = default;
};

struct Resume {
    bool operator==(const Resume&) const = default;
};

struct SetConstitution {
    Constitution constitution;
    bool operator==(const SetConstitution&) const = default;
};

/// Something on the log was wrong; what is derived from it is derived again (settlement/correction.hpp).
struct Correct {
    Subject subject{};  ///< wrong_read to wrong_rule: whose approvals it takes
    Digest replaces;    ///< the entry that was wrong
    Bytes replacement;  ///< what it should have said, or the digest of a document that says it
    bool operator==(const Correct&) const = default;
};

// The order is the kind's number on the log, from 1: never changed.
using Action = std::variant<SetMarketParameters,
                            SetTariff,
                            SetRule,
                            SetSeat,
                            SetValidators,
                            Stop,
                            Resume,
                            SetConstitution,
                            Correct>;

Subject subject_of(const Action& action);

/// What can be said of it alone; the error says what is wrong.
Result<void> check(const Action& action);
Bytes encode(const Action& action);
/// Strict and total; check() says whether it makes sense.
Result<Action> decode_action(ByteView bytes);

/// One line for people: "tariff network.use = 21000".
std::string describe(const Action& action);

/// Error: interval, horizon or channels would change, or one of the two is not encoded market parameters.
Result<void> may_replace(ByteView before, ByteView after);

/// Digest of market parameters, as Genesis::market_digest().
Digest market_digest(ByteView parameters);

}  // namespace kilter::governance
