#include "coordinator/ksuite/topology.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/base/check.hpp"

namespace kilter::ksuite {
namespace {

constexpr double probability_max = 0.8;
constexpr double reach = 0.11;

struct Point {
    double x = 0;
    double y = 0;
};

double squared(double value) {
    return value * value;
}

double squared_distance(const Point& a, const Point& b) {
    return squared(a.x - b.x) + squared(a.y - b.y);
}

double probability(double squared_distance) {
    return probability_max * std::min(1.0, squared(reach) / squared_distance);
}

/// Bits of x and y interleaved.
std::uint64_t morton(std::uint32_t x, std::uint32_t y) {
    std::uint64_t code = 0;
    for (unsigned bit = 0; bit < 24; ++bit)
        code |= (static_cast<std::uint64_t>((x >> bit) & 1U) << (2 * bit)) |
                (static_cast<std::uint64_t>((y >> bit) & 1U) << (2 * bit + 1));
    return code;
}

/// The points sorted along a Z curve over a quadtree whose 4^depth leaves hold about one point each.
class QuadTree {
  public:
    QuadTree(std::vector<Point> points, double side) : side_(side) {
        while (squared(static_cast<double>(2U << depth_)) <= static_cast<double>(points.size()))
            ++depth_;
        const std::uint32_t cells = 1U << depth_;
        const auto index = [&](double value) {
            return std::min(cells - 1, static_cast<std::uint32_t>(value / side_ * cells));
        };
        std::vector<std::pair<std::uint64_t, std::size_t>> order(points.size());
        begin_.assign((std::size_t{1} << (2 * depth_)) + 1, 0);
        for (std::size_t i = 0; i < points.size(); ++i) {
            order[i] = {morton(index(points[i].x), index(points[i].y)), i};
            ++begin_[order[i].first + 1];
        }
        std::sort(order.begin(), order.end());
        std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
        points_.reserve(points.size());
        for (const auto& [code, i] : order)
            points_.push_back(points[i]);
    }

    [[nodiscard]] const std::vector<Point>& points() const { return points_; }

    [[nodiscard]] unsigned depth() const { return depth_; }

    [[nodiscard]] double cell_side(unsigned level) const { return side_ / (1U << level); }

    /// The points of one cell of a level, as a range of indices.
    [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> cell(unsigned level,
                                                               std::uint32_t x,
                                                               std::uint32_t y) const {
        const unsigned shift = 2 * (depth_ - level);
        const std::uint64_t code = morton(x, y);
        return {begin_[code << shift], begin_[(code + 1) << shift]};
    }

  private:
    double side_;
    unsigned depth_ = 0;
    std::vector<Point> points_;
    std::vector<std::uint32_t> begin_;  ///< first point of every leaf
};

/// Joins pairs with their probability. Cells far enough apart are drawn together: candidates at the largest
/// probability any of their pairs has, by geometric jumps, then thinned. Every pair of points is in exactly one pair
/// of cells: the coarsest level at which the two cells do not touch, or touching leaves.
class RandomLines {
  public:
    RandomLines(const QuadTree& tree, Prng& random) : tree_(tree), random_(random) {}

    std::vector<NetPair> draw() {
        for (unsigned level = 0; level <= tree_.depth(); ++level) {
            const std::uint32_t cells = 1U << level;
            for (std::uint32_t x = 0; x < cells; ++x)
                for (std::uint32_t y = 0; y < cells; ++y)
                    draw_from(level, x, y);
        }
        return std::move(lines_);
    }

