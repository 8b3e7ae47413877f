/// Solves a HomeProgram against a meter cost, by a primal-dual interior-point method whose linear systems cost O(T n²). From
/// a solution nearby it may first look for the inequalities that hold with equality (home_sides.cpp), in the same systems; with
/// those a path is finished as well.
///
/// Given the weights of the inequalities (Complementarity), a Newton step minimises a quadratic over every piece of
/// equipment, which meet in nothing but the meter. Let λ_t be the marginal value of a kW at the meter. Each piece answers
/// a λ by itself:
///     free input    p = −λ/D                                       (D: its curvature, weights included)
///     chain         a scalar Riccati recursion backwards, the states forwards:
///         α = Σ m²/D, β = Σ m b/D, γ = Σ b²/D over its inputs (m: gain on the meter, b: on the state),
///         P_t = H_t + a φ_{t+1} P_{t+1},   φ_t = a_t/(1 + γ_t P_t),   C_t = φ_t² C_{t−1} + γ_t/(1 + γ_t P_t)
///         and its answer matrix, −∂p_t/∂λ_s, is  α_t − β_t P_t g_t + n² C_t  for s = t,  h_t φ_t ⋯ φ_{s+1} (g_s + n C_s)
///         for s < t, with  h = n − βP,  g = β_s/(1 + γ_s P_s) − φ_s² C_{s−1} P_s β_s   (n: gain of the state on the meter)
///     appliance     Gᵀ-banded, less one rank for Σ w = 1;     peak: one rank more
/// so the sum S of all answers is diagonal + band + fading terms, and λ solves (S + 1/M) λ = p(0) + c/M with M the
/// curvature and c the slope of the meter's cost: a Semiseparable system. `prox_weight` on every input keeps S finite
/// where nothing else does; it shortens steps along directions in which the cost is flat and moves no solution.
///
/// Everything is computed with costs divided by Meter::unit (ρ w in a prox: then all is in kW and tolerances are in kW).
/// Starts from the last solution, pushed back to the central path where its sides do not lead to the new one. Allocates in
/// the constructor and the first solve() by sides only.
#pragma once

#include <vector>

#include "common/prox/complementarity.hpp"
#include "common/prox/home_program.hpp"
#include "common/prox/semiseparable.hpp"

namespace kilter::prox {

/// Cost of the meter, in EUR:  Σ_t (linear_p p + curvature_p/2 p² + linear_q q + curvature_q/2 q²).
struct Meter {
    Eigen::ArrayXd linear_p, linear_q;
    double curvature_p = 0, curvature_q = 0;
    double unit = 1;  ///< > 0, EUR
};

class HomeSolver {
  public:
    explicit HomeSolver(HomeProgram program);

    /// Mean product of a pair at the end, kW² (times the meter's unit: EUR): a weakly active bound is met to √ of it.
    static constexpr double products_end = 1e-13;

    /// False where the iteration limit was reached first: the values are then the best found. `by_sides`: looks for the
    /// inequalities that hold with equality first; price_response() then has sharp kinks. A path to products_end is finished by
    /// its sides, where the meter's cost bends; to any other products it ends there.
    bool solve(const Meter& meter, double products = products_end, bool by_sides = false);

    /// The path's own point at these products, > products_end, every pair's product within a fiftieth of them: with all costs
    /// divided by the meter's unit it minimises cost − products Σ log slack, and price_response() is the derivative of that. False as
    /// of solve().
    bool solve_smoothed(const Meter& meter, double products);

    class Point;

    /// The last solution, or that of another solver of the same home: where the next solve() starts from.
    [[nodiscard]] Point point() const;
    void go_to(Point point);

    /// Whether the next solve() starts from the last solution, and that one's Meter::unit.
    [[nodiscard]] bool warm() const { return warm_; }

    [[nodiscard]] double unit() const { return meter_.unit; }

    /// Forgets the last solution: the next solve() starts cold.
    void forget() { warm_ = false; }

