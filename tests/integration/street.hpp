/// A neighbourhood of real processes on the loopback: four coordinators and some homes, with keys, meters and directories of
/// their own, trading one interval after the other as fast as they can.
#pragma once

#include <functional>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "coordinator/cli/installation.hpp"
#include "coordinator/cli/process.hpp"
#include "tests/integration/program.hpp"

namespace kilter::tests {

class Street : public testing::Test {
  protected:
    using json = nlohmann::json;

    /// Installs these homes but starts nothing. `spare_ports`: kept free after the last home's.
    void lay_out(const planner::Neighbourhood& neighbourhood, int first_port, int spare_ports = 0);

    /// What else the installation is to be; does nothing.
    virtual void configure(cli::InstallationOptions& options);

    void start(const std::string& program, const std::filesystem::path& directory);
    /// With these variables in its environment, each NAME=VALUE.
    void start_with(const std::string& program,
                    const std::filesystem::path& directory,
                    const std::vector<std::string>& environment);

    /// eventually() does not mind that this one ends.
    void expected_to_end(const std::filesystem::path& directory) { stopping_ = directory; }

    /// All coordinators and homes.
    void start_all();
    void stop(const std::filesystem::path& directory);
    void stop_all();
    /// With SIGKILL.
    void kill(const std::filesystem::path& directory);

    /// False when it takes too long, or when a process has ended that nobody has stopped.
    bool eventually(const std::function<bool()>& condition);

    /// `kilter` with the key of an office, at this log.
    [[nodiscard]] ProgramRun desk(const std::string& office,
                                  std::vector<std::string> arguments) const;

    static json status(const std::filesystem::path& directory);
    /// The newest interval this home has a certified record of; -1: none.
    static std::int64_t newest_interval(const std::filesystem::path& home);
    /// Every home trades `more` intervals more.
    void expect_trade_goes_on(std::int64_t more);

    /// Prints every process' log if anything has failed.
    void TearDown() override;

    [[nodiscard]] std::filesystem::path street() const { return folder_ / "street"; }

    static constexpr std::size_t coordinators = 4;
    static constexpr std::int64_t first_interval = 1'978'148;

    TemporaryFolder folder_;
    cli::Installation installation_;
    int first_port_ = 0;
    std::uint32_t silence_ms_ = 5'000;  ///< the machine may be busy
    std::uint32_t takeover_ms_ = coordinator::Pace{}.takeover_ms;
    std::map<std::filesystem::path, cli::Process> running_;

  private:
    std::filesystem::path stopping_;
};

/// A generated feeder with this many nets of three homes.
planner::Neighbourhood generated_homes(std::size_t nets);

}  // namespace kilter::tests
