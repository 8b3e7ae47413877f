#include "common/topology/native.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "common/topology/files.hpp"
#include "common/topology/generated.hpp"

namespace kilter::topology::native_test {
namespace {

const std::string good = R"(name = "two"
base_kv = 0.4
root = "s"
v_min_pu = 0.95
v_max_pu = 1.05
nets = "every-load-bus"

[[bus]]
name = "s"
[[bus]]
name = "a"
load_p_kw = 12
load_q_kvar = 3.5
[[bus]]
name = "b"
load_p_kw = 5
v_min_pu = 0.93

[[line]]
from = "b"
to = "a"
r_ohm = 0.08
x_ohm = 0.02
[[line]]
from = "s"
to = "a"
r_ohm = 0.05
x_ohm = 0.02
rating_kva = 40

[shape]
daily = [0.5, 1]
[tie]
import_max_kw = 30
slope_eur_per_kwh_kw = 0.001
price_eur_per_kwh = [0.25]
)";

/// `good` with one piece replaced; the piece must be there.
std::string with(const std::string& piece, const std::string& replacement) {
    std::string text = good;
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return at == std::string::npos ? text : text.replace(at, piece.size(), replacement);
}

std::string error_of(const std::string& text) {
    const auto network = parse_network(text, "f.toml");
    return network ? "no error" : network.error().message;
}

TEST(Native, ReadsAFeeder) {
    const auto network = parse_network(good, "f.toml");
    ASSERT_TRUE(network) << network.error().message;
    EXPECT_EQ(network->name, "two");
    EXPECT_EQ(network->v_root_pu, 1);
    EXPECT_EQ(network->root, 0u);
    ASSERT_EQ(network->buses.size(), 3u);
    EXPECT_EQ(network->buses[1].load_q_kvar, 3.5);
    EXPECT_EQ(network->buses[1].v_min_pu, 0.95);
    EXPECT_EQ(network->buses[2].v_min_pu, 0.93);
    ASSERT_EQ(network->branches.size(), 2u);
    EXPECT_EQ(network->branches[0].name, "s-a");
    EXPECT_EQ(network->branches[0].rating_kva, 40);
    EXPECT_EQ(network->branches[1].name, "b-a");
    EXPECT_EQ(network->branches[1].from, 1u);
    EXPECT_EQ(network->branches[1].to, 2u);
    EXPECT_TRUE(std::isinf(network->branches[1].rating_kva));
    ASSERT_EQ(network->nets.size(), 2u);
    EXPECT_EQ(network->nets[1].name, "b");
    ASSERT_EQ(network->daily_shape.size(), 96u);
    EXPECT_EQ(network->daily_shape[47], 0.5);
    EXPECT_EQ(network->daily_shape[48], 1);
    EXPECT_EQ(network->tie.import_max_kw, 30);
    EXPECT_TRUE(std::isinf(network->tie.export_max_kw));
    EXPECT_EQ(network->tie.price_eur_per_kwh, std::vector<double>(96, 0.25));
}

TEST(Native, DailySeriesFollowTheIntervalLength) {
    const auto network = parse_network(good, "f.toml", 300);
    ASSERT_TRUE(network);
    EXPECT_EQ(network->daily_shape.size(), 288u);
    EXPECT_EQ(network->daily_shape[143], 0.5);
    EXPECT_EQ(network->daily_shape[144], 1);
}

TEST(Native, ErrorsHavePositionItemAndCure) {
    EXPECT_EQ(error_of(with("load_p_kw = 12", "lod_p_kw = 12")),
              "f.toml:12:1: unknown key lod_p_kw in [[bus]] \"a\"; did you mean load_p_kw?");
    EXPECT_EQ(error_of(with("r_ohm = 0.08\n", "")),
              "f.toml:19:1: no r_ohm in [[line]]; add it: a number at least 0");
    EXPECT_EQ(
        error_of(with("v_min_pu = 0.95", "number = 65536\nv_min_pu = 0.95")),
        "f.toml:4:10: number at the top of the file is 65536; it must be a whole number between 0 "
        "and 65535");
    EXPECT_EQ(error_of(with("rating_kva = 40", "rating_kva = -40")),
              "f.toml:29:14: rating_kva in [[line]] is -40; it must be a number above 0");
    EXPECT_EQ(error_of(with("load_q_kvar = 3.5", "load_q_kvar = nan")),
              "f.toml:13:15: load_q_kvar in [[bus]] \"a\" is nan; it must be a number, and finite");
    EXPECT_EQ(error_of(with("import_max_kw = 30", "import_max_kw = -1")),
              "f.toml:34:17: import_max_kw in [tie] is -1; it must be a number at least 0");
    EXPECT_EQ(error_of(with("name = \"b\"", "name = \"a\"")).substr(0, 72),
              "f.toml:15:8: bus \"a\" exists already; names must differ (and 2 more error");
    EXPECT_EQ(
        error_of(with("from = \"b\"\nto = \"a\"", "from = \"s\"\nto = \"a\"")),
        "f.toml:15:8: bus \"b\" is not connected to the root; add the [[line]] that leads to it "
        "(and 1 more error)");
    EXPECT_EQ(error_of(with("load_p_kw = 12", "load_p_kw = \"12\"")),
              "f.toml:12:13: load_p_kw in [[bus]] \"a\" is a string; it must be a number");
    EXPECT_EQ(
        error_of(
            with("[shape]", "[[line]]\nfrom = \"b\"\nto = \"s\"\nr_ohm = 1\nx_ohm = 1\n[shape]")),
        "f.toml:32:8: line \"b-s\" closes a loop; leave out the lines that are normally open");
    EXPECT_EQ(error_of(with("from = \"b\"\nto = \"a\"", "from = \"b\"\nto = \"b\"")).substr(0, 48),
              "f.toml:15:8: bus \"b\" is not connected to the roo");
    EXPECT_EQ(error_of(with("daily = [0.5, 1]", "daily = [0.5, 1, 1, 1, 1]")),
              "f.toml:32:9: daily has 5 numbers; give one per hour (24) or one per interval (96)");
    EXPECT_EQ(
        error_of(with("v_min_pu = 0.95", "v_min_pu = 1.06")),
        "f.toml:4:12: v_min_pu is above v_max_pu; the band is empty, so exchange or correct them");
    EXPECT_EQ(error_of(with("v_min_pu = 0.93", "v_min_pu = 1.06")),
              "f.toml:17:12: bus \"b\" has v_min_pu above v_max_pu; its band is empty");
    EXPECT_EQ(
        error_of(with("nets = \"every-load-bus\"\n", "")),
        "f.toml:1:1: the feeder has no net for homes to join; set nets = \"every-load-bus\" or add "
        "[[net]] tables");
    EXPECT_EQ(error_of(with("every-load-bus", "all")).substr(0, 50),
              "f.toml:6:8: nets is \"all\"; the only rule is \"every");
    EXPECT_EQ(
        error_of(with("root = \"s\"", "root = \"t\"")),
        "f.toml:3:8: root names bus \"t\", which does not exist; add a [[bus]] of that name or "
        "correct it");
}

TEST(Native, ALineToNowhereIsNotAlsoALoop) {
    const std::string line = "[[line]]\nfrom = \"a\"\nto = \"bee\"\nr_ohm = 1\nx_ohm = 1\n[shape]";
    EXPECT_EQ(
        error_of(with("[shape]", line)),
        "f.toml:33:6: to names bus \"bee\", which does not exist; add a [[bus]] of that name or "
        "correct it");
}

TEST(Native, LongBusNamesAreSuggested) {
    std::string text = with("name = \"s\"", "name = \"substation\"");
    text.replace(text.find("from = \"s\""), 10, "from = \"substation\"");
    text.replace(text.find("root = \"s\""), 10, "root = \"substaton\"");
    EXPECT_EQ(error_of(text),
              "f.toml:3:8: root names bus \"substaton\", which does not exist; did you mean "
              "\"substation\"?");
}

TEST(Native, NetsCanBeListed) {
    const std::string nets =
        "[[net]]\nbus = \"b\"\n[[net]]\nname = \"garage\"\nbus = \"b\"\n[shape]";
    std::string text = with("nets = \"every-load-bus\"\n", "");
    text.replace(text.find("[shape]"), 7, nets);
    const auto network = parse_network(text, "f.toml");
    ASSERT_TRUE(network) << network.error().message;
    ASSERT_EQ(network->nets.size(), 2u);
    EXPECT_EQ(network->nets[0].name, "b");
    EXPECT_EQ(network->nets[1].name, "garage");
    EXPECT_EQ(network->nets[1].bus, 2u);
    EXPECT_EQ(error_of(with("[shape]", nets)).substr(0, 60),
              "f.toml:6:8: nets and [[net]] are both given; keep one of the");
}

TEST(Native, NothingAtAllIsAnErrorNotACrash) {
    EXPECT_NE(error_of("").find("f.toml:1:1: "), std::string::npos) << error_of("");
    EXPECT_NE(error_of("bus = 3\nline = [1]\n[[net]]\n"), "no error");
    // Every truncation of a good file is refused or is a smaller good file, never a crash.
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_FALSE(parse_network(good.substr(0, length), "f").ok() &&
                     length < good.find("price_eur_per_kwh = [0.25]"));
}

TEST(Native, MissingFileIsNamed) {
    const auto network = load_network("/nowhere/feeder.toml");
    ASSERT_FALSE(network);
    EXPECT_EQ(network.error().message, "/nowhere/feeder.toml: there is no such file");
}

void expect_same(const model::Network& a, const model::Network& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.base_kv, b.base_kv);
    EXPECT_EQ(a.v_root_pu, b.v_root_pu);
    EXPECT_EQ(a.root, b.root);
    ASSERT_EQ(a.buses.size(), b.buses.size());
    for (std::size_t i = 0; i < a.buses.size(); ++i) {
        EXPECT_EQ(a.buses[i].name, b.buses[i].name);
        EXPECT_EQ(a.buses[i].v_min_pu, b.buses[i].v_min_pu);
        EXPECT_EQ(a.buses[i].v_max_pu, b.buses[i].v_max_pu);
        EXPECT_EQ(a.buses[i].load_p_kw, b.buses[i].load_p_kw);
        EXPECT_EQ(a.buses[i].load_q_kvar, b.buses[i].load_q_kvar);
    }
    ASSERT_EQ(a.branches.size(), b.branches.size());
    for (std::size_t i = 0; i < a.branches.size(); ++i) {
        EXPECT_EQ(a.branches[i].name, b.branches[i].name);
        EXPECT_EQ(a.branches[i].from, b.branches[i].from);
        EXPECT_EQ(a.branches[i].to, b.branches[i].to);
        EXPECT_EQ(a.branches[i].r_ohm, b.branches[i].r_ohm);
        EXPECT_EQ(a.branches[i].x_ohm, b.branches[i].x_ohm);
        EXPECT_EQ(a.branches[i].rating_kva, b.branches[i].rating_kva);
    }
    ASSERT_EQ(a.nets.size(), b.nets.size());
    for (std::size_t i = 0; i < a.nets.size(); ++i) {
        EXPECT_EQ(a.nets[i].name, b.nets[i].name);
        EXPECT_EQ(a.nets[i].bus, b.nets[i].bus);
    }
    EXPECT_EQ(a.number, b.number);
    EXPECT_EQ(a.daily_shape, b.daily_shape);
    EXPECT_EQ(a.tie.import_max_kw, b.tie.import_max_kw);
    EXPECT_EQ(a.tie.export_max_kw, b.tie.export_max_kw);
    EXPECT_EQ(a.tie.slope_eur_per_kwh_kw, b.tie.slope_eur_per_kwh_kw);
    EXPECT_EQ(a.tie.price_eur_per_kwh, b.tie.price_eur_per_kwh);
}

