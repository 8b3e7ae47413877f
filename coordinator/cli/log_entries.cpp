#include "coordinator/cli/log_entries.hpp"

#include <algorithm>

#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "common/market/parameters.hpp"
#include "common/settlement/feeder_number.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/topology/files.hpp"

namespace kilter::cli {
namespace {

constexpr const char* store_name = "log.db";
constexpr double micro = 1e-6;

std::string interval_text(IntervalIndex interval, std::int64_t interval_s) {
    return interval_s > 0 ? utc_text(interval_start(interval, interval_s))
                          : "interval " + std::to_string(interval);
}

const char* outcome_text(settlement::Outcome outcome) {
    if (outcome == settlement::Outcome::interim) return "interim";
    return outcome == settlement::Outcome::converged ? "converged" : "partial";
}

std::string text_of(const settlement::RosterChange& change) {
    const auto homes =
        std::count_if(change.grants.begin(), change.grants.end(),
                      [](const auto& member) { return member.role == settlement::Role::home; });
    const auto others = static_cast<std::ptrdiff_t>(change.grants.size()) - homes;
    const auto revoked = std::count_if(change.removals.begin(), change.removals.end(),
                                       [](const auto& removal) { return removal.revoked; });
    const auto removed = static_cast<std::ptrdiff_t>(change.removals.size()) - revoked;
    std::string out = "roster epoch " + std::to_string(change.epoch);
    const auto add = [&](std::ptrdiff_t count, const char* what) {
        if (count > 0) out += "  " + std::to_string(count) + " " + what;
    };
    add(homes, "homes granted");
    add(others, "coordinators granted");
    add(revoked, "revoked");
    add(removed, "removed");
    return out;
}

std::string text_of(const settlement::ClearedNet& net, std::int64_t interval_s) {
    std::string out = "cleared net " + settlement::name_of(net.net) + "  " +
                      interval_text(net.interval, interval_s) + "  " + outcome_text(net.outcome) +
                      " at " + std::to_string(net.iteration) + "  " +
                      std::to_string(net.members.size()) + " homes";
    if (!net.prices_micro_eur_per_kwh.empty())
        out += "  " + fixed(micro * static_cast<double>(net.prices_micro_eur_per_kwh.front()), 4) +
               " EUR/kWh";
    return out;
}

Json json_of(const settlement::RosterChange& change) {
    Json grants = Json::array();
    for (const auto& member : change.grants)
        grants.push_back({{"key", to_hex(member.key.view())},
                          {"role", settlement::name_of(member.role)},
                          {"feeder", member.feeder},
                          {"net", member.net.value},
                          {"service_point", to_hex(member.service_point.view())},
                          {"weight_milli", member.weight_milli},
                          {"endpoint", member.endpoint},
                          {"valid_from_ms", member.valid_from_ms},
                          {"valid_until_ms", member.valid_until_ms}});
    Json removals = Json::array();
    for (const auto& removal : change.removals)
        removals.push_back({{"key", to_hex(removal.key.view())}, {"revoked", removal.revoked}});
    return {{"epoch", change.epoch},
            {"grants", grants},
            {"removals", removals},
            {"roster", to_hex(change.roster.view())}};
}

Json json_of(const settlement::ClearedNet& net, std::int64_t interval_s) {
    Json members = Json::array();
    for (const auto& member : net.members)
        members.push_back({{"key", to_hex(member.key.view())},
                           {"commitment", to_hex(member.commitment.view())},
                           {"signature", to_hex(member.signature.view())}});
    Json out{{"interval", net.interval},
             {"starts", interval_text(net.interval, interval_s)},
             {"opening", net.opening},
             {"net", net.net.value},
             {"roster_epoch", net.roster_epoch},
             {"outcome", outcome_text(net.outcome)},
             {"iteration", net.iteration},
             {"residual_milliwatt", net.residual_milliwatt},
             {"prices_micro_eur_per_kwh", net.prices_micro_eur_per_kwh},
             {"members", members}};
    if (net.outcome == settlement::Outcome::interim) out["base"] = net.base;
    return out;
}

}  // namespace

std::filesystem::path store_file(const std::filesystem::path& path) {
    std::error_code ignored;
    for (const std::filesystem::path& place : {path / store_name, path / "state" / store_name})
        if (std::filesystem::exists(place, ignored)) return place;
    return path;
}

Result<settlement::Genesis> read_genesis(const std::filesystem::path& file) {
    const auto text = topology::read_text_file(file);
    if (!text) return text.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*text));
    if (!genesis)
        return Error{file.string() + " is not a genesis document: " + genesis.error().message};
    return genesis;
}

std::int64_t interval_seconds(const settlement::Genesis& genesis) {
    const auto parameters = market::Parameters::decode(genesis.market_parameters);
    return parameters ? parameters->interval_s : 0;
}

std::string entry_text(const consensus::Entry& entry, std::int64_t interval_s) {
    if (entry.type == settlement::roster_change_entry)
        if (const auto change = settlement::decode_roster_change(entry.body))
            return text_of(*change);
    if (entry.type == settlement::cleared_net_entry)
        if (const auto net = settlement::decode_cleared_net(entry.body))
            return text_of(*net, interval_s);
    if (entry.type == settlement::proposal_entry)
        if (const auto proposal = governance::decode_proposal(entry.body))
            return "proposal  " + describe(proposal->action);
    if (entry.type == settlement::statement_entry)
        if (const auto statement = governance::decode_statement(entry.body))
            return std::string(name_of(statement->opinion)) + " of proposal " +
                   short_hex(statement->proposal.view());
    return std::string(settlement::entry_type_name(entry.type)) + " (type " +
           std::to_string(entry.type) + ")";
}

Json entry_json(const settlement::CheckedEntry& checked, std::int64_t interval_s) {
    const consensus::Entry& entry = checked.entry->entry;
    Json out{{"index", checked.index},
             {"height", checked.height},
             {"id", to_hex(checked.entry->id.view())},
             {"type", settlement::entry_type_name(entry.type)},
             {"author", to_hex(entry.author.view())},
             {"seq", entry.seq},
             {"expires_ms", entry.expires_ms}};
    if (entry.type == settlement::roster_change_entry)
        if (const auto change = settlement::decode_roster_change(entry.body))
            out["roster_change"] = json_of(*change);
    if (entry.type == settlement::proposal_entry)
        if (const auto proposal = governance::decode_proposal(entry.body))
            out["proposal"] = {{"action", describe(proposal->action)},
                               {"height", proposal->height},
                               {"reason", proposal->reason}};
    if (entry.type == settlement::statement_entry)
        if (const auto statement = governance::decode_statement(entry.body))
            out["statement"] = {{"opinion", name_of(statement->opinion)},
                                {"proposal", to_hex(statement->proposal.view())}};
    if (entry.type == settlement::cleared_net_entry)
        if (const auto net = settlement::decode_cleared_net(entry.body))
            out["cleared_net"] = json_of(*net, interval_s);
    return out;
}

}  // namespace kilter::cli
