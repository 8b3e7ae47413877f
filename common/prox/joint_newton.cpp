#include "common/prox/joint_newton.hpp"

#include <utility>

#include "common/base/check.hpp"

namespace kilter::prox {

namespace {

constexpr int exchanges_max = 60;
/// kW. The solver shares a multiplier among rows that depend on each other by a billionth of their effects: rows that
/// contradict each other then have huge ones, and keep none of their limits.
constexpr double contradiction_kw = 1e-3;

bool met(const Eigen::VectorXd& excess,
         const std::vector<bool>& free,
         const Eigen::VectorXd& multipliers) {
    for (Eigen::Index i = 0; i < excess.size(); ++i)
        if (!free[static_cast<std::size_t>(i)] && !(excess[i] <= contradiction_kw)) return false;
    return multipliers.allFinite();
}

/// Ports come before rows.
Eigen::Index first_row(const PieceRows& piece) {
    return piece.value.size() - static_cast<Eigen::Index>(piece.rows.size());
}

}  // namespace

JointNewton::JointNewton(std::vector<Hanging> pieces, Eigen::Index intervals)
    : pieces_(std::move(pieces)), intervals_(intervals) {
    for (std::size_t s = 1; s < pieces_.size(); ++s)
        KILTER_CHECK(pieces_[s].above < s, "a piece comes after the one it hangs on");
}

Eigen::Index JointNewton::end_port(std::size_t piece, std::size_t end) const {
    return (static_cast<Eigen::Index>(end) + (piece > 0 ? 1 : 0)) * intervals_;
}

/// The multipliers of all ports that those of all rows amount to.
void JointNewton::spread(const std::vector<PieceRows>& pieces,
                         const Eigen::VectorXd& multipliers,
                         std::vector<PieceStep>& steps) const {
    Eigen::Index next = 0;
    for (std::size_t s = 0; s < pieces.size(); ++s) {
        const Eigen::Index first = first_row(pieces[s]);
        const auto count = static_cast<Eigen::Index>(pieces[s].rows.size());
        steps[s].multipliers.setZero(first + count);
        steps[s].multipliers.tail(count) = multipliers.segment(next, count);
        next += count;
    }
    for (std::size_t s = pieces.size(); s-- > 1;) {
        const auto [above, end] = pieces_[s];
        const PieceRows& own = pieces[s];
        auto voltage = steps[above].multipliers.segment(end_port(above, end), intervals_);
        for (Eigen::Index k = 0; k < own.end_drop.rows(); ++k)
            voltage +=
                steps[s].multipliers.segment(end_port(s, static_cast<std::size_t>(k)), intervals_);
        for (std::size_t i = 0; i < own.rows.size(); ++i)
            voltage[own.rows[i].interval] +=
                own.rows[i].of_start *
                steps[s].multipliers[first_row(own) + static_cast<Eigen::Index>(i)];
    }
    for (std::size_t s = 1; s < pieces.size(); ++s) {
        const auto [above, end] = pieces_[s];
        const PieceRows& upper = pieces[above];
        const Eigen::VectorXd& told = steps[above].multipliers;
        const auto k = static_cast<Eigen::Index>(end);
        auto price = steps[s].multipliers.head(intervals_);
        if (above > 0) price += told.head(intervals_);
        for (Eigen::Index l = 0; l < upper.end_drop.rows(); ++l)
            price += upper.end_drop(l, k) *
                     told.segment(end_port(above, static_cast<std::size_t>(l)), intervals_);
        for (std::size_t i = 0; i < upper.rows.size(); ++i)
            price[upper.rows[i].interval] += upper.rows[i].of_end_flow[k] *
                                             told[first_row(upper) + static_cast<Eigen::Index>(i)];
    }
}

/// Flows, voltages and what is exceeded at the steps' multipliers; without the values, what the multipliers alone do.
void JointNewton::answer(const std::vector<PieceRows>& pieces,
                         bool from_values,
                         std::vector<PieceStep>& steps,
                         Eigen::VectorXd& excess) const {
    std::vector<Eigen::VectorXd> own(pieces.size());
    for (std::size_t s = 0; s < pieces.size(); ++s) {
        const PieceRows& piece = pieces[s];
        own[s] = from_values ? piece.value : Eigen::VectorXd::Zero(piece.value.size());
        for (Eigen::Index j = 0; j < own[s].size(); ++j)
            if (steps[s].multipliers[j] != 0) own[s] -= steps[s].multipliers[j] * piece.gram.col(j);
        steps[s].end_flow.setZero(piece.end_drop.rows(), intervals_);
        steps[s].start.setZero(intervals_);
    }
    for (std::size_t s = pieces.size(); s-- > 1;)
        steps[pieces_[s].above].end_flow.row(static_cast<Eigen::Index>(pieces_[s].end)) =
            own[s].head(intervals_).transpose() + steps[s].end_flow.colwise().sum();
    for (std::size_t s = 1; s < pieces.size(); ++s) {
        const auto [above, end] = pieces_[s];
        steps[s].start =
            steps[above].start + own[above].segment(end_port(above, end), intervals_).transpose() +
            pieces[above].end_drop.row(static_cast<Eigen::Index>(end)) * steps[above].end_flow;
    }
    Eigen::Index next = 0;
    for (std::size_t s = 0; s < pieces.size(); ++s) {
        Eigen::Index at = first_row(pieces[s]);
        for (const PieceRow& row : pieces[s].rows)
            excess[next++] = own[s][at++] +
                             row.of_end_flow.dot(steps[s].end_flow.col(row.interval)) +
                             row.of_start * steps[s].start[row.interval];
    }
}

std::optional<std::vector<PieceStep>> JointNewton::solve(const std::vector<PieceRows>& pieces) {
    KILTER_CHECK(pieces.size() == pieces_.size(), "every piece says what its rows are");
    std::vector<bool> free;
    std::vector<double> before;
    for (const PieceRows& piece : pieces)
        for (const PieceRow& row : piece.rows) {
            free.push_back(row.free);
            before.push_back(row.multiplier);
        }
    const auto rows = static_cast<Eigen::Index>(free.size());
    if (pieces.front().level) {
        const PieceRows& whole = pieces.front();
        LevelRows level(*whole.level, intervals_);
        PieceStep step{Eigen::Map<const Eigen::VectorXd>(before.data(), rows),
                       model::Schedules(0, intervals_), Eigen::RowVectorXd::Zero(intervals_)};
        if (!SignConstrained::solve(level, whole.value, free, step.multipliers) ||
            !met(whole.value - level.times(step.multipliers), free, step.multipliers))
            return std::nullopt;
        return std::vector{std::move(step)};
    }
    Eigen::VectorXd multipliers = Eigen::VectorXd::Zero(rows), offset(rows), effect(rows);
    Eigen::MatrixXd gram(rows, rows);
    std::vector<PieceStep> steps(pieces.size());
    spread(pieces, multipliers, steps);
    answer(pieces, true, steps, offset);
    for (Eigen::Index i = 0; i < rows; ++i) {
        multipliers[i] = 1;
        spread(pieces, multipliers, steps);
        answer(pieces, false, steps, effect);
        gram.col(i) = -effect;
        multipliers[i] = 0;
    }
    multipliers = Eigen::Map<const Eigen::VectorXd>(before.data(), rows);
    if (!solver_.solve(gram, offset, free, multipliers)) return std::nullopt;
    spread(pieces, multipliers, steps);
    answer(pieces, true, steps, effect);
    if (!met(effect, free, multipliers)) return std::nullopt;
    return steps;
}

int JointNewton::settle(std::vector<PieceNewton>& owners, const std::function<bool()>& restrain) {
    for (int round = 1; round <= exchanges_max; ++round) {
        std::vector<PieceRows> said;
        said.reserve(owners.size());
        for (const PieceNewton& owner : owners)
            said.push_back(owner.rows());
        const std::optional<std::vector<PieceStep>> steps = solve(said);
        if (!steps) break;
        bool more = false;
        for (std::size_t s = 0; s < owners.size(); ++s)
            if (owners[s].hear((*steps)[s])) more = true;
        if (restrain && restrain()) more = true;
        if (!more) return round + 1;
    }
    for (PieceNewton& owner : owners)
        owner.forget();
    return 0;
}

}  // namespace kilter::prox
