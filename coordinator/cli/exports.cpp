#include "coordinator/cli/exports.hpp"

#include <algorithm>
#include <sstream>

#include "common/cli/output.hpp"

namespace kilter::cli {

namespace {

using settlement::Quality;

// QualityOfReading of ESPI: valid, linear interpolation, questionable.
int espi_quality(Quality quality) {
    switch (quality) {
        case Quality::measured:
            return 0;
        case Quality::substituted:
            return 9;
        case Quality::estimated:
            return 10;
    }
    return 10;
}

// "2026-06-01T17:00:00Z"
std::string atom_time(std::int64_t unix_ms) {
    std::string out = utc_text(unix_ms);
    out[10] = 'T';
    return out + ":00Z";
}

class Feed {
  public:
    explicit Feed(std::string updated) : updated_(std::move(updated)) {
        out_ << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<id>urn:kilter:feed</id>\n"
                "<title>Green Button usage feed</title>\n<updated>"
             << updated_ << "</updated>\n";
    }

    void add(const std::string& self,
             const std::string& up,
             const std::vector<std::string>& related,
             const std::string& title,
             const std::string& content) {
        out_ << "<entry>\n<id>urn:kilter:" << self << "</id>\n<link rel=\"self\" href=\"" << self
             << "\"/>\n<link rel=\"up\" href=\"" << up << "\"/>\n";
        for (const std::string& link : related)
            out_ << "<link rel=\"related\" href=\"" << link << "\"/>\n";
        out_ << "<title>" << title << "</title>\n<content>\n"
             << content << "</content>\n<published>" << updated_ << "</published>\n<updated>"
             << updated_ << "</updated>\n</entry>\n";
    }

    std::string text() { return out_.str() + "</feed>\n"; }

