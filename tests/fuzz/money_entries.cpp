// What may follow in a ledger that is at work: entries of meters, homes, coordinators and offices, as bytes from anywhere, on a log
// that has a roster, reads, a bill, a case and a neighbour. Whatever the ledger makes of them, it refuses or takes them the same
// way twice, and a refused one leaves the state as it was.

#include "common/governance/action.hpp"
#include "common/products/books.hpp"
#include "common/settlement/bill.hpp"
#include "common/settlement/corrected_reads.hpp"
#include "common/settlement/governance_entries.hpp"
#include "common/settlement/ledger.hpp"
#include "common/settlement/meter_reads.hpp"
#include "common/settlement/neighbour_log.hpp"
#include "common/settlement/tie_trade.hpp"

namespace {

using namespace kilter;
using namespace kilter::settlement;

constexpr UnixMs start_ms = 1'700'000'000'000;

crypto::Identity party(std::uint8_t number) {
    crypto::Seed seed;
    seed.bytes[0] = number;
    return crypto::Identity::from_seed(seed);
}

Genesis genesis_of(std::uint8_t grid_operator) {
    Genesis out;
    out.time_ms = start_ms;
    out.operator_key = party(grid_operator).public_key();
    for (std::uint8_t i = 1; i <= 4; ++i)
        out.validators.validators.push_back({party(i).public_key(), "tcp://127.0.0.1:7100"});
    out.market_parameters = {1, 2, 3};
    return out;
}

class Stage {
  public:
    Stage() {
        std::vector<RosterMember> members;
        for (std::uint8_t i = 0; i < 2; ++i)
            for (const Role role : {Role::home, Role::meter}) {
                RosterMember member;
                member.key = party(static_cast<std::uint8_t>(20 + 2 * i + (role == Role::meter)))
                                 .public_key();
                member.role = role;
                member.weight_milli = 1'000;
                member.service_point.bytes[0] = static_cast<std::uint8_t>(i + 1);
                member.valid_from_ms = start_ms;
                members.push_back(member);
            }
        for (const RosterChange& change : first_changes(members))
            take(make_entry(change, ledger_.chain(), 1, start_ms + 60'000, party(10)));
        MeterReads reads;
        reads.series = {100, NetId{0}, 1, {}};
        reads.begins = true;
        for (int t = 0; t < 4; ++t) {
            reads.series.intervals.push_back({crypto::commit(t, crypto::scalar_of(7)), {}});
            reads.qualities.push_back(Quality::measured);
        }
        take(make_entry(reads, ledger_.chain(), 1, start_ms + 60'000, party(21)));
        take(
            make_entry(Bill{100, 4, {}, {}, {}}, ledger_.chain(), 1, start_ms + 60'000, party(20)));
        take(make_entry(governance::Proposal{governance::SetTariff{"network.rate", 7}, 0, "x"},
                        ledger_.chain(), 1, start_ms + 60'000, party(10)));
        take(make_entry(genesis_of(11), ledger_.chain(), 1, start_ms + 60'000, party(10)));
    }

    // The first byte chooses author and type, the second whether the key follows the body; the rest is the body.
    void play(ByteView bytes) const {
        if (bytes.size() < 2) return;
        constexpr std::uint8_t authors[] = {1, 10, 20, 21, 22, 23, 50};
        consensus::Entry entry;
        entry.author = party(authors[bytes[0] % std::size(authors)]).public_key();
        entry.type = static_cast<consensus::EntryType>(1 + bytes[1] % 17);
        entry.expires_ms = start_ms + 60'000;
        entry.body = to_bytes(bytes.subspan(2));
        entry.key = key_of(entry);
        if (entry.body.size() > limits::entry_body_bytes_max) return;
        if (!ledger_.check(entry)) return;
        const auto sealed = consensus::seal(entry);
        const auto first = outcome_of(*sealed);
        KILTER_CHECK(first == outcome_of(*sealed), "an entry has one outcome");
    }

  private:
    static Bytes key_of(const consensus::Entry& entry) {
        if (entry.type == meter_reads_entry) {
            if (const auto reads = decode_meter_reads(entry.body))
                return meter_reads_key(entry.author, reads->series.first);
        } else if (entry.type == bill_entry) {
            if (const auto bill = decode_bill(entry.body))
                return bill_key(entry.author, bill->first);
        } else if (entry.type == corrected_reads_entry) {
            if (const auto reads = decode_corrected_reads(entry.body))
                return corrected_reads_key(*reads);
        } else if (entry.type == bill_correction_entry) {
            if (const auto one = decode_bill_correction(entry.body))
                return bill_correction_key(entry.author, one->first, one->number);
        } else if (entry.type == tie_trade_entry) {
            if (const auto trade = decode_tie_trade(entry.body)) return tie_trade_key(*trade);
        } else if (entry.type == neighbour_receipt_entry) {
            if (const auto receipt = decode_neighbour_receipt(entry.body))
                return neighbour_receipt_key(proven_entry(*receipt));
        } else if (entry.type == anchor_entry) {
            if (const auto anchor = decode_anchor(entry.body))
                return anchor_key(anchor->chain, anchor->head.header.height);
        } else if (entry.type == neighbour_log_entry) {
            if (const auto genesis = Genesis::decode(entry.body))
                return neighbour_log_key(genesis->chain_id());
        } else if (entry.type == statement_entry) {
            if (const auto statement = governance::decode_statement(entry.body))
                return statement_key(*statement, entry.author);
        }
        return {};
    }

    [[nodiscard]] std::pair<consensus::Admission, consensus::Digest> outcome_of(
        const consensus::SealedEntry& sealed) const {
        const auto execution = ledger_.begin(state_, height_, start_ms + 1'000);
        const auto untouched = ledger_.begin(state_, height_, start_ms + 1'000)->finish()->root();
        const auto admission = execution->apply(sealed).admission;
        const auto root = execution->finish()->root();
        KILTER_CHECK(admission == consensus::Admission::ready || root == untouched,
                     "what is not taken changes nothing");
        return {admission, root};
    }

    void take(const consensus::EntryPtr& entry) {
        KILTER_CHECK(ledger_.check(entry->entry).ok(), "the stage's entries are sound");
        const auto execution = ledger_.begin(state_, height_, start_ms + 1'000);
        const auto verdict = execution->apply(*entry);
        KILTER_CHECK(verdict.admission == consensus::Admission::ready, "and taken");
        state_ = execution->finish();
    }

    Ledger ledger_{genesis_of(10)};
    consensus::StatePtr state_ = ledger_.initial();
    consensus::Height height_ = 5;
};

// Books from facts that anybody may have written: derived or refused, and money is conserved.
void keep_books(ByteView bytes) {
    products::Contracts contracts;
    contracts.nets = 2;
    contracts.lines = {{1, 0}};
    contracts.homes = {{"a", 1, true, 600'000, false, 40, ""},
                       {"b", 1, true, 400'000, true, 0, "a"}};
    constexpr const char* names[] = {"a",
                                     "b",
                                     "1",
                                     "pool",
                                     "alert",
                                     "sharing.price",
                                     "sharing",
                                     "network.rate",
                                     "prepaid.price",
                                     "response.price"};
    std::vector<products::Fact> facts;
    ByteReader in(bytes);
    while (in.left() >= 8 && facts.size() < 64) {
        const std::uint8_t kind = in.u8();
        const std::uint8_t name = in.u8();
        const std::uint8_t interval = in.u8();
        const std::uint8_t sign = in.u8();
        const auto value = static_cast<std::int64_t>(in.u32());
        facts.push_back({static_cast<products::FactKind>(1 + kind % products::fact_kinds),
                         names[name % std::size(names)], interval % 4,
                         sign % 2 == 0 ? value : -value});
    }
    products::Books books(contracts);
    if (!books.learn(facts) || !books.settle(0, 4)) return;
    std::int64_t sum = 0;
    for (const auto& [account, gained] : books.balances())
        sum += gained;
    KILTER_CHECK(sum == 0, "what one pays another gets");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    crypto::initialise();
    static const Stage stage;
    const ByteView bytes(data, size);
    stage.play(bytes);
    keep_books(bytes);
    if (const auto action = governance::decode_action(bytes)) {
        KILTER_CHECK(governance::encode(*action) == to_bytes(bytes),
                     "an accepted action re-encodes to itself");
        if (governance::check(*action))
            KILTER_CHECK(!governance::describe(*action).empty(), "every action has words");
    }
    return 0;
}
