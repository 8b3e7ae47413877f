#include "coordinator/core/attendance.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "coordinator/core/charter.hpp"

namespace kilter::coordinator {

namespace {

constexpr UnixMs expiry_margin_ms = 60'000;  // for signatures, and the log's way to a block

// Homes of one net whose signatures fit one record, and who fit one session beside the chair.
std::size_t homes_max_of(const market::Parameters& parameters) {
    settlement::ClearedNet record;
    record.outcome = settlement::Outcome::interim;  // the longest, and its homes may write it
    record.prices_micro_eur_per_kwh.resize(parameters.quantities());
    const std::size_t empty = settlement::encode(record).size();
    record.members.resize(1);
    const std::size_t each = settlement::encode(record).size() - empty;
    return std::min((limits::entry_body_bytes_max - empty) / each, limits::members_per_net_max - 1);
}

}  // namespace

Attendance::Attendance(const crypto::Identity& identity,
                       settlement::DirectoryPtr directory,
                       const model::Network& feeder,
                       market::Parameters parameters)
    : directory_(std::move(directory)),
      feeder_(feeder),
      parameters_(std::move(parameters)),
      homes_max_(homes_max_of(parameters_)) {
    chair_ = directory_->find(identity.public_key());
    if (chair_ && settlement::feeder_of(directory_->at(*chair_).net) != feeder_.number)
        chair_.reset();
    for (const NetId net : own_nets())
        for (const PartyId home : directory_->homes(net))
            if (auto secret = identity.shared_secret(directory_->at(home).key))
                secrets_.emplace(home, *secret);
}

const crypto::SharedSecret& Attendance::secret_with(PartyId home) const {
    return secrets_.at(home);
}

bool Attendance::serves(PartyId home, NetId net) const {
    return secrets_.contains(home) && directory_->at(home).net == net;
}

std::vector<Event> Attendance::unserved() const {
    std::vector<Event> out;
    const std::string epoch = "roster epoch " + std::to_string(directory_->epoch());
    std::size_t elsewhere = 0;
    for (const NetId net : own_nets())
        for (const PartyId home : directory_->homes(net))
            if (directory_->at(home).feeder != feeder_.name) ++elsewhere;
    if (elsewhere > 0)
        out.push_back({Severity::wrong, epoch + " names " + std::to_string(elsewhere) +
                                            " homes of another feeder than " + feeder_.name +
                                            " under its number " + std::to_string(feeder_.number) +
                                            ": they cannot trade here"});
    for (const NetId net : own_nets()) {
        const std::size_t homes = directory_->homes(net).size();
        const std::string place =
            epoch + " puts " + std::to_string(homes) + " homes on net " + settlement::name_of(net);
        if (!feeds(feeder_, net))
            out.push_back({Severity::wrong,
                           place + ", which this feeder does not have: they cannot trade until the "
                                   "operator's next roster puts them elsewhere"});
        else if (homes > homes_max_)
            out.push_back(
                {Severity::wrong, place + ", but a net's record has room for " +
                                      std::to_string(homes_max_) +
                                      ": the others cannot trade until the net is split"});
    }
    return out;
}

bool Attendance::on_greeting(const crypto::PublicKey& from) {
    const auto home = directory_->find(from);
    if (!home || !secrets_.contains(*home)) return false;
    waived_.erase(*home);
    asked_.erase(*home);
    return ready_.insert(*home).second;
}

void Attendance::on_silence(const crypto::PublicKey& home) {
    if (const auto party = directory_->find(home)) ready_.erase(*party);
}

void Attendance::waive(const std::vector<PartyId>& homes) {
    waived_.insert(homes.begin(), homes.end());
}

std::vector<PartyId> Attendance::silent(UnixMs now) const {
    std::vector<PartyId> out;
    for (const NetId net : own_nets())
        for (const PartyId home : served(net, now))
            if (!ready_.contains(home)) out.push_back(home);
    return out;
}

std::vector<PartyId> Attendance::to_greet(UnixMs now) {
    std::vector<PartyId> out;
    for (const PartyId home : silent(now)) {
        if (out.size() == greeted_at_once) break;
        Asked& asked = asked_[home];
        const bool lately = now >= asked.last && now - asked.last < asked.pause_ms;
        if (lately) continue;
        asked = {now, std::clamp(2 * asked.pause_ms, greet_again_ms, greet_again_ms_max)};
        out.push_back(home);
    }
    return out;
}

std::vector<PartyId> Attendance::missing(UnixMs now) const {
    std::vector<PartyId> out = silent(now);
    std::erase_if(out, [this](PartyId home) { return waived_.contains(home); });
    return out;
}

std::vector<market::Seat> Attendance::seats(UnixMs now,
                                            const std::vector<PartyId>& left_out) const {
    const std::size_t homes_min = std::max(1U, parameters_.privacy_members_min);
    std::vector<market::Seat> out;
    for (const NetId net : own_nets()) {
        market::Seat seat{net, {}};
        for (const PartyId home : served(net, now))
            if (ready_.contains(home))
                seat.members.push_back({home, directory_->at(home).weight_milli / 1000.0});
        for (const PartyId home : left_out)
            if (seat.members.size() > homes_min)
                std::erase_if(seat.members, [home](const auto& one) { return one.party == home; });
        if (seat.members.size() < homes_min) continue;
        seat.members.push_back({*chair_, parameters_.feeder_weight(seat.members.size())});
        std::sort(seat.members.begin(), seat.members.end());
        out.push_back(std::move(seat));
    }
    return out;
}

std::vector<PartyId> Attendance::expiring(UnixMs now) const {
    std::vector<PartyId> out;
    for (const auto& [home, _] : secrets_)
        if (!lasts(home, now)) out.push_back(home);
    return out;
}

bool Attendance::lasts(PartyId home, UnixMs now) const {
    const UnixMs on_the_log = now + parameters_.session_ms + expiry_margin_ms;
    return directory_->at(home).valid_at(now) && directory_->at(home).valid_at(on_the_log);
}

std::vector<NetId> Attendance::own_nets() const {
    std::vector<NetId> out = directory_->nets();
    std::erase_if(out, [this](NetId net) { return settlement::feeder_of(net) != feeder_.number; });
    return out;
}

std::vector<PartyId> Attendance::served(NetId net, UnixMs now) const {
    if (!feeds(feeder_, net)) return {};
    std::vector<PartyId> out;
    for (const PartyId home : directory_->homes(net))
        if (directory_->at(home).feeder == feeder_.name && lasts(home, now)) out.push_back(home);
    out.resize(std::min(out.size(), homes_max_));
    return out;
}

std::vector<NetId> nets_of(const std::vector<market::Seat>& seats) {
    std::vector<NetId> out;
    out.reserve(seats.size());
    for (const market::Seat& seat : seats)
        out.push_back(seat.net);
    return out;
}

}  // namespace kilter::coordinator
