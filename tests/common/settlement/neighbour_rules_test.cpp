// Two feeders, two logs: what one says of the other, and trades over the tie between them.
#include "common/settlement/neighbour_rules.hpp"

#include <gtest/gtest.h>

#include "common/crypto/merkle.hpp"
#include "common/settlement/surplus.hpp"
#include "tests/common/settlement/neighbourhood.hpp"

namespace kilter::settlement::neighbour_rules_test {
namespace {

using consensus::Admission;
using consensus::EntryPtr;
using consensus::Verdict;

constexpr UnixMs hour_ms = 3'600'000;

/// A feeder with its log.
struct Feeder {
    crypto::Identity dso;
    Ledger ledger;
    consensus::StatePtr state = ledger.initial();
    UnixMs time_ms = start_ms + 1'000;
    std::uint64_t seq = 0;

    explicit Feeder(std::uint8_t number, std::uint32_t version = 1)
        : dso(party(5, number)), ledger(genesis_of(dso, version)) {
        EXPECT_EQ(append(first_change(), dso).admission, Admission::ready);
    }

    static Genesis genesis_of(const crypto::Identity& dso, std::uint32_t version) {
        Genesis out = neighbourhood();
        out.operator_key = dso.public_key();
        out.begin_with(version);
        return out;
    }

    template <class T>
    EntryPtr entry(const T& value, const crypto::Identity& author) {
        return make_entry(value, ledger.chain(), ++seq, time_ms + hour_ms, author);
    }

    Verdict append(const EntryPtr& sealed) {
        return execute_alone(ledger, state, 1, time_ms, sealed);
    }

    template <class T>
    Verdict append(const T& value, const crypto::Identity& author) {
        return append(entry(value, author));
    }

    /// That the entry is alone in a final block at this height, signed by this many coordinators.
    [[nodiscard]] consensus::Receipt receipt(const EntryPtr& sealed,
                                             consensus::Height height,
                                             std::size_t signers = 3) const {
        auto block = std::make_shared<consensus::Block>();
        block->entries = {sealed};
        consensus::Header& header = block->header;
        header.chain = ledger.chain();
        header.view = header.height = height;
        header.first_index = height;
        header.count = 1;
        header.payload_root = crypto::merkle_root(consensus::leaves(*block));
        header.time_ms = time_ms;
        header.validators = ledger.genesis().validators.hash();
        block->hash = consensus::hash(header);
        consensus::Cert cert{consensus::VoteKind::final, 0, height, block->hash, 0, {}};
        for (std::uint8_t i = 0; i < signers; ++i) {
            cert.signers |= std::uint64_t{1} << i;
            cert.signatures.push_back(coordinator(i).sign(consensus::vote_bytes(
                ledger.chain(), consensus::VoteKind::final, 0, height, block->hash)));
        }
        return consensus::make_receipt({block, cert, {}}, 0);
    }

    /// This header, final by the word of coordinators `first` to `first` + 2.
    [[nodiscard]] consensus::CertifiedHeader certified(consensus::Header header,
                                                       std::uint8_t first = 0) const {
        header.chain = ledger.chain();
        header.view = header.height;
        header.validators = coordinators_from(first).hash();
        const auto hash = consensus::hash(header);
        consensus::Cert cert{
            consensus::VoteKind::final, header.epoch, header.view, hash, 0b111, {}};
        for (std::uint8_t i = 0; i < 3; ++i)
            cert.signatures.push_back(
                coordinator(static_cast<std::uint8_t>(first + i))
                    .sign(consensus::vote_bytes(ledger.chain(), cert.kind, cert.epoch, cert.view,
                                                hash)));
        return {header, {}, cert};
    }

    /// That this epoch ended at this height. Epoch e is coordinators 10 e to 10 e + 3.
    [[nodiscard]] consensus::EpochProof changed(consensus::Height height,
                                                std::uint8_t epoch = 0) const {
        const auto next = static_cast<std::uint8_t>(10 * (epoch + 1));
        consensus::Header end;
        end.epoch = epoch;
        end.height = height;
        end.next_validators = coordinators_from(next).hash();
        return {certified(end, static_cast<std::uint8_t>(10 * epoch)), coordinators_from(next)};
    }

    /// As receipt(), of a block of epoch 1, without the proof of that.
    [[nodiscard]] NeighbourReceipt shown_in_epoch_1(const EntryPtr& sealed,
                                                    consensus::Height height) const {
        consensus::Receipt out = receipt(sealed, height);
        out.header.epoch = 1;
        const auto whole = certified(out.header, 10);
        out.header = whole.header;
        out.certificate = whole.certificate;
        return {ledger.chain(), std::move(out)};
    }