TEST(Native, WrittenNetworksReadBackBitForBit) {
    const Profiles profiles = generated_profiles(1);
    const std::vector<model::Network> networks{*parse_network(good, "f.toml"),
                                               generate_feeder({.buses = 60}, 4, profiles).network};
    for (model::Network network : networks) {
        network.number = static_cast<std::uint16_t>(network.buses.size());
        ASSERT_TRUE(network.normalise());
        const auto back = parse_network(write_network(network), "written");
        ASSERT_TRUE(back) << back.error().message;
        expect_same(network, *back);
    }
}

// ---- the published feeder ------------------------------------------------------------------------------------------

/// The rows of `mpc.<name> = [ … ];` of a MATPOWER case.
std::vector<std::vector<double>> matpower_rows(const std::string& text, const std::string& name) {
    std::istringstream in(text.substr(text.find("mpc." + name + " = [")));
    std::vector<std::vector<double>> rows;
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line) && line.rfind("];", 0) != 0) {
        std::replace(line.begin(), line.end(), ';', ' ');
        std::istringstream fields(line);
        rows.emplace_back();
        for (double value = 0; fields >> value;)
            rows.back().push_back(value);
    }
    return rows;
}

model::Network baran_wu() {
    auto network = load_network(std::string(KILTER_SOURCE_DIR) + "/topologies/baran-wu-33.toml");
    KILTER_CHECK(network.ok(), network ? "" : network.error().message.c_str());
    return *network;
}