  private:
    void draw_from(unsigned level, std::uint32_t x, std::uint32_t y) {
        const auto own = tree_.cell(level, x, y);
        if (own.first == own.second) return;
        const auto cells = std::int64_t{1} << level;
        const auto around = [&](std::uint32_t at) {  // the parent's neighbourhood
            const auto parent = static_cast<std::int64_t>(at / 2);
            return std::pair{std::max<std::int64_t>(0, 2 * (parent - 1)),
                             std::min(cells, 2 * (parent + 2))};
        };
        const auto [x_begin, x_end] = around(x);
        const auto [y_begin, y_end] = around(y);
        for (std::int64_t i = x_begin; i < x_end; ++i)
            for (std::int64_t j = y_begin; j < y_end; ++j) {
                const std::pair here{static_cast<std::int64_t>(x), static_cast<std::int64_t>(y)};
                if (std::pair{i, j} < here) continue;
                const auto other =
                    tree_.cell(level, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
                const double side = tree_.cell_side(level);
                const auto gap = [&](std::int64_t a, std::int64_t b) {
                    return side *
                           static_cast<double>(std::max<std::int64_t>(0, std::abs(a - b) - 1));
                };
                const double apart = squared(gap(i, here.first)) + squared(gap(j, here.second));
                if (apart > 0)
                    draw_between(own, other, probability(apart));
                else if (level == tree_.depth())
                    draw_touching(own, other);
            }
    }

    void draw_between(std::pair<std::uint32_t, std::uint32_t> a,
                      std::pair<std::uint32_t, std::uint32_t> b,
                      double probability_bound) {
        const std::uint64_t width = b.second - b.first;
        const std::uint64_t pairs = (a.second - a.first) * width;
        const double per_jump = 1 / std::log1p(-probability_bound);
        for (std::uint64_t at = 0; at < pairs; ++at) {
            const double jump = std::log1p(-random_.uniform()) * per_jump;
            if (jump >= static_cast<double>(pairs - at)) return;
            at += static_cast<std::uint64_t>(jump);
            const auto i = static_cast<std::uint32_t>(a.first + at / width);
            const auto j = static_cast<std::uint32_t>(b.first + at % width);
            if (random_.chance(probability(squared_distance(tree_.points()[i], tree_.points()[j])) /
                               probability_bound))
                add(i, j);
        }
    }

    void draw_touching(std::pair<std::uint32_t, std::uint32_t> a,
                       std::pair<std::uint32_t, std::uint32_t> b) {
        for (std::uint32_t i = a.first; i < a.second; ++i)
            for (std::uint32_t j = a == b ? i + 1 : b.first; j < b.second; ++j)
                if (random_.chance(
                        probability(squared_distance(tree_.points()[i], tree_.points()[j]))))
                    add(i, j);
    }

    void add(std::uint32_t i, std::uint32_t j) {
        lines_.emplace_back(std::min(i, j), std::max(i, j));
    }

    const QuadTree& tree_;
    Prng& random_;
    std::vector<NetPair> lines_;
};

/// The net nearest to net i: rings of leaves outwards until no nearer one is possible.
std::uint32_t nearest(const QuadTree& tree, std::uint32_t i) {
    const unsigned level = tree.depth();
    const double side = tree.cell_side(level);
    const auto cells = std::int64_t{1} << level;
    const Point& from = tree.points()[i];
    const std::int64_t x = std::min(cells - 1, static_cast<std::int64_t>(from.x / side));
    const std::int64_t y = std::min(cells - 1, static_cast<std::int64_t>(from.y / side));
    std::uint32_t best = i;
    double best_distance = std::numeric_limits<double>::infinity();
    for (std::int64_t ring = 0; ring <= cells; ++ring) {
        if (ring > 0 && squared(static_cast<double>(ring - 1) * side) > best_distance) break;
        for (std::int64_t cx = std::max<std::int64_t>(0, x - ring);
             cx <= std::min(cells - 1, x + ring); ++cx)
            for (std::int64_t cy = std::max<std::int64_t>(0, y - ring);
                 cy <= std::min(cells - 1, y + ring); ++cy) {
                if (std::max(std::abs(cx - x), std::abs(cy - y)) != ring) continue;
                const auto [begin, end] = tree.cell(level, static_cast<std::uint32_t>(cx),
                                                    static_cast<std::uint32_t>(cy));
                for (std::uint32_t j = begin; j < end; ++j)
                    if (const double distance = squared_distance(from, tree.points()[j]);
                        j != i && distance < best_distance) {
                        best = j;
                        best_distance = distance;
                    }
            }
    }
    return best;
}

class Components {
  public:
    explicit Components(std::size_t count) : parent_(count), left_(count) {
        std::iota(parent_.begin(), parent_.end(), 0U);
    }

    std::uint32_t root(std::uint32_t i) {
        while (parent_[i] != i)
            i = parent_[i] = parent_[parent_[i]];
        return i;
    }

    /// False when they are one already.
    bool join(std::uint32_t i, std::uint32_t j) {
        i = root(i);
        j = root(j);
        if (i == j) return false;
        parent_[std::max(i, j)] = std::min(i, j);
        --left_;
        return true;
    }

    [[nodiscard]] std::size_t left() const { return left_; }

  private:
    std::vector<std::uint32_t> parent_;
    std::size_t left_;
};

/// Depth-first numbers from net 0, over lines in their order.
std::vector<std::uint32_t> depth_first(std::size_t nets, const std::vector<NetPair>& lines) {
    std::vector<std::uint32_t> begin(nets + 1, 0);
    for (const auto& [i, j] : lines) {
        ++begin[i + 1];
        ++begin[j + 1];
    }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::uint32_t> neighbour(2 * lines.size());
    std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
    for (const auto& [i, j] : lines) {
        neighbour[next[i]++] = j;
        neighbour[next[j]++] = i;
    }
    std::vector<std::uint32_t> number(nets, std::numeric_limits<std::uint32_t>::max());
    std::vector<std::uint32_t> waiting{0};
    std::uint32_t count = 0;
    while (!waiting.empty()) {
        const std::uint32_t at = waiting.back();
        waiting.pop_back();
        if (number[at] != std::numeric_limits<std::uint32_t>::max()) continue;
        number[at] = count++;
        for (std::uint32_t k = begin[at + 1]; k-- > begin[at];)
            if (number[neighbour[k]] == std::numeric_limits<std::uint32_t>::max())
                waiting.push_back(neighbour[k]);
    }
    return number;
}

}  // namespace

Topology draw_topology(std::size_t nets, Prng& random) {
    KILTER_CHECK(nets >= 2, "a network has two nets at least");
    const double side = std::sqrt(static_cast<double>(nets));
    std::vector<Point> points(nets);
    for (Point& point : points) {
        point.x = random.uniform(0, side);
        point.y = random.uniform(0, side);
    }
    const QuadTree tree(std::move(points), side);
    std::vector<NetPair> lines = RandomLines(tree, random).draw();

    std::vector<bool> joined(nets, false);
    Components components(nets);
    const auto note = [&](const NetPair& line) {
        joined[line.first] = joined[line.second] = true;
        components.join(line.first, line.second);
    };
    std::for_each(lines.begin(), lines.end(), note);
    for (std::uint32_t i = 0; i < nets; ++i)
        if (!joined[i]) {
            lines.push_back(std::minmax(i, nearest(tree, i)));
            note(lines.back());
        }
    while (components.left() > 1) {
        const auto i = static_cast<std::uint32_t>(random.below(nets));
        const auto j = static_cast<std::uint32_t>(random.below(nets));
        if (components.join(i, j)) lines.push_back(std::minmax(i, j));
    }

    const std::vector<std::uint32_t> number = depth_first(nets, lines);
    for (NetPair& line : lines)
        line = std::minmax(number[line.first], number[line.second]);
    std::sort(lines.begin(), lines.end());
    return {nets, std::move(lines)};
}

}  // namespace kilter::ksuite
