/// Rows by their effects on each other, G, of which some are active: what a dual active set method asks of them
/// (sign_constrained.hpp). The diagonal is a billionth larger than G's, so that rows that depend on each other share their
/// multiplier. Private to the feeder.
///
///     DenseRows    G as a matrix; the factor of the active part is kept as rows come and go (RowSet)
///     LevelRows    G of a feeder whose nets answer prices by level responses (level_rows.hpp)
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "common/prox/row_set.hpp"

namespace kilter::prox {

class ActiveRows {
  public:
    static constexpr double lift = 1e-9;

    ActiveRows() = default;
    ActiveRows(const ActiveRows&) = delete;
    ActiveRows& operator=(const ActiveRows&) = delete;
    virtual ~ActiveRows() = default;

    [[nodiscard]] virtual Eigen::Index size() const = 0;
    /// With the lift.
    [[nodiscard]] virtual double diagonal(Eigen::Index row) const = 0;
    /// G μ. Few rows have a multiplier.
    [[nodiscard]] virtual Eigen::VectorXd times(const Eigen::VectorXd& multipliers) const = 0;
    /// Of a row that is not active with the active ones, in their order.
    [[nodiscard]] virtual std::vector<double> products(Eigen::Index row) const = 0;

    /// In the order in which they became so.
    [[nodiscard]] const std::vector<Eigen::Index>& active() const { return active_; }

    /// False, and nothing changes, when it depends linearly on the active ones (to one part in 10¹⁰).
    bool add(Eigen::Index row) {
        if (!append(row)) return false;
        active_.push_back(row);
        return true;
    }

    /// REQUIRES: place < active().size()
    void drop(std::size_t place) {
        remove(place);
        active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(place));
    }

    /// b ← G⁻¹ b of the active rows.
    virtual void solve(std::span<double> b) = 0;

  private:
    virtual bool append(Eigen::Index row) = 0;
    virtual void remove(std::size_t place) = 0;

    std::vector<Eigen::Index> active_;
};

class DenseRows final : public ActiveRows {
  public:
    /// Both must outlive it; what `workspace` holds is forgotten.
    DenseRows(const Eigen::MatrixXd& gram, RowSet& workspace) : gram_(gram), set_(workspace) {
        set_.clear();
    }

    [[nodiscard]] Eigen::Index size() const override { return gram_.rows(); }

    [[nodiscard]] double diagonal(Eigen::Index row) const override {
        return gram_(row, row) * (1 + lift);
    }

    [[nodiscard]] Eigen::VectorXd times(const Eigen::VectorXd& multipliers) const override {
        Eigen::VectorXd out = Eigen::VectorXd::Zero(gram_.rows());
        for (Eigen::Index i = 0; i < multipliers.size(); ++i)
            if (multipliers[i] != 0) out += multipliers[i] * gram_.col(i);
        return out;
    }

    [[nodiscard]] std::vector<double> products(Eigen::Index row) const override {
        std::vector<double> out;
        out.reserve(active().size());
        for (const Eigen::Index other : active())
            out.push_back(gram_(other, row));
        return out;
    }

    void solve(std::span<double> b) override { set_.solve(b); }

  private:
    bool append(Eigen::Index row) override { return set_.add(products(row), diagonal(row)); }

    void remove(std::size_t place) override { set_.drop(place); }

    const Eigen::MatrixXd& gram_;
    RowSet& set_;
};

}  // namespace kilter::prox
