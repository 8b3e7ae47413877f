// Every file that a home's agent keeps, spoiled in the ways in which files are: the agent ends, names the file and says what
// to do, and once that is done trades on. And memories that are lost, or put back from a backup of days ago: nothing is said
// twice in different words, and what the home signed meanwhile it learns from the log.
#include <fstream>
#include <regex>

#include "common/storage/key_value.hpp"
#include "tests/integration/street.hpp"

namespace kilter::tests::stored_files_test {
namespace {

using std::filesystem::path;

void flip_a_byte(const path& file, std::size_t at) {
    std::string bytes = read_file(file);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(file, bytes);
}

void cut_in_half(const path& file) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
}

void make_empty(const path& file) {
    std::filesystem::resize_file(file, 0);
}

class DemoStoredFiles : public Street {
  protected:
    /// A street that has traded, with home 1 stopped, a genesis file of its own, and a copy of all it keeps.
    void stop_one_home(int first_port) {
        lay_out(generated_homes(1), first_port);
        home_ = installation_.homes[1];
        std::filesystem::copy_file(street() / "genesis.bin", home_ / "genesis.bin");
        const std::string toml = read_file(home_ / "agent.toml");
        write_file(home_ / "agent.toml",
                   std::regex_replace(toml, std::regex("genesis *= *\"[^\"]*\""),
                                      "genesis = \"genesis.bin\""));
        start_all();
        expect_trade_goes_on(2);
        stop(home_);
        std::filesystem::copy(home_, folder_ / "kept", std::filesystem::copy_options::recursive);
    }

    void put_all_back() {
        std::filesystem::remove_all(home_);
        std::filesystem::copy(folder_ / "kept", home_, std::filesystem::copy_options::recursive);
    }

    /// With this file spoiled the agent ends and says all of this.
    void expect_refused(const path& file,
                        const std::function<void(const path&)>& spoil,
                        const std::vector<std::string>& words) {
        put_all_back();
        std::filesystem::remove(home_ / "log");
        spoil(home_ / file);
        start("kilter-agent", home_);
        cli::Process& process = running_.at(home_);
        expected_to_end(home_);
        ASSERT_TRUE(eventually([&] { return process.exited().has_value(); })) << file;
        EXPECT_EQ(process.exited(), 1) << file;
        running_.erase(home_);
        const std::string said = read_file(home_ / "log");
        for (const std::string& word : words)
            EXPECT_NE(said.find(word), std::string::npos) << file << ": " << said;
    }

    path home_;
};

TEST_F(DemoStoredFiles, one_that_is_spoiled_is_named_with_what_to_do) {
    stop_one_home(27'500);
    const auto remove = [](const path& file) { std::filesystem::remove(file); };
    const auto flip = [](const path& file) {
        flip_a_byte(file, std::filesystem::file_size(file) / 2);
    };
    const std::string anew = "then begins anew, which is safe";

    expect_refused("agent.toml", remove, {"agent.toml", "no such file"});
    expect_refused("agent.toml", make_empty, {"agent.toml", "state_dir"});
    expect_refused("home.toml", remove, {"home.toml", "no such file"});
    expect_refused("home.toml", make_empty, {"home.toml"});

    expect_refused("genesis.bin", remove, {"not enrolled yet", "genesis.bin"});
    for (const auto& spoil : {make_empty, cut_in_half})
        expect_refused("genesis.bin", spoil, {"genesis.bin", "kilter-agent enroll --bundle"});
    // Of the time it began: what is left is another log's genesis.
    expect_refused("genesis.bin", [](const path& file) { flip_a_byte(file, 17); },
                   {"is of log", "kilter-agent enroll --bundle"});

    for (const char* key : {"key", "meter.key"}) {
        expect_refused(key, remove, {"key file", "cannot open"});
        expect_refused(key, make_empty, {"key file", "0 bytes"});
        expect_refused(key, [](const path& file) { flip_a_byte(file, 64); },
                       {"key file", "hexadecimal"});
        expect_refused(key,
                       [](const path& file) {
                           std::filesystem::permissions(file, std::filesystem::perms::others_read,
                                                        std::filesystem::perm_options::add);
                       },
                       {"key file", "chmod 600"});
    }
    expect_refused("meter.key",
                   [this](const path& file) {
                       std::filesystem::copy_file(
                           home_ / "key", file, std::filesystem::copy_options::overwrite_existing);
                   },
                   {"'metering'", "put the meter's key back"});

    const path memory = path("state") / "agent.db";
    expect_refused(memory, make_empty, {"agent.db is empty", anew});
    expect_refused(memory, cut_in_half, {"agent.db", anew});
    expect_refused(memory, flip, {"agent.db is damaged in page", anew});
    expect_refused(memory,
                   [this](const path& file) {
                       std::filesystem::copy_file(
                           installation_.coordinators[0] / "state" / "log.db", file,
                           std::filesystem::copy_options::overwrite_existing);
                   },
                   {"agent.db", anew});
    expect_refused(memory,
                   [](const path& file) {
                       std::filesystem::rename(file, file.string() + ".gone");
                       write_file(file.string() + "-wal", "something");
                   },
                   {"is gone but its write-ahead log is there"});
    // The pages hold, what was put in them does not.
    expect_refused(memory,
                   [](const path& file) {
                       auto store = storage::KeyValue::open(file);
                       ASSERT_TRUE(store.ok()) << store.error().message;
                       store->put({{"roster", Bytes{1, 2, 3}}});
                   },
                   {"'roster' does not decode", "begins anew"});
    expect_refused("state",
                   [](const path& directory) {
                       std::filesystem::remove_all(directory);
                       write_file(directory, "a file");
                   },
                   {"state"});

    put_all_back();
    start("kilter-agent", home_);
    expect_trade_goes_on(2);
}

}  // namespace
}  // namespace kilter::tests::stored_files_test
