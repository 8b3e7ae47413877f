/// How what the members of a net draw together answers its prices: they draw R (y − y⁺) more at prices y⁺ than at y.
#pragma once

#include <utility>

#include <Eigen/Core>

#include "common/base/check.hpp"

namespace kilter::model {

/// R, kW per EUR/kW; square, symmetric, positive definite; index channel × T + interval. Either any matrix, or a level one: in
/// each channel own · I + shared · 11ᵀ, by which a price of another interval matters only as part of the mean.
class Response {
  public:
    explicit Response(Eigen::MatrixXd matrix) : matrix_(std::move(matrix)) {}

    /// REQUIRES: own > 0 ≥ shared > −own / intervals.
    static Response level(double own,
                          double shared,
                          Eigen::Index channels,
                          Eigen::Index intervals) {
        KILTER_CHECK(own > 0 && shared <= 0 && own + static_cast<double>(intervals) * shared > 0,
                     "a level response is positive definite");
        Response out{Eigen::MatrixXd()};
        out.own_ = own;
        out.shared_ = shared;
        out.channels_ = channels;
        out.intervals_ = intervals;
        return out;
    }

    [[nodiscard]] bool is_level() const { return intervals_ > 0; }

    /// Of a level one.
    [[nodiscard]] double own() const { return own_; }

    [[nodiscard]] double shared() const { return shared_; }

    [[nodiscard]] Eigen::MatrixXd matrix() const {
        if (!is_level()) return matrix_;
        const Eigen::Index size = channels_ * intervals_;
        Eigen::MatrixXd out = own_ * Eigen::MatrixXd::Identity(size, size);
        for (Eigen::Index at = 0; at < size; at += intervals_)
            out.block(at, at, intervals_, intervals_).array() += shared_;
        return out;
    }

    /// Of the matrix, which is symmetric.
    [[nodiscard]] Eigen::VectorXd column(Eigen::Index at) const {
        if (!is_level()) return matrix_.col(at);
        Eigen::VectorXd out = Eigen::VectorXd::Zero(channels_ * intervals_);
        out.segment(at / intervals_ * intervals_, intervals_).setConstant(shared_);
        out[at] += own_;
        return out;
    }

    /// R v
    [[nodiscard]] Eigen::VectorXd times(const Eigen::VectorXd& v) const {
        if (!is_level()) return matrix_ * v;
        Eigen::VectorXd out = own_ * v;
        for (Eigen::Index at = 0; at < v.size(); at += intervals_)
            out.segment(at, intervals_).array() += shared_ * v.segment(at, intervals_).sum();
        return out;
    }

  private:
    Eigen::MatrixXd matrix_;
    double own_ = 0, shared_ = 0;
    Eigen::Index channels_ = 0, intervals_ = 0;
};

}  // namespace kilter::model