    [[nodiscard]] consensus::ValidatorSet coordinators_from(std::uint8_t first) const {
        if (first == 0) return ledger.genesis().validators;
        consensus::ValidatorSet out;
        for (std::uint8_t i = 0; i < 4; ++i)
            out.validators.push_back(
                {coordinator(static_cast<std::uint8_t>(first + i)).public_key(), "tcp://x"});
        return out;
    }

    [[nodiscard]] NeighbourReceipt shown(const EntryPtr& sealed,
                                         consensus::Height height,
                                         std::size_t signers = 3) const {
        return {ledger.chain(), receipt(sealed, height, signers)};
    }
};

void expect_refused(const Verdict& verdict, const std::string& reason) {
    EXPECT_EQ(verdict.admission, Admission::refused);
    EXPECT_NE(verdict.reason.find(reason), std::string::npos) << verdict.reason;
}

struct Neighbours : testing::Test {
    Feeder valley{1};
    Feeder hill{2};

    void introduce() {
        ASSERT_EQ(valley.append(hill.ledger.genesis(), valley.dso).admission, Admission::ready);
        ASSERT_EQ(hill.append(valley.ledger.genesis(), hill.dso).admission, Admission::ready);
    }

    /// The valley buys.
    [[nodiscard]] TieTrade trade() const {
        return {
            hill.ledger.chain(), 100, valley.time_ms + hour_ms, {{400, 210'001}, {-150, 90'000}}};
    }

    [[nodiscard]] Anchor anchor(consensus::Height height, std::size_t signers = 3) {
        const auto proof = hill.receipt(
            hill.entry(TiePrices{static_cast<IntervalIndex>(height), {1}}, coordinator(0)), height,
            signers);
        return {hill.ledger.chain(), {proof.header, proof.descendants, proof.certificate}, {}};
    }
};

TEST_F(Neighbours, ALogIsNamedByItsOperatorOnce) {
    expect_refused(valley.append(hill.ledger.genesis(), hill.dso),
                   "only who may change the roster");
    expect_refused(valley.append(valley.ledger.genesis(), valley.dso), "its own neighbour");
    introduce();
    expect_refused(valley.append(hill.ledger.genesis(), valley.dso), "same key");
    EXPECT_EQ(neighbour_validators(*valley.state->map(), hill.ledger.chain()),
              hill.ledger.genesis().validators);
}

TEST_F(Neighbours, AnchorsRiseAndAreCertified) {
    expect_refused(valley.append(anchor(7), valley.dso), "does not know the log");
    introduce();
    expect_refused(valley.append(anchor(7, 2), valley.dso), "no quorum");
    expect_refused(valley.append(anchor(7), home(0)), "only a coordinator");
    const Anchor seventh = anchor(7);
    EXPECT_EQ(valley.append(seventh, coordinator(2)).admission, Admission::ready);
    EXPECT_EQ(newest_anchor(*valley.state->map(), hill.ledger.chain()), head_of(seventh));
    expect_refused(valley.append(anchor(6), valley.dso), "anchored up to height 7");
    EXPECT_EQ(valley.append(anchor(9), valley.dso).admission, Admission::ready);
}

/// What a log takes as anchors of the hill's, under one version of the rule `ledger`.
struct Anchors : testing::TestWithParam<std::uint32_t> {
    Feeder valley{1, GetParam()};
    Feeder hill{2};
    consensus::EpochProof change = hill.changed(10);

    Anchors() {
        EXPECT_EQ(valley.append(hill.ledger.genesis(), valley.dso).admission, Admission::ready);
    }

    static bool strict() { return GetParam() >= 3; }

    static consensus::Header header_of(consensus::Epoch epoch, consensus::Height height) {
        consensus::Header out;
        out.epoch = epoch;
        out.height = height;
        return out;
    }

    /// Of a block of this epoch, certified by its coordinators.
    [[nodiscard]] Anchor anchor(consensus::Epoch epoch,
                                consensus::Height height,
                                bool closing = false) const {
        consensus::Header header = header_of(epoch, height);
        header.closing = closing;
        Anchor out{hill.ledger.chain(), hill.certified(header, epoch == 0 ? 0 : 10), {}};
        if (epoch > 0) out.epochs = {change};
        return out;
    }

    void expect_taken(const Anchor& one) {
        const Verdict verdict = valley.append(one, valley.dso);
        EXPECT_EQ(verdict.admission, Admission::ready) << verdict.reason;
        EXPECT_EQ(newest_anchor(*valley.state->map(), hill.ledger.chain()), head_of(one));
    }