  private:
    std::string updated_;
    std::ostringstream out_;
};

std::string element(const std::string& name, const std::string& content) {
    return "<" + name + " xmlns=\"http://naesb.org/espi\">\n" + content + "</" + name + ">\n";
}

std::string tag(const std::string& name, std::int64_t value) {
    return "<" + name + ">" + std::to_string(value) + "</" + name + ">\n";
}

std::string time_period(const std::string& name, std::int64_t begin_s, std::int64_t duration_s) {
    return "<" + name + ">\n" + tag("duration", duration_s) + tag("start", begin_s) + "</" + name +
           ">\n";
}

std::string reading_type(int flow_direction, std::int64_t interval_s) {
    return element("ReadingType", tag("accumulationBehaviour", 4) + tag("commodity", 1) +
                                      tag("currency", 978) + tag("flowDirection", flow_direction) +
                                      tag("intervalLength", interval_s) + tag("kind", 12) +
                                      tag("powerOfTenMultiplier", 0) + tag("uom", 72));
}

}  // namespace

std::string bill_csv(const std::vector<settlement::BillLine>& lines,
                     const std::map<IntervalIndex, settlement::MeteredInterval>& reads,
                     std::int64_t interval_s) {
    std::ostringstream out;
    out << "interval,starts_utc,import_wh,export_wh,quality,position_wh,real_time_micro_eur_per_"
           "kwh,"
           "day_ahead_micro_eur_per_kwh,tie_real_time_micro_eur_per_kwh,"
           "tie_day_ahead_micro_eur_per_kwh,charge_nano_eur\n";
    for (const settlement::BillLine& line : lines) {
        const auto& read = reads.at(line.interval);
        out << line.interval << ',' << utc_text(interval_start(line.interval, interval_s)) << ','
            << read.import_wh << ',' << read.export_wh << ',' << settlement::name_of(read.quality)
            << ',' << line.position_wh << ',' << line.real_time.net << ',' << line.day_ahead.net
            << ',' << line.real_time.tie << ',' << line.day_ahead.tie << ',' << line.charge_nano_eur
            << '\n';
    }
    return out.str();
}

std::string green_button_xml(const std::string& id,
                             const std::vector<settlement::BillLine>& lines,
                             const std::map<IntervalIndex, settlement::MeteredInterval>& reads,
                             std::int64_t due_micro_eur,
                             std::int64_t interval_s,
                             std::int64_t updated_ms) {
    const std::int64_t begin_s = lines.front().interval * interval_s;
    const std::int64_t duration_s = static_cast<std::int64_t>(lines.size()) * interval_s;
    const std::string point = "UsagePoint/" + id;
    Feed feed(atom_time(updated_ms));
    feed.add(
        point, "UsagePoint", {point + "/MeterReading", point + "/UsageSummary"}, "Electricity",
        element("UsagePoint", "<ServiceCategory>\n" + tag("kind", 0) + "</ServiceCategory>\n"));
    for (const bool delivered : {true, false}) {
        const std::string number = delivered ? "1" : "2";
        const std::string reading = point + "/MeterReading/" + number;
        const std::string type = "ReadingType/" + number;
        const std::string title = delivered ? "Delivered" : "Received";
        feed.add(reading, point + "/MeterReading", {reading + "/IntervalBlock", type}, title,
                 element("MeterReading", ""));
        feed.add(type, "ReadingType", {}, title, reading_type(delivered ? 1 : 19, interval_s));
        std::string block = time_period("interval", begin_s, duration_s);
        for (const settlement::BillLine& line : lines) {
            const auto& read = reads.at(line.interval);
            block += "<IntervalReading>\n<ReadingQuality>\n" +
                     tag("quality", espi_quality(read.quality)) + "</ReadingQuality>\n" +
                     time_period("timePeriod", line.interval * interval_s, interval_s) +
                     tag("value", delivered ? read.import_wh : read.export_wh) +
                     "</IntervalReading>\n";
        }
        feed.add(reading + "/IntervalBlock/1", reading + "/IntervalBlock", {}, title,
                 element("IntervalBlock", block));
    }
    // Money in ESPI is in hundred-thousandths of the currency.
    feed.add(point + "/UsageSummary/1", point + "/UsageSummary", {}, "Bill",
             element("UsageSummary", time_period("billingPeriod", begin_s, duration_s) +
                                         tag("billLastPeriod", due_micro_eur / 10) +
                                         tag("currency", 978)));
    return feed.text();
}

std::string settlement_csv(const settlement::FeederVerdict& verdict,
                           const std::vector<settlement::NetVerdict>& nets) {
    std::map<settlement::PublicKey, settlement::HomeDue> dues;
    for (const settlement::HomeDue& due : verdict.settlement.homes)
        dues[due.home] = due;
    std::ostringstream out;
    out << "home,net,first_interval,intervals,energy_wh,charge_micro_eur,surplus_micro_eur,"
           "due_micro_eur,holds\n";
    for (const settlement::NetVerdict& net : nets)
        for (const settlement::HomeVerdict& home : net.homes) {
            const settlement::HomeDue& due = dues[home.home];
            out << to_hex(home.home.view()) << ',' << net.net.value << ',' << home.bill.first << ','
                << home.bill.intervals << ',' << home.owed.energy_wh.value << ','
                << due.charge_micro_eur << ',' << due.surplus_micro_eur << ',' << due.due_micro_eur
                << ',' << (home.holds ? "yes" : "no") << '\n';
        }
    return out.str();
}

std::string aggregates_csv(const std::vector<settlement::NetVerdict>& nets,
                           IntervalIndex first,
                           std::size_t floor) {
    std::ostringstream out;
    out << "interval,net,homes,energy_wh\n";
    const std::size_t intervals = nets.empty() ? 0 : nets.front().reads.energies_wh.size();
    for (std::size_t t = 0; t < intervals; ++t) {
        const IntervalIndex interval = first + static_cast<IntervalIndex>(t);
        std::size_t others = 0;
        std::int64_t others_wh = 0;
        for (const settlement::NetVerdict& net : nets) {
            const std::size_t homes = net.reads.members[t];
            if (homes >= floor) {
                out << interval << ',' << net.net.value << ',' << homes << ','
                    << net.reads.energies_wh[t] << '\n';
            } else {
                others += homes;
                others_wh += net.reads.energies_wh[t];
            }
        }
        if (others >= floor && others > 0)
            out << interval << ",others," << others << ',' << others_wh << '\n';
    }
    return out.str();
}

std::string bids_csv(const std::vector<settlement::NetVerdict>& nets,
                     const settlement::PriceBook& prices,
                     std::size_t floor) {
    struct Sum {
        std::size_t homes = 0;
        std::int64_t energy_wh = 0;
        std::optional<std::int64_t> price;
    };

    std::vector<Sum> sums(static_cast<std::size_t>(prices.end() - prices.first()));
    std::size_t most = floor;
    for (std::size_t k = 0; k < sums.size(); ++k) {
        const IntervalIndex t = prices.first() + static_cast<IntervalIndex>(k);
        for (const settlement::NetVerdict& net : nets) {
            if (net.positions.members[k] == 0) continue;
            sums[k].homes += net.positions.members[k];
            sums[k].energy_wh += net.positions.energies_wh[k];
            // An interval's sessions share the tie, so all nets have its price.
            const auto* record = prices.day_ahead(net.net, t);
            if (record == nullptr || t < record->first || t >= record->end()) continue;
            if (const auto pair = prices.day_ahead_prices(*record, t)) sums[k].price = pair->tie;
        }
        most = std::max(most, sums[k].homes);
    }
    std::map<std::int64_t, std::vector<settlement::BidPoint>> hours;
    for (std::size_t k = 0; k < sums.size(); ++k) {
        if (sums[k].homes < most || !sums[k].price) continue;
        const IntervalIndex t = prices.first() + static_cast<IntervalIndex>(k);
        const std::int64_t hour = t * prices.interval_s() / 3'600 % 24;
        hours[hour].push_back({*sums[k].price, sums[k].energy_wh});
    }
    std::ostringstream out;
    out << "hour_utc,price_micro_eur_per_kwh,energy_wh,points,homes\n";
    for (auto& [hour, points] : hours)
        for (const settlement::BidStep& step : settlement::bid_curve(std::move(points)))
            out << hour << ',' << step.price_micro_eur_per_kwh << ',' << step.energy_wh << ','
                << step.points << ',' << most << '\n';
    return out.str();
}

nlohmann::ordered_json bill_json(const settlement::Bill& bill) {
    const auto sum = [](const settlement::ProvenSum& one) {
        return nlohmann::ordered_json{{"value", one.value},
                                      {"blinding", to_hex(one.blinding.view())}};
    };
    return {{"first", bill.first},
            {"intervals", bill.intervals},
            {"charge_nano_eur", sum(bill.charge_nano_eur)},
            {"upstream_nano_eur", sum(bill.upstream_nano_eur)},
            {"energy_wh", sum(bill.energy_wh)}};
}

}  // namespace kilter::cli
