#include "agent/core/gateway.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "common/base/limits.hpp"
#include "common/consensus/light_client.hpp"
#include "common/crypto/commitment.hpp"
#include "common/market/clearing.hpp"
#include "common/prox/home.hpp"
#include "common/settlement/directory.hpp"
#include "common/settlement/entries.hpp"

namespace kilter::agent {

namespace {

constexpr std::uint32_t greet_first_ms = 50;
constexpr std::uint32_t greet_waiting_ms = 250;  // while something is missing: a roster, a record
constexpr int eager_greetings = 20;              // so many; then it may be missing for long
constexpr std::uint32_t greet_seldom_ms = 5'000;
constexpr int record_patience = 6;  // greetings a new session waits for the record of the last one
constexpr std::size_t early_shares_max = 4;  // of one member
constexpr std::size_t agreements_max = 4;

constexpr const char* roster_key = "roster";
constexpr const char* warm_key = "warm";
constexpr const char* pending_key = "pending";
constexpr const char* certified_key = "certified";
constexpr const char* joined_key = "joined";

void write_row(ByteWriter& out, const model::Schedules& row) {
    out.u32(static_cast<std::uint32_t>(row.cols()));
    for (Eigen::Index t = 0; t < row.cols(); ++t)
        out.f64(row(0, t));
}

model::Schedules read_row(ByteReader& in) {
    const std::uint32_t count = in.u32();
    if (count > limits::horizon_max || in.left() < 8 * std::size_t{count}) {
        in.raw(in.left() + 1);  // fails the reader
        return {};
    }
    model::Schedules row(1, count);
    for (Eigen::Index t = 0; t < row.cols(); ++t)
        row(0, t) = in.f64();
    return row;
}

}  // namespace

// What was agreed with the net and waits for its record on the log.
struct Pending {
    market::SessionId session;
    NetId net;
    crypto::PublicKey chair;
    std::uint32_t iteration = 0;
    std::vector<std::int64_t> prices_micro;
    crypto::Digest commitment;
    double consumption_kw = 0;  // of the first interval

    [[nodiscard]] Bytes encode() const {
        ByteWriter out;
        out.i64(session.interval)
            .u32(session.opening)
            .u32(net.value)
            .raw(chair.view())
            .u32(iteration);
        out.u32(static_cast<std::uint32_t>(prices_micro.size()));
        for (const std::int64_t price : prices_micro)
            out.i64(price);
        return out.raw(commitment.view()).f64(consumption_kw).bytes();
    }

    static std::optional<Pending> decode(ByteView bytes) {
        ByteReader in(bytes);
        Pending out;
        out.session = {in.i64(), in.u32()};
        out.net = NetId{in.u32()};
        out.chair = in.fixed<crypto::PublicKey>();
        out.iteration = in.u32();
        const std::uint32_t count = in.u32();
        if (count > limits::horizon_max) return std::nullopt;
        for (std::uint32_t i = 0; i < count && !in.failed(); ++i)
            out.prices_micro.push_back(in.i64());
        out.commitment = in.fixed<crypto::Digest>();
        out.consumption_kw = in.f64();
        return in.complete() ? std::optional(out) : std::nullopt;
    }
};

Bytes encode(const std::vector<Pending>& agreements) {
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(agreements.size()));
    for (const Pending& one : agreements) {
        const Bytes bytes = one.encode();
        out.u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
    }
    return std::move(out).bytes();
}

std::optional<std::vector<Pending>> decode_agreements(ByteView bytes) {
    ByteReader in(bytes);
    const std::uint32_t count = in.u32();
    if (count > agreements_max) return std::nullopt;
    std::vector<Pending> out;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto one = Pending::decode(in.raw(in.u32()));
        if (!one) return std::nullopt;
        out.push_back(std::move(*one));
    }
    return in.complete() ? std::optional(std::move(out)) : std::nullopt;
}

