#include "coordinator/core/records.hpp"

#include <algorithm>
#include <cmath>

#include "common/market/clearing.hpp"

namespace kilter::coordinator {

Records::Records(const Charter& charter,
                 const market::SessionId& session,
                 settlement::DirectoryPtr directory,
                 const std::vector<NetId>& nets,
                 const market::Cleared& cleared)
    : charter_(charter),
      session_(session),
      directory_(std::move(directory)),
      outcome_(cleared.outcome == market::Outcome::converged ? settlement::Outcome::converged
                                                             : settlement::Outcome::partial),
      iteration_(cleared.iteration),
      residual_milliwatt_(std::llround(cleared.primal_residual_kw * 1e6)) {
    const auto chair = directory_->find(charter.identity.public_key());
    const double hours = interval_h(charter.parameters);
    for (std::size_t i = 0; i < nets.size(); ++i) {
        Row row;
        row.net = nets[i];
        const model::Series y =
            market::terminal_values(cleared.y_eur_per_kw, i, charter.parameters);
        row.plausible = market::plausible_prices(y, hours);
        if (row.plausible) {
            row.prices_micro_eur_per_kwh = market::prices_micro_eur_per_kwh(y, hours);
            row.expected.insert(cleared.members[i].begin(), cleared.members[i].end());
            if (chair) row.expected.erase(*chair);
        }
        rows_.push_back(std::move(row));
    }
}

std::vector<NetId> Records::implausible() const {
    std::vector<NetId> out;
    for (const Row& row : rows_)
        if (!row.plausible) out.push_back(row.net);
    return out;
}

std::map<NetId, Ending> Records::endings() const {
    std::map<NetId, Ending> out;
    for (const Row& row : rows_) {
        if (!row.plausible || !row.forged.empty())
            out[row.net] = Ending::failed;
        else
            out[row.net] = row.signatures.empty() ? Ending::unclear : Ending::cleared;
    }
    return out;
}

Records::Verdict Records::on_signature(const crypto::PublicKey& from,
                                       const wire::ClearingShare& share) {
    const auto party = directory_->find(from);
    const auto row = std::find_if(rows_.begin(), rows_.end(),
                                  [&](const Row& each) { return each.net == share.net; });
    if (!party || row == rows_.end() || !row->expected.contains(*party) ||
        share.session != session_ || share.iteration != iteration_)
        return Verdict::not_asked;
    const Bytes statement = settlement::clearing_statement(
        charter_.genesis.chain_id(), session_.interval, session_.opening, row->net, iteration_,
        row->prices_micro_eur_per_kwh, share.commitment);
    if (!crypto::verify(from, statement, share.signature)) {
        if (!row->signatures.contains(*party)) row->forged.insert(*party);
        return Verdict::forged;
    }
    row->forged.erase(*party);
    row->signatures.insert_or_assign(
        *party, settlement::ClearedMember{from, share.commitment, share.signature});
    return Verdict::accepted;
}

void Records::leave_out_who_left(const settlement::Directory& newest) {
    for (Row& row : rows_)
        std::erase_if(row.expected, [&](PartyId party) {
            const auto now = newest.find(directory_->at(party).key);
            const bool stays = now && newest.at(*now).role == settlement::Role::home &&
                               newest.at(*now).net == row.net;
            if (!stays) row.signatures.erase(party);
            return !stays;
        });
}

bool Records::complete() const {
    return std::all_of(rows_.begin(), rows_.end(),
                       [](const Row& row) { return row.signatures.size() == row.expected.size(); });
}

std::vector<settlement::ClearedNet> Records::make() {
    made_ = true;
    std::vector<settlement::ClearedNet> out;
    for (const Row& row : rows_) {
        if (row.signatures.empty()) continue;
        open_.insert(row.net);
        out.push_back(record_of(row));
    }
    return out;
}

settlement::ClearedNet Records::record_of(const Row& row) const {
    settlement::ClearedNet out;
    out.interval = session_.interval;
    out.opening = session_.opening;
    out.net = row.net;
    out.roster_epoch = directory_->epoch();
    out.outcome = outcome_;
    out.iteration = iteration_;
    out.residual_milliwatt = residual_milliwatt_;
    out.prices_micro_eur_per_kwh = row.prices_micro_eur_per_kwh;
    for (const auto& [party, member] : row.signatures)
        out.members.push_back(member);
    std::sort(out.members.begin(), out.members.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return out;
}

std::size_t Records::homes() const {
    std::size_t out = 0;
    for (const Row& row : rows_)
        out += row.signatures.size();
    return out;
}

bool Records::on_final(NetId net) {
    open_.erase(net);
    return open_.empty();
}

}  // namespace kilter::coordinator
