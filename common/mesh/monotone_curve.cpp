#include "common/mesh/monotone_curve.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace kilter::mesh {

namespace {

/// x on the line through a and b at the slope s, a.s ≤ s ≤ b.s.
double x_between(const MonotoneCurve::Point& a, const MonotoneCurve::Point& b, double s) {
    if (b.s <= a.s) return a.x;
    return a.x + (b.x - a.x) * ((s - a.s) / (b.s - a.s));
}

double s_between(const MonotoneCurve::Point& a, const MonotoneCurve::Point& b, double x) {
    if (b.x <= a.x) return a.s;
    return a.s + (b.s - a.s) * ((x - a.x) / (b.x - a.x));
}

}  // namespace

MonotoneCurve::MonotoneCurve(std::vector<Point> points) : points_(std::move(points)) {
    KILTER_CHECK(!points_.empty(), "a curve has a point at least");
}

void MonotoneCurve::add(double constant, double slope) {
    for (Point& point : points_)
        point.s += constant + slope * point.x;
}

bool MonotoneCurve::restrict_to(double low, double high) {
    if (points_.back().x < low || points_.front().x > high) {
        const Point nearest = points_.back().x < low ? points_.back() : points_.front();
        points_ = {{std::clamp(nearest.x, low, high), nearest.s}};
        return false;
    }
    std::vector<Point> kept;
    for (std::size_t i = 0; i < points_.size(); ++i) {
        if (i > 0)
            for (const double edge : {low, high})
                if (points_[i - 1].x < edge && edge < points_[i].x)
                    kept.push_back({edge, s_between(points_[i - 1], points_[i], edge)});
        if (points_[i].x >= low && points_[i].x <= high) kept.push_back(points_[i]);
    }
    points_ = std::move(kept);
    return true;
}

MonotoneCurve::Range MonotoneCurve::at(double s) const {
    const auto first =
        std::lower_bound(points_.begin(), points_.end(), s,
                         [](const Point& point, double value) { return point.s < value; });
    if (first == points_.end()) return {points_.back().x, points_.back().x};
    if (first->s > s) {
        if (first == points_.begin()) return {first->x, first->x};
        const double x = x_between(*(first - 1), *first, s);
        return {x, x};
    }
    auto last = first;
    while (last + 1 != points_.end() && (last + 1)->s == s)
        ++last;
    return {first->x, last->x};
}

double MonotoneCurve::slope(double x) const {
    const auto first =
        std::lower_bound(points_.begin(), points_.end(), x,
                         [](const Point& point, double value) { return point.x < value; });
    if (first == points_.end()) return points_.back().s;
    if (first == points_.begin() || first->x == x) return first->s;
    return s_between(*(first - 1), *first, x);
}

MonotoneCurve inf_convolution(const MonotoneCurve& a, const MonotoneCurve& b) {
    std::vector<double> slopes;
    for (const MonotoneCurve* curve : {&a, &b})
        for (const MonotoneCurve::Point& point : curve->points())
            slopes.push_back(point.s);
    std::sort(slopes.begin(), slopes.end());
    slopes.erase(std::unique(slopes.begin(), slopes.end()), slopes.end());
    std::vector<MonotoneCurve::Point> points;
    for (const double s : slopes) {
        const auto left = a.at(s), right = b.at(s);
        points.push_back({left.low + right.low, s});
        if (left.high + right.high > left.low + right.low)
            points.push_back({left.high + right.high, s});
    }
    return MonotoneCurve(std::move(points));
}

}  // namespace kilter::mesh
