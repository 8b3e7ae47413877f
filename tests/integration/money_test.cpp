// From meter to money through the real programs, while a neighbourhood trades: bills by the network, an audit, a meter granted
// in place of another, reads corrected by mandate, books of products from openings, corrections of those, and a trade with a
// neighbouring feeder that both logs settle.

#include <fstream>

#include "common/settlement/meter_reads.hpp"
#include "common/storage/key_file.hpp"
#include "coordinator/cli/settled_log.hpp"
#include "tests/integration/small_log.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::money_test {
namespace {

using nlohmann::json;

std::string text_of_period(std::int64_t first, std::int64_t count) {
    return std::to_string(first) + ":" + std::to_string(count);
}

class DemoMoney : public Street {
  protected:
    static constexpr std::int64_t billed = 2;

    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(lay_out(generated_homes(1), 29'250));
        ASSERT_NO_FATAL_FAILURE(start_all());
        ASSERT_NO_FATAL_FAILURE(expect_trade_goes_on(billed + 1));
    }

    [[nodiscard]] std::string log() const { return installation_.coordinators[0]; }

    [[nodiscard]] std::string period() const { return text_of_period(first_interval, billed); }

    [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }

    ProgramRun expect_done(const std::vector<std::string>& arguments) {
        auto run = run_program("kilter", arguments);
        EXPECT_EQ(run.exit_code, 0) << arguments[0] << ": " << run.err;
        return run;
    }

    ProgramRun expect_done(const std::string& office, const std::vector<std::string>& arguments) {
        auto run = desk(office, arguments);
        EXPECT_EQ(run.exit_code, 0) << arguments[0] << ": " << run.err;
        return run;
    }

    // Whether this coordinator's log has all reads and positions of the period.
    bool metered() {
        return eventually([&] {
            const auto run = run_program("kilter", {"bill", installation_.homes.back(), "--log",
                                                    log(), "--period", period()});
            if (run.exit_code != 0) return false;
            const auto audit =
                run_program("kilter", {"audit", log(), "--period", period(), "--json", "-"});
            const json said = json::parse(audit.out, nullptr, false);
            return !said.is_discarded() && said["sums_closed"] == 0;
        });
    }

    void bill_all() {
        for (std::size_t i = 0; i < installation_.homes.size(); ++i) {
            const std::string entry = file("bill-" + std::to_string(i));
            expect_done({"bill", installation_.homes[i], "--log", log(), "--period", period(),
                         "--entry", entry});
            expect_done("operator", {"submit", entry});
        }
    }

    [[nodiscard]] json audit() {
        const auto run = run_program(
            "kilter", {"audit", log(), "--period", period(), "--json", "-", "--floor", "2"});
        EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
        return json::parse(run.out, nullptr, false);
    }

    // What the audit says of the homes that this file's readers see: it waits for the log on disk to have it.
    bool eventually_audited(const std::function<bool(const json&)>& condition) {
        return eventually([&] {
            const auto run =
                run_program("kilter", {"audit", log(), "--period", period(), "--json", "-"});
            const json said = json::parse(run.out, nullptr, false);
            return run.exit_code == 0 && !said.is_discarded() && condition(said);
        });
    }

    [[nodiscard]] std::string public_key(const std::filesystem::path& key_file) const {
        return to_hex(storage::read_key_file(key_file)->public_key().view());
    }
};

TEST_F(DemoMoney, bills_corrections_products_and_meters_by_command) {
    ASSERT_TRUE(metered());
    bill_all();
    ASSERT_TRUE(eventually_audited([](const json& said) { return said["homes"].size() == 3; }));
    const json before = audit();
    EXPECT_EQ(before["holds"], true);
    EXPECT_EQ(before["corrected_bills"], 0);
    std::int64_t due = 0;
    for (const auto& home : before["homes"])
        due += home["due_micro_eur"].get<std::int64_t>();
    EXPECT_EQ(due, before["upstream_micro_eur"].get<std::int64_t>());

    // What the feeder bids, from proven sums only, and nothing below the floor.
    const auto bids =
        expect_done({"audit", log(), "--period", period(), "--bids", "-", "--floor", "3"});
    EXPECT_NE(bids.out.find(",3\n"), std::string::npos) << bids.out;
    const auto hidden = expect_done({"audit", log(), "--period", period(), "--bids", "-"});
    EXPECT_EQ(std::count(hidden.out.begin(), hidden.out.end(), '\n'), 1) << hidden.out;

    // A read was wrong. Decided by two offices, then entered by the home; no energy is shown on the way.
    const auto& home = installation_.homes[0];
    const std::string right = file("right.csv");
    write_file(right, "interval,energy_wh\n" + std::to_string(first_interval) + ",321\n");
    const std::vector<std::string> reread{"reread",   home,     "--log",   log(),
                                          "--period", period(), "--reads", right};
    auto first = reread;
    first.insert(first.end(), {"--document", file("right.reads")});
    expect_done(first);
    EXPECT_EQ(read_file(file("right.reads")).find("321"), std::string::npos);
    expect_done("operator", {"rules", "propose", "--reads", file("right.reads"), "--kind",
                             "wrong read", "--reason", "the clock was set"});
    auto second = reread;
    second.insert(second.end(), {"--case", "1", "--entry", file("reads.entry"), "--bill-entry",
                                 file("rebill.entry")});
    expect_done(second);
    const auto early = desk("operator", {"submit", file("reads.entry")});
    EXPECT_EQ(early.exit_code, 1);
    EXPECT_NE(early.err.find("does not decide"), std::string::npos) << early.err;
    expect_done("regulator", {"rules", "approve", "1"});
    ASSERT_TRUE(eventually([&] {
        return desk("operator", {"submit", file("reads.entry")}).exit_code == 0;
    })) << "in force a few blocks later";
    expect_done("operator", {"submit", file("rebill.entry")});
    ASSERT_TRUE(eventually_audited([](const json& said) { return said["corrected_bills"] == 1; }));
    const json after = audit();
    EXPECT_EQ(after["holds"], true);
    due = 0;
    for (const auto& one : after["homes"])
        due += one["due_micro_eur"].get<std::int64_t>();
    EXPECT_EQ(due, after["upstream_micro_eur"].get<std::int64_t>());

    // Books of products: a tariff by mandate, reads and positions as the homes open them.
    expect_done("operator", {"rules", "propose", "--tariff", "sharing.price=120000"});
    expect_done("regulator", {"rules", "approve", "2"});
    json contracts{{"nets", 2}, {"root", 1}, {"lines", {{0, 1}}}, {"homes", json::array()}};
    std::vector<std::string> book{"book",        log(),
                                  "--period",    period(),
                                  "--contracts", file("contracts.json"),
                                  "--out",       file("book.json"),
                                  "--openings"};
    const std::string bookkeeper = public_key(street() / "regulator.key");
    for (std::size_t i = 0; i < installation_.homes.size(); ++i) {
        const auto& one = installation_.homes[i];
        const std::string name = "home" + std::to_string(i);
        contracts["homes"].push_back(
            {{"account", name}, {"net", 0}, {"key", public_key(one / "key")}, {"shares", true}});
        if (i == 0) continue;  // its read was corrected: opened below
        for (const bool positions : {false, true}) {
            const std::string opened = file(name + (positions ? ".positions" : ".reads"));
            std::vector<std::string> disclose{"disclose", one,      "--log",   log(),
                                              "--period", period(), "--to",    bookkeeper,
                                              "--out",    opened,   "--entry", opened + ".entry"};
            if (positions) disclose.push_back("--positions");
            expect_done(disclose);
            expect_done("operator", {"submit", opened + ".entry"});
            book.push_back(opened);
        }
    }
    write_file(file("contracts.json"), contracts.dump());
    // Home 0 opens what its meter had said first: that does not count any more.
    const std::string stale = file("home0.reads");
    expect_done({"disclose", home, "--log", log(), "--period", period(), "--to", bookkeeper,
                 "--out", stale, "--entry", stale + ".entry"});
    expect_done("operator", {"submit", stale + ".entry"});
    auto with_stale = book;
    with_stale.push_back(stale);
    ASSERT_TRUE(eventually([&] {
        const auto run = run_program("kilter", with_stale);
        return run.exit_code == 3 && run.err.find("is not what") != std::string::npos;
    }));
    const auto lacking = run_program("kilter", book);
    EXPECT_EQ(lacking.exit_code, 3);
    EXPECT_NE(lacking.err.find("home0 has not opened"), std::string::npos) << lacking.err;
    const std::string corrected = file("home0.corrected");
    expect_done({"disclose", home, "--log", log(), "--period", period(), "--to", bookkeeper,
                 "--reads", right, "--out", corrected, "--entry", corrected + ".entry"});
    expect_done("operator", {"submit", corrected + ".entry"});
    book.push_back(corrected);
    ASSERT_TRUE(eventually([&] { return run_program("kilter", book).exit_code == 0; }));
    const json kept = json::parse(read_file(file("book.json")));
    EXPECT_NE(std::find(kept["facts"].begin(), kept["facts"].end(),
                        json({"read_wh", "home0", first_interval, 321})),
              kept["facts"].end());

    // A correction of the books: shown first, proposed, refused before its mandate, posted with it.
    write_file(file("correction.json"),
               json{{"kind", "wrong tariff"},
                    {"replaces", std::string(64, '0')},
                    {"facts", {{"tariff", "network.rate", first_interval, 20'000}}}}
                   .dump());
    const auto dry =
        expect_done({"correct", file("book.json"), file("correction.json"), "--dry-run", "--json"});
    const json cascade = json::parse(dry.out);
    EXPECT_GT(cascade["moved_micro_eur"]["network"].get<std::int64_t>(), 0);
    const std::vector<std::string> post{"correct", file("book.json"), file("correction.json"),
                                        "--post",  "--store",         log(),
                                        "--json"};
    EXPECT_NE(run_program("kilter", post).err.find("no case in force"), std::string::npos);
    expect_done("operator", {"correct", file("book.json"), file("correction.json"), "--reason",
                             "agreed in May"});
    expect_done("regulator", {"rules", "approve", "3"});
    ProgramRun posted;
    ASSERT_TRUE(eventually([&] {
        posted = run_program("kilter", post);
        return posted.exit_code == 0;
    }));
    EXPECT_EQ(json::parse(posted.out)["gained_micro_eur"], cascade["gained_micro_eur"]);

    // A new meter for an old one; and who may grant follows the docket.
    const std::string key = public_key(home / "key");
    const std::string old_meter = public_key(home / "meter.key");
    expect_done({"keygen", "--out", file("new-meter.key")});
    const std::string new_meter = public_key(file("new-meter.key"));
    const std::vector<std::string> grant{"grant",  new_meter, "--role", "meter",
                                         "--home", key,       "--json"};
    const auto taken = desk("operator", grant);
    EXPECT_EQ(taken.exit_code, 1);
    EXPECT_NE(taken.err.find("already: revoke that one first"), std::string::npos) << taken.err;
    expect_done("operator", {"revoke", old_meter.substr(0, 12)});
    const auto not_yet = desk("regulator", grant);
    EXPECT_EQ(not_yet.exit_code, 1);
    EXPECT_NE(not_yet.err.find("is not the key of this log's operator"), std::string::npos)
        << not_yet.err;
    expect_done("operator", {"rules", "propose", "--appoint", "operator=" + bookkeeper});
    expect_done("regulator", {"rules", "approve", "4"});
    ProgramRun granted;
    ASSERT_TRUE(eventually([&] {
        granted = desk("regulator", grant);
        return granted.exit_code == 0;
    })) << granted.err;
    const json certificate = json::parse(granted.out);
    EXPECT_EQ(certificate["role"], "meter");
    EXPECT_EQ(certificate["on_the_log"], true);

    stop_all();
    std::vector<std::string> verify{"log", "verify", "--genesis", street() / "genesis.bin"};
    for (const auto& directory : installation_.coordinators)
        verify.push_back(directory);
    expect_done(verify);
    const json at_the_end = audit();
    EXPECT_EQ(at_the_end["homes"], after["homes"]) << "what came after has changed no bill";
}

TEST_F(DemoMoney, feeders_of_two_operators_trade_over_a_tie_and_both_settle_it) {
    ASSERT_TRUE(metered());
    bill_all();
    ASSERT_TRUE(eventually_audited([](const json& said) { return said["homes"].size() == 3; }));
    const json alone = audit();

    // The neighbour: a log of another operator, on this machine's disk and stopped.
    const auto hill_dir = folder_ / "hill";
    std::filesystem::create_directories(hill_dir);
    SmallLog hill(hill_dir, 7, SmallLog::Clock::now);
    hill.append(hill.roster());
    hill.checkpoint();
    const std::string hill_log = hill.state_dir(0);
    const std::string hill_genesis = hill_dir / "genesis.bin";
    const std::string hill_key = hill_dir / "operator.key";
    ASSERT_TRUE(storage::write_key_file(hill_key, hill.grid_operator()).ok());
    const auto at_hill = [&](std::vector<std::string> arguments) {
        const std::string entry = file("hill.entry");
        arguments.insert(arguments.end(),
                         {"--key", hill_key, "--genesis", hill_genesis, "--entry", entry});
        expect_done(arguments);
        const std::string bytes = read_file(entry);
        const auto sealed = *consensus::decode_sealed(as_bytes(bytes));
        hill.append(sealed);
        hill.checkpoint();
        return to_hex(sealed->id.view());
    };
    const auto prove = [&](const std::string& of, const std::string& id, const std::string& out) {
        ASSERT_TRUE(eventually([&] {
            return run_program("kilter", {"log", "prove", of, "--id", id, "--out", out})
                       .exit_code == 0;
        }));
    };

    at_hill({"tie", "know", street() / "genesis.bin"});
    expect_done("operator", {"tie", "know", hill_genesis});
    // Its head, held fast here.
    expect_done({"log", "prove", hill_log, "--consistent", "1", "2", "--out", file("head.proof")});
    expect_done("operator", {"tie", "anchor", file("head.proof")});

    // This feeder asks for 400 Wh, the hill accepts, and the receipt of that comes back.
    const auto offered = expect_done(
        "operator", {"tie", "offer", hill_genesis, "--first", std::to_string(first_interval),
                     "--energy-wh", "400", "--price", "90000"});
    const std::string at = "entry    ";
    const std::string offer = offered.out.substr(offered.out.find(at) + at.size(), 64);
    prove(log(), offer, file("offer.receipt"));
    const std::string acceptance = at_hill({"tie", "bring", file("offer.receipt")});
    const auto half = run_program("kilter", {"tie", "show", log(), "--neighbour", hill_log});
    EXPECT_EQ(half.exit_code, 3);
    EXPECT_NE(half.err.find("binds one log"), std::string::npos) << half.err;
    prove(hill_log, acceptance, file("acceptance.receipt"));
    expect_done("operator", {"tie", "bring", file("acceptance.receipt")});
    ASSERT_TRUE(eventually([&] {
        return run_program("kilter", {"tie", "show", log(), "--neighbour", hill_log}).exit_code ==
               0;
    }));

    // Settled: here the homes owe the neighbour what the grid above is not owed any more.
    ASSERT_TRUE(
        eventually_audited([](const json& said) { return said["neighbours"].size() == 1; }));
    const json after = audit();
    EXPECT_EQ(after["neighbours"][0]["owed_micro_eur"], 36'000);
    EXPECT_EQ(after["neighbours"][0]["energy_wh"], 400);
    std::int64_t due = 0;
    for (const auto& home : after["homes"])
        due += home["due_micro_eur"].get<std::int64_t>();
    EXPECT_EQ(due, after["upstream_micro_eur"].get<std::int64_t>() + 36'000);
    EXPECT_LT(after["upstream_micro_eur"], alone["upstream_micro_eur"]);
    // And there it is owed, to the micro-EUR.
    const auto seen = expect_done({"tie", "show", hill_log, "--json"});
    const json there = json::parse(seen.out);
    EXPECT_EQ(there["trades"][0]["bought_wh_and_price"], json::parse("[[-400, 90000]]"));
    EXPECT_EQ(there["trades"][0]["offer"], offer);
    stop_all();
}

}  // namespace
}  // namespace kilter::tests::money_test
