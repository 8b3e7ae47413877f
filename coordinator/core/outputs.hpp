/// What the feeder's host asks of the program around it: messages to send, entries to append, timers to arm, words for
/// people, and the report of a session that is over.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "common/base/event.hpp"
#include "common/market/certificate.hpp"
#include "common/settlement/tie_prices.hpp"
#include "common/wire/outgoing.hpp"

namespace kilter::coordinator {

enum class Timer : std::uint8_t {
    gate,
    gather,
    resend,
    silence,
    deadline,
    signatures,
    finality,
    takeover,
    presence,
};

struct ArmTimer {
    Timer timer;
    std::uint32_t delay_ms = 0;  ///< replaces the timer's earlier time; 0 cancels
};

/// A session this host has chaired, once all its records are final.
struct SessionReport {
    market::SessionId session;
    market::Outcome outcome = market::Outcome::abandoned;
    std::uint32_t iterations = 0;
    std::uint32_t rounds = 0;
    double primal_residual_kw = 0;
    double dual_residual_eur_per_kw = 0;
    std::int64_t started_ms = 0;
    std::int64_t cleared_ms = 0;
    std::int64_t final_ms = 0;
    std::vector<NetId> nets;                         ///< that traded: the rows of price_eur_per_kwh
    model::Schedules price_eur_per_kwh;              ///< nets × intervals
    model::Schedules voltage_pu;                     ///< buses × intervals
    model::Series import_kw;                         ///< per interval
    std::optional<market::Certificate> certificate;  ///< how far from the optimum at most
    std::string uncertified;                         ///< why there is no certificate
    std::string explanation;                         ///< of anything but plain convergence
    std::size_t homes = 0;                           ///< that cleared
    std::size_t excluded = 0;                        ///< that were silent
    std::vector<crypto::PublicKey> caught;           ///< saying what no home says
};

struct Outputs {
    std::optional<Bytes>
        persist;  ///< the host's whole memory: durable before anything in `send` leaves
    std::vector<wire::Outgoing> send;
    std::vector<settlement::ClearedNet>
        submit;  ///< to be signed as entries by this coordinator, numbered by their opening, and appended
    std::optional<settlement::TiePrices> tie;  ///< likewise, before them
    std::vector<ArmTimer> timers;
    std::vector<Event> events;
    std::optional<SessionReport> report;

    void arm(Timer timer, std::uint32_t delay_ms) { timers.push_back({timer, delay_ms}); }

    void cancel(std::initializer_list<Timer> which) {
        for (const Timer timer : which)
            arm(timer, 0);
    }

    void tell(Severity severity, std::string text) {
        events.push_back({severity, std::move(text)});
    }
};

}  // namespace kilter::coordinator