// A session this home is in.
struct Active {
    market::SessionId id;
    crypto::PublicKey chair;
    NetId net;
    settlement::DirectoryPtr directory;  // the roster it was opened under
    PartyId self;
    UnixMs heard = 0;  // of the chair, last
    std::unique_ptr<prox::Home> device;
    std::optional<market::Session> session;
    std::deque<market::MaskedShare> sent;  // the newest two, for those who missed them
};

struct Gateway::State {
    const crypto::Identity& identity;
    settlement::Genesis genesis;
    crypto::Digest chain;
    crypto::Digest parameters_digest;
    market::Parameters parameters;
    Forecast forecast;

    settlement::DirectoryPtr directory;
    PartyId self;
    NetId net;
    std::map<crypto::PublicKey, crypto::SharedSecret>
        secrets;  // of everyone this home may share a net with

    std::optional<IntervalIndex> certified;  // newest interval with a record that was accepted
    std::optional<IntervalIndex> warm_interval;
    market::WarmState warm;
    // By age. Several when coordinators took turns at one interval: only one of them gets on the log.
    std::vector<Pending> agreed;
    // Newest session joined under each coordinator. None is joined twice, not even across a crash: the masks would be the
    // same and the messages not.
    std::map<crypto::PublicKey, market::SessionId> joined;
    std::optional<SessionReport> last;
    std::optional<Active> active;
    // An opening that came before the record of the interval before it: what was dispatched then
    // decides what the home can do now.
    std::optional<std::pair<crypto::PublicKey, wire::SessionOpen>> postponed;
    int greetings_postponed = 0;
    int greetings = 0;  // since something new happened
    std::map<crypto::PublicKey, std::deque<wire::Share>>
        early;               // for a session that is not open here yet
    bool connected = false;  // to all peers of this roster, as far as can be
    std::string last_word = "has just started";
    UnixMs now = 0;

    State(const crypto::Identity& own, settlement::Genesis document, Forecast source)
        : identity(own), genesis(std::move(document)), forecast(std::move(source)) {
        chain = crypto::Digest::from(genesis.chain_id().view());
        parameters_digest = genesis.market_digest();
    }

    [[nodiscard]] double interval_h() const { return parameters.interval_s / 3600.0; }

    // Nine chances for a message before silence is concluded.
    [[nodiscard]] std::uint32_t resend_ms() const {
        return std::max(1U, parameters.silence_ms / 10);
    }

    [[nodiscard]] bool is_validator(const crypto::PublicKey& key) const {
        return genesis.validators.index_of(key).has_value();
    }

    void tell(Outputs& out, Severity severity, std::string text) {
        last_word = text;
        out.events.push_back({severity, std::move(text)});
    }

    // ---- greeting ----------------------------------------------------------------------------------------------

    // To say hello with the present roster is to say "ready to trade".
    void greet(const crypto::PublicKey& coordinator, Outputs& out) const {
        if (!directory || connected)
            out.send.push_back(
                {coordinator, wire::Hello{chain, directory ? directory->epoch() : 0}});
    }

    void greet(Outputs& out) const {
        for (const auto& validator : genesis.validators.validators)
            greet(validator.key, out);
    }

    void on_greet(Outputs& out) {
        greet(out);
        if (!agreed.empty()) send_clearing_share(out);
        if (postponed && (agreed.empty() || ++greetings_postponed >= record_patience))
            return join_postponed(out);
        if (!directory || !agreed.empty())
            out.timers.push_back(
                {Timer::greet, ++greetings < eager_greetings ? greet_waiting_ms : greet_seldom_ms});
    }

    [[nodiscard]] std::vector<Peer> peers() const {
        std::vector<Peer> out;
        for (const auto& validator : genesis.validators.validators)
            out.push_back({validator.key, validator.endpoint});
        if (directory) {
            for (const PartyId home : directory->homes(net))
                if (home != self)
                    out.push_back({directory->at(home).key, directory->at(home).endpoint});
        }
        return out;
    }

