/// A whole neighbourhood in one process: the same sessions, devices and homes as in the field, with
/// shares handed over in memory. What `kilter simulate` shows, and the reference that separate
/// processes are compared with bit for bit.
///
/// Consecutive sessions, one per market interval: every home forecasts (drivers::SimulatedHome),
/// all clear, the first interval is dispatched, the next session starts warm from z and ρ of this
/// one and from y as the chair has it. Party 0 is the chair, home i is party 1 + i. Every
/// interval's devices are new, as in the field. No clock, no disk, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/crypto/digest.hpp"
#include "common/market/certificate.hpp"
#include "common/model/home.hpp"
#include "common/model/network.hpp"
#include "common/powerflow/validation.hpp"
#include "common/prox/feeder.hpp"
#include "common/topology/neighbourhood.hpp"
#include "coordinator/planner/unbalanced.hpp"

namespace kilter::planner {

/// A feeder and its homes. The network's fixed load is without the homes'
/// (topology::without_homes).
struct Neighbourhood {
    model::Network network;
    std::vector<topology::HomeSpec> homes;
    /// The feeder's physics where it is unbalanced; `network` is then market_of() it.
    std::optional<model::ThreePhaseNetwork> three_phase{};
};

struct Options {
    market::Parameters parameters;
    IntervalIndex first_interval = 0;
    std::uint32_t sessions = 1;  ///< consecutive market intervals to clear
    bool masked = true;          ///< masks change no result; without them it is faster
    bool warm = true;            ///< false: every session starts cold
};

/// Called after each iteration of a session and at its end.
struct Progress {
    std::uint32_t session = 0;  ///< counted from 0
    std::uint32_t sessions = 0;
    std::uint32_t iteration = 0;
};

using OnProgress = std::function<void(const Progress&)>;

/// One cleared session: all that went in and all that came out.
struct SessionResult {
    // in
    market::SessionId session;
    double rho_start_eur_per_kw2 = 0;
    std::vector<model::Home> homes;  ///< as forecast when the gate opened
    model::FeederHorizon feeder;
    // out
    market::Outcome outcome = market::Outcome::abandoned;
    std::uint32_t iterations = 0;  ///< the common iterate
    std::uint32_t rounds = 0;      ///< messages each home sent
    double objective_eur = 0;  ///< cost of the import the homes' schedules need, over the horizon
    double primal_residual_kw = 0;
    double dual_residual_eur_per_kw = 0;
    double rho_end_eur_per_kw2 = 0;
    // Rows: net (home) × channels + channel.
    model::Schedules price_eur_per_kwh;  ///< nets × intervals
    model::Schedules dual_eur_per_kw;    ///< the same before division by the interval length: y
    model::Schedules schedule_kw;        ///< homes × intervals, positive = consumption
    model::Schedules delivery_kw;  ///< nets × intervals: what the feeder device planned to deliver
    model::Schedules voltage_pu;   ///< buses × intervals, from the homes' schedules
    model::Schedules flow_kw;      ///< branches × intervals, likewise
    model::Series import_kw;       ///< per interval, likewise
    crypto::Digest prices;         ///< price_digest(dual_eur_per_kw)
    // Of a balanced feeder.
    prox::PriceParts
        price_parts;  ///< EUR/kWh; add up to price_eur_per_kwh within the session's tolerance
    prox::Relaxation relaxation;  ///< of the feeder's convex model, where it has losses
    /// The homes' schedules in the nonlinear power flow; empty where that has no solution (`explanation` says so).
    std::optional<powerflow::Validation> power_flow{};
    std::string explanation;  ///< of anything but plain convergence: limits and requirements missed
    std::optional<market::Certificate> certificate;  ///< how far from the optimum at most
    std::string uncertified;                         ///< why there is no certificate
    /// Of an unbalanced feeder; voltage_pu then has the rows of its nonlinear voltages, flow_kw none.
    std::optional<PhaseResult> phases{};
};

struct Report {
    Options options;
    Neighbourhood neighbourhood;
    std::vector<SessionResult> sessions;
};

/// Error: parameters, network or a home invalid, or a home's interval length is not the market's;
/// names which.
Result<Report> simulate(const Neighbourhood& neighbourhood,
                        const Options& options,
                        const OnProgress& on_progress = {});

/// BLAKE2b-256 ("kilter prices") over nets and intervals (u32 each) and every y as IEEE-754 bits,
/// net by net, all little-endian: two runs have the same digest iff their prices are the same bit
/// for bit.
crypto::Digest price_digest(const model::Schedules& dual_eur_per_kw);

}  // namespace kilter::planner
