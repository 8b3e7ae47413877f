#include "coordinator/cli/home_books.hpp"

#include <charconv>
#include <sstream>

#include "agent/core/meter_desk.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/key_value.hpp"
#include "common/topology/files.hpp"

namespace kilter::cli {

namespace {

using Energies = std::map<IntervalIndex, std::int64_t>;

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

// "interval,energy_wh", with or without these names in the first line.
Result<Energies> read_energies(const std::filesystem::path& file) {
    const auto text = topology::read_text_file(file);
    if (!text) return text.error();
    Energies out;
    std::istringstream lines(*text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const auto comma = line.find(',');
        if (line.empty() || (number == 1 && line.starts_with("interval"))) continue;
        const auto interval = whole_number(line.substr(0, comma));
        const auto energy =
            comma == std::string::npos ? std::nullopt : whole_number(line.substr(comma + 1));
        if (!interval || !energy)
            return Error{file.string() + ": line " + std::to_string(number) +
                         " is not INTERVAL,ENERGY_WH in whole numbers"};
        if (!out.empty() && *interval != out.rbegin()->first + 1)
            return Error{file.string() + ": line " + std::to_string(number) +
                         ": intervals follow one another without gap"};
        out[*interval] = *energy;
    }
    if (out.empty() || out.size() > settlement::corrected_intervals_max)
        return Error{file.string() + ": between 1 and " +
                     std::to_string(settlement::corrected_intervals_max) +
                     " intervals are corrected at once; a longer fault takes several corrections"};
    return out;
}

// Another blinding for every other value: two commitments with the same one would show their difference.
crypto::Scalar corrected_blinding(const crypto::Identity& meter,
                                  const settlement::ChainId& chain,
                                  IntervalIndex interval,
                                  std::int64_t energy_wh) {
    return crypto::hash_to_scalar("corrected read",
                                  agent::read_blinding(meter, chain, interval).view(),
                                  ByteWriter{}.i64(interval).i64(energy_wh).bytes());
}

}  // namespace

Result<HomeBooks> HomeBooks::open(const std::filesystem::path& directory, const SettledLog& log) {
    auto home = storage::read_key_file(directory / "key");
    if (!home) return home.error();
    auto meter = storage::read_key_file(directory / "meter.key");
    if (!meter) return meter.error();
    const auto* party = log.context().party(home->public_key());
    if (party == nullptr || party->role != settlement::Role::home)
        return Error{"the log knows no home with the key in " + (directory / "key").string()};
    const auto file = directory / "state" / "agent.db";
    const auto store = storage::KeyValue::open_read_only(file);
    if (!store) return store.error();
    const auto damaged = [&](const std::string& key) {
        return Error{
            file.string() + ": '" + key +
            "' does not open with this home's keys: the file is another home's or damaged"};
    };
    HomeBooks out{std::move(*home), std::move(*meter), {party->net, {}, {}}, {}};
    const settlement::ChainId chain = log.genesis().chain_id();
    const crypto::Vault of_meter(out.meter);
    const crypto::Vault of_home(out.home);
    const settlement::PriceBook& prices = log.context().prices();
    for (IntervalIndex t = log.period().first; t < log.period().end; ++t) {
        const std::string read_key = agent::read_key(t);
        const auto read = store->get(read_key);
        if (!read) return read.error();
        if (*read) {
            const auto opened = agent::open_read(of_meter, t, **read);
            if (!opened) return damaged(read_key);
            out.reads[t] = *opened;
            out.account.reads[t] = {opened->energy_wh(), agent::read_blinding(out.meter, chain, t)};
        }
        const auto* record = prices.day_ahead(party->net, t);
        if (record == nullptr || t < record->first || t >= record->end() ||
            !record->members.contains(out.home.public_key()))
            continue;
        const std::string position_key = agent::position_key(t);
        const auto position = store->get(position_key);
        if (!position) return position.error();
        const auto opened = *position ? agent::open_position(of_home, t, **position) : std::nullopt;
        if (!opened) return damaged(position_key);
        out.account.positions[t] = {opened->first, opened->second};
    }
    if (out.reads.empty())
        return Error{file.string() + " has no read of the period: has the meter been counting?"};
    return out;
}

Result<std::map<IntervalIndex, std::int64_t>> HomeBooks::correct(const std::filesystem::path& file,
                                                                 const settlement::ChainId& chain) {
    auto energies = read_energies(file);
    if (!energies) return energies;
    for (const auto& [t, energy_wh] : *energies)
        account.reads[t] = {energy_wh, corrected_blinding(meter, chain, t, energy_wh)};
    return energies;
}

Result<settlement::Bill> HomeBooks::bill(const SettledLog& log) const {
    return settlement::make_bill(account, log.context().prices(), reads.begin()->first,
                                 log.period().end);
}

Result<std::vector<settlement::BillLine>> HomeBooks::lines(const SettledLog& log,
                                                           const settlement::Bill& bill) const {
    std::vector<settlement::BillLine> out;
    for (IntervalIndex t = bill.first; t < bill.end(); ++t) {
        auto line = settlement::line_of(account, log.context().prices(), t);
        if (!line) return line.error();
        out.push_back(*line);
    }
    return out;
}

}  // namespace kilter::cli