    // ---- certified entries ---------------------------------------------------------------------------------------

    // Why the receipt is not good enough, or nothing.
    [[nodiscard]] std::optional<std::string> fault(const consensus::Receipt& receipt) const {
        const auto verdict = consensus::verify(receipt, genesis.chain_id(), genesis.validators);
        if (verdict == consensus::ReceiptVerdict::valid) return std::nullopt;
        return std::string(consensus::describe(verdict));
    }

    Result<void> adopt(const consensus::Receipt& receipt) {
        auto roster = settlement::decode_roster(receipt.entry.body);
        if (!roster) return roster.error();
        if (directory && roster->epoch <= directory->epoch()) return {};
        auto next = std::make_shared<const settlement::Directory>(std::move(*roster));
        const auto party = next->find(identity.public_key());
        if (!party || next->at(*party).role != settlement::Role::home)
            return Error{"roster epoch " + std::to_string(next->epoch()) +
                         " does not name this home (key " +
                         short_hex(identity.public_key().view()) +
                         "): ask the operator to enrol it; until then it cannot trade"};
        directory = std::move(next);
        self = *party;
        net = directory->at(self).net;
        secrets.clear();
        for (const auto& member : directory->roster().members) {
            const bool meets = member.role == settlement::Role::coordinator || member.net == net;
            if (member.key == identity.public_key() || !meets) continue;
            if (auto secret = identity.shared_secret(member.key))
                secrets.emplace(member.key, *secret);
        }
        return {};
    }

    void on_certified(const crypto::PublicKey& from,
                      const wire::CertifiedEntry& message,
                      Outputs& out) {
        auto receipt = consensus::decode_receipt(message.receipt);
        if (!receipt) {
            tell(out, Severity::wrong,
                 short_hex(from.view()) +
                     " sent a proof that cannot be read: " + receipt.error().message);
            return;
        }
        if (auto reason = fault(*receipt)) {
            tell(out, Severity::wrong,
                 short_hex(from.view()) + " sent an entry without a valid proof (" + *reason +
                     "); ignored");
            return;
        }
        if (receipt->entry.type == settlement::roster_entry)
            on_roster(*receipt, message.receipt, out);
        if (receipt->entry.type == settlement::cleared_net_entry) on_record(*receipt, out);
    }

    void on_roster(const consensus::Receipt& receipt, const Bytes& encoded, Outputs& out) {
        const auto before = directory;
        if (auto adopted = adopt(receipt); !adopted) {
            tell(out, Severity::wrong, adopted.error().message);
            return;
        }
        if (directory == before) return;
        out.persist[roster_key] = encoded;
        out.peers = peers();
        connected = false;
        greetings = 0;
        const std::size_t homes = directory->homes(net).size();
        tell(out, Severity::routine,
             "roster epoch " + std::to_string(directory->epoch()) + ": net " +
                 std::to_string(net.value) + " with " + std::to_string(homes) + " homes");
        if (homes < 3)
            tell(out, Severity::notable,
                 "fewer than three homes on this net: the operator can tell their sum from little "
                 "else");
    }