TEST(BaranWu33, EveryNumberIsThePublishedOne) {
    const auto folder = data_folder();
    if (!folder) GTEST_SKIP() << "no published case to compare with: set KILTER_DATA";
    const auto text = read_text_file(*folder / "matpower" / "case33bw.m");
    if (!text) GTEST_SKIP() << text.error().message;
    const model::Network network = baran_wu();
    const auto buses = matpower_rows(*text, "bus");
    ASSERT_EQ(buses.size(), 33u);
    ASSERT_EQ(network.buses.size(), buses.size());
    for (std::size_t i = 0; i < buses.size(); ++i) {
        EXPECT_EQ(network.buses[i].name, std::to_string(static_cast<int>(buses[i][0])));
        EXPECT_EQ(network.buses[i].load_p_kw, buses[i][2]);
        EXPECT_EQ(network.buses[i].load_q_kvar, buses[i][3]);
        EXPECT_EQ(network.base_kv, buses[i][9]);
    }
    std::map<std::string, const model::Branch*> lines;
    for (const model::Branch& branch : network.branches)
        lines[branch.name] = &branch;
    std::size_t closed = 0;
    for (const auto& row : matpower_rows(*text, "branch")) {
        const std::string name = std::to_string(static_cast<int>(row[0])) + "-" +
                                 std::to_string(static_cast<int>(row[1]));
        if (row[10] == 0) {
            EXPECT_FALSE(lines.contains(name)) << name;
            continue;
        }
        ++closed;
        ASSERT_TRUE(lines.contains(name)) << name;
        EXPECT_EQ(network.buses[lines[name]->from].name, std::to_string(static_cast<int>(row[0])));
        EXPECT_EQ(network.buses[lines[name]->to].name, std::to_string(static_cast<int>(row[1])));
        EXPECT_EQ(lines[name]->r_ohm, row[2]);
        EXPECT_EQ(lines[name]->x_ohm, row[3]);
    }
    EXPECT_EQ(closed, lines.size());
}

