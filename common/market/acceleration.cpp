#include "common/market/acceleration.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <Eigen/Cholesky>

#include "common/market/residuals.hpp"

namespace kilter::market {

namespace {

constexpr double trust = 2;         // ρ_k / μ
constexpr double rho_fall = 0.6;    // per iteration
constexpr double rho_floor = 0.2;   // × the agreed penalty
constexpr double rho_later = 0.4;   // × the agreed penalty
constexpr double delta_fall = 0.6;  // while the residuals fall
// δ and λ: parts of the most a home answers, 1/ρ_k; no unit
constexpr double delta_least = 0.01;
constexpr double lambda = 0.003;
// A net's prices leap where they would move farther (in norm) than these allow, all three:
constexpr double leap_least = 0.1;      // × price scale
constexpr double leap_onwards = 2;      // × their last move, and × its median over nets
constexpr double leap_backwards = 0.7;  // × their last move where they turn round
constexpr double held_rise = 4;
constexpr double held_fall = 0.25;  // per iteration
constexpr double held_most = 65536;
constexpr int held_rounds_max = 8;
constexpr double judging = 3;  // × the agreed penalty
// × the agreed tolerance of an imbalance, squared
constexpr double smoothing_first = 1e6;
constexpr double smoothing_later = 1000;
constexpr double smoothing_fall = 0.3;  // per iteration
constexpr double smoothing_last = 10;
constexpr double smoothing_judged = 100;  // at most, where the step that is judged is exact
constexpr double work_max_kw = 0x1.0p24;

std::int64_t rounded(double value, double most, double unit) {
    return std::isfinite(value) ? std::llround(std::clamp(value, -most, most) / unit) : 0;
}

constexpr std::size_t entries_per_word = 64 / ResponseUnits::bits;

/// Entry i of a word's, as signed; what it carried into those above is taken back.
std::int64_t take_entry(std::uint64_t& word) {
    constexpr int above = 64 - ResponseUnits::bits;
    const std::int64_t entry = static_cast<std::int64_t>(word << above) >> above;
    word = (word - static_cast<std::uint64_t>(entry)) >> ResponseUnits::bits;
    return entry;
}

/// (δ − λ) L/2 + λ I, each channel for itself: δ on the diagonal.
Eigen::MatrixXd trust_region(double delta, const Parameters& parameters) {
    const auto quantities = static_cast<Eigen::Index>(parameters.quantities());
    const auto horizon = static_cast<Eigen::Index>(parameters.horizon);
    Eigen::MatrixXd out = lambda * Eigen::MatrixXd::Identity(quantities, quantities);
    for (Eigen::Index k = 0; k + 1 < quantities; ++k) {
        if ((k + 1) % horizon == 0) continue;  // the next one is another channel's
        out.block<2, 2>(k, k) += (delta - lambda) / 2 * Eigen::Matrix2d{{1, -1}, {-1, 1}};
    }
    return out;
}

/// Nets whose prices would leap from `last` to `next`, given how all moved from `before` to `last`.
std::vector<std::size_t> leaping(const model::Schedules& before,
                                 const model::Schedules& last,
                                 const model::Schedules& next,
                                 const Parameters& parameters) {
    const model::Schedules moved = last - before, moves = next - last;
    const std::size_t nets = static_cast<std::size_t>(last.rows()) / parameters.channels;
    std::vector<double> norms;
    for (std::size_t n = 0; n < nets; ++n)
        norms.push_back(terminal_values(moved, n, parameters).norm());
    double everywhere =
        leap_least * parameters.price_scale_eur_per_kwh * parameters.interval_s / 3600.0;
    if (nets > 1) {
        std::vector<double> sorted = norms;
        const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((nets - 1) / 2);
        std::nth_element(sorted.begin(), middle, sorted.end());
        everywhere = std::max(everywhere, leap_onwards * *middle);
    }
    std::vector<std::size_t> out;
    for (std::size_t n = 0; n < nets; ++n) {
        const auto then = terminal_values(moved, n, parameters),
                   now = terminal_values(moves, n, parameters);
        const double by = then.dot(now) < 0 ? leap_backwards : leap_onwards;
        if (now.norm() > std::max(everywhere, by * norms[n])) out.push_back(n);
    }
    return out;
}

}  // namespace

ResponseUnits::ResponseUnits(std::size_t homes)
    : most_(((std::int64_t{1} << (bits - 1)) - 1) /
            static_cast<std::int64_t>(std::max<std::size_t>(1, homes))),
      unit_(std::ldexp(trust,
                       1 - static_cast<int>(std::bit_width(static_cast<std::uint64_t>(most_))))) {}

std::int64_t ResponseUnits::of(double entry) const {
    return rounded(entry, static_cast<double>(most_) * unit_, unit_);
}

std::size_t answer_words(const Parameters& parameters) {
    const std::size_t quantities = parameters.quantities();
    const std::size_t entries = quantities * (quantities + 1) / 2;
    return quantities + (entries + entries_per_word - 1) / entries_per_word;
}

double next_working_rho(const Parameters& parameters, double rho) {
    return std::max(rho_floor * parameters.rho_eur_per_kw2, rho_fall * rho);
}

double later_rho(const Parameters& parameters) {
    return rho_later * parameters.rho_eur_per_kw2;
}

double smoothing_kw2(std::uint32_t iteration, double opening_rho, const Parameters& parameters) {
    const double first =
        opening_rho < parameters.rho_eur_per_kw2 ? smoothing_later : smoothing_first;
    return parameters.primal_tolerance_kw * parameters.primal_tolerance_kw *
           std::max(smoothing_last, first * std::pow(smoothing_fall, iteration - 1));
}

bool judged_exactly(double smoothing_kw2, const Parameters& parameters) {
    return smoothing_kw2 <=
           smoothing_judged * parameters.primal_tolerance_kw * parameters.primal_tolerance_kw;
}

Iterate answer_prices(model::Device& device,
                      const Iterate& last,
                      const model::Schedules& y_eur_per_kw,
                      double rho,
                      double smoothing_kw2,
                      const ResponseUnits& units,
                      const Parameters& parameters) {
    Iterate next;
    next.iteration = last.iteration + 1;
    next.priced = true;
    next.alpha = 1;
    next.rho_eur_per_kw2 = judging * parameters.rho_eur_per_kw2;
    next.rho_working = rho;
    next.y_eur_per_kw = y_eur_per_kw;
    next.z_kw = last.z_kw;
    if (last.answer) {
        const Eigen::VectorXd moves =
            last.answer->response * y_eur_per_kw.reshaped<Eigen::RowMajor>();
        next.z_kw = last.answer->work_kw;
        next.z_kw.reshaped<Eigen::RowMajor>() -= moves;
    }

    auto answer = std::make_shared<Answer>();
    const auto quantities = static_cast<Eigen::Index>(parameters.quantities());
    const auto penalty = [&](double value) {
        return Eigen::VectorXd::Constant(next.z_kw.rows(), value).eval();
    };
    next.x_kw.resizeLike(next.z_kw);
    // whether limits can be kept an exact step says: a barrier misses soft ones a little
    device.smoothed_prox(next.z_kw - y_eur_per_kw / rho, penalty(rho), smoothing_kw2, next.x_kw);
    if (!device.price_response(rho / trust, answer->response) || !answer->response.allFinite())
        answer->response.setZero(quantities, quantities);
    // What the message cannot carry must not move the home either: the rest would stay as an imbalance.
    for (Eigen::Index j = 0; j < quantities; ++j)
        for (Eigen::Index i = 0; i <= j; ++i)
            answer->response(i, j) = answer->response(j, i) =
                static_cast<double>(units.of(rho * answer->response(i, j))) * units.unit() / rho;
    const model::Schedules pull = y_eur_per_kw + (1 - 1 / trust) * rho * (next.x_kw - next.z_kw);
    const Eigen::VectorXd intercept = answer->response * pull.reshaped<Eigen::RowMajor>();
    answer->work_kw = next.x_kw;
    answer->work_kw.reshaped<Eigen::RowMajor>() += intercept;

    if (judged_exactly(smoothing_kw2, parameters)) {
        const double judge = next.rho_eur_per_kw2;
        next.feasible = device.prox(next.z_kw - y_eur_per_kw / judge, penalty(judge), next.x_kw) ==
                        model::ProxStatus::solved;
    }
    KILTER_CHECK(next.x_kw.allFinite() && answer->work_kw.allFinite(),
                 "a device's prox must answer with finite schedules of its own shape");
    next.a_units = rounded_units(next.x_kw);
    next.moved = {square_units((next.x_kw - next.z_kw).squaredNorm(), movement_max)};
    next.answer = std::move(answer);
    return next;
}

void append_answer(const Iterate& iterate,
                   double rho,
                   const ResponseUnits& units,
                   std::vector<std::uint64_t>& words) {
    const Answer& answer = *iterate.answer;
    for (const double value : answer.work_kw.reshaped<Eigen::RowMajor>())
        words.push_back(static_cast<std::uint64_t>(rounded(value, work_max_kw, unit_kw)));
    std::size_t place = 0;
    for (Eigen::Index i = 0; i < answer.response.rows(); ++i)
        for (Eigen::Index j = i; j < answer.response.cols(); ++j) {
            if (place == 0) words.push_back(0);
            words.back() += static_cast<std::uint64_t>(units.of(rho * answer.response(i, j)))
                            << (ResponseUnits::bits * place);
            place = (place + 1) % entries_per_word;
        }
}

Iterate set_prices(const Iterate& last,
                   const model::Schedules& y_eur_per_kw,
                   const model::Schedules& delivery_kw,
                   double rho,
                   const Parameters& parameters) {
    Iterate next;
    next.iteration = last.iteration + 1;
    next.priced = true;
    next.alpha = 1;
    next.rho_eur_per_kw2 = judging * parameters.rho_eur_per_kw2;
    next.rho_working = rho;
    next.y_eur_per_kw = y_eur_per_kw;
    next.x_kw = next.z_kw = -delivery_kw;
    next.a_units = rounded_units(next.x_kw);
    next.moved.assign(last.moved.size(), 0);
    return next;
}

NetAnswer net_answer(std::span<const std::uint64_t> sums,
                     double rho,
                     const ResponseUnits& units,
                     const Parameters& parameters) {
    const auto quantities = static_cast<Eigen::Index>(parameters.quantities());
    NetAnswer out{model::Series(quantities), Eigen::MatrixXd(quantities, quantities)};
    std::size_t at = 0;
    for (double& value : out.work_kw)
        value = static_cast<double>(static_cast<std::int64_t>(sums[at++])) * unit_kw;
    std::size_t place = 0;
    std::uint64_t word = 0;
    for (Eigen::Index i = 0; i < quantities; ++i)
        for (Eigen::Index j = i; j < quantities; ++j) {
            if (place == 0) word = sums[at++];
            out.response(i, j) = out.response(j, i) =
                static_cast<double>(take_entry(word)) * units.unit() / rho;
            place = (place + 1) % entries_per_word;
        }
    return out;
}

bool Acceleration::step(model::Device& device,
                        const Iterate* before,
                        const Iterate& last,
                        const std::vector<NetAnswer>& nets,
                        const Parameters& parameters,
                        model::Schedules& y_eur_per_kw,
                        model::Schedules& delivery_kw) {
    held_.resize(nets.size(), 1);
    for (double& held : held_)
        held = std::max(1.0, held_fall * held);
    const Eigen::MatrixXd trust_here = trust_region(delta_, parameters) / last.rho_working;
    model::Schedules demand(last.y_eur_per_kw.rows(), last.y_eur_per_kw.cols());
    std::vector<Eigen::MatrixXd> own;
    std::vector<model::Response> response;
    for (std::size_t n = 0; n < nets.size(); ++n) {
        own.push_back(nets[n].response);
        const Eigen::MatrixXd slack = held_[n] * trust_here;
        if (Eigen::LLT<Eigen::MatrixXd>(own[n] + slack).info() != Eigen::Success) {
            const Eigen::VectorXd diagonal = own[n].diagonal().cwiseMax(0);
            own[n] = diagonal.asDiagonal();
        }
        terminal_values(demand, n, parameters) =
            nets[n].work_kw - own[n] * terminal_values(last.y_eur_per_kw, n, parameters);
        response.emplace_back(own[n] + slack);
    }
    const auto hold_back = [&, rounds = 0](const model::Schedules& next,
                                           std::vector<model::Response>& answers) mutable {
        if (before == nullptr || rounds++ == held_rounds_max) return false;
        bool any = false;
        for (const std::size_t n :
             leaping(before->y_eur_per_kw, last.y_eur_per_kw, next, parameters)) {
            if (held_[n] >= held_most) continue;
            held_[n] *= held_rise;
            answers[n] = model::Response(own[n] + held_[n] * trust_here);
            any = true;
        }
        return any;
    };
    return device.price_step(last.y_eur_per_kw, demand, response, hold_back, y_eur_per_kw,
                             delivery_kw);
}

std::vector<std::uint64_t> Acceleration::held_back() const {
    return {held_.begin(), held_.end()};
}

void Acceleration::recall(const std::vector<std::uint64_t>& held_back) {
    held_.clear();
    for (const std::uint64_t held : held_back)
        held_.push_back(std::clamp(static_cast<double>(held), 1.0, held_most));
}

void Acceleration::observe(std::uint64_t primal_square) {
    if (primal_square < before_) delta_ = std::max(delta_least, delta_fall * delta_);
    before_ = primal_square;
}

}  // namespace kilter::market
