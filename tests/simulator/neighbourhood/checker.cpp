#include "tests/simulator/neighbourhood/checker.hpp"

#include <algorithm>
#include <cmath>

#include "common/market/clearing.hpp"
#include "common/settlement/feeder_number.hpp"

namespace kilter::simulation {

namespace {

// Words of a message are as good as uniform: of two, both this small once in 2^46.
constexpr std::uint64_t bare_word_max = std::uint64_t{1} << 40;

bool is_bare(std::uint64_t word) {
    return word < bare_word_max || -word < bare_word_max;
}

}  // namespace

Checker::Checker(Report& report,
                 Options options,
                 market::Parameters parameters,
                 std::vector<model::Network> feeders,
                 std::vector<Resident> residents)
    : report_(report),
      options_(std::move(options)),
      parameters_(parameters),
      feeders_(std::move(feeders)),
      residents_(std::move(residents)) {
    for (std::size_t i = 0; i < residents_.size(); ++i)
        by_key_[residents_[i].key] = i;
}

const Resident* Checker::resident(const crypto::PublicKey& key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &residents_[found->second];
}

std::size_t Checker::homes_in(const std::vector<PartyId>& set) const {
    return static_cast<std::size_t>(std::count_if(set.begin(), set.end(), [&](PartyId party) {
        return party.value >= options_.coordinators;
    }));
}

bool Checker::is_lied_to(NetId net) const {
    return std::any_of(residents_.begin(), residents_.end(),
                       [&](const Resident& home) { return home.net == net && !home.honest; });
}

bool Checker::honest_values() const {
    return std::all_of(residents_.begin(), residents_.end(),
                       [](const Resident& home) { return home.honest; });
}

void Checker::on_letter(const crypto::PublicKey& from, const wire::Outgoing& letter) {
    on_sent(from, letter.message);
    const auto* share = std::get_if<wire::Share>(&letter.message);
    if (share != nullptr && by_key_.contains(from) && by_key_.contains(letter.to) &&
        share->share.words.size() > parameters_.quantities() + 1)
        report_.violation("N14", short_hex(from.view()) +
                                     " told a neighbour how it answers prices, in session " +
                                     market::name_of(share->session));
}

void Checker::on_sent(const crypto::PublicKey& from, const wire::Message& message) {
    if (const auto* share = std::get_if<wire::Share>(&message)) on_share(from, *share);
    if (const auto* open = std::get_if<wire::SessionOpen>(&message)) on_opening(*open);
}

void Checker::on_share(const crypto::PublicKey& from, const wire::Share& sent) {
    const market::MaskedShare& share = sent.share;
    const std::string who = short_hex(from.view()) + " in session " +
                            market::name_of(sent.session) + ", iteration " +
                            std::to_string(share.iteration);
    const auto [known, fresh] = masked_.try_emplace(
        {sent.session, share.net, share.from, share.iteration, share.attempt, share.members},
        share.words);
    // A home tells its chair more words than its neighbours, the first of them the same.
    const auto both =
        static_cast<std::ptrdiff_t>(std::min(known->second.size(), share.words.size()));
    if (!fresh &&
        !std::equal(share.words.begin(), share.words.begin() + both, known->second.begin()))
        report_.violation("N1", who + ": one mask over two messages");
    if (share.words.size() > known->second.size()) known->second = share.words;
    if (homes_in(share.members) < parameters_.privacy_members_min)
        report_.violation("N2", who + ": sums over " + std::to_string(homes_in(share.members)) +
                                    " homes, fewer than agreed");
    if (share.from.value >= options_.coordinators &&
        std::count_if(share.words.begin(), share.words.end(), is_bare) > 1)
        report_.violation("N3", who + ": words without a mask");
    if (share.notice && share.notice->stop_iteration != 0)
        stopped_[{sent.session, share.net}] = share.members;
}

void Checker::on_opening(const wire::SessionOpen& open) {
    const auto [known, fresh] = openings_.try_emplace({open.session, open.net}, open);
    if (!fresh && known->second.signature != open.signature)
        report_.violation("N9", "two sessions are named " + market::name_of(open.session));
}

void Checker::on_agreed(std::size_t home, const agent::Agreement& agreement) {
    auto& net = agreed_[{agreement.session, agreement.net}];
    for (const auto& [other, its] : net)
        if ((its.iteration != agreement.iteration || its.prices_micro != agreement.prices_micro) &&
            !is_lied_to(agreement.net))
            report_.violation("N4", "homes " + std::to_string(home) + " and " +
                                        std::to_string(other) + " agreed to different results of " +
                                        market::name_of(agreement.session));
    const auto [known, fresh] = net.try_emplace(home, agreement);
    if (!fresh && known->second != agreement)
        report_.violation("N4", "home " + std::to_string(home) + " agreed twice to " +
                                    market::name_of(agreement.session));
}

void Checker::on_setpoint(std::size_t home, const agent::Setpoint& setpoint) {
    if (put_back_.contains(home)) return;
    const std::string what =
        "home " + std::to_string(home) + ", interval " + std::to_string(setpoint.interval);
    if (!dispatched_.insert({{home, setpoint.interval}, setpoint.consumption_kw}).second)
        report_.violation("N8", what + ": dispatched twice");
    if (const auto interim = interims_.find({home, setpoint.interval}); interim != interims_.end())
        return check_sum(interim->second);
    if (const auto base = base_.find(home); base != base_.end())
        if (planned_kw(home, base->second, setpoint.interval) == setpoint.consumption_kw) return;
    const auto record = records_.find({setpoint.interval, residents_[home].net});
    if (record == records_.end()) {
        report_.violation("N8", what + ": dispatched without a record on the log");
        return;
    }
    const auto& net = agreed_[{{setpoint.interval, record->second.opening}, residents_[home].net}];
    const auto agreement = net.find(home);
    if (agreement == net.end() || agreement->second.consumption_kw != setpoint.consumption_kw)
        report_.violation("N8", what + ": dispatched what it has not agreed to");
}

void Checker::on_plans(std::size_t home, agent::Plans plans) {
    for (const auto& [session, net] : agreed_)
        if (const auto* schedule = plans.find(session.first))
            plans_[home].try_emplace(session.first, *schedule);
}

void Checker::on_base(std::size_t home, const settlement::ClearedNet& record) {
    if (record.outcome == settlement::Outcome::interim)
        report_.violation("N13", "home " + std::to_string(home) +
                                     " falls back on what was cleared without the feeder");
    base_[home] = record;
}

void Checker::on_accord(std::size_t home, const agent::Accord& accord) {
    accords_[{home, accord.session()}] = accord.record();
}

void Checker::on_interim(std::size_t home, const settlement::ClearedNet& record) {
    const auto homes =
        static_cast<std::size_t>(std::ranges::count(residents_, record.net, &Resident::net));
    if (2 * record.members.size() <= homes)
        report_.violation("N13", "home " + std::to_string(home) + " holds an interim record of " +
                                     std::to_string(record.members.size()) + " of " +
                                     std::to_string(homes) + " homes, which no log takes");
    interims_[{home, record.interval}] = record;
    accords_[{home, market::SessionId{record.interval, record.opening}}] = record;
}

void Checker::on_driven(std::size_t home, IntervalIndex newest, UnixMs now) {
    const IntervalIndex last = std::max(newest, interval_at(now, parameters_.interval_s));
    const auto is_void = [&](const auto& told) {
        return told.first.first == home && told.first.second > last;
    };
    std::erase_if(dispatched_, is_void);
    std::erase_if(interims_, is_void);
}

std::optional<double> Checker::planned_kw(std::size_t home,
                                          const settlement::ClearedNet& base,
                                          IntervalIndex interval) const {
    const auto plans = plans_.find(home);
    if (plans == plans_.end()) return std::nullopt;
    const auto plan = plans->second.find({base.interval, base.opening});
    const auto ahead = static_cast<std::size_t>(interval - base.interval);
    if (plan == plans->second.end() || interval <= base.interval || ahead >= plan->second.size())
        return std::nullopt;
    return plan->second[ahead];
}

void Checker::check_sum(const settlement::ClearedNet& record) {
    const auto base = records_.find({record.base, record.net});
    if (base == records_.end()) {
        report_.violation("N13", "an interim session follows a record that is not on the log");
        return;
    }
    double drawn_kw = 0;
    double promised_kw = 0;
    for (const settlement::ClearedMember& member : record.members) {
        const std::size_t home = by_key_.at(member.key);
        const auto drawn = dispatched_.find({home, record.interval});
        const auto interim = interims_.find({home, record.interval});
        const auto planned = planned_kw(home, base->second, record.interval);
        if (!residents_[home].honest || drawn == dispatched_.end() || interim == interims_.end() ||
            interim->second != record)
            return;  // somebody has not heard of it yet
        if (!planned) {
            report_.violation("N13", "home " + std::to_string(home) +
                                         " is in an interim session without a promise to keep");
            return;
        }
        drawn_kw += drawn->second;
        promised_kw += *planned;
    }
    const auto most = static_cast<double>(record.members.size() * parameters_.horizon);
    if (std::abs(drawn_kw - promised_kw) > std::sqrt(most) * parameters_.primal_tolerance_kw + 1e-4)
        report_.violation("N13", "net " + std::to_string(record.net.value) + " draws " +
                                     std::to_string(drawn_kw) + " kW in interval " +
                                     std::to_string(record.interval) + ", it had promised " +
                                     std::to_string(promised_kw));
}

void Checker::on_report(const coordinator::SessionReport& report) {
    for (const crypto::PublicKey& home : report.caught) {
        caught_.insert(home);
        if (const Resident* its = resident(home); its != nullptr && its->honest)
            report_.violation("N15", "session " + market::name_of(report.session) +
                                         " caught home " + short_hex(home.view()) +
                                         ", which does not lie");
    }
    if (report.outcome != market::Outcome::converged || !honest_values()) return;
    double drawn_kw = 0;
    std::size_t terminals = 0;
    for (const NetId net : report.nets) {
        const auto set = stopped_.find({report.session, net});
        terminals = openings_.at({report.session, net}).terminals;
        if (set == stopped_.end()) continue;  // all of its homes were silent
        const auto& agreed = agreed_[{report.session, net}];
        if (agreed.size() != homes_in(set->second)) return;  // somebody has not heard of it
        for (const auto& [home, agreement] : agreed)
            drawn_kw += agreement.consumption_kw;
    }
    const auto most = static_cast<double>(report.nets.size() * terminals * parameters_.horizon);
    const double tolerance_kw = std::sqrt(most) * report.primal_residual_kw + 1e-4;
    const double import_kw = report.import_kw(0);
    if (std::abs(drawn_kw - import_kw) > tolerance_kw)
        report_.violation("N5", "session " + market::name_of(report.session) + ": homes draw " +
                                    std::to_string(drawn_kw) + " kW and the feeder imports " +
                                    std::to_string(import_kw) + " kW, at a residual of " +
                                    std::to_string(report.primal_residual_kw));
    const model::Network& feeder = feeders_.at(settlement::feeder_of(report.nets.front()));
    if (drawn_kw > feeder.tie.import_max_kw + tolerance_kw)
        report_.violation("N6", "session " + market::name_of(report.session) + ": homes draw " +
                                    std::to_string(drawn_kw) + " kW, more than the feeder may");
}

void Checker::on_submitted(const consensus::Entry& entry) {
    const auto [known, fresh] =
        numbers_.try_emplace({entry.author, entry.seq, entry.key}, entry.body);
    if (!fresh && known->second != entry.body)
        report_.violation(
            "N9", "coordinator " + short_hex(entry.author.view()) + " numbered two entries alike");
}

void Checker::on_block(consensus::Height height,
                       const consensus::Block& block,
                       consensus::BlockHash hash) {
    const consensus::Header& header = block.header;
    const auto [known, fresh] = chain_.try_emplace(
        height, Link{hash, header.view, header.first_index + block.entries.size()});
    if (!fresh) {
        if (known->second.hash != hash)
            report_.violation("S1", "two blocks at height " + std::to_string(height));
        return;
    }
    const auto below = chain_.find(height - 1);
    if (header.height != height || header.count != block.entries.size() ||
        (below != chain_.end() &&
         (header.parent_hash != below->second.hash || header.parent_view != below->second.view ||
          header.view <= header.parent_view || header.first_index != below->second.next_index)))
        report_.violation("S6", "the block at height " + std::to_string(height) +
                                    " does not stand on the one below");
    for (const consensus::EntryPtr& entry : block.entries)
        if (entry->entry.type == settlement::cleared_net_entry)
            on_record(*settlement::decode_cleared_net(entry->entry.body));
}

void Checker::on_record(const settlement::ClearedNet& record) {
    const market::SessionId session{record.interval, record.opening};
    const std::string what =
        "session " + market::name_of(session) + ", net " + std::to_string(record.net.value);
    if (!records_.try_emplace({record.interval, record.net}, record).second)
        report_.violation("N7", what + ": two records of an interval");
    logged_.push_back(record);
    if (record.outcome == settlement::Outcome::interim) return on_interim_record(record);
    const auto& agreed = agreed_[{session, record.net}];
    for (const settlement::ClearedMember& member : record.members) {
        const Resident* home = resident(member.key);
        if (home == nullptr || home->net != record.net) {
            report_.violation("N7", what + ": recorded with a stranger");
            continue;
        }
        if (!home->honest) continue;
        const auto its = agreed.find(by_key_.at(member.key));
        if (its == agreed.end() || its->second.commitment != member.commitment ||
            its->second.prices_micro != record.prices_micro_eur_per_kwh ||
            its->second.iteration != record.iteration)
            report_.violation("N7", what + ": home " + std::to_string(by_key_.at(member.key)) +
                                        " has not agreed to what is recorded");
    }
}

void Checker::on_interim_record(const settlement::ClearedNet& record) {
    for (const settlement::ClearedMember& member : record.members) {
        const Resident* home = resident(member.key);
        const std::string what = "interim session " +
                                 market::name_of({record.interval, record.opening}) + ", net " +
                                 std::to_string(record.net.value);
        if (home == nullptr || home->net != record.net) {
            report_.violation("N7", what + ": recorded with a stranger");
            continue;
        }
        const auto its = accords_.find(
            {by_key_.at(member.key), market::SessionId{record.interval, record.opening}});
        if (home->honest &&
            (its == accords_.end() || its->second.iteration != record.iteration ||
             its->second.prices_micro_eur_per_kwh != record.prices_micro_eur_per_kwh))
            report_.violation("N7", what + ": home " + std::to_string(by_key_.at(member.key)) +
                                        " has not agreed to what is recorded");
    }
}

void Checker::on_event(const std::string& who, const Event& event) {
    const bool clocks_lie =
        options_.clock.jump > 0 || options_.clock.freeze > 0 || options_.misset.by_ms != 0;
    if (event.severity == Severity::wrong && options_.lie == Lie::none && !clocks_lie)
        report_.violation("N11", who + " finds something wrong where nobody lies: " + event.text);
}

std::vector<settlement::ClearedNet> Checker::cleared() const {
    std::vector<settlement::ClearedNet> out;
    for (const auto& [_, record] : records_)
        out.push_back(record);
    return out;
}

std::set<NetId> Checker::recorded(IntervalIndex interval) const {
    std::set<NetId> out;
    for (auto at = records_.lower_bound({interval, NetId{0}});
         at != records_.end() && at->first.first == interval; ++at)
        out.insert(at->first.second);
    return out;
}

bool Checker::recorded(IntervalIndex interval, const Resident& home) const {
    const auto record = records_.find({interval, home.net});
    return record != records_.end() &&
           std::any_of(record->second.members.begin(), record->second.members.end(),
                       [&](const auto& member) { return member.key == home.key; });
}

}  // namespace kilter::simulation