TEST(BaranWu33, TotalsAndNets) {
    const model::Network network = baran_wu();
    double p_kw = 0;
    double q_kvar = 0;
    for (const model::Bus& bus : network.buses) {
        p_kw += bus.load_p_kw;
        q_kvar += bus.load_q_kvar;
    }
    EXPECT_EQ(p_kw, 3715);  // as the paper states them
    EXPECT_EQ(q_kvar, 2300);
    EXPECT_EQ(network.nets.size(), 32u);
    EXPECT_EQ(*std::max_element(network.daily_shape.begin(), network.daily_shape.end()), 1.0);
}

/// Squared voltage at every bus if the homes' net consumption were `net_kw` (buses × intervals).
model::Schedules squared_voltage(const model::Network& network, const model::Schedules& net_kw) {
    const auto horizon = model::horizon_of(network, 0, net_kw.cols(), 900);
    model::Schedules p = horizon.fixed_p_kw + net_kw;
    model::Schedules q = horizon.fixed_q_kvar;
    for (std::size_t b = network.branches.size(); b-- > 0;) {
        const auto from = static_cast<Eigen::Index>(network.branches[b].from);
        const auto to = static_cast<Eigen::Index>(network.branches[b].to);
        p.row(from) += p.row(to);
        q.row(from) += q.row(to);
    }
    model::Schedules v =
        model::Schedules::Constant(p.rows(), p.cols(), network.v_root_pu * network.v_root_pu);
    for (const model::Branch& branch : network.branches) {
        const auto to = static_cast<Eigen::Index>(branch.to);
        v.row(to) = v.row(static_cast<Eigen::Index>(branch.from)) -
                    2 * (branch.r_ohm * p.row(to) + branch.x_ohm * q.row(to)) /
                        (1000 * network.base_kv * network.base_kv);
    }
    return v;
}