    void on_record(const consensus::Receipt& receipt, Outputs& out) {
        auto record = settlement::decode_cleared_net(receipt.entry.body);
        if (!record || !directory || record->net != net) return;
        if (certified && record->interval <= *certified) return;
        const auto mine =
            std::find_if(record->members.begin(), record->members.end(),
                         [&](const auto& member) { return member.key == identity.public_key(); });
        const auto agreement = std::find_if(agreed.begin(), agreed.end(), [&](const Pending& one) {
            return one.session == market::SessionId{record->interval, record->opening} &&
                   one.iteration == record->iteration &&
                   one.prices_micro == record->prices_micro_eur_per_kwh &&
                   mine != record->members.end() && mine->commitment == one.commitment;
        });
        certified = record->interval;
        out.persist[certified_key] = ByteWriter{}.i64(*certified).bytes();
        if (agreement == agreed.end()) {
            if (mine != record->members.end())
                tell(out, Severity::wrong,
                     "the record of interval " + std::to_string(record->interval) +
                         " is not what this home agreed to; nothing is dispatched from it");
            else
                tell(out, Severity::notable,
                     "interval " + std::to_string(record->interval) +
                         " was cleared without this home");
        } else {
            out.setpoint = Setpoint{agreement->session.interval, agreement->consumption_kw};
            if (last && last->session == agreement->session) last->certified = true;
            tell(
                out, Severity::routine,
                "session " + market::name_of(agreement->session) + " is on the log, proof checked");
        }
        const auto settled = std::erase_if(
            agreed, [&](const Pending& one) { return one.session.interval <= record->interval; });
        if (settled > 0) out.persist[pending_key] = agreed.empty() ? Bytes{} : encode(agreed);
        if (agreed.empty()) out.timers.push_back({Timer::greet, 0});
        if (last) out.report = last;
        // In a step of its own: first the devices move to the set-point of this one.
        if (postponed) out.timers.push_back({Timer::greet, 1});
    }

    // ---- a session -----------------------------------------------------------------------------------------------

    // Why this opening is not one to join, or nothing.
    [[nodiscard]] std::optional<std::string> objection(const crypto::PublicKey& from,
                                                       const wire::SessionOpen& open) const {
        const auto coordinator = genesis.validators.index_of(from);
        if (!coordinator) return "its sender is no coordinator";
        if (!crypto::verify(from, wire::signing_bytes(open, chain), open.signature))
            return "its signature is wrong";
        if (open.roster_epoch != directory->epoch())
            return "it is for roster epoch " + std::to_string(open.roster_epoch) +
                   ", this home has " + std::to_string(directory->epoch());
        if (open.parameters != parameters_digest)
            return "it uses other market parameters than genesis";
        if (open.net != net) return "it is for another net";
        if (open.start_dual_eur_per_kw.size() != parameters.horizon)
            return "its horizon is not the market's";
        if (directory->find(from) != open.chair) return "its chair is not its sender";
        if (certified && open.session.interval <= *certified)
            return "that interval is already on the log";
        if (open.session.opening % genesis.validators.size() != *coordinator)
            return "its number is another coordinator's";
        if (const auto newest = joined.find(from);
            newest != joined.end() && open.session <= newest->second)
            return open.session == newest->second ? "this home was in it already"
                                                  : "this home was in a later one already";
        if (active && active->chair != from && now - active->heard < parameters.silence_ms)
            return "session " + market::name_of(active->id) + " is under way";
        if (open.session.interval > limits::interval_start_ms_max / 1000 / parameters.interval_s)
            return "its interval is no market's";
        if (open.rho_eur_per_kw2 < limits::rho_eur_per_kw2_min ||
            open.rho_eur_per_kw2 > limits::rho_eur_per_kw2_max)
            return "its penalty is no market's";
        if (!market::plausible_prices(series_of(open.start_dual_eur_per_kw), interval_h()))
            return "its start prices are no market's";
        if (open.terminals < open.members.size() ||
            open.terminals > directory->roster().members.size() + directory->nets().size())
            return "its number of terminals is no market's";
        std::uint32_t homes = 0;
        bool includes_self = false;
        for (const market::Member& member : open.members) {
            if (member.party == open.chair) continue;
            if (!directory->holds(member.party))
                return "it names a party that is not on the roster";
            const auto& known = directory->at(member.party);
            if (known.role != settlement::Role::home || known.net != net)
                return "it names a party of another net";
            if (member.weight != known.weight_milli / 1000.0)
                return "a weight differs from the roster's";
            if (member.party != self && !secrets.contains(known.key))
                return "it names a party whose key is not usable";
            includes_self = includes_self || member.party == self;
            ++homes;
        }
        if (homes + 1 != open.members.size()) return "its chair is not among the members";
        if (!includes_self) return "this home is not among the members";
        for (const market::Member& member : open.members)
            if (member.party == open.chair && member.weight != parameters.feeder_weight(homes))
                return "a weight differs from the market's rule";
        if (homes < parameters.privacy_members_min)
            return "it has " + std::to_string(homes) + " homes, fewer than privacy allows (" +
                   std::to_string(parameters.privacy_members_min) + ")";
        return std::nullopt;
    }

