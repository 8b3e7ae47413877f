/// The derivative of a convex, piecewise quadratic function on an interval, as a curve: points (x, s) with both coordinates
/// never falling, joined by straight lines, vertical where the function has a kink; vertical to ±∞ at the interval's ends.
/// The tool of the devices with memory here: their optimal costs are such functions of the state, from interval to interval.
///
///     V + q        adds q' to s                     (add)
///     V on a box   cuts the curve off                (restrict_to)
///     (V □ h)(x) = min_y V(y) + h(x − y)             adds the two curves' x at every s   (inf_convolution)
#pragma once

#include <optional>
#include <vector>

namespace kilter::mesh {

class MonotoneCurve {
  public:
    struct Point {
        double x = 0;
        double s = 0;
    };

    /// All x with the slope s: an interval, a single point where low = high.
    struct Range {
        double low = 0;
        double high = 0;
    };

    /// REQUIRES: not empty; neither x nor s falls from point to point.
    explicit MonotoneCurve(std::vector<Point> points);

    /// s ← s + constant + slope x, slope ≥ 0.
    void add(double constant, double slope);
    /// False, and the curve is the nearest single point, where [low, high] and the interval do not meet.
    bool restrict_to(double low, double high);

    /// Where the function's slope is s.
    [[nodiscard]] Range at(double s) const;
    /// A slope at x; the nearest end's where x is outside.
    [[nodiscard]] double slope(double x) const;

    [[nodiscard]] const std::vector<Point>& points() const { return points_; }

  private:
    std::vector<Point> points_;
};

MonotoneCurve inf_convolution(const MonotoneCurve& a, const MonotoneCurve& b);

}  // namespace kilter::mesh