/// The evening needs the homes' flexibility and is served by it: with nobody flexing the band is violated; with x
TEST(BaranWu33, BandBindsInTheEveningAndTheHomesCanKeepIt) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        for (const bool measured : {false, true}) {
            if (measured && !data_folder()) continue;
            auto profiles = measured ? load_profiles(*data_folder()) : generated_profiles(seed);
            ASSERT_TRUE(profiles) << profiles.error().message;
            const model::Network published = baran_wu();
            const auto homes = generate_neighbourhood(published, 3, seed, *profiles);
            const model::Network network = without_homes(published, homes);
            model::Schedules idle = model::Schedules::Zero(33, 96);
            model::Schedules planned = idle;
            for (const HomeSpec& home : homes) {
                const auto bus = static_cast<Eigen::Index>(network.nets[home.net.value].bus);
                for (Eigen::Index t = 0; t < 96; ++t) {
                    const auto at = static_cast<std::size_t>(t);
                    const double sun = home.pv_kw.empty() ? 0 : home.pv_kw[at];
                    const double power_kw =
                        std::min(home.battery.power_max_kw, home.battery.energy_max_kwh / 2 / 1.5);
                    const double battery_kw = t >= 77 && t < 83 ? -power_kw : 0;
                    idle(bus, t) += home.load_kw[at] - sun;
                    planned(bus, t) += home.load_kw[at] - sun + battery_kw;
                }
            }
            const double limit = network.buses[17].v_min_pu * network.buses[17].v_min_pu;
            const model::Schedules v_idle = squared_voltage(network, idle);
            const model::Schedules v_planned = squared_voltage(network, planned);
            EXPECT_LT(v_idle.minCoeff(), limit) << "seed " << seed;
            EXPECT_GE(v_planned.minCoeff(), limit) << "seed " << seed << " measured " << measured;
            Eigen::Index bus = 0;
            Eigen::Index interval = 0;
            v_idle.minCoeff(&bus, &interval);
            EXPECT_EQ(network.buses[static_cast<std::size_t>(bus)].name, "18");
            EXPECT_GE(interval, 72);
            EXPECT_LT(interval, 88);
        }
    }
}

}  // namespace
}  // namespace kilter::topology::native_test
