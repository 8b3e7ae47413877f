#include "coordinator/core/feeder_host.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <set>

#include "common/base/limits.hpp"
#include "common/market/clearing.hpp"
#include "common/prox/feeder.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::uint32_t gather_tick_ms = 250;
constexpr std::uint32_t finality_ms = 30'000;  // then records count as lost
constexpr std::uint32_t no_homes_ms = 1'000;   // between two looks for homes
constexpr std::uint32_t timer_ms_max = 3'600'000;
constexpr std::uint32_t seconds_max = 1U << 26;  // × limits::replicas_max fits an opening's number

// The network with some of its nets only: those that trade in this session.
model::Network with_nets(const model::Network& network, const std::vector<NetId>& nets) {
    model::Network out = network;
    out.nets.clear();
    for (const NetId net : nets)
        out.nets.push_back(network.nets[net.value]);
    return out;
}

}  // namespace

// The session this coordinator chairs, from its opening to its last record.
struct Chaired {
    enum class Phase : std::uint8_t { clearing, signing, finalising };

    market::SessionId id;
    settlement::DirectoryPtr directory;       // the roster it was opened under
    std::vector<NetId> nets;                  // row i of the device
    std::vector<wire::SessionOpen> openings;  // row i's, for those who missed it
    std::unique_ptr<prox::Feeder> device;
    std::optional<market::Session> session;
    Phase phase = Phase::clearing;
    std::map<NetId, std::deque<market::MaskedShare>>
        sent;  // the newest two of each net, for those who missed them

    // signing
    market::Cleared cleared;
    std::vector<std::vector<std::int64_t>> prices_micro;                   // per row
    std::vector<std::map<PartyId, settlement::ClearedMember>> signatures;  // per row
    std::vector<std::vector<PartyId>> expected;  // homes that cleared, per row
    // finalising
    std::set<NetId> open_records;
    std::set<PartyId> expelled;
    SessionReport report;
};

struct FeederHost::State {
    const crypto::Identity& identity;
    settlement::Genesis genesis;
    crypto::Digest chain;
    market::Parameters parameters;
    model::Network network;
    Pace pace;
    consensus::ReplicaIndex index = 0;

    settlement::DirectoryPtr directory;
    std::map<crypto::PublicKey, crypto::SharedSecret> secrets;
    std::set<PartyId>
        ready;  // homes that have greeted with the present roster and were not silent since
    std::set<PartyId> waived;  // waited for once in vain; not again until they greet
    consensus::ReplicaIndex acting = 0;
    std::optional<IntervalIndex> newest;  // interval of the newest record on the log
    std::map<NetId, std::pair<IntervalIndex, std::vector<std::int64_t>>>
        posted;  // newest prices of each net
    std::optional<UnixMs> gathering_since;
    bool lonely = false;  // no net had enough homes when last looked
    std::optional<std::pair<IntervalIndex, std::uint32_t>> opened;  // newest, and its second
    // The interval whose turn it is, and when its gate opened or will.
    std::optional<std::pair<IntervalIndex, UnixMs>> due;
    std::optional<Chaired> chaired;
    // where the next session starts from
    std::optional<IntervalIndex> warm_interval;
    std::vector<NetId> warm_nets;
    market::WarmState warm;
    UnixMs now = 0;

    State(const crypto::Identity& own,
          settlement::Genesis document,
          model::Network feeder,
          Pace local)
        : identity(own), genesis(std::move(document)), network(std::move(feeder)), pace(local) {
        chain = crypto::Digest::from(genesis.chain_id().view());
    }

    [[nodiscard]] double interval_h() const { return parameters.interval_s / 3600.0; }

    // Nine chances for a message before silence is concluded.
    [[nodiscard]] std::uint32_t resend_ms() const {
        return std::max(1U, parameters.silence_ms / 10);
    }

    [[nodiscard]] Eigen::Index horizon() const {
        return static_cast<Eigen::Index>(parameters.horizon);
    }

