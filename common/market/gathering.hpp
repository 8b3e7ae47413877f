/// The messages of one net: who is expected, who has spoken, what it sums to. Knows nothing of what
/// the words mean. The chair can be told more by homes than they tell each other (their answers), and sums that as well.
///
/// Keeps, per member, one message for each of three iterations in a row (the one under way, the one
/// before, the one after), always the newest attempt seen. Attempts and sets change by
/// restrict_to() only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "common/market/session.hpp"

namespace kilter::market {

class Gathering {
  public:
    struct Words {
        std::size_t for_all = 0;     ///< of a message, what everybody gets and sums
        std::size_t from_chair = 0;  ///< that the chair's has more, in the clear and not summed
        std::size_t to_chair = 0;    ///< that a home's can have more at the chair
    };

    /// REQUIRES: no party twice, self and chair among them. Weights are summed in the seat's order.
    Gathering(Seat seat, PartyId self, PartyId chair, const Words& words);

    [[nodiscard]] NetId net() const { return seat_.net; }

    [[nodiscard]] std::uint16_t attempt() const { return attempt_; }

    /// S: who takes part at present, ascending.
    [[nodiscard]] const std::vector<PartyId>& members() const { return members_; }

    /// Whether `party` was a member when the session began.
    [[nodiscard]] bool sat_here(PartyId party) const;
    [[nodiscard]] bool takes_part(PartyId party) const;
    /// w of this member, and W = Σ 1/w over those who take part, summed in the seat's order.
    [[nodiscard]] double own_weight() const;
    [[nodiscard]] double inverse_weights() const;

    /// Whether the iteration under way waits for answers as well. Of the chair.
    void expect_answers(bool expected);
    /// Judges and, if it can be of use, keeps a message of another member. `current`: the iteration
    /// under way.
    Verdict receive(const MaskedShare& share, std::uint32_t current);
    /// This member's own message. REQUIRES: of the present attempt and set.
    void keep_own(const MaskedShare& share);

    /// Whether everyone's message of the iteration, in the present attempt, is there.
    [[nodiscard]] bool complete(std::uint32_t iteration) const {
        return awaited(iteration).empty();
    }

    [[nodiscard]] std::vector<PartyId> awaited(std::uint32_t iteration) const;
    /// Word by word, mod 2^64. REQUIRES: complete(iteration).
    [[nodiscard]] std::vector<std::uint64_t> sum(std::uint32_t iteration) const;
    /// The chair's newest message of the iteration, whatever its attempt; null if there is none.
    [[nodiscard]] const MaskedShare* from_chair(std::uint32_t iteration) const;

    /// Goes on with fewer members (or the same ones) as a later attempt. REQUIRES: a subset with
    /// self and chair.
    void restrict_to(std::vector<PartyId> members, std::uint16_t attempt);
    /// Whether a share that the party `heir` sent can be its first as this net's chair: as formed, over the homes of the
    /// present set or fewer of them, self among them.
    [[nodiscard]] bool can_succeed(const MaskedShare& share, PartyId heir) const;
    /// `heir` sits where the chair sat, at its weight. REQUIRES: not a member; restrict_to() follows.
    void succeed(PartyId heir);

  private:
    static constexpr std::size_t iterations_kept = 3;
    using Kept = std::array<std::optional<MaskedShare>, iterations_kept>;

    [[nodiscard]] const MaskedShare* kept(PartyId party, std::uint32_t iteration) const;
    [[nodiscard]] bool well_formed(const MaskedShare& share) const;

    /// Words that the iteration under way sums.
    [[nodiscard]] std::size_t summed() const {
        return words_.for_all + (answers_expected_ ? words_.to_chair : 0);
    }

    Seat seat_;
    PartyId self_, chair_;
    Words words_;
    bool answers_expected_ = false;
    std::vector<PartyId> members_;
    std::uint16_t attempt_ = 0;
    std::map<PartyId, Kept> kept_;
};

}  // namespace kilter::market
