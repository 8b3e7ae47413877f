/// The inside of a Session. An input is taken in by the rules of whoever this is: a home, the chair, or a coordinator that
/// follows it; then advance() does all that can be done with what is there.
///
///     session.cpp             inputs
///     session_iterations.cpp  one iteration: device step, words, sums, net step
///     session_succession.cpp  one chair after the other
///     session_end.cpp         the chair's judgement, and the end
///
/// Internal to this folder.
#pragma once

#include <algorithm>
#include <optional>

#include "common/base/limits.hpp"
#include "common/market/acceleration.hpp"
#include "common/market/gathering.hpp"
#include "common/market/history.hpp"
#include "common/market/priced.hpp"
#include "common/market/residuals.hpp"
#include "common/market/session.hpp"
#include "common/market/step.hpp"

namespace kilter::market {

/// `set` less `left`; both ascending.
inline std::vector<PartyId> without(const std::vector<PartyId>& set,
                                    const std::vector<PartyId>& left) {
    std::vector<PartyId> out;
    std::set_difference(set.begin(), set.end(), left.begin(), left.end(), std::back_inserter(out));
    return out;
}

struct Session::State {
    State(Terms agreed,
          PartyId party,
          std::vector<Seat> seats,
          model::Device& own_device,
          std::shared_ptr<const crypto::PairwiseMasks> pairwise,
          const WarmState& warm);

    // inputs
    void on_begin(Outputs& out);
    void on_follow(Outputs& out);
    void on_journal(const Journal& journal, Outputs& out);
    void on_succeed(Outputs& out);
    void on_share(const MaskedShare& share, Outputs& out);
    void on_silence(Outputs& out);
    void on_deadline(Outputs& out);
    void on_expelled(Outputs& out);

    [[nodiscard]] bool chairs() const { return self == terms.chair; }

    [[nodiscard]] PartyId host_of(std::uint32_t generation) const {
        return terms.hosts[generation % terms.hosts.size()];
    }

    /// At a home: whether another coordinator takes the chair with this share.
    [[nodiscard]] bool succeeds(const MaskedShare& share, const Gathering& net) const;
    /// And what the home does then.
    void follow_heir(const MaskedShare& first, Gathering& net, Outputs& out);
    /// Of a generation that this home has not heard the chair of yet.
    void keep_ahead(const MaskedShare& share);
    /// Whether the journal speaks of the net's present set, or one it can have become.
    [[nodiscard]] bool fits(const Journal::Net& net, const Gathering& gathering) const;
    void apply(const Journal& journal, Outputs& out);

    Gathering* net_of(NetId net);
    [[nodiscard]] bool all_complete() const;
    /// At a home in a priced iteration that is all in: the chair has not said the next prices yet.
    [[nodiscard]] bool waits_for_prices() const;

    void begin_iteration(Outputs& out);
    /// The next iterate while the chair sets prices; nothing: it does no longer.
    std::optional<Iterate> priced_step();
    Iterate answer(const model::Schedules& prices);
    [[nodiscard]] Iterate post(const model::Schedules& prices,
                               const model::Schedules& delivery) const;

    [[nodiscard]] bool answered() const { return terms.parameters.method == Method::accelerated; }

    /// A home's barrier in that iteration (smoothing_kw2).
    [[nodiscard]] double smoothing(std::uint32_t iteration) const;
    /// Whether the session may end at it: homes have judged it by an exact step.
    [[nodiscard]] bool judged_exactly(const Iterate& iterate) const;
    std::optional<Iterate> chair_sets_prices();
    /// What the chair that this coordinator follows has set.
    std::optional<Iterate> chair_has_set_prices();
    /// What follows the masked words of the chair's message: the net's prices, or why there are none.
    [[nodiscard]] model::Schedules price_words() const;
    /// Nothing: the chair sets none any more.
    [[nodiscard]] std::optional<model::Schedules> prices_heard() const;
    [[nodiscard]] bool told_to_start_anew() const;
    [[nodiscard]] std::vector<std::uint64_t> words_of(std::size_t terminal) const;
    void send(Gathering& net, Outputs& out);
    void send_all(Outputs& out);
    /// Does all that can be done with what is there.
    void advance(Outputs& out);
    /// Who does not chair follows the chair into a later attempt, undoing a net step if need be. True: it did.
    bool follow_chair(Outputs& out);
    bool follow_chair(Gathering& net, Outputs& out);
    using Sums = std::vector<std::vector<std::uint64_t>>;  // per terminal
    [[nodiscard]] Sums sums() const;
    void complete_iteration(const Sums& sums, Outputs& out);
    [[nodiscard]] Journal journal_of(const Sums& sums) const;
    /// Has the device make its choices once what is announced is near enough for them to be the right ones.
    void settle_choices(const Notice& heard);
    /// The chair's word about the iterate before the one just completed.
    [[nodiscard]] Notice assess(std::uint32_t collected) const;
    [[nodiscard]] const Iterate* best_common(std::uint32_t reached) const;
    [[nodiscard]] Notice notice_about(const Iterate& iterate) const;

    /// Empty if what the notice says agrees with what this member can see.
    [[nodiscard]] std::string disagreement(const Notice& heard) const;
    void obey_stop(const Notice& heard, Outputs& out);
    void stop(const Notice& heard, Outputs& out);
    /// In units of the tolerances, by what is announced of it.
    [[nodiscard]] double badness_of(const Iterate& iterate, const Notice& heard) const;
    /// ρ after a session that ended at prices of the chair.
    [[nodiscard]] double rho_left_priced() const;
    /// ρ from which every net moves its own prices: of the session before if it ended so, else the agreed one.
    [[nodiscard]] double unpriced_rho() const;
    /// Where the next session starts.
    [[nodiscard]] double rho_left_by(const Notice& heard, const Iterate& end) const;
    void give_up(Outcome outcome, std::string why, Outputs& out);
    [[nodiscard]] std::string device_trouble(const Iterate& iterate) const;
    /// A home's part in the certificate of the iterate all stop at.
    [[nodiscard]] std::optional<MaskedShare> regret_at(const Iterate& end);

    Terms terms;
    PartyId self;
    model::Device& device;
    std::shared_ptr<const crypto::PairwiseMasks> masks;
    std::vector<Gathering> nets;       // per terminal
    std::vector<ResponseUnits> units;  // likewise
    Eigen::VectorXd weights;           // per terminal
    Iterate start;                     // iterate 0
    History history;
    Iterate next;  // the iteration under way
    double rho;
    Balancing balancing;
    bool priced;           ///< from the next iteration on
    bool settled = false;  ///< the device's choices
    bool over = false;
    // of a home
    std::vector<Iterate> redo;  ///< undone for a new chair, the next one last
    std::map<PartyId, MaskedShare> ahead;
    // of who follows the chair, or took over from it
    bool follows = false;
    bool missed = false;            ///< a journal
    std::optional<Journal> held;    ///< of the iteration under way
    const Journal* told = nullptr;  ///< while it is applied
    std::uint32_t resumed_at = 0;   ///< the iteration it took over in
    // of the chair
    Notice notice;                                        // sent with the iteration under way
    std::map<std::uint32_t, std::uint64_t> dual_squares;  // per iterate still in the history
    std::uint32_t settled_since = 1;  // first iterate that may be final: of present sets, choices
    Progress progress;
    Acceleration acceleration;
    std::vector<NetAnswer> answers;  // of the nets, in the last iteration
};

}  // namespace kilter::market