    [[nodiscard]] const HomeProgram& program() const { return program_; }

    /// Factorisations by the last solve's last method.
    [[nodiscard]] int iterations() const { return iterations_; }

    // The last solution.
    [[nodiscard]] double scalar(Eigen::Index at) const { return now_.v[at]; }

    [[nodiscard]] const Eigen::ArrayXd& reactive_kvar() const {
        return now_.q;
    }  ///< of the inverter

    /// Σ of costs of all but the meter, without the constant parts, in EUR.
    [[nodiscard]] double cost() const;

    /// R of model::Device::price_response at the last solution, channels·T square; the meter's curvature in both channels is
    /// taken to be `penalty`, EUR/kW².
    void price_response(double penalty, Eigen::MatrixXd& response);

  private:
    struct Iterate {
        Eigen::ArrayXd v, q, lambda;
        Eigen::ArrayXXd nu;
        Complementarity hard, soft;  // hard: bounds, then the peak's (imports), then the inverter's
    };

    using Chains = Eigen::Map<Eigen::ArrayXXd>;
    using ConstChains = Eigen::Map<const Eigen::ArrayXXd>;

    // home_solver.cpp: the path
    double set_meter(const Meter& meter);
    bool try_sides(int factors_most);
    void finish();
    void start_cold();
    void start_warm(double shift);
    bool follow_path(double products);
    bool follow_path_to(double centre);
    void step_on_path(double least, double mu);
    [[nodiscard]] double mean_product(double fraction) const;
    void simulate();
    void measure();
    [[nodiscard]] double stationarity();
    void set_unit(double unit);
    void head_for_aim();

    // home_sides.cpp: without a path, from the sides of the last solution
    bool follow_sides(int factors_most);
    void take_one_of_two_ends();
    void head_for_sides();
    Eigen::Index step_on_sides();

    // home_steps.cpp: one Newton system
    void factorise();
    void factorise_chains();
    void factorise_appliances();
    void aim(double mu, bool corrected);
    void collect_slopes(const Eigen::ArrayXd& hard, const Eigen::ArrayXd& soft);
    void direction();
    void respond(bool with_price);
    void respond_chains(bool with_price);
    void respond_appliances(bool with_price);
    void respond_peak(bool with_price);
    void spread_changes();
    void step(double fraction);

    ConstChains chain_view(const Eigen::ArrayXd& flat, Eigen::Index at, Eigen::Index rows) const {
        return {flat.data() + at, rows, program_.intervals};
    }

    HomeProgram program_;
    Meter meter_;  // scaled
    bool warm_ = false;
    int iterations_ = 0;
    Iterate now_;
    Iterate start_;  // where solve() tried its sides from
    Eigen::Index at_peak_rows_ = 0, at_disc_rows_ = 0;

    // scaled costs and one Newton system
    Eigen::ArrayXd cost_, curvature_, movable_;
    Eigen::ArrayXd weight_, slope_,
        change_;              // of every scalar: curvature with ω, gradient at the aim, step
    Eigen::ArrayXd inverse_;  // 1/D of inputs, frees and weights
    Eigen::ArrayXd d_q_, inv_q_, disc_cross_, slope_q_, free_slope_;
    Eigen::ArrayXXd alpha_, beta_, gamma_, riccati_, fade_, shrink_, reach_, chain_rho_,
        chain_push_, drift_, push_;
    Eigen::ArrayXXd d_nu_;
    Eigen::ArrayXd d_lambda_, answer_, meter_weight_, meter_slope_;
    Eigen::ArrayXd peak_pull_, peak_share_;
    double peak_inverse_ = 0, peak_slope_ = 0;
    std::vector<double> appliance_inverse_;
    Semiseparable answers_;
    Eigen::MatrixXd inverse_answers_;
};

class HomeSolver::Point {
    friend class HomeSolver;

    Meter meter_;
    bool warm_ = false;
    Iterate at_;
};

}  // namespace kilter::prox
