#include "common/prox/storage_chain.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/check.hpp"
#include "common/base/number.hpp"

namespace kilter::prox {

namespace {

constexpr double rounding =
    1e-9;  // far above what sums of steps lose, far below what anyone measures

double nearest(double value, const Range& range) {
    return std::max(range.low, std::min(range.high, value));
}

Range intersection(const Range& a, const Range& bounds) {
    const Range cut{std::max(a.low, bounds.low), std::min(a.high, bounds.high)};
    if (cut.low <= cut.high) return cut;
    const double point = nearest(a.low, bounds);
    return {point, point};
}

/// (φ')⁻¹(λ)
Range steps_at(const Stage& stage, double lambda) {
    double base = stage.low;
    double flat = 0;
    for (std::size_t i = 0; i < stage.count; ++i) {
        const Piece& piece = stage.pieces[i];
        if (lambda < piece.from) return {base, base + flat};
        if (piece.from == piece.to && lambda == piece.from) {
            flat += piece.width;
        } else if (lambda >= piece.to) {
            base += piece.width;
        } else if (flat > 0) {
            return {base, base + flat};
        } else {
            const double part = (lambda - piece.from) / (piece.to - piece.from);
            const double at = std::min(stage.high, base + part * piece.width);
            return {at, at};
        }
    }
    // the widths add up to the domain only to rounding
    return {flat > 0 ? std::min(base, stage.high) : stage.high, stage.high};
}

At place(double value, double low, double high) {
    if (value <= low) return At::low;
    return value >= high ? At::high : At::inside;
}

}  // namespace

void Stage::add(const Piece& piece) {
    if (!(piece.width > 0)) return;
    KILTER_CHECK(count < pieces_max, "too many pieces in a stage");
    pieces[count++] = piece;
}

StorageChain::StorageChain(std::size_t steps)
    : stages_(steps),
      bounds_(steps),
      events_(steps * (2 * Stage::pieces_max + 1) + 1),
      cut_(steps),
      choice_(steps),
      goal_(steps),
      steps_(steps),
      levels_(steps),
      lambda_(steps),
      step_at_(steps),
      level_at_(steps) {}

bool StorageChain::solve(double start) {
    first_ = last_ = 0;
    graph_low_ = graph_high_ = start;
    missed_at_ = 0;
    missed_by_ = 0;
    for (std::size_t t = 0; t < stages_.size(); ++t) {
        add(stages_[t]);
        cut_[t] = {-infinity, infinity};
        cut_low(t);
        cut_high(t);
    }
    walk_back();
    walk_forward(start);
    return missed_by_ == 0;
}

void StorageChain::add(const Stage& stage) {
    graph_low_ += stage.low;
    graph_high_ += stage.high;
    for (std::size_t i = 0; i < stage.count; ++i) {
        const Piece& piece = stage.pieces[i];
        const double slope = piece.width / (piece.to - piece.from);
        if (slope < infinity) {
            insert({piece.from, 0, slope});
            insert({piece.to, 0, -slope});
        } else {
            insert({piece.from, piece.width, 0});
        }
    }
}

void StorageChain::insert(const Event& event) {
    const auto begin = events_.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto end = events_.begin() + static_cast<std::ptrdiff_t>(last_);
    const auto place = std::lower_bound(
        begin, end, event.lambda, [](const Event& e, double lambda) { return e.lambda < lambda; });
    if (place != end && place->lambda == event.lambda) {
        place->jump += event.jump;
        place->slope += event.slope;
        return;
    }
    if (first_ > 0 && place - begin < end - place) {
        std::move(begin, place, begin - 1);
        *(place - 1) = event;
        --first_;
    } else {
        std::move_backward(place, end, end + 1);
        *place = event;
        ++last_;
    }
}

void StorageChain::miss(std::size_t t, double by) {
    if (std::abs(by) > rounding) {
        missed_at_ = t;
        missed_by_ = by;
    }
    first_ = last_ = 0;
}

void StorageChain::cut_low(std::size_t t) {
    const double low = bounds_[t].low;
    if (graph_low_ >= low) return;
    if (graph_high_ <= low || first_ == last_) {
        cut_[t].low = infinity;
        miss(t, low - graph_high_);
        graph_low_ = graph_high_;
        return;
    }
    double e = graph_low_;  // on the graph, coming to the first event from the left
    double slope = 0;
    graph_low_ = low;
    for (;; ++first_) {
        Event& event = events_[first_];
        cut_[t].low = event.lambda;
        slope += event.slope;
        if (e + event.jump >= low) {
            event = {event.lambda, e + event.jump - low, slope};
            return;
        }
        e += event.jump;
        if (first_ + 1 == last_) {  // by rounding only: the graph ends at graph_high_ > low
            event = {event.lambda, 0, 0};
            return;
        }
        const double next = events_[first_ + 1].lambda;
        const double rise = slope * (next - event.lambda);
        if (e + rise >= low) {
            cut_[t].low = std::min(next, event.lambda + (low - e) / slope);
            event = {cut_[t].low, 0, slope};
            return;
        }
        e += rise;
    }
}

void StorageChain::cut_high(std::size_t t) {
    const double high = bounds_[t].high;
    if (graph_high_ <= high) return;
    if (graph_low_ >= high || first_ == last_) {
        // all of the graph is above, or it just touches: then this end of it is where it was cut
        // below
        cut_[t].high = cut_[t].low;
        miss(t, high - graph_low_);
        graph_high_ = graph_low_;
        return;
    }
    double e = graph_high_;  // on the graph, coming to the last event from the right
    double slope = 0;
    graph_high_ = high;
    for (;; --last_) {
        Event& event = events_[last_ - 1];
        double cut = event.lambda;
        slope -= event.slope;
        if (e - event.jump <= high) {
            event = {cut, high - (e - event.jump), -slope};
        } else if (e -= event.jump; last_ - 1 == first_) {
            event = {cut, 0, 0};
        } else {
            const double before = events_[last_ - 2].lambda;
            const double rise = slope * (event.lambda - before);
            if (e - rise > high) {
                e -= rise;
                continue;
            }
            cut = std::max(before, event.lambda - (e - high) / slope);
            event = {cut, 0, -slope};
        }
        cut_[t].high = std::max(cut_[t].low, cut);
        return;
    }
}

void StorageChain::walk_back() {
    double lambda = 0;
    for (std::size_t t = stages_.size(); t-- > 0;) {
        Range end = bounds_[t];
        if (lambda < cut_[t].low) {
            lambda = cut_[t].low;
            end.high = end.low;
        } else if (lambda > cut_[t].high) {
            lambda = cut_[t].high;
            end.low = end.high;
        }
        lambda_[t] = lambda;
        choice_[t] = steps_at(stages_[t], lambda);
        if (t + 1 == stages_.size()) {
            goal_[t] = end;
        } else {
            const Range& next = goal_[t + 1];
            const Range& step = choice_[t + 1];
            goal_[t] = intersection({next.low - step.high, next.high - step.low}, end);
        }
    }
}

void StorageChain::walk_forward(double start) {
    double e = start;
    for (std::size_t t = 0; t < stages_.size(); ++t) {
        const double wish = nearest(0, {goal_[t].low - e, goal_[t].high - e});
        const double step = nearest(wish, choice_[t]);
        e += step;
        const double met = nearest(e, goal_[t]);
        if (std::abs(e - met) <= rounding) e = met;
        steps_[t] = step;
        levels_[t] = e;
        step_at_[t] = place(step, stages_[t].low, stages_[t].high);
        level_at_[t] = place(e, bounds_[t].low, bounds_[t].high);
    }
}

}  // namespace kilter::prox