    void expect_taken_until_version_3(const Anchor& one, const std::string& reason) {
        if (!strict()) return expect_taken(one);
        const Digest before = valley.state->root();
        expect_refused(valley.append(one, valley.dso), reason);
        EXPECT_EQ(valley.state->root(), before);
    }
};

TEST_P(Anchors, AreOfEpochsThatFollowFromGenesis) {
    Anchor unproved = anchor(1, 11);
    unproved.epochs.clear();
    expect_refused(valley.append(unproved, valley.dso),
                   "do not begin with one that this log knows");
    expect_taken(anchor(0, 9));
    expect_taken(anchor(1, 11));
    expect_taken(anchor(1, 12));
}

TEST_P(Anchors, AreNotClosingBlocks) {
    expect_taken_until_version_3(anchor(0, 11, true), "a closing block");
}

TEST_P(Anchors, AreNotAboveAnEndThatComesWithThem) {
    Anchor late = anchor(0, 10);
    late.epochs = {change};
    expect_taken(late);
    late = anchor(0, 11);
    late.epochs = {change};
    expect_taken_until_version_3(late, "ended below it");
}

TEST_P(Anchors, AreNotOfAnEpochBeforeTheNewestOnes) {
    expect_taken(anchor(1, 11));
    expect_taken_until_version_3(anchor(0, 12), "ended below it");
    expect_taken(anchor(1, 13));
}

// Proofs of all epochs since genesis would outgrow an entry.
TEST_P(Anchors, FollowFromWhatAnEarlierOneProvedFromVersion3On) {
    expect_taken(anchor(1, 11));
    Anchor brief = anchor(1, 12);
    brief.epochs.clear();
    if (!strict()) return expect_refused(valley.append(brief, valley.dso), "this log knows");
    expect_taken(brief);
    Anchor later = brief;
    later.head = hill.certified(header_of(2, 21), 20);
    later.epochs = {hill.changed(20, 1)};
    expect_taken(later);
    later.head = hill.certified(header_of(3, 31), 30);
    later.epochs = {hill.changed(20, 1), hill.changed(30, 2)};
    expect_taken(later);
    later.head = hill.certified(header_of(5, 51), 50);
    later.epochs = {hill.changed(50, 4)};
    expect_refused(valley.append(later, valley.dso), "this log knows");
    later.epochs = {hill.changed(30, 2), hill.changed(50, 4)};
    expect_refused(valley.append(later, valley.dso), "no quorum");
}

TEST_P(Anchors, DoNotContradictWhatAnEarlierOneProvedFromVersion3On) {
    expect_taken(anchor(1, 11));
    Anchor other = anchor(1, 13);
    other.epochs = {hill.changed(12)};
    if (!strict()) return expect_taken(other);
    const Digest before = valley.state->root();
    expect_refused(valley.append(other, valley.dso), "ended in another way");
    other.head = hill.certified(header_of(2, 21), 20);
    other.epochs = {hill.changed(12), hill.changed(20, 1)};
    expect_refused(valley.append(other, valley.dso), "ended in another way");
    EXPECT_EQ(valley.state->root(), before);
}

TEST_P(Anchors, LetReceiptsDoWithoutTheProofsOfEpochsFromVersion3On) {
    TieTrade offer{valley.ledger.chain(), 100, valley.time_ms + hour_ms, {{400, 210'001}}};
    const NeighbourReceipt brief = hill.shown_in_epoch_1(hill.entry(offer, hill.dso), 11);
    if (!strict()) return expect_refused(valley.append(brief, valley.dso), "leaves out the proofs");
    expect_refused(valley.append(brief, valley.dso), "'kilter tie anchor' first");
    expect_taken(anchor(1, 15));
    Anchor second = anchor(1, 21);
    second.head = hill.certified(header_of(2, 21), 20);
    second.epochs = {hill.changed(20, 1)};
    expect_taken(second);
    offer.first = 200;
    expect_refused(
        valley.append(hill.shown_in_epoch_1(hill.entry(offer, hill.dso), 21), valley.dso),
        "whose epoch had ended");
    EXPECT_EQ(valley.append(brief, valley.dso).admission, Admission::ready);
}

INSTANTIATE_TEST_SUITE_P(Version, Anchors, testing::Values(1u, 2u, 3u));

TEST_F(Neighbours, ATradeBindsBothLogsByReceipts) {
    const auto offer = valley.entry(trade(), valley.dso);
    expect_refused(valley.append(offer), "does not know the log");
    introduce();
    ASSERT_EQ(valley.append(offer).admission, Admission::ready);

    // The hill accepts, with the proof that the valley is bound by its word.
    expect_refused(hill.append(valley.shown(offer, 5, 2), hill.dso), "the receipt does not hold");
    expect_refused(hill.append(valley.shown(offer, 5), home(0)), "accepts for the feeder");
    const auto acceptance = hill.entry(valley.shown(offer, 5), hill.dso);
    ASSERT_EQ(hill.append(acceptance).admission, Admission::ready);
    expect_refused(hill.append(valley.shown(offer, 6), hill.dso), "same key");

    // And the valley sees that it did; whoever brings it.
    expect_refused(valley.append(hill.shown(acceptance, 8, 2), home(3)), "does not hold");
    expect_refused(valley.append(hill.shown(acceptance, 8), party(9, 9)), "only a party");
    const auto back = valley.entry(hill.shown(acceptance, 8), home(3));
    ASSERT_EQ(valley.append(back).admission, Admission::ready);

    const auto bought = deal_of(*decode_neighbour_receipt(back->entry.body));
    const auto sold = deal_of(*decode_neighbour_receipt(acceptance->entry.body));
    ASSERT_TRUE(bought && sold);
    EXPECT_EQ(*bought, (TieDeal{hill.ledger.chain(), 100, trade().intervals}));
    EXPECT_EQ(*sold, (TieDeal{valley.ledger.chain(), 100, {{-400, 210'001}, {150, 90'000}}}));
}

TEST_F(Neighbours, OnlyWhatWasOfferedInTimeAndHereCounts) {
    introduce();
    const auto offer = valley.entry(trade(), valley.dso);
    ASSERT_EQ(valley.append(offer).admission, Admission::ready);
    hill.time_ms = trade().accept_by_ms + 1;
    expect_refused(hill.append(valley.shown(offer, 5), hill.dso), "earlier");
    hill.time_ms = valley.time_ms;

    // An acceptance of an offer that this log never held.
    Feeder stranger(3);
    TieTrade never = trade();
    never.first = 200;
    const auto unsaid = valley.entry(never, valley.dso);
    const auto acceptance = hill.entry(valley.shown(unsaid, 5), hill.dso);
    ASSERT_EQ(hill.append(acceptance).admission, Admission::ready) << "its quorum vouches for it";
    expect_refused(valley.append(hill.shown(acceptance, 6), valley.dso), "an offer of this log");
    // An offer to somebody else.
    ASSERT_EQ(stranger.append(valley.ledger.genesis(), stranger.dso).admission, Admission::ready);
    expect_refused(stranger.append(valley.shown(offer, 5), stranger.dso),
                   "not of an offer to this");
    // Another kind of entry.
    expect_refused(
        hill.append(valley.shown(valley.entry(TiePrices{1, {1}}, coordinator(0)), 7), hill.dso),
        "only receipts of offers");
}

TEST_F(Neighbours, BodiesOfTheirEntriesAreCanonical) {
    const auto every_cut_fails = [](const Bytes& bytes, const auto& decode) {
        ASSERT_TRUE(decode(bytes).ok());
        EXPECT_EQ(encode(*decode(bytes)), bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(decode(ByteView(bytes).first(size)).ok()) << size;
        Bytes longer = bytes;
        longer.push_back(0);
        EXPECT_FALSE(decode(longer).ok());
    };
    every_cut_fails(encode(trade()), decode_tie_trade);
    every_cut_fails(encode(anchor(7)), decode_anchor);
    every_cut_fails(encode(valley.shown(valley.entry(trade(), valley.dso), 5)),
                    decode_neighbour_receipt);
}

PriceBook prices_at(std::int64_t tie) {
    PriceBook out(96, 192, 900);
    out.add(TiePrices{96, std::vector<std::int64_t>(96, tie)});
    return out;
}

// The worked example of docs/settlement.md.
TEST(TieTrade, IsOwedTheSameOnBothLogsAndWhatItSavesIsSurplus) {
    TieDeal bought{{}, 100, {{400, 210'001}, {-150, 90'000}}};
    TieDeal sold = bought;
    for (TradedInterval& one : sold.intervals)
        one.energy_wh = -one.energy_wh;
    const auto a = *due_of(bought, prices_at(300'000));
    const auto b = *due_of(sold, prices_at(180'000));
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->owed_micro_eur, 70'500) << "84,000.4 - 13,500, to the nearest";
    EXPECT_EQ(a->owed_micro_eur, -b->owed_micro_eur);
    EXPECT_EQ(a->energy_wh, 250);
    EXPECT_EQ(a->at_tie_nano_eur, 75'000'000);

    // One home that used 250 Wh at the tie's price.
    const Bill bill{96, 96, {75'000'000, {}}, {75'000'000, {}}, {250, {}}};
    const Settlement settled = *settle({{home(0).public_key(), bill}}, {*a});
    EXPECT_EQ(settled.upstream_micro_eur, 0);
    EXPECT_EQ(settled.surplus_micro_eur, 4'500);
    EXPECT_EQ(settled.homes[0].due_micro_eur, 70'500) << "all of it to the neighbour";

    EXPECT_FALSE(due_of({{}, 500, {{1, 1}}}, prices_at(1))->has_value()) << "another period's";
    PriceBook without(96, 192, 900);
    EXPECT_FALSE(due_of(bought, without).ok()) << "no price at the tie";
}

}  // namespace
}  // namespace kilter::settlement::neighbour_rules_test
