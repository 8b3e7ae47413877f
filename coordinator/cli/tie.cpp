#include "coordinator/cli/tie.hpp"

#include <iostream>
#include <map>

#include "common/base/limits.hpp"
#include "common/cli/command_line.hpp"
#include "common/cli/output.hpp"
#include "common/cli/table.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/neighbour_log.hpp"
#include "common/settlement/tie_trade.hpp"
#include "common/storage/log_store.hpp"
#include "coordinator/cli/log_entries.hpp"
#include "coordinator/cli/log_prove.hpp"
#include "coordinator/cli/rules.hpp"

namespace kilter::cli {

namespace {

using settlement::ChainId;

constexpr UnixMs minute_ms = 60'000;
constexpr const char* operator_key_help =
    "The operator's key file: its office may change the roster";
constexpr const char* party_key_help = "The key file of any party of this log";

// Signs and appends; says where it is.
template <class Value>
int put(std::string_view command, const DeskOptions& options, const Value& value) {
    auto desk = Desk::open(options);
    if (!desk) return fail(command, desk.error());
    const auto appended = desk->append(value);
    if (!appended) return fail(command, appended.error());
    print_entry(*desk, *appended);
    return to_int(ExitCode::success);
}

// What is in an entry beside its body.
constexpr std::size_t entry_frame_bytes_max = 512;

template <class Value>
bool fits_into_an_entry(const Value& value) {
    return settlement::encode(value).size() + entry_frame_bytes_max <= limits::submit_bytes_max;
}

std::int64_t energy_of(const settlement::TieDeal& deal) {
    std::int64_t out = 0;
    for (const settlement::TradedInterval& one : deal.intervals)
        out += one.energy_wh;
    return out;
}

/// What one log says of others.
struct AcrossTies {
    std::vector<ChainId> known;
    std::vector<settlement::Anchor> anchors;
    std::vector<std::pair<consensus::EntryId, settlement::TieTrade>> offers;
    std::map<consensus::EntryId, settlement::TieDeal> deals;  ///< that bind, by the offer's id
};

// The offer that a receipt of it, or of its acceptance, is about.
consensus::EntryId offer_of(const settlement::NeighbourReceipt& receipt) {
    if (receipt.receipt.entry.type == settlement::neighbour_receipt_entry)
        if (const auto inner = settlement::decode_neighbour_receipt(receipt.receipt.entry.body))
            return settlement::proven_entry(*inner);
    return settlement::proven_entry(receipt);
}

void gather(AcrossTies& out, const consensus::SealedEntry& sealed) {
    const consensus::Entry& entry = sealed.entry;
    if (entry.type == settlement::neighbour_log_entry) {
        if (const auto genesis = settlement::Genesis::decode(entry.body))
            out.known.push_back(genesis->chain_id());
    } else if (entry.type == settlement::anchor_entry) {
        if (auto anchor = settlement::decode_anchor(entry.body))
            out.anchors.push_back(*std::move(anchor));
    } else if (entry.type == settlement::tie_trade_entry) {
        if (auto offer = settlement::decode_tie_trade(entry.body))
            out.offers.emplace_back(sealed.id, *std::move(offer));
    } else if (entry.type == settlement::neighbour_receipt_entry) {
        if (const auto receipt = settlement::decode_neighbour_receipt(entry.body))
            if (auto deal = settlement::deal_of(*receipt))
                out.deals.emplace(offer_of(*receipt), *std::move(deal));
    }
}

struct ReadLog {
    storage::LogStore store;
    AcrossTies neighbours;
};

// Verifies the log on the way.
Result<ReadLog> read_log(const std::filesystem::path& path) {
    const auto file = store_file(path);
    auto store = storage::LogStore::open_read_only(file);
    if (!store) return store.error();
    ReadLog out{*std::move(store), {}};
    auto report = out.store.verify([&out](const settlement::CheckedEntry& checked) {
        gather(out.neighbours, *checked.entry);
    });
    if (!report) return Error{file.string() + ": " + report.error().message};
    return out;
}

settlement::TieDeal other_side(settlement::TieDeal deal, const ChainId& here) {
    deal.with = here;
    for (settlement::TradedInterval& one : deal.intervals)
        one.energy_wh = -one.energy_wh;
    return deal;
}

// Everything in which the two logs disagree.
Result<std::vector<std::string>> disagreements(const ReadLog& here, const ReadLog& there) {
    std::vector<std::string> out;
    const ChainId chain = there.store.genesis().chain_id();
    for (const settlement::Anchor& anchor : here.neighbours.anchors) {
        if (anchor.chain != chain) continue;
        const auto head = settlement::head_of(anchor);
        const std::string name = "height " + std::to_string(head.height);
        if (head.height > there.store.height()) {
            out.push_back(name + " is anchored, and the store ends at " +
                          std::to_string(there.store.height()));
            continue;
        }
        const auto block = there.store.block(head.height);
        if (!block) return block.error();
        if (block->block->hash != head.block)
            out.push_back(name + " is another block than the one that is anchored");
    }
    for (const auto& [offer, deal] : here.neighbours.deals) {
        if (deal.with != chain) continue;
        const auto found = there.neighbours.deals.find(offer);
        if (found == there.neighbours.deals.end())
            out.push_back("trade " + short_hex(offer.view()) +
                          " binds one log, and the receipt of that has not come back to the other "
                          "yet: 'kilter tie bring' hands it in");
        else if (found->second != other_side(deal, here.store.genesis().chain_id()))
            out.push_back("trade " + short_hex(offer.view()) + " differs between the logs");
    }
    return out;
}

void print_ties(const AcrossTies& all) {
    for (const ChainId& chain : all.known)
        std::cout << "knows    log " << short_hex(chain.view()) << '\n';
    for (const settlement::Anchor& anchor : all.anchors)
        std::cout << "anchor   log " << short_hex(anchor.chain.view()) << " at height "
                  << anchor.head.header.height << ", block "
                  << short_hex(settlement::head_of(anchor).block.view()) << '\n';
    for (const auto& [id, offer] : all.offers)
        std::cout << "offer    " << short_hex(id.view()) << " to log "
                  << short_hex(offer.with.view())
                  << (all.deals.contains(id) ? ", accepted" : ", not accepted yet") << '\n';
    for (const auto& [id, deal] : all.deals)
        std::cout << "trade    " << short_hex(id.view()) << " with log "
                  << short_hex(deal.with.view()) << ": " << deal.intervals.size()
                  << " intervals from " << deal.first << ", this feeder "
                  << (energy_of(deal) < 0 ? "sells " : "buys ") << std::abs(energy_of(deal))
                  << " Wh\n";
}

Json json_of(const AcrossTies& all) {
    Json out{{"known", Json::array()},
             {"anchors", Json::array()},
             {"offers", Json::array()},
             {"trades", Json::array()}};
    for (const ChainId& chain : all.known)
        out["known"].push_back(to_hex(chain.view()));
    for (const settlement::Anchor& anchor : all.anchors)
        out["anchors"].push_back({{"log", to_hex(anchor.chain.view())},
                                  {"height", anchor.head.header.height},
                                  {"block", to_hex(settlement::head_of(anchor).block.view())}});
    for (const auto& [id, offer] : all.offers)
        out["offers"].push_back({{"id", to_hex(id.view())},
                                 {"log", to_hex(offer.with.view())},
                                 {"accept_by_ms", offer.accept_by_ms},
                                 {"accepted", all.deals.contains(id)}});
    for (const auto& [id, deal] : all.deals) {
        Json intervals = Json::array();
        for (const settlement::TradedInterval& one : deal.intervals)
            intervals.push_back({one.energy_wh, one.price_micro_eur_per_kwh});
        out["trades"].push_back({{"offer", to_hex(id.view())},
                                 {"log", to_hex(deal.with.view())},
                                 {"first", deal.first},
                                 {"bought_wh_and_price", intervals}});
    }
    return out;
}

}  // namespace

int TieKnow::run() const {
    constexpr std::string_view command = "kilter tie know";
    const auto other = read_genesis(neighbour);
    if (!other) return fail(command, other.error());
    std::cout << "knows    log " << short_hex(other->chain_id().view())
              << ": compare this with its operator\n";
    return put(command, desk, *other);
}

int TieAnchor::run() const {
    constexpr std::string_view command = "kilter tie anchor";
    const auto shown = read_proof(proof);
    if (!shown) return fail(command, shown.error());
    settlement::Anchor anchor;
    if (const auto* receipt = std::get_if<consensus::Receipt>(&*shown)) {
        anchor.head = {receipt->header, receipt->descendants, receipt->certificate};
        anchor.epochs = receipt->epochs;
    } else {
        const auto& consistency = std::get<consensus::ConsistencyProof>(*shown);
        anchor.head = consistency.newer;
        anchor.epochs = consistency.epochs;
    }
    anchor.chain = anchor.head.header.chain;
    // The first ones are known to a log that has anchored this one before.
    while (!fits_into_an_entry(anchor) && !anchor.epochs.empty())
        anchor.epochs.erase(anchor.epochs.begin());
    std::cout << "anchors  log " << short_hex(anchor.chain.view()) << " at height "
              << anchor.head.header.height << '\n';
    return put(command, desk, anchor);
}

int TieOffer::run() const {
    constexpr std::string_view command = "kilter tie offer";
    const auto other = read_genesis(neighbour);
    if (!other) return fail(command, other.error());
    if (prices.size() != 1 && prices.size() != energies_wh.size())
        return fail(command, Error{"give one --price for all intervals, or one for each"},
                    ExitCode::usage);
    settlement::TieTrade trade{
        other->chain_id(), first, runtime::now_ms() + minutes * minute_ms, {}};
    for (std::size_t k = 0; k < energies_wh.size(); ++k)
        trade.intervals.push_back({energies_wh[k], prices.size() == 1 ? prices[0] : prices[k]});
    if (auto sound = settlement::decode_tie_trade(settlement::encode(trade)); !sound)
        return fail(command, sound.error());
    return put(command, desk, trade);
}

int TieBring::run() const {
    constexpr std::string_view command = "kilter tie bring";
    const auto shown = read_proof(proof);
    if (!shown) return fail(command, shown.error());
    const auto* receipt = std::get_if<consensus::Receipt>(&*shown);
    if (receipt == nullptr)
        return fail(command, Error{proof.string() + " is no receipt: 'kilter log prove LOG --id "
                                                    "ENTRY' of the other log writes one"});
    settlement::NeighbourReceipt shown_here{receipt->header.chain, *receipt};
    if (!fits_into_an_entry(shown_here))
        shown_here.receipt = consensus::shortened(std::move(shown_here.receipt));
    return put(command, desk, shown_here);
}

int TieShow::run() const {
    constexpr std::string_view command = "kilter tie show";
    const auto here = read_log(log);
    if (!here) return fail(command, here.error(), ExitCode::not_verified);
    std::vector<std::string> differ;
    if (!neighbour.empty()) {
        const auto there = read_log(neighbour);
        if (!there) return fail(command, there.error(), ExitCode::not_verified);
        for (const auto& found : {disagreements(*here, *there), disagreements(*there, *here)}) {
            if (!found) return fail(command, found.error());
            differ.insert(differ.end(), found->begin(), found->end());
        }
    }
    if (json)
        std::cout << json_of(here->neighbours).dump(1) << '\n';
    else
        print_ties(here->neighbours);
    for (const std::string& one : differ)
        std::cerr << "FAULT " << one << '\n';
    if (!neighbour.empty() && differ.empty())
        std::cerr << "both logs agree: anchors and trades are the same on both\n";
    return to_int(differ.empty() ? ExitCode::success : ExitCode::not_verified);
}

void add_tie(CLI::App& app, int& exit_code) {
    CLI::App* tie =
        app.add_subcommand("tie", "Neighbouring feeders: their logs, and trades with them");
    tie->require_subcommand(1);

    const auto know = std::make_shared<TieKnow>();
    CLI::App* command = tie->add_subcommand("know", "Name a neighbouring feeder's log");
    know->desk.add_to(*command, DeskWork::signs, operator_key_help);
    command->add_option("NEIGHBOUR", know->neighbour, "Its genesis document")->required();
    command->footer("Example:\n  kilter tie know hill/genesis.bin --key operator.key");
    command->callback([know, &exit_code] { exit_code = know->run(); });

    const auto anchor = std::make_shared<TieAnchor>();
    command = tie->add_subcommand("anchor", "Hold a neighbour's log to a head of it");
    anchor->desk.add_to(*command, DeskWork::signs, "A coordinator's or the operator's key file");
    command->add_option("PROOF", anchor->proof, "From 'kilter log prove' of the neighbour's log")
        ->required();
    command->footer(
        "Example:\n  kilter log prove hill/coordinator-0 --consistent 1 900 --out hill.proof\n  "
        "kilter tie anchor hill.proof --key operator.key");
    command->callback([anchor, &exit_code] { exit_code = anchor->run(); });

    const auto offer = std::make_shared<TieOffer>();
    command = tie->add_subcommand("offer", "Offer a neighbour energy over the tie, or ask for it");
    offer->desk.add_to(*command, DeskWork::signs, operator_key_help);
    command->add_option("NEIGHBOUR", offer->neighbour, "The other log's genesis document")
        ->required();
    command->add_option("--first", offer->first, "The first interval")->required();
    command
        ->add_option("--energy-wh", offer->energies_wh,
                     "Per interval; positive: this feeder buys, negative: it sells")
        ->required()
        ->delimiter(',');
    command->add_option("--price", offer->prices, "micro-EUR/kWh, one for all or one for each")
        ->required()
        ->delimiter(',');
    command->add_option("--minutes", offer->minutes, "How long it can be accepted")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000));
    command->footer(
        "Example:\n  kilter tie offer hill/genesis.bin --first 1978148 --energy-wh 4000,4000 "
        "--price 210000");
    command->callback([offer, &exit_code] { exit_code = offer->run(); });

    const auto bring = std::make_shared<TieBring>();
    command = tie->add_subcommand(
        "bring", "Hand in a neighbour's receipt: accept its offer, or show that it accepted yours");
    bring->desk.add_to(*command, DeskWork::signs, party_key_help);
    command->add_option("PROOF", bring->proof, "From 'kilter log prove' of the neighbour's log")
        ->required();
    command->footer("Example:\n  kilter tie bring offer.receipt --key operator.key");
    command->callback([bring, &exit_code] { exit_code = bring->run(); });

    const auto show = std::make_shared<TieShow>();
    command = tie->add_subcommand("show", "Anchors, offers and trades on a log");
    command->add_option("LOG", show->log, "A coordinator's directory or log.db")->required();
    command->add_option("--neighbour", show->neighbour,
                        "Hold a neighbour's log against it; exit code 3 when they differ");
    command->add_flag("--json", show->json, "Print JSON");
    command->footer("Example:\n  kilter tie show coordinator-0 --neighbour hill/coordinator-2");
    command->callback([show, &exit_code] { exit_code = show->run(); });
}

}  // namespace kilter::cli
