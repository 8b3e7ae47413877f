/// Who may decide what: the offices with their holders, and for every subject the powers over it. Genesis holds the first
/// one; it changes like any other rule, by a case on the docket (docket.hpp).
///
/// Integers only. Heights are those of the log's blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/consensus/types.hpp"

namespace kilter::governance {

using consensus::Height;
using consensus::PublicKey;

/// What a party decides as. A home holds its office by the roster, everybody else by a seat.
enum class Office : std::uint8_t {
    grid_operator = 1,   ///< runs the feeder, grants certificates
    regulator = 2,       ///< vetoes and mandates
    supplier = 3,        ///< sells, or pools homes as an aggregator
    meter_operator = 4,  ///< answers for meters and their reads
    auditor = 5,         ///< checks, and may open a case
    home = 6,
};

inline constexpr std::uint8_t offices_count = 6;

/// "operator", "regulator", "supplier", "meter-operator", "auditor", "home".
const char* name_of(Office office);
std::optional<Office> office_named(std::string_view name);

/// A set of offices.
class Offices {
  public:
    constexpr Offices() = default;

    constexpr Offices(std::initializer_list<Office> offices) {
        for (const Office office : offices)
            bits_ = static_cast<std::uint8_t>(bits_ | bit(office));
    }

    /// Nothing when a bit stands for no office.
    static std::optional<Offices> of_bits(std::uint8_t bits);

    [[nodiscard]] constexpr bool contains(Office office) const {
        return (bits_ & bit(office)) != 0;
    }

    [[nodiscard]] constexpr bool meets(Offices other) const { return (bits_ & other.bits_) != 0; }

    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

    [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }

    constexpr void add(Office office) { bits_ = static_cast<std::uint8_t>(bits_ | bit(office)); }

    bool operator==(const Offices&) const = default;

  private:
    static constexpr std::uint8_t bit(Office office) {
        return static_cast<std::uint8_t>(1u << (static_cast<unsigned>(office) - 1));
    }

    std::uint8_t bits_ = 0;
};

/// "operator, regulator"; "nobody".
std::string names_of(Offices offices);

/// What a decision is about. The numbers are on the log: never reused.
enum class Subject : std::uint8_t {
    roster = 1,             ///< who trades: one signature of who may propose, no case
    market_parameters = 2,  ///< how prices are found
    tariff = 3,             ///< a named integer that rules use
    rule = 4,               ///< the version of a rule
    offices = 5,            ///< who holds an office
    validators = 6,         ///< who orders the log
    stop = 7,               ///< no session opens
    resume = 8,
    powers = 9,  ///< this constitution
    // What a correction replaces.
    wrong_read = 20,
    faulty_meter = 21,
    false_schedule = 22,
    wrong_tariff = 23,
    wrong_rule = 24,
};

inline constexpr Subject subjects[] = {Subject::roster,       Subject::market_parameters,
                                       Subject::tariff,       Subject::rule,
                                       Subject::offices,      Subject::validators,
                                       Subject::stop,         Subject::resume,
                                       Subject::powers,       Subject::wrong_read,
                                       Subject::faulty_meter, Subject::false_schedule,
                                       Subject::wrong_tariff, Subject::wrong_rule};

/// "roster", "market parameters", ...; "unknown" otherwise.
const char* name_of(Subject subject);

/// So many different holders of an office.
struct Quota {
    Office office{};
    std::uint8_t count = 1;
    bool operator==(const Quota&) const = default;
};

struct Power {
    Subject subject{};
    Offices propose;               ///< who may open a case
    std::vector<Quota> approvals;  ///< all of them are needed; the proposer's own counts
    Offices veto;     ///< any one holder ends the case, until what it decides is in force
    Offices mandate;  ///< any one holder adopts the case alone
    std::uint32_t notice_blocks = 1;  ///< at least so many blocks from adoption to being in force
    bool operator==(const Power&) const = default;
};

struct Seat {
    Office office{};
    PublicKey key;
    bool operator==(const Seat&) const = default;
};

struct Constitution {
    std::vector<Seat> seats;    ///< distinct; the office of home has none
    std::vector<Power> powers;  ///< ascending by subject, distinct
    /// A case that is not adopted so long after it was opened lapses.
    std::int64_t open_ms = std::int64_t{30} * 86'400'000;

    /// Null: nobody has a power over it.
    [[nodiscard]] const Power* find(Subject subject) const;
    /// By seats alone.
    [[nodiscard]] Offices held_by(const PublicKey& key) const;

    /// The error names what is wrong; also when a quota could never be met by the seats there are.
    [[nodiscard]] Result<void> validate() const;
    /// Every seat's key is a usable Ed25519 key: for what comes from outside. Some 50 us per seat.
    [[nodiscard]] Result<void> check_keys() const;
    [[nodiscard]] Bytes encode() const;
    /// Strict and total; what decodes is valid.
    static Result<Constitution> decode(ByteView bytes);

    /// One operator decides everything alone, except who orders the log: that is the validators' own affair. What holds
    /// for a genesis that names no constitution.
    static Constitution of_operator(const PublicKey& grid_operator);
    /// The operator proposes, the regulator's approval is needed, its veto and mandate hold; both can stop the market
    /// alone, and resuming takes both. A neighbourhood with two offices.
    static Constitution of_operator_and_regulator(const PublicKey& grid_operator,
                                                  const PublicKey& regulator);

    bool operator==(const Constitution&) const = default;
};

}  // namespace kilter::governance