    void on_open(const crypto::PublicKey& from, const wire::SessionOpen& open, Outputs& out) {
        if (!directory || (active && active->id == open.session)) return;
        if (postponed && postponed->second.session == open.session) return;
        if (auto reason = objection(from, open)) {
            const std::string text =
                "did not join session " + market::name_of(open.session) + ": " + *reason;
            if (text != last_word) tell(out, Severity::notable, text);
            if (is_validator(from) && open.roster_epoch > directory->epoch()) greet(out);
            return;
        }
        if (!agreed.empty() && agreed.back().session.interval < open.session.interval) {
            postponed.emplace(from, open);
            greetings_postponed = 0;
            greetings = 0;
            on_greet(out);
            return;
        }
        join(from, open, out);
    }

    void join_postponed(Outputs& out) {
        if (!postponed) return;
        const auto [from, open] = std::move(*postponed);
        postponed.reset();
        if (!objection(from, open)) join(from, open, out);
    }

    void join(const crypto::PublicKey& from, const wire::SessionOpen& open, Outputs& out) {
        const auto horizon = static_cast<Eigen::Index>(parameters.horizon);
        const model::Home home = forecast(open.session.interval, horizon);
        if (auto valid = home.validate(); !valid) {
            tell(out, Severity::wrong,
                 "cannot trade: the home's forecast is not usable: " + valid.error().message);
            return;
        }
        if (home.load_kw.size() != horizon || home.interval_h != interval_h()) {
            tell(out, Severity::wrong,
                 "cannot trade: the home's forecast has other intervals than the market: give it "
                 "intervals of " +
                     std::to_string(parameters.interval_s) + " s");
            return;
        }
        market::WarmState start = market::WarmState::cold(1, horizon, open.rho_eur_per_kw2);
        if (warm_interval && open.session.interval >= *warm_interval)
            start = warm.shifted(open.session.interval - *warm_interval,
                                 86'400 / parameters.interval_s);
        start.rho_eur_per_kw2 = open.rho_eur_per_kw2;
        start.y_eur_per_kw.row(0) = series_of(open.start_dual_eur_per_kw);

        std::map<PartyId, crypto::SharedSecret> shared;
        for (const market::Member& member : open.members)
            if (member.party != self)
                shared.emplace(member.party, secrets.at(directory->at(member.party).key));
        auto masks = std::make_shared<const crypto::PairwiseMasks>(
            self, market::session_bytes(chain.view(), open.session), std::move(shared));

        if (active)
            tell(out, Severity::notable,
                 "session " + market::name_of(active->id) + " given up for a later one");
        active.emplace();
        active->id = open.session;
        active->chair = from;
        active->net = net;
        active->directory = directory;
        active->self = self;
        active->heard = now;
        joined[from] = open.session;
        out.persist[joined_key] = encode_joined();
        active->device = std::make_unique<prox::Home>(home);
        active->session.emplace(market::Terms{open.session, parameters, open.rho_eur_per_kw2,
                                              open.terminals, open.chair},
                                self, std::vector<market::Seat>{{open.net, open.members}},
                                *active->device, std::move(masks), std::move(start));
        last_word = "clearing session " + market::name_of(open.session);
        out.timers.push_back({Timer::deadline, parameters.session_ms + parameters.silence_ms});
        if (agreed.empty()) out.timers.push_back({Timer::greet, 0});
        drive(market::Begin{}, out);

        auto waiting = std::move(early);
        early.clear();
        for (auto& [sender, shares] : waiting)
            for (wire::Share& share : shares)
                on_share(sender, std::move(share), out);
    }

    [[nodiscard]] static model::Series series_of(const std::vector<double>& values) {
        return Eigen::Map<const model::Series>(values.data(),
                                               static_cast<Eigen::Index>(values.size()));
    }

    [[nodiscard]] Bytes encode_joined() const {
        ByteWriter out;
        for (const auto& [chair, session] : joined)
            out.raw(chair.view()).i64(session.interval).u32(session.opening);
        return std::move(out).bytes();
    }

    void on_share(const crypto::PublicKey& from, wire::Share share, Outputs& out) {
        if (active && share.session == active->id) {
            if (active->directory->find(from) != share.share.from) return;
            if (from == active->chair) active->heard = now;
            drive(market::ShareReceived{std::move(share.share)}, out);
            return;
        }
        if (!secrets.contains(from)) return;
        const bool past = (active && share.session < active->id) ||
                          (certified && share.session.interval <= *certified);
        if (past) return;
        auto& kept = early[from];
        kept.push_back(std::move(share));
        if (kept.size() > early_shares_max) kept.pop_front();
    }

    void drive(const market::Input& input, Outputs& out) {
        market::Outputs result = active->session->step(input);
        if (result.verdict == market::Verdict::contradiction ||
            result.verdict == market::Verdict::malformed)
            tell(out, Severity::wrong,
                 "a member of the net sent a share that " +
                     std::string(result.verdict == market::Verdict::contradiction
                                     ? "contradicts its earlier one"
                                     : "is malformed"));
        for (market::MaskedShare& share : result.send) {
            broadcast(share, out);
            active->sent.push_back(std::move(share));
            if (active->sent.size() > 2) active->sent.pop_front();
        }
        if (result.progressed || !result.send.empty())
            out.timers.push_back({Timer::resend, resend_ms()});
        if (result.cleared) finish(std::move(*result.cleared), out);
    }

    void broadcast(const market::MaskedShare& share, Outputs& out) const {
        for (const PartyId party : share.members)
            if (party != active->self)
                out.send.push_back(
                    {active->directory->at(party).key, wire::Share{active->id, share}});
    }

    // To everyone: two members that each miss the other's message must both hear it again.
    void on_resend(Outputs& out) {
        if (!active) return;
        for (const market::MaskedShare& share : active->sent)
            broadcast(share, out);
        out.timers.push_back({Timer::resend, resend_ms()});
    }

    void finish(market::Cleared cleared, Outputs& out) {
        const Active over = std::move(*active);
        active.reset();
        out.timers.push_back({Timer::deadline, 0});
        out.timers.push_back({Timer::resend, 0});

        SessionReport report;
        report.session = over.id;
        report.outcome = cleared.outcome;
        report.iterations = cleared.iteration;
        report.rounds = cleared.rounds;
        if (cleared.outcome == market::Outcome::excluded ||
            cleared.outcome == market::Outcome::abandoned) {
            tell(out, Severity::notable,
                 "session " + market::name_of(over.id) + ": " + cleared.explanation);
            greet(out);
        } else if (!market::plausible_prices(cleared.y_eur_per_kw.row(0), interval_h())) {
            report.outcome = market::Outcome::abandoned;
            tell(out, Severity::wrong,
                 "session " + market::name_of(over.id) +
                     " ended at prices no market has; nothing is agreed: somebody on this net "
                     "sends wrong values");
            greet(out);
        } else {
            agree(over, cleared, report, out);
        }
        last = report;
        out.report = report;
    }

    void agree(const Active& over,
               const market::Cleared& cleared,
               SessionReport& report,
               Outputs& out) {
        const model::Series y = cleared.y_eur_per_kw.row(0);
        const model::Series x = cleared.x_kw.row(0);
        for (const double dual : y)
            report.price_eur_per_kwh.push_back(dual / interval_h());

        warm = cleared.warm;
        warm_interval = over.id.interval;
        Pending mine;
        mine.session = over.id;
        mine.net = over.net;
        mine.chair = over.chair;
        mine.iteration = cleared.iteration;
        mine.prices_micro = market::prices_micro_eur_per_kwh(y, interval_h());
        mine.commitment =
            crypto::commit(crypto::salt_for(identity, market::session_bytes(chain.view(), over.id)),
                           market::energies_wh(x, interval_h()));
        mine.consumption_kw = x(0);
        agreed.push_back(std::move(mine));
        if (agreed.size() > agreements_max) agreed.erase(agreed.begin());
        greetings = 0;

        ByteWriter remembered;
        remembered.i64(*warm_interval).f64(warm.rho_eur_per_kw2);
        write_row(remembered, warm.z_kw);
        write_row(remembered, warm.y_eur_per_kw);
        out.persist[warm_key] = std::move(remembered).bytes();
        out.persist[pending_key] = encode(agreed);
        tell(out,
             cleared.outcome == market::Outcome::partial ? Severity::notable : Severity::routine,
             "session " + market::name_of(over.id) + " cleared after " +
                 std::to_string(cleared.iteration) + " iterations" +
                 (cleared.explanation.empty() ? "" : ": " + cleared.explanation));
        send_clearing_share(out);
        out.timers.push_back({Timer::greet, greet_waiting_ms});
    }

    void send_clearing_share(Outputs& out) const {
        const Pending& mine = agreed.back();
        const Bytes statement = settlement::clearing_statement(
            genesis.chain_id(), mine.session.interval, mine.session.opening, mine.net,
            mine.iteration, mine.prices_micro, mine.commitment);
        out.send.push_back(
            {mine.chair, wire::ClearingShare{mine.session, mine.net, mine.iteration,
                                             mine.commitment, identity.sign(statement)}});
    }

    void on_excluded(const crypto::PublicKey& from,
                     const wire::SessionExcluded& message,
                     Outputs& out) {
        if (active && active->id == message.session && active->net == message.net &&
            active->chair == from)
            drive(market::Expelled{}, out);
    }

    // ---- inputs --------------------------------------------------------------------------------------------------

    void on(const Started&, Outputs& out) {
        out.peers = peers();
        out.timers.push_back({Timer::greet, greet_first_ms});
    }

    void on(const TimerElapsed& elapsed, Outputs& out) {
        switch (elapsed.timer) {
            case Timer::greet:
                return on_greet(out);
            case Timer::resend:
                return on_resend(out);
            case Timer::deadline:
                if (active) drive(market::DeadlineElapsed{}, out);
                return;
        }
    }

    void on(const MessageReceived& received, Outputs& out) {
        const auto& from = received.from;
        if (const auto* certified_entry = std::get_if<wire::CertifiedEntry>(&received.message))
            on_certified(from, *certified_entry, out);
        else if (const auto* open = std::get_if<wire::SessionOpen>(&received.message))
            on_open(from, *open, out);
        else if (const auto* share = std::get_if<wire::Share>(&received.message))
            on_share(from, *share, out);
        else if (const auto* excluded = std::get_if<wire::SessionExcluded>(&received.message))
            on_excluded(from, *excluded, out);
        else if (const auto* refusal = std::get_if<wire::Refusal>(&received.message))
            tell(out, Severity::notable, short_hex(from.view()) + " refused: " + refusal->reason);
        else if (std::holds_alternative<wire::Hello>(received.message) && is_validator(from))
            greet(from, out);
    }

    void on(const PeersConnected&, Outputs& out) {
        connected = true;
        greet(out);
    }

    // ---- memory --------------------------------------------------------------------------------------------------

    Result<void> remember(const Memory& memory) {
        const auto find = [&](const char* key) -> const Bytes* {
            const auto found = memory.find(key);
            return found == memory.end() || found->second.empty() ? nullptr : &found->second;
        };
        const auto damaged = [](const char* key) {
            return Error{std::string("the remembered '") + key +
                         "' does not decode: the state directory is damaged or another version's; "
                         "restore it or start "
                         "with an empty one"};
        };
        if (const Bytes* bytes = find(roster_key)) {
            auto receipt = consensus::decode_receipt(*bytes);
            if (!receipt || fault(*receipt)) return damaged(roster_key);
            if (auto adopted = adopt(*receipt); !adopted) return adopted.error();
        }
        if (const Bytes* bytes = find(certified_key)) {
            ByteReader in(*bytes);
            certified = in.i64();
            if (!in.complete()) return damaged(certified_key);
        }
        if (const Bytes* bytes = find(pending_key)) {
            auto agreements = decode_agreements(*bytes);
            if (!agreements) return damaged(pending_key);
            agreed = std::move(*agreements);
        }
        if (const Bytes* bytes = find(joined_key)) {
            ByteReader in(*bytes);
            while (in.left() > 0 && !in.failed()) {
                const auto chair = in.fixed<crypto::PublicKey>();
                const IntervalIndex interval = in.i64();
                joined[chair] = {interval, in.u32()};
            }
            if (in.failed()) return damaged(joined_key);
        }
        if (const Bytes* bytes = find(warm_key)) {
            ByteReader in(*bytes);
            warm_interval = in.i64();
            warm.rho_eur_per_kw2 = in.f64();
            warm.z_kw = read_row(in);
            warm.y_eur_per_kw = read_row(in);
            const auto horizon = static_cast<Eigen::Index>(parameters.horizon);
            if (!in.complete() || warm.z_kw.cols() != horizon ||
                warm.y_eur_per_kw.cols() != horizon)
                return damaged(warm_key);
        }
        return {};
    }
};

Result<Gateway> Gateway::create(const crypto::Identity& identity,
                                settlement::Genesis genesis,
                                Forecast forecast,
                                const Memory& memory) {
    auto parameters = market::Parameters::decode(genesis.market_parameters);
    if (!parameters) return Error{"genesis: market parameters: " + parameters.error().message};
    if (genesis.role_of(identity.public_key()) != settlement::Role::home)
        return Error{"key " + short_hex(identity.public_key().view()) +
                     " is not enrolled as a home in this genesis: ask the operator to enrol it"};
    auto state = std::make_unique<State>(identity, std::move(genesis), std::move(forecast));
    state->parameters = *parameters;
    if (auto remembered = state->remember(memory); !remembered) return remembered.error();
    return Gateway(std::move(state));
}

Outputs Gateway::step(const Input& input, UnixMs now) {
    Outputs out;
    state_->now = now;
    std::visit([&](const auto& concrete) { state_->on(concrete, out); }, input);
    return out;
}

std::string Gateway::explain() const {
    const State& state = *state_;
    if (!state.directory) return "waiting for a coordinator to show a roster that names this home";
    if (state.active) {
        const auto awaited = state.active->session->awaited();
        return "clearing session " + market::name_of(state.active->id) + ", iteration " +
               std::to_string(state.active->session->iteration()) + ", waiting for " +
               std::to_string(awaited.front().size()) + " members of the net";
    }
    if (!state.agreed.empty())
        return "waiting for the record of session " + market::name_of(state.agreed.back().session) +
               " on the log";
    return "waiting for the next session; last: " + state.last_word;
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

Gateway::~Gateway() = default;
Gateway::Gateway(Gateway&&) noexcept = default;
Gateway& Gateway::operator=(Gateway&&) noexcept = default;

}  // namespace kilter::agent