    [[nodiscard]] Eigen::Index per_day() const { return 86'400 / parameters.interval_s; }

    static void tell(Outputs& out, Severity severity, std::string text) {
        out.events.push_back({severity, std::move(text)});
    }

    // ---- whose turn it is ----------------------------------------------------------------------------------------

    [[nodiscard]] bool finished() const {
        return !pace.follow_clock && pace.intervals > 0 && newest && !chaired &&
               *newest >= pace.first_interval + pace.intervals - 1;
    }

    // The interval whose gate opens next, and how long until it does.
    [[nodiscard]] std::pair<IntervalIndex, std::int64_t> next_gate() const {
        if (!pace.follow_clock)
            return {newest ? std::max(*newest + 1, pace.first_interval) : pace.first_interval, 0};
        // The one under way is too late to clear.
        const IntervalIndex coming = interval_at(now, parameters.interval_s) + 1;
        const IntervalIndex next = newest ? std::max(*newest + 1, coming) : coming;
        const std::int64_t wait = interval_start(next, parameters.interval_s) - pace.lead_ms - now;
        return {next, std::max<std::int64_t>(0, wait)};
    }

    // Standing by: 0 for the acting host, then 1, 2, … round the validator set.
    [[nodiscard]] std::uint32_t distance() const {
        const auto n = static_cast<std::uint32_t>(genesis.validators.size());
        return (index + n - acting) % n;
    }

    // Whether the roster lets this coordinator open sessions.
    [[nodiscard]] bool may_chair() const {
        return directory && directory->find(identity.public_key());
    }

    void await_gate(Outputs& out) {
        gathering_since.reset();
        for (const Timer timer : {Timer::gate, Timer::gather, Timer::takeover})
            out.timers.push_back({timer, 0});
        if (!may_chair() || chaired || finished()) return;
        const auto [interval, until] = next_gate();
        if (!due || due->first != interval) due = {interval, now + until};
        const auto wait = static_cast<std::uint32_t>(std::min<std::int64_t>(until, timer_ms_max));
        if (distance() == 0) {
            out.timers.push_back({Timer::gate, std::max(1U, wait)});
            out.timers.push_back({Timer::presence, 1});
        } else {
            out.timers.push_back({Timer::takeover, wait + pace.takeover_ms * distance()});
        }
    }

    // The acting host tells those who stand by that it is at work.
    void on_presence(Outputs& out) const {
        if (!may_chair() || distance() != 0 || finished()) return;
        for (const auto& validator : genesis.validators.validators)
            if (validator.key != identity.public_key())
                out.send.push_back({validator.key, wire::Hello{chain, directory->epoch()}});
        out.timers.push_back({Timer::presence, std::max(1U, pace.takeover_ms / 4)});
    }

    // Another coordinator says that it acts. To say so is not enough for ever: an interval that is due for longer than
    // a session takes is anyone's to open.
    void on_presence_of(consensus::ReplicaIndex other, Outputs& out) {
        if (chaired || !due ||
            now - due->second > UnixMs{pace.gather_ms} + parameters.session_ms + finality_ms)
            return;
        if (distance() == 0 && other > index) return;  // of two who act, the first in the set
        acting = other;
        await_gate(out);
    }

    // ---- opening -------------------------------------------------------------------------------------------------

    // Homes of one net whose signatures fit one record, and who fit one session beside the chair.
    [[nodiscard]] std::size_t homes_max() const {
        settlement::ClearedNet record;
        record.prices_micro_eur_per_kwh.resize(parameters.horizon);
        const std::size_t empty = settlement::encode(record).size();
        record.members.resize(1);
        const std::size_t each = settlement::encode(record).size() - empty;
        return std::min((limits::entry_body_bytes_max - empty) / each,
                        limits::members_per_net_max - 1);
    }

    // The homes of a net that this feeder can serve: none on a net it does not have.
    [[nodiscard]] std::vector<PartyId> served(NetId net) const {
        std::vector<PartyId> out;
        if (net.value >= network.nets.size()) return out;
        out = directory->homes(net);
        out.resize(std::min(out.size(), homes_max()));
        return out;
    }

    [[nodiscard]] std::vector<PartyId> missing() const {
        std::vector<PartyId> out;
        for (const NetId net : directory->nets())
            for (const PartyId home : served(net))
                if (!ready.contains(home) && !waived.contains(home)) out.push_back(home);
        return out;
    }

    void gather_or_open(Outputs& out) {
        if (!may_chair() || chaired || finished() || distance() != 0) return;
        if (next_gate().second > 0) return await_gate(out);
        if (!gathering_since) gathering_since = now;
        const auto absent = missing();
        for (const PartyId home : absent)
            out.send.push_back({directory->at(home).key, wire::Hello{chain, directory->epoch()}});
        if (!absent.empty() && now - *gathering_since < pace.gather_ms) {
            out.timers.push_back({Timer::gather, gather_tick_ms});
            return;
        }
        waived.insert(absent.begin(), absent.end());
        open(absent.size(), out);
    }

    // The nets that can trade, with the homes that are ready; each seat has the chair too.
    [[nodiscard]] std::vector<market::Seat> seats() const {
        std::vector<market::Seat> out;
        const PartyId chair = *directory->find(identity.public_key());
        for (const NetId net : directory->nets()) {
            market::Seat seat{net, {}};
            for (const PartyId home : served(net))
                if (ready.contains(home))
                    seat.members.push_back({home, directory->at(home).weight_milli / 1000.0});
            if (seat.members.size() < std::max(1U, parameters.privacy_members_min)) continue;
            seat.members.push_back({chair, parameters.feeder_weight(seat.members.size())});
            std::sort(seat.members.begin(), seat.members.end());
            out.push_back(std::move(seat));
        }
        return out;
    }

    static double possible(double rho) {
        return std::clamp(rho, limits::rho_eur_per_kw2_min, limits::rho_eur_per_kw2_max);
    }

    // Names no session twice, neither across a crash nor between coordinators, and remembers nothing for it: the
    // second since the log began, times the validators, plus this one's index.
    std::uint32_t next_opening(IntervalIndex interval) {
        const UnixMs since_s = std::max<UnixMs>(0, now - genesis.time_ms) / 1000;
        auto second = static_cast<std::uint32_t>(since_s % seconds_max);
        if (opened && opened->first == interval) second = std::max(second, opened->second + 1);
        opened = {interval, second};
        return index + second * static_cast<std::uint32_t>(genesis.validators.size());
    }

    [[nodiscard]] market::WarmState start_at(IntervalIndex interval,
                                             const std::vector<NetId>& nets) const {
        const auto rows = static_cast<Eigen::Index>(nets.size());
        market::WarmState start =
            market::WarmState::cold(rows, horizon(), possible(parameters.rho_eur_per_kw2));
        // Another host's sessions leave their prices on the log: dual = price times interval length.
        for (Eigen::Index i = 0; i < rows; ++i) {
            const auto found = posted.find(nets[static_cast<std::size_t>(i)]);
            if (found == posted.end() || found->second.first > interval) continue;
            market::WarmState row =
                market::WarmState::cold(1, horizon(), parameters.rho_eur_per_kw2);
            const auto& prices = found->second.second;
            if (prices.size() != static_cast<std::size_t>(horizon())) continue;
            for (Eigen::Index t = 0; t < horizon(); ++t)
                row.y_eur_per_kw(0, t) =
                    static_cast<double>(prices[static_cast<std::size_t>(t)]) * 1e-6 * interval_h();
            const model::Series y =
                row.shifted(interval - found->second.first, per_day()).y_eur_per_kw.row(0);
            if (market::plausible_prices(y, interval_h())) start.y_eur_per_kw.row(i) = y;
        }
        if (!warm_interval || interval < *warm_interval || (newest && *newest > *warm_interval))
            return start;
        const market::WarmState shifted = warm.shifted(interval - *warm_interval, per_day());
        start.rho_eur_per_kw2 = possible(shifted.rho_eur_per_kw2);
        for (std::size_t i = 0; i < nets.size(); ++i) {
            const auto found = std::find(warm_nets.begin(), warm_nets.end(), nets[i]);
            if (found == warm_nets.end()) continue;
            const auto row = found - warm_nets.begin();
            if (!market::plausible_prices(shifted.y_eur_per_kw.row(row), interval_h())) continue;
            start.z_kw.row(static_cast<Eigen::Index>(i)) = shifted.z_kw.row(row);
            start.y_eur_per_kw.row(static_cast<Eigen::Index>(i)) = shifted.y_eur_per_kw.row(row);
        }
        return start;
    }

    void open(std::size_t absent, Outputs& out) {
        const IntervalIndex interval = next_gate().first;
        const auto chair = directory->find(identity.public_key());
        auto all = seats();
        if (all.empty()) {
            if (!lonely)
                tell(out, Severity::notable, "no net has enough homes to trade; trying on");
            lonely = true;
            out.timers.push_back({Timer::gather, no_homes_ms});
            return;
        }
        lonely = false;
        if (absent > 0)
            tell(out, Severity::notable,
                 std::to_string(absent) + " homes have not greeted; opening without them");
        gathering_since.reset();
        Chaired next;
        next.id = {interval, next_opening(interval)};
        next.directory = directory;
        std::map<PartyId, crypto::SharedSecret> shared;
        std::uint32_t terminals = 0;
        for (const market::Seat& seat : all) {
            next.nets.push_back(seat.net);
            terminals += static_cast<std::uint32_t>(seat.members.size());
            for (const market::Member& member : seat.members)
                if (member.party != *chair)
                    shared.emplace(member.party, secrets.at(directory->at(member.party).key));
        }
        model::Network trading = with_nets(network, next.nets);
        model::FeederHorizon series =
            model::horizon_of(trading, interval, horizon(), parameters.interval_s);
        next.device = std::make_unique<prox::Feeder>(std::move(trading), std::move(series));
        market::WarmState start = start_at(interval, next.nets);
        const market::Terms terms{next.id, parameters, start.rho_eur_per_kw2, terminals, *chair};

        for (std::size_t i = 0; i < all.size(); ++i) {
            wire::SessionOpen message;
            message.session = next.id;
            message.chair = *chair;
            message.net = all[i].net;
            message.members = all[i].members;
            message.roster_epoch = directory->epoch();
            message.parameters = genesis.market_digest();
            message.rho_eur_per_kw2 = terms.rho_eur_per_kw2;
            message.terminals = terminals;
            const auto row = start.y_eur_per_kw.row(static_cast<Eigen::Index>(i));
            message.start_dual_eur_per_kw.assign(row.begin(), row.end());
            message.signature = identity.sign(wire::signing_bytes(message, chain));
            for (const market::Member& member : all[i].members)
                if (member.party != *chair)
                    out.send.push_back({directory->at(member.party).key, message});
            next.openings.push_back(std::move(message));
        }
        auto masks = std::make_shared<const crypto::PairwiseMasks>(
            *chair, market::session_bytes(chain.view(), next.id), std::move(shared));
        next.session.emplace(terms, *chair, std::move(all), *next.device, std::move(masks),
                             std::move(start));
        next.report.session = next.id;
        next.report.started_ms = now;
        chaired = std::move(next);
        tell(out, Severity::routine,
             "session " + market::name_of(chaired->id) + " opened with " +
                 std::to_string(terminals - chaired->nets.size()) + " homes on " +
                 std::to_string(chaired->nets.size()) + " nets");
        out.timers.push_back({Timer::takeover, 0});
        out.timers.push_back({Timer::deadline, parameters.session_ms});
        drive(market::Begin{}, out);
    }

    // ---- clearing ------------------------------------------------------------------------------------------------

    void drive(const market::Input& input, Outputs& out) {
        market::Outputs result = chaired->session->step(input);
        if (result.verdict == market::Verdict::contradiction ||
            result.verdict == market::Verdict::malformed)
            tell(out, Severity::wrong,
                 "a home sent a share that is malformed or contradicts its earlier one; ignored");
        for (const auto& expulsion : result.expel)
            expel(expulsion, out);
        for (market::MaskedShare& share : result.send) {
            broadcast(share, share.members, out);
            auto& newest_two = chaired->sent[share.net];
            newest_two.push_back(std::move(share));
            if (newest_two.size() > 2) newest_two.pop_front();
        }
        if (result.progressed) out.timers.push_back({Timer::silence, parameters.silence_ms});
        if (result.progressed) out.timers.push_back({Timer::resend, resend_ms()});
        if (result.cleared) collect(std::move(*result.cleared), out);
    }

    // A home that was silent for too long; also told again when it speaks after all.
    void expel(const market::Expulsion& expulsion, Outputs& out) {
        const auto& member = chaired->directory->at(expulsion.party);
        out.send.push_back({member.key, wire::SessionExcluded{chaired->id, expulsion.net}});
        if (!chaired->expelled.insert(expulsion.party).second) return;
        if (const auto now_named = directory->find(member.key)) ready.erase(*now_named);
        ++chaired->report.excluded;
        tell(out, Severity::notable,
             "home " + short_hex(member.key.view()) + " on net " +
                 std::to_string(expulsion.net.value) + " was silent; its net goes on without it");
    }

    void broadcast(const market::MaskedShare& share,
                   const std::vector<PartyId>& to,
                   Outputs& out) const {
        for (const PartyId party : to)
            if (party != share.from)
                out.send.push_back(
                    {chaired->directory->at(party).key, wire::Share{chaired->id, share}});
    }

    // To all of a net that is not complete: who misses what, only each of them knows.
    void on_resend(Outputs& out) {
        if (!chaired || chaired->phase != Chaired::Phase::clearing) return;
        const auto awaited = chaired->session->awaited();
        for (std::size_t row = 0; row < chaired->nets.size(); ++row) {
            if (awaited[row].empty()) continue;
            for (const market::Member& member : chaired->openings[row].members)
                if (member.party != chaired->openings[row].chair) repeat(row, member.party, out);
        }
        out.timers.push_back({Timer::resend, resend_ms()});
    }

    // What this party may have missed: the opening, while nothing was heard of it, and the newest shares.
    void repeat(std::size_t row, PartyId party, Outputs& out) const {
        if (chaired->session->iteration() <= 1)
            out.send.push_back({chaired->directory->at(party).key, chaired->openings[row]});
        const auto found = chaired->sent.find(chaired->nets[row]);
        if (found == chaired->sent.end()) return;
        for (const market::MaskedShare& share : found->second)
            if (std::binary_search(share.members.begin(), share.members.end(), party))
                broadcast(share, {party}, out);
    }

    // ---- signing -------------------------------------------------------------------------------------------------

    void collect(market::Cleared cleared, Outputs& out) {
        for (const Timer timer : {Timer::silence, Timer::deadline, Timer::resend})
            out.timers.push_back({timer, 0});
        Chaired& mine = *chaired;
        const PartyId self = *mine.directory->find(identity.public_key());
        mine.phase = Chaired::Phase::signing;
        mine.signatures.resize(mine.nets.size());
        for (std::size_t i = 0; i < mine.nets.size(); ++i) {
            const model::Series y = cleared.y_eur_per_kw.row(static_cast<Eigen::Index>(i));
            mine.prices_micro.push_back(market::prices_micro_eur_per_kwh(y, interval_h()));
        }
        SessionReport& report = mine.report;
        report.outcome = cleared.outcome;
        report.iterations = cleared.iteration;
        report.rounds = cleared.rounds;
        report.primal_residual_kw = cleared.primal_residual_kw;
        report.dual_residual_eur_per_kw = cleared.dual_residual_eur_per_kw;
        report.cleared_ms = now;
        report.nets = mine.nets;
        report.price_eur_per_kwh = cleared.y_eur_per_kw / interval_h();
        report.voltage_pu = mine.device->voltages_pu(cleared.x_kw);
        report.import_kw = mine.device->import_kw(cleared.x_kw);

        if (cleared.outcome == market::Outcome::abandoned) {
            tell(
                out, Severity::notable,
                "session " + market::name_of(mine.id) + " came to nothing: " + cleared.explanation);
            return end(out);
        }
        for (std::size_t i = 0; i < mine.nets.size(); ++i) {
            mine.expected.emplace_back();
            if (!market::plausible_prices(cleared.y_eur_per_kw.row(static_cast<Eigen::Index>(i)),
                                          interval_h())) {
                tell(out, Severity::wrong,
                     "session " + market::name_of(mine.id) +
                         " ended at prices no market has on net " +
                         std::to_string(mine.nets[i].value) +
                         "; it is not recorded: a home there sends wrong values");
                continue;
            }
            for (const PartyId party : cleared.members[i])
                if (party != self) mine.expected.back().push_back(party);
        }

        warm = cleared.warm;
        warm_nets = mine.nets;
        warm_interval = mine.id.interval;
        tell(out,
             cleared.outcome == market::Outcome::converged ? Severity::routine : Severity::notable,
             "session " + market::name_of(mine.id) + " cleared after " +
                 std::to_string(cleared.iteration) + " iterations" +
                 (cleared.explanation.empty() ? "" : ": " + cleared.explanation));
        mine.cleared = std::move(cleared);
        out.timers.push_back({Timer::signatures, parameters.silence_ms});
        append_if_signed(out);
    }

    void on_clearing_share(const crypto::PublicKey& from,
                           const wire::ClearingShare& message,
                           Outputs& out) {
        if (!chaired || chaired->phase != Chaired::Phase::signing || message.session != chaired->id)
            return;
        const auto party = chaired->directory->find(from);
        if (!party) return;
        const auto found = std::find(chaired->nets.begin(), chaired->nets.end(), message.net);
        if (found == chaired->nets.end() || message.iteration != chaired->cleared.iteration) return;
        const auto row = static_cast<std::size_t>(found - chaired->nets.begin());
        const auto& expected = chaired->expected[row];
        if (std::find(expected.begin(), expected.end(), *party) == expected.end()) return;
        const auto& member = chaired->directory->at(*party);
        const Bytes statement = settlement::clearing_statement(
            genesis.chain_id(), message.session.interval, message.session.opening, message.net,
            message.iteration, chaired->prices_micro[row], message.commitment);
        if (!crypto::verify(member.key, statement, message.signature)) {
            tell(out, Severity::wrong,
                 "home " + short_hex(member.key.view()) +
                     " signed something else than this net's prices; its signature is not used");
            return;
        }
        chaired->signatures[row].insert_or_assign(
            *party, settlement::ClearedMember{member.key, message.commitment, message.signature});
        append_if_signed(out);
    }

    void append_if_signed(Outputs& out) {
        for (std::size_t i = 0; i < chaired->nets.size(); ++i)
            if (chaired->signatures[i].size() < chaired->expected[i].size()) return;
        append(out);
    }

    void append(Outputs& out) {
        Chaired& mine = *chaired;
        mine.phase = Chaired::Phase::finalising;
        out.timers.push_back({Timer::signatures, 0});
        for (std::size_t i = 0; i < mine.nets.size(); ++i) {
            if (mine.signatures[i].empty()) continue;
            settlement::ClearedNet record;
            record.interval = mine.id.interval;
            record.opening = mine.id.opening;
            record.net = mine.nets[i];
            record.roster_epoch = mine.directory->epoch();
            record.outcome = mine.cleared.outcome == market::Outcome::converged
                                 ? settlement::Outcome::converged
                                 : settlement::Outcome::partial;
            record.iteration = mine.cleared.iteration;
            record.residual_milliwatt = std::llround(mine.cleared.primal_residual_kw * 1e6);
            record.prices_micro_eur_per_kwh = mine.prices_micro[i];
            for (const auto& [party, member] : mine.signatures[i])
                record.members.push_back(member);
            std::sort(record.members.begin(), record.members.end(),
                      [](const auto& a, const auto& b) { return a.key < b.key; });
            mine.report.homes += record.members.size();
            mine.open_records.insert(record.net);
            out.submit.push_back(std::move(record));
        }
        if (mine.open_records.empty()) {
            tell(out, Severity::wrong,
                 "session " + market::name_of(mine.id) +
                     " has no signature of any home; nothing to record");
            return end(out);
        }
        out.timers.push_back({Timer::finality, finality_ms});
    }

    void end(Outputs& out) {
        chaired->report.final_ms = now;
        out.report = std::move(chaired->report);
        leave(out);
    }

    void give_up(const std::string& why, Outputs& out) {
        tell(out, Severity::notable,
             "session " + market::name_of(chaired->id) + " given up: " + why);
        leave(out);
    }

    void leave(Outputs& out) {
        for (const Timer timer :
             {Timer::silence, Timer::deadline, Timer::resend, Timer::signatures, Timer::finality})
            out.timers.push_back({timer, 0});
        chaired.reset();
        await_gate(out);
    }

    // ---- inputs --------------------------------------------------------------------------------------------------

    void on(const Started&, Outputs& out) { await_gate(out); }

    void on(const RosterFinal& final, Outputs& out) {
        auto next = std::make_shared<const settlement::Directory>(final.roster);
        const std::string epoch = "roster epoch " + std::to_string(next->epoch());
        secrets.clear();
        ready.clear();
        waived.clear();
        for (const auto& member : next->roster().members)
            if (member.role == settlement::Role::home)
                if (auto secret = identity.shared_secret(member.key))
                    secrets.emplace(member.key, *secret);
        for (const NetId net : next->nets()) {
            const std::size_t homes = next->homes(net).size();
            const std::string place = epoch + " puts " + std::to_string(homes) + " homes on net " +
                                      std::to_string(net.value);
            if (net.value >= network.nets.size())
                tell(out, Severity::wrong,
                     place +
                         ", which this feeder does not have: they cannot trade until the "
                         "operator's next roster puts them elsewhere");
            else if (homes > homes_max())
                tell(out, Severity::wrong,
                     place + ", but a net's record has room for " + std::to_string(homes_max()) +
                         ": the others cannot trade until the net is split");
        }
        directory = std::move(next);
        tell(out, Severity::routine,
             epoch + " with " + std::to_string(secrets.size()) + " homes is final");
        if (!may_chair())
            tell(out, Severity::wrong,
                 epoch +
                     " does not name this coordinator, so it opens no sessions: ask the "
                     "operator to add its key " +
                     short_hex(identity.public_key().view()));
        await_gate(out);
    }

    void on(const ClearedNetFinal& final, Outputs& out) {
        const settlement::ClearedNet& record = final.record;
        if (pace.follow_clock &&
            record.interval > interval_at(now + pace.lead_ms, parameters.interval_s) + 1) {
            tell(out, Severity::wrong,
                 "coordinator " + short_hex(final.author.view()) + " recorded interval " +
                     std::to_string(record.interval) +
                     ", whose gate is not open: not followed; compare both clocks");
            return;
        }
        if (!newest || record.interval >= *newest) {
            newest = record.interval;
            if (const auto author = genesis.validators.index_of(final.author)) acting = *author;
        }
        auto& prices = posted[record.net];
        if (prices.second.empty() || record.interval >= prices.first)
            prices = {record.interval, record.prices_micro_eur_per_kwh};
        if (!chaired) return await_gate(out);
        if (final.author == identity.public_key() && record.interval == chaired->id.interval &&
            record.opening == chaired->id.opening) {
            chaired->open_records.erase(record.net);
            if (chaired->phase == Chaired::Phase::finalising && chaired->open_records.empty())
                end(out);
        } else if (record.interval >= chaired->id.interval) {
            give_up("coordinator " + short_hex(final.author.view()) + " has cleared its interval",
                    out);
        }
    }

    void on(const TimerElapsed& elapsed, Outputs& out) {
        switch (elapsed.timer) {
            case Timer::gate:
            case Timer::gather:
                return gather_or_open(out);
            case Timer::takeover:
                if (chaired || finished() || !may_chair()) return;
                if (next_gate().second > 0) return await_gate(out);
                tell(out, Severity::notable,
                     "no record for too long: opening sessions in place of coordinator " +
                         std::to_string(acting));
                acting = index;
                out.timers.push_back({Timer::presence, 1});
                return gather_or_open(out);
            case Timer::presence:
                return on_presence(out);
            case Timer::resend:
                return on_resend(out);
            case Timer::silence:
                if (chaired && chaired->phase == Chaired::Phase::clearing)
                    drive(market::SilenceElapsed{}, out);
                return;
            case Timer::deadline:
                if (chaired && chaired->phase == Chaired::Phase::clearing)
                    drive(market::DeadlineElapsed{}, out);
                return;
            case Timer::signatures:
                if (chaired && chaired->phase == Chaired::Phase::signing) append(out);
                return;
            case Timer::finality:
                if (chaired && chaired->phase == Chaired::Phase::finalising)
                    give_up(std::to_string(chaired->open_records.size()) +
                                " records did not become final",
                            out);
                return;
        }
    }

    void on(const MessageReceived& received, Outputs& out) {
        if (const auto* hello = std::get_if<wire::Hello>(&received.message))
            on_hello(received.from, *hello, out);
        else if (const auto* share = std::get_if<wire::Share>(&received.message))
            on_share(received.from, *share, out);
        else if (const auto* clearing = std::get_if<wire::ClearingShare>(&received.message))
            on_clearing_share(received.from, *clearing, out);
    }

    void on_hello(const crypto::PublicKey& from, const wire::Hello& hello, Outputs& out) {
        if (!directory || hello.chain != chain || hello.roster_epoch != directory->epoch()) return;
        const auto party = directory->find(from);
        if (!party) return;
        if (const auto peer = genesis.validators.index_of(from))
            on_presence_of(*peer, out);
        else if (secrets.contains(from))
            on_ready(*party, out);
    }

    void on_share(const crypto::PublicKey& from, const wire::Share& share, Outputs& out) {
        if (!chaired || share.session != chaired->id ||
            chaired->directory->find(from) != share.share.from)
            return;
        if (chaired->phase == Chaired::Phase::clearing)
            return drive(market::ShareReceived{share.share}, out);
        // It has not heard that the session is over.
        const auto row = std::find(chaired->nets.begin(), chaired->nets.end(), share.share.net);
        if (row != chaired->nets.end())
            repeat(static_cast<std::size_t>(row - chaired->nets.begin()), share.share.from, out);
    }

    void on_ready(PartyId party, Outputs& out) {
        waived.erase(party);
        if (!ready.insert(party).second || !gathering_since || chaired) return;
        if (missing().empty()) gather_or_open(out);
    }
};

Result<FeederHost> FeederHost::create(const crypto::Identity& identity,
                                      settlement::Genesis genesis,
                                      model::Network network,
                                      Pace pace) {
    auto parameters = market::Parameters::decode(genesis.market_parameters);
    if (!parameters) return Error{"genesis: market parameters: " + parameters.error().message};
    if (auto valid = network.validate(); !valid) return valid.error();
    const auto index = genesis.validators.index_of(identity.public_key());
    if (!index)
        return Error{
            "key " + short_hex(identity.public_key().view()) +
            " is not one of genesis' validators: this key cannot run a coordinator of this log"};
    auto state = std::make_unique<State>(identity, std::move(genesis), std::move(network), pace);
    state->parameters = *parameters;
    state->index = *index;
    return FeederHost(std::move(state));
}

Outputs FeederHost::step(const Input& input, UnixMs now) {
    Outputs out;
    state_->now = now;
    std::visit([&](const auto& concrete) { state_->on(concrete, out); }, input);
    return out;
}

std::string FeederHost::explain() const {
    const State& state = *state_;
    if (!state.directory) return "waiting for the operator's roster on the log";
    if (state.chaired) {
        switch (state.chaired->phase) {
            case Chaired::Phase::clearing: {
                std::size_t awaited = 0;
                for (const auto& net : state.chaired->session->awaited())
                    awaited += net.size();
                return "clearing session " + market::name_of(state.chaired->id) + ", iteration " +
                       std::to_string(state.chaired->session->iteration()) + ", waiting for " +
                       std::to_string(awaited) + " homes";
            }
            case Chaired::Phase::signing:
                return "collecting signatures of session " + market::name_of(state.chaired->id);
            case Chaired::Phase::finalising:
                return "waiting for " + std::to_string(state.chaired->open_records.size()) +
                       " records of session " + market::name_of(state.chaired->id) +
                       " to become final";
        }
    }
    if (state.finished()) return "all intervals asked for are final";
    if (state.distance() == 0) return "waiting for the next gate";
    return "standing by for coordinator " + std::to_string(state.acting);
}

bool FeederHost::finished() const {
    return state_->finished();
}

FeederHost::FeederHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

FeederHost::~FeederHost() = default;
FeederHost::FeederHost(FeederHost&&) noexcept = default;
FeederHost& FeederHost::operator=(FeederHost&&) noexcept = default;

}  // namespace kilter::coordinator
